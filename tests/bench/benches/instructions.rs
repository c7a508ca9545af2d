//! Instructions, by callgrind: of functions until they ask for an event, until their first answer, and for warm ones; of
//! publishing loops. `bench world` has to run and to have written what it serves.

#![expect(missing_docs, reason = "the macros make items that have none")]

use bench::instructions;
use bench::scenario::{First, Served, WITHOUT_TLS, answered};
use gungraun::{
    BinaryBenchmarkConfig, Callgrind, Command, Delay, DelayKind, ExitWith, Sandbox,
    binary_benchmark, binary_benchmark_group, main,
};
use std::time::Duration;

const WARM: usize = instructions::WARM as usize;

/// Is the Runtime API for a program: hands it its event so often, and ends.
fn feed(program: &str, times: usize) {
    // Under callgrind its first handshake takes longer than a registration waits for the table: that one fails, and the next
    // one finds the work done.
    let first = if program == "defaults" && times > 0 {
        First::Whatever
    } else {
        First::Answered
    };
    if let Err(error) = answered(program, times, first) {
        eprintln!("{program}: {error}");
        std::process::exit(1);
    }
}

fn served() -> Served {
    Served::read().unwrap_or_else(|error| panic!("{error}"))
}

/// A function, which ends as soon as nobody hands it events any more: with an error.
fn function(program: &str) -> Command {
    let served = served();
    let api = served.runtime_api();
    let recipe = served.recipe(program);
    Command::new(recipe.binary)
        .envs(recipe.environment)
        .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
        .setup_parallel(true)
        .delay(Delay::new(DelayKind::TcpConnect(api)).timeout(Duration::from_secs(30)))
        .exit_with(ExitWith::Failure)
        .build()
}

#[binary_benchmark]
#[bench::without_tls(args = (WITHOUT_TLS,), setup = feed(WITHOUT_TLS, 1))]
#[bench::first(args = ("register",), setup = feed("register", 1))]
#[bench::warm(args = ("register",), setup = feed("register", 1 + WARM))]
fn register(program: &str) -> Command {
    function(program)
}

#[binary_benchmark]
#[bench::first(args = ("send",), setup = feed("send", 1))]
#[bench::warm(args = ("send",), setup = feed("send", 2))]
fn send(program: &str) -> Command {
    function(program)
}

#[binary_benchmark]
#[bench::hello_start(args = ("hello",), setup = feed("hello", 0))]
#[bench::hello_warm(args = ("hello",), setup = feed("hello", 1 + WARM))]
#[bench::bare_first(args = ("bare",), setup = feed("bare", 1))]
#[bench::bare_warm(args = ("bare",), setup = feed("bare", 1 + WARM))]
#[bench::defaults_start(args = ("defaults",), setup = feed("defaults", 0))]
#[bench::defaults_first(args = ("defaults",), setup = feed("defaults", 1))]
#[bench::defaults_warm(args = ("defaults",), setup = feed("defaults", 1 + WARM))]
fn control(program: &str) -> Command {
    function(program)
}

#[binary_benchmark]
#[bench::sns_1000(args = ("sns", "1000"))]
#[bench::sns_2000(args = ("sns", "2000"))]
#[bench::limit_1000(args = ("limit", "1000"))]
#[bench::limit_2000(args = ("limit", "2000"))]
fn publishes(program: &str, count: &str) -> Command {
    let served = served();
    let recipe = served.recipe(program);
    Command::new(recipe.binary)
        .envs(recipe.environment)
        .args([served.endpoint(), count.to_owned(), "32".to_owned()])
        .build()
}

binary_benchmark_group!(name = ours, benchmarks = [register, send]);
binary_benchmark_group!(name = controls, benchmarks = [control, publishes]);
main!(
    config = BinaryBenchmarkConfig::default()
        .env_clear(true)
        .sandbox(Sandbox::new(false))
        .tool(Callgrind::with_args(["--cache-sim=no"])),
    binary_benchmark_groups = [ours, controls]
);

//! How many publishes one processor makes in a second, over plain HTTP.

use super::start::PEERS;
use super::{Bench, DEVICES, median};
use crate::event;
use crate::function::Function;
use crate::world::{Failed, USER};
use serde_json::{Map, Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tests::Recipe;
use tokio::process::Command;

/// Publishes in flight.
const IN_FLIGHT: usize = 32;
/// Sends of ours that are measured together, after one that is not.
const SENDS: u32 = 10;
/// Publishes of a loop: of a quick one, and of a slow one, for which the difference of two runs is taken as well.
const PUBLISHES: [usize; 2] = [20_000, 5_000];
const RUNS: usize = 3;

/// Publishes a second of CPU, and bytes of memory.
pub(super) async fn publishing(bench: &Bench) -> Result<Value, Failed> {
    let mut shown = Map::new();
    let (cpu, peak) = sends(bench).await?;
    let count = SENDS as usize * DEVICES;
    shown.insert("send".to_owned(), rate(count, cpu, peak));
    let place = bench.over_http();
    let mut loops = vec![
        (place.control("limit")?, PUBLISHES[0]),
        (place.control("sns")?, PUBLISHES[0]),
    ];
    for language in PEERS {
        loops.push((place.peer(language, "publish")?, PUBLISHES[1]));
    }
    for (recipe, count) in loops {
        let mut all = Vec::new();
        for _ in 0..RUNS {
            let few = run(bench, &recipe, IN_FLIGHT).await?;
            let many = run(bench, &recipe, IN_FLIGHT + count).await?;
            all.push(many.saturating_sub(few));
        }
        let cpu = median(all).unwrap_or_default();
        shown.insert(recipe.name.clone(), rate(count, cpu, 0));
    }
    shown.insert("in_flight".to_owned(), json!(IN_FLIGHT));
    Ok(shown.into())
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn rate(count: usize, cpu: Duration, peak: u64) -> Value {
    let seconds = cpu.as_secs_f64();
    json!({
        "publishes_per_cpu_second": (count as f64 / seconds).round(),
        "cpu_us_per_publish": (seconds * 1e7 / count as f64).round() / 10.0,
        "peak_memory_kib": peak,
    })
}

/// Sends of ours to all devices, warm: their CPU, and the peak of the memory in KiB.
async fn sends(bench: &Bench) -> Result<(Duration, u64), Failed> {
    let function = Function::start(bench.over_http().ours("send")?).await?;
    let event = event::send(&bench.world, USER);
    function.invoke(&event, 202, 1).await?;
    let _ = bench.plain.seen();
    let cost = function.invoke(&event, 202, SENDS).await?;
    let published = bench.plain.seen().of("sns.Publish");
    let wanted = u64::from(SENDS) * u64::try_from(DEVICES)?;
    if published != wanted {
        return Err(format!("{published} publishes in place of {wanted}").into());
    }
    let peak = function.peak_memory();
    function.end().await;
    Ok((cost.cpu, peak))
}

/// The CPU that a loop takes for so many publishes, from its start to its end.
async fn run(bench: &Bench, recipe: &Recipe, count: usize) -> Result<Duration, Failed> {
    let _ = bench.plain.seen();
    let begun = Instant::now();
    let before = children()?;
    let ended = Command::new(&recipe.binary)
        .args(&recipe.arguments)
        .args([
            bench.world.endpoint()?,
            count.to_string(),
            IN_FLIGHT.to_string(),
        ])
        .env_clear()
        .envs(&recipe.environment)
        .envs([
            ("AWS_ENDPOINT_URL", recipe.endpoint_url.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ])
        .stdin(Stdio::null())
        .status()
        .await?;
    let published = bench.plain.seen().of("sns.Publish");
    if !ended.success() || published != u64::try_from(count)? {
        let name = &recipe.name;
        let after = begun.elapsed();
        return Err(
            format!("{name}: {ended} after {published} of {count} publishes in {after:?}").into(),
        );
    }
    Ok(children()?.saturating_sub(before))
}

/// The CPU of all children that have ended.
fn children() -> Result<Duration, Failed> {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)?;
    let all = [usage.user_time(), usage.system_time()];
    let micros =
        |time: nix::sys::time::TimeVal| u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec());
    Ok(Duration::from_micros(micros(all[0])? + micros(all[1])?))
}

//! The eleven figures: what is to be reached, what was, and beside what.

use super::{Results, number};
use crate::plot::short;
use crate::world::Failed;
use serde_json::Value;
use std::fmt::Write;

/// One of the figures.
struct Figure {
    number: u8,
    what: &'static str,
    goal: &'static str,
    measured: String,
    ratio: String,
    met: bool,
    command: &'static str,
}

const FIGURES: &str = "tests/bench/run figures";
const GATES: &str = "tests/bench/gates";

/// All of them as a table, those that are missed first.
pub(super) fn table(results: &Results) -> Result<String, Failed> {
    let mut figures = all(&results.figures)?;
    figures.sort_by_key(|figure| figure.met);
    let mut table = "| # | what | goal | measured | ratio to its control | met | command |\n|---|---|---|---|---|---|---|\n".to_owned();
    for figure in figures {
        let Figure {
            number,
            what,
            goal,
            measured,
            ratio,
            met,
            command,
        } = figure;
        let met = if met { "yes" } else { "**no**" };
        writeln!(
            table,
            "| {number} | {what} | {goal} | {measured} | {ratio} | {met} | `{command}` |"
        )?;
    }
    Ok(table)
}

#[expect(
    clippy::too_many_lines,
    reason = "one after the other, as they are numbered"
)]
fn all(results: &Value) -> Result<Vec<Figure>, Failed> {
    let of = |way: &str| number(results, way);
    let cpu = |program: &str, what: &str| of(&format!("start/{program}/{what}_cpu_ms/median"));
    let warm = |program: &str| of(&format!("warm/{program}/cpu_us"));
    let counted = |way: &str| of(&format!("instructions/{way}"));
    let per_core = |program: &str| of(&format!("publishing/{program}/publishes_per_cpu_second"));
    let quota = |program: &str| of(&format!("quota/{program}/first_wall_less_delay_ms/median"));

    let (init, hello) = (cpu("register", "init")?, cpu("hello", "init")?);
    let (first, defaults) = (
        counted("register/start_and_first")?,
        counted("defaults/start_and_first")?,
    );
    let (under, over) = (quota("register")?, quota("defaults")?);
    let (unchanged, nothing) = (warm("register")?, warm("hello")?);
    let (own, bare) = (counted("register/warm")?, counted("bare/warm")?);
    let (publish, sns) = (counted("send/publish")?, counted("sns/publish")?);
    let send = per_core("send")?;
    let peers = ["publish in node", "publish in python", "publish in go"];
    let [node, python, go] = peers.map(per_core);
    let [node, python, go] = [send / node?, send / python?, send / go?];
    let walls = results["wall"].as_array().ok_or("no walls")?;
    let most = |name: &str| {
        let all = walls.iter().filter_map(|row| row[name].as_f64());
        all.fold(0.0, f64::max)
    };
    let (wall, within) = (most("warm_ratio"), walls.iter().all(few_connections));
    let memory = |program: &str| Ok::<_, Failed>(of(&format!("memory_kib/{program}"))? / 1024.0);
    let (small, large) = (memory("register")?, memory("send")?);
    let (zip, zip_of_send) = (of("bytes/zip of register")?, of("bytes/zip of send")?);
    let cold = |program: &str| cpu(program, "init_and_first");
    let ours = cold("register")?;
    let (cold_node, cold_python) = (
        cold("register in node")? / ours,
        cold("register in python")? / ours,
    );

    let ms = |value: f64| format!("{} ms", short(value));
    let times = |value: f64| format!("{}×", short(value));
    let millions = |count: f64| format!("{} M", short(count / 1e6));
    let mebibytes = |bytes: f64| format!("{} MB", short(bytes / 1e6));
    Ok(vec![
        Figure {
            number: 1,
            what: "init CPU of `register`; control: hello `lambda_http`",
            goal: "≤ 1.7×",
            measured: format!("{}; {}", ms(init), ms(hello)),
            ratio: times(init / hello),
            met: init <= 1.7 * hello,
            command: FIGURES,
        },
        Figure {
            number: 2,
            what: "init and first registration with TLS, instructions; control: the SDK's defaults",
            goal: "≤ 1/60",
            measured: format!("{}; {}", millions(first), millions(defaults)),
            ratio: format!("1/{}", short(defaults / first)),
            met: first * 60.0 <= defaults,
            command: FIGURES,
        },
        Figure {
            number: 3,
            what: "first registration after init at the quota of 128 MB, less the stub's delay; control: all defaults",
            goal: "≤ 3 ms, ≥ 50× below",
            measured: format!("{}; {}", ms(under), ms(over)),
            ratio: format!("{} below", times(over / under)),
            met: under <= 3.0 && over >= 50.0 * under,
            command: FIGURES,
        },
        Figure {
            number: 4,
            what: "warm unchanged registration, CPU; control: hello `lambda_http`",
            goal: "≤ 4.2×",
            measured: format!("{} µs; {} µs", short(unchanged), short(nothing)),
            ratio: times(unchanged / nothing),
            met: unchanged <= 4.2 * nothing,
            command: FIGURES,
        },
        Figure {
            number: 5,
            what: "own code in a warm registration, instructions; control: the bare SDK call in a function",
            goal: "≤ 10 % on top",
            measured: format!("{}; {}", short(own), short(bare)),
            ratio: format!("{} % on top", short((own / bare - 1.0) * 100.0)),
            met: own <= 1.1 * bare,
            command: FIGURES,
        },
        Figure {
            number: 6,
            what: "instructions per publish through `send`, 1,000 devices; control: bare `aws-sdk-sns` loop",
            goal: "≤ 1.10×",
            measured: format!("{}; {}", short(publish), short(sns)),
            ratio: times(publish / sns),
            met: publish <= 1.1 * sns,
            command: FIGURES,
        },
        Figure {
            number: 7,
            what: "publishes per second and core; controls: loops of the SDKs of Node, Python and Go",
            goal: "≥ 8×, 14×, 1.4×",
            measured: short(send),
            ratio: format!("{}, {}, {}", times(node), times(python), times(go)),
            met: node >= 8.0 && python >= 14.0 && go >= 1.4,
            command: FIGURES,
        },
        Figure {
            number: 8,
            what: "wall of a send to 1 to 1,000 devices; control: 2·L + ⌈N/c⌉·L; new connections to SNS",
            goal: "≤ 1.4× warm, ≤ c",
            measured: format!("connections {}", if within { "≤ c" } else { "> c" }),
            ratio: format!("at most {}", times(wall)),
            met: wall <= 1.4 && within,
            command: FIGURES,
        },
        Figure {
            number: 9,
            what: "peak memory: `register`; `send` to 1,000 devices",
            goal: "≤ 9, ≤ 13 MiB",
            measured: format!("{} MiB; {} MiB", short(small), short(large)),
            ratio: "–".to_owned(),
            met: small <= 9.0 && large <= 13.0,
            command: GATES,
        },
        Figure {
            number: 10,
            what: "zip of a function: `register`; `send`",
            goal: "≤ 3.0 MB",
            measured: format!("{}; {}", mebibytes(zip), mebibytes(zip_of_send)),
            ratio: "–".to_owned(),
            met: zip <= 3e6 && zip_of_send <= 3e6,
            command: GATES,
        },
        Figure {
            number: 11,
            what: "cold (init and first) CPU; controls: functions of Node and Python that do the same",
            goal: "≥ 40×, 50× less",
            measured: ms(ours),
            ratio: format!("{}, {} less", times(cold_node), times(cold_python)),
            met: cold_node >= 40.0 && cold_python >= 50.0,
            command: FIGURES,
        },
    ])
}

fn few_connections(row: &Value) -> bool {
    row["new_connections"].as_u64() <= row["in_flight"].as_u64()
}

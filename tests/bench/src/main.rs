//! Measures, and writes what `tests/bench/README.md` shows.

use bench::figures::{Bench, DEVICES};
use bench::gates::{self, Baseline};
use bench::programs::SHIPPED;
use bench::report::Results;
use bench::world::Failed;
use bench::{scale, scenario};
use clap::Parser;
use std::path::{Path, PathBuf};

/// What Userpush costs
#[derive(Parser)]
enum Command {
    /// The figures, beside controls and peers; all programs have to be built
    Figures,
    /// Holds what comes out the same whenever it is measured against the baseline
    Gates {
        /// Makes what is measured the baseline
        #[arg(long)]
        write: bool,
    },
    /// Whether costs grow with the table and with the audience
    Scale(scale::Options),
    /// Writes the tables of the report and its plots from the results that there are
    Report,
    /// Serves what instructions are measured against, until it is ended
    World {
        /// The port of the Runtime API that the measurements open
        #[arg(long)]
        api: u16,
        /// The profile of Cargo that our functions were built with
        #[arg(long, default_value = SHIPPED)]
        profile: String,
    },
}

const BENCH: &str = env!("CARGO_MANIFEST_DIR");
const TEMPORARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/bench");

#[tokio::main]
async fn main() -> Result<(), Failed> {
    match Command::parse() {
        Command::Figures => {
            let figures = bench().await?.figures().await?;
            let path = result("figures");
            std::fs::write(path, format!("{figures:#}\n"))?;
            Ok(())
        }
        Command::Gates { write } => {
            let measured = gates::measure(&bench().await?).await?;
            for (name, figure) in &measured {
                println!("{figure:>12} {name}");
            }
            let path = result("baseline");
            if write {
                return Ok(std::fs::write(path, Baseline::of(measured).to_text())?);
            }
            let baseline = Baseline::parse(&std::fs::read_to_string(path)?)?;
            let regressions = baseline.regressions(&measured);
            if regressions.is_empty() {
                return Ok(());
            }
            Err(format!("worse than the baseline:\n{}", regressions.join("\n")).into())
        }
        Command::Scale(options) => scale::run(&options, &result("scale")).await,
        Command::Report => {
            let (bench, path) = (Path::new(BENCH), Path::new(BENCH).join("README.md"));
            let results = Results::read(&bench.join("results"))?;
            let report = results.fill(&std::fs::read_to_string(&path)?)?;
            std::fs::write(path, report)?;
            results.draw(&bench.join("plots"))
        }
        Command::World { api, profile } => {
            let bench = bench().await?;
            scenario::write(&bench, &profile, api)?;
            std::future::pending().await
        }
    }
}

async fn bench() -> Result<Bench, Failed> {
    Bench::new(DEVICES, Path::new(TEMPORARY)).await
}

/// The file of a result.
fn result(name: &str) -> PathBuf {
    let results = Path::new(BENCH).join("results");
    results.join(name).with_extension("json")
}

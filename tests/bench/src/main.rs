//! Measures, and writes what `tests/bench/README.md` shows.

use bench::figures::{Bench, DEVICES};
use bench::scenario;
use bench::world::Failed;
use clap::Parser;
use std::path::Path;

/// What Userpush costs
#[derive(Parser)]
enum Command {
    /// The figures, beside controls and peers; all programs have to be built
    Figures,
    /// Serves what instructions are measured against, until it is ended
    World {
        /// The port of the Runtime API that the measurements open
        #[arg(long)]
        api: u16,
    },
}

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results");
const TEMPORARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/bench");

#[tokio::main]
async fn main() -> Result<(), Failed> {
    match Command::parse() {
        Command::Figures => {
            let bench = Bench::new(DEVICES, Path::new(TEMPORARY)).await?;
            let figures = bench.figures().await?;
            let path = Path::new(RESULTS).join("figures.json");
            std::fs::write(path, format!("{figures:#}\n"))?;
            Ok(())
        }
        Command::World { api } => {
            let bench = Bench::new(DEVICES, Path::new(TEMPORARY)).await?;
            scenario::write(&bench, api)?;
            std::future::pending().await
        }
    }
}

//! A function as a process of its own on Lambda's Runtime API, and what it costs.

use crate::world::Failed;
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use serde_json::Value;
use std::time::{Duration, Instant};
use tests::{Processes, Recipe};

/// One environment of a function.
pub struct Function {
    processes: Processes,
    process: Pid,
    /// What its start took of the CPU, until it asked for the first event.
    pub init: Duration,
}

/// What one or more invocations took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Of the CPU, in the process.
    pub cpu: Duration,
    /// Of time, until the answer.
    pub wall: Duration,
}

/// Longer than anything takes that is measured.
const PATIENCE: Duration = Duration::from_mins(10);

impl Function {
    /// Starts it, and waits until it asks for an event.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(recipe: Recipe) -> Result<Self, Failed> {
        let name = recipe.name.clone();
        let started = Processes::start(recipe, 1).await;
        let processes = started.map_err(|failed| format!("{name} does not start: {failed}"))?;
        let id = processes.ids().first().copied().ok_or("no process")?;
        let process = Pid::from_raw(i32::try_from(id)?);
        Ok(Self {
            init: cpu(process)?,
            processes,
            process,
        })
    }

    /// Its process.
    #[must_use]
    pub const fn process(&self) -> Pid {
        self.process
    }

    /// Hands it the event so many times, one after the other; every answer has to have this status.
    ///
    /// # Errors
    /// Another answer.
    pub async fn invoke(&self, event: &Value, status: u16, times: u32) -> Result<Cost, Failed> {
        let (before, begun) = (cpu(self.process)?, Instant::now());
        let mut wall = Duration::ZERO;
        for _ in 0..times {
            let answer = self.processes.invoke(event, PATIENCE).await;
            let answer = answer.map_err(|failed| failed.to_string())?;
            wall = begun.elapsed();
            if answer["statusCode"] != status {
                return Err(format!("an answer other than {status}: {answer}").into());
            }
        }
        self.processes
            .rest()
            .await
            .map_err(|failed| failed.to_string())?;
        Ok(Cost {
            cpu: cpu(self.process)?.saturating_sub(before),
            wall,
        })
    }

    /// The most memory that it ever had, in KiB.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.processes
            .peak_memory()
            .into_iter()
            .max()
            .unwrap_or_default()
    }

    /// Ends it.
    pub async fn end(self) {
        self.processes.end().await;
    }
}

/// What a process took of the CPU so far, all its threads, also those that have ended.
///
/// # Errors
/// It has ended.
pub fn cpu(process: Pid) -> Result<Duration, Failed> {
    Ok(clock_getcpuclockid(process)?.now()?.into())
}

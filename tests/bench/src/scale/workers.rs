//! The processes of `deliver` that work a large send off, and what they take.

use super::system::{DELIVER, System, WORKERS};
use crate::function::cpu;
use crate::world::Failed;
use nix::unistd::Pid;
use reqwest::Method;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tests::{Fed, Processes, Recipe, Source};
use tokio::task::JoinHandle;

/// Processes that wait for jobs.
pub(super) struct Workers {
    processes: Arc<Processes>,
    source: Arc<Source>,
    /// The queue that feeds them, as the control surface names it.
    queue: &'static str,
    cpu: Duration,
}

/// What they did.
pub(super) struct Worked {
    pub(super) jobs: usize,
    pub(super) cpu: Duration,
    /// The most memory that one of them ever had, in KiB.
    pub(super) peak_memory: u64,
}

/// As in the template.
const MEMORY: u32 = 256;
/// An invocation may take so long.
const TIMEOUT: Duration = Duration::from_mins(2);
/// A message stays hidden for longer than that.
const VISIBILITY: Duration = Duration::from_secs(130);
/// How often the queue is looked at.
const LOOK: Duration = Duration::from_millis(5);

impl Workers {
    /// Starts them, fed by this queue, which is empty then.
    ///
    /// # Errors
    /// They do not start.
    pub(super) async fn start(
        system: &System,
        binary: &Path,
        queue: &'static str,
    ) -> Result<Self, Failed> {
        let shell = "exec \"$0\" >/dev/null".to_owned();
        let recipe = Recipe {
            // What they log is of no interest here, and there is much of it.
            binary: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), shell, binary.display().to_string()],
            name: DELIVER.to_owned(),
            memory: MEMORY,
            environment: system.environment()?,
            endpoint_url: system.cloud.url().to_owned(),
        };
        let cloud = system.cloud.clone();
        let queue_url = Source::queue_url(&cloud, &format!("userpush-{queue}")).await?;
        let purge = serde_json::json!({"QueueUrl": queue_url});
        cloud.json("AmazonSQS.PurgeQueue", &purge).await?;
        let processes = Processes::start(recipe, WORKERS).await;
        let processes = Arc::new(processes.map_err(|failed| failed.to_string())?);
        Ok(Self {
            queue,
            cpu: all(&processes)?,
            source: Arc::new(Source {
                cloud,
                queue_url,
                visibility: VISIBILITY,
                at_once: WORKERS,
                timeout: TIMEOUT,
                function: Arc::clone(&processes),
            }),
            processes,
        })
    }

    /// Feeds them, until whoever waits for the handle.
    pub(super) fn feed(&self) -> JoinHandle<Result<Fed, String>> {
        tokio::spawn(Arc::clone(&self.source).drain())
    }

    /// Waits until every job is done. The handle ends later: it waits a while for further jobs.
    ///
    /// # Errors
    /// The control surface does not answer.
    pub(super) async fn until_done(
        &self,
        system: &System,
        fed: &JoinHandle<Result<Fed, String>>,
    ) -> Result<(), Failed> {
        while !fed.is_finished() {
            let queues = system.control(Method::GET, "/queues", None).await?;
            let left = ["visible", "inFlight", "delayed"].map(|kind| &queues[self.queue][kind]);
            if left.iter().all(|left| **left == 0) {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Ends them.
    ///
    /// # Errors
    /// A job was not done at the first try.
    pub(super) async fn end(self, fed: JoinHandle<Result<Fed, String>>) -> Result<Worked, Failed> {
        let cpu = all(&self.processes)?.saturating_sub(self.cpu);
        let fed = fed.await??;
        self.processes.end().await;
        if fed.failed > 0 {
            return Err(format!("{} jobs failed", fed.failed).into());
        }
        let peaks = self.processes.peak_memory();
        Ok(Worked {
            jobs: fed.done,
            cpu,
            peak_memory: peaks.into_iter().max().unwrap_or_default(),
        })
    }
}

/// What all of them took of the CPU so far.
fn all(processes: &Processes) -> Result<Duration, Failed> {
    let ids = processes.ids();
    let ids = ids.into_iter().map(i32::try_from);
    ids.map(|id| cpu(Pid::from_raw(id?))).sum()
}

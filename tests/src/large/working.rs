//! The processes that work a message off, and what becomes of some of them.

use super::dispatched;
use crate::api::Api;
use crate::cloud::Cloud;
use crate::runtime::{Fed, Processes, Recipe, Source};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Processes of the function `deliver`.
#[derive(Clone)]
pub(super) struct Deliver {
    pub(super) binary: PathBuf,
    pub(super) processes: usize,
    /// How many of them are killed while they work.
    pub(super) kills: usize,
    /// How many publishes there are to be, at least.
    pub(super) publishes: usize,
    /// How long a job stays hidden that a process was killed over.
    pub(super) visibility: Duration,
    /// How long an invocation may take.
    pub(super) timeout: Duration,
    pub(super) environment: BTreeMap<String, String>,
}

/// Processes that wait for jobs.
pub(super) struct Working {
    deliver: Deliver,
    function: Arc<Processes>,
    source: Arc<Source>,
}

/// What they did.
#[derive(Debug, Default)]
pub(super) struct Worked {
    pub(super) kills: usize,
    pub(super) jobs: Fed,
    /// The peak of each process's memory, in KiB.
    pub(super) peak_memory: Vec<u64>,
}

/// The logical name of the function.
const FUNCTION: &str = "DeliverFunction";

impl Deliver {
    pub(super) fn with(&self, environment: BTreeMap<String, String>) -> Self {
        Self {
            environment,
            ..self.clone()
        }
    }
}

impl Working {
    /// Starts the processes, in place of the function in this process. They are fed from the queue of this name in SQS.
    ///
    /// # Errors
    /// They do not start.
    pub(super) async fn start(
        api: &Api,
        cloud: &Cloud,
        deliver: Deliver,
        queue: &str,
    ) -> Result<Self, String> {
        let off = json!({"function": FUNCTION, "enabled": false});
        api.control(Method::POST, "/sources", Some(off)).await;
        let recipe = Recipe {
            binary: deliver.binary.clone(),
            arguments: Vec::new(),
            name: FUNCTION.to_owned(),
            memory: 256,
            environment: deliver.environment.clone(),
            endpoint_url: cloud.url().to_owned(),
        };
        let function = Processes::start(recipe, deliver.processes).await;
        let function = Arc::new(function.map_err(|failed| failed.to_string())?);
        let source = Source {
            cloud: cloud.clone(),
            queue_url: Source::queue_url(cloud, queue).await?,
            visibility: deliver.visibility,
            at_once: deliver.processes,
            timeout: deliver.timeout,
            function: Arc::clone(&function),
        };
        Ok(Self {
            deliver,
            function,
            source: Arc::new(source),
        })
    }

    /// Feeds the processes until the message is dispatched and the queue is empty, and kills some at moments that are
    /// spread over the first nine tenths of the pushes. Gives the status of the message, and how long until it had that.
    ///
    /// # Errors
    /// The queue fails.
    pub(super) async fn until_dispatched(
        &self,
        api: &Api,
        id: &str,
    ) -> Result<((Value, Duration), Worked), String> {
        let kills = AtomicUsize::new(0);
        let work = async {
            let dispatched = async { Ok(dispatched(api, id).await) };
            tokio::try_join!(dispatched, Arc::clone(&self.source).drain())
        };
        let (dispatched, jobs) = tokio::select! {
            done = work => done?,
            never = self.kill(api, &kills) => match never {},
        };
        self.function.end().await;
        let worked = Worked {
            kills: kills.into_inner(),
            jobs,
            peak_memory: self.function.peak_memory(),
        };
        Ok((dispatched, worked))
    }

    /// What is wrong with what they did: not as many were killed as was asked for.
    pub(super) fn faults(&self, worked: &Worked) -> Option<String> {
        let (kills, wanted) = (worked.kills, self.deliver.kills);
        (kills != wanted).then(|| format!("{kills} processes were killed, and not {wanted}"))
    }

    /// Kills a process at each moment, which is a number of calls of Publish.
    async fn kill(&self, api: &Api, kills: &AtomicUsize) -> Infallible {
        let span = u64::try_from(self.deliver.publishes * 9 / 10).unwrap();
        let draws = (0..self.deliver.kills).map(|_| getrandom::u64().unwrap() % span.max(1));
        let mut moments: Vec<_> = draws.collect();
        moments.sort_unstable();
        for moment in moments {
            loop {
                let calls = api.calls().await;
                let published = calls["sns.Publish"].as_u64().unwrap_or_default();
                if published >= moment && self.function.kill_one_at_random().is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            kills.fetch_add(1, Ordering::Relaxed);
        }
        std::future::pending().await
    }
}

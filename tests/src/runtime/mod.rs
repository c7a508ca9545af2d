//! Lambda for functions that run as processes of their own: its Runtime API, its environments, and its source of events
//! from SQS. A process can be killed while it works.

mod api;
mod child;
mod source;

pub use source::{Fed, Source};

use crate::clock;
use crate::phone::random_hex;
use api::Invocation;
use child::Child;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

/// What every environment of a function is made of.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The function's bootstrap, or the program that runs it.
    pub binary: PathBuf,
    /// The program's arguments.
    pub arguments: Vec<String>,
    /// The function's name.
    pub name: String,
    /// Its memory in MB; it is told so, and held to nothing.
    pub memory: u32,
    /// Its environment variables; it sees these, those of Lambda, and no others.
    pub environment: BTreeMap<String, String>,
    /// Where AWS is.
    pub endpoint_url: String,
}

/// Why an invocation has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The process ended, or did not start: how.
    Ended(String),
    /// The time was over; the process was killed, as Lambda does.
    TimedOut,
    /// The function answered with this error.
    Error(Value),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(how) => write!(f, "the process ended: {how}"),
            Self::TimedOut => f.write_str("the time was over"),
            Self::Error(error) => write!(f, "the function failed: {error}"),
        }
    }
}

/// The environments of one function, each a process that serves one invocation at a time. They end when this is dropped.
pub struct Processes(Arc<Shared>);

struct Shared {
    recipe: Recipe,
    /// As many permits as there are processes without an invocation.
    free: Semaphore,
    children: Mutex<Children>,
}

#[derive(Default)]
struct Children {
    idle: Vec<Arc<Child>>,
    busy: Vec<Arc<Child>>,
    /// Peaks of the memory of those that have ended.
    ended: Vec<u64>,
}

/// Is the Runtime API of one process that somebody else started: waits until it asks for an event, hands it these, one after
/// the other, and gives its answers. Nobody listens any more when this returns, which ends the process.
///
/// # Errors
/// Why there is no answer to one of them.
pub async fn feed(
    listener: TcpListener,
    function: &str,
    events: &[Value],
    timeout: Duration,
) -> Result<Vec<Value>, Failed> {
    let (sender, handed_out) = mpsc::unbounded_channel();
    let (asks, mut asked) = watch::channel(false);
    let router = api::router(function, handed_out, asks);
    let mut answers = Vec::new();
    let work = async {
        for event in events {
            let (answer, answered) = oneshot::channel();
            let invocation = invocation(event.to_string(), timeout, answer);
            sender.send(invocation).map_err(|_| Failed::TimedOut)?;
            let answer = tokio::time::timeout(timeout, answered).await;
            answers.push(
                answer
                    .map_err(|_| Failed::TimedOut)?
                    .unwrap_or(Err(Failed::TimedOut))?,
            );
        }
        let asks = tokio::time::timeout(timeout, asked.wait_for(|asked| *asked)).await;
        asks.map(drop).map_err(|_| Failed::TimedOut)
    };
    tokio::select! {
        worked = work => worked?,
        Err(error) = axum::serve(listener, router).into_future() => {
            return Err(Failed::Ended(error.to_string()));
        }
    }
    Ok(answers)
}

/// A process has so long to ask for its first event.
const START: Duration = Duration::from_secs(20);

impl Processes {
    /// Starts so many processes, and waits until each asks for an event.
    ///
    /// # Errors
    /// A process does not start, or ends before it asks.
    pub async fn start(recipe: Recipe, count: usize) -> Result<Self, Failed> {
        let mut idle = Vec::new();
        for _ in 0..count {
            idle.push(Arc::new(spawn(&recipe).await?));
        }
        for child in &idle {
            match tokio::time::timeout(START, child.asks()).await {
                Ok(Ok(())) => {}
                Ok(Err(how)) => return Err(Failed::Ended(how)),
                Err(_) => return Err(Failed::TimedOut),
            }
        }
        Ok(Self(Arc::new(Shared {
            recipe,
            free: Semaphore::new(count),
            children: Mutex::new(Children {
                idle,
                ..Children::default()
            }),
        })))
    }

    /// Hands an event to a process as soon as one is free; gives the function's answer. A process that ends meanwhile, or
    /// takes longer than `timeout`, is replaced by a new one.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn invoke(&self, event: &Value, timeout: Duration) -> Result<Value, Failed> {
        let (shared, event) = (Arc::clone(&self.0), event.to_string());
        // A task of its own: it gives its process back whether or not the caller still waits.
        let work = tokio::spawn(async move { shared.invoke(event, timeout).await });
        let done = work.await;
        done.unwrap_or_else(|error| Err(Failed::Ended(error.to_string())))
    }

    /// Kills a process that has an invocation under way (SIGKILL); gives its id. `None` where there is none.
    #[must_use]
    pub fn kill_one_at_random(&self) -> Option<u32> {
        let children = self.0.children();
        let alive: Vec<_> = children
            .busy
            .iter()
            .filter(|child| child.is_alive())
            .collect();
        let draw = usize::try_from(getrandom::u32().ok()?).ok()?;
        let child = alive.get(draw.checked_rem(alive.len())?)?;
        child.kill();
        Some(child.id())
    }

    /// Kills every process that has no invocation under way, and waits until it has ended.
    pub async fn end(&self) {
        let idle = std::mem::take(&mut self.0.children().idle);
        for child in idle {
            child.kill();
            child.ended().await;
            self.0.children().ended.push(child.peak_memory());
        }
    }

    /// Waits until every process that there is has asked for its next event: none works.
    ///
    /// # Errors
    /// How one ended instead.
    pub async fn rest(&self) -> Result<(), Failed> {
        let idle = self.0.children().idle.clone();
        for child in idle {
            child.asks().await.map_err(Failed::Ended)?;
        }
        Ok(())
    }

    /// The ids of the processes that there are.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        let children = self.0.children();
        let alive = children.idle.iter().chain(&children.busy);
        alive.map(|child| child.id()).collect()
    }

    /// The most memory that each process ever had, in KiB; of one that was killed, until then.
    #[must_use]
    pub fn peak_memory(&self) -> Vec<u64> {
        let children = self.0.children();
        let alive = children.idle.iter().chain(&children.busy);
        let alive = alive.map(|child| child.peak_memory());
        children.ended.iter().copied().chain(alive).collect()
    }
}

impl Shared {
    fn children(&self) -> MutexGuard<'_, Children> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn invoke(&self, event: String, timeout: Duration) -> Result<Value, Failed> {
        let _permit = self.free.acquire().await.unwrap();
        let idle = self.children().idle.pop();
        let child = match idle {
            Some(child) if child.is_alive() => child,
            ended => {
                // It ended while it had nothing to do; no event is lost by that.
                let peak = ended.map(|child| child.peak_memory());
                self.children().ended.extend(peak);
                Arc::new(spawn(&self.recipe).await?)
            }
        };
        self.children().busy.push(Arc::clone(&child));
        let outcome = work(&child, event, timeout).await;
        let mut children = self.children();
        children.busy.retain(|busy| busy.id() != child.id());
        if matches!(outcome, Err(Failed::Ended(_) | Failed::TimedOut)) {
            children.ended.push(child.peak_memory());
        } else {
            children.idle.push(child);
        }
        outcome
    }
}

async fn spawn(recipe: &Recipe) -> Result<Child, Failed> {
    let spawned: io::Result<Child> = Child::spawn(recipe).await;
    spawned.map_err(|error| Failed::Ended(error.to_string()))
}

async fn work(child: &Child, event: String, timeout: Duration) -> Result<Value, Failed> {
    let (answer, answered) = oneshot::channel();
    child.take(invocation(event, timeout, answer));
    tokio::select! {
        // An answer that came before the end counts.
        biased;
        Ok(answer) = answered => answer,
        how = child.ended() => Err(Failed::Ended(how)),
        () = tokio::time::sleep(timeout) => {
            child.kill();
            child.ended().await;
            Err(Failed::TimedOut)
        }
    }
}

fn invocation(
    event: String,
    timeout: Duration,
    answer: oneshot::Sender<Result<Value, Failed>>,
) -> Invocation {
    Invocation {
        id: random_hex(16),
        event,
        deadline: clock::machine() + u64::try_from(timeout.as_millis()).unwrap(),
        answer,
    }
}

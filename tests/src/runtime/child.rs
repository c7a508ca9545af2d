//! One process, and the Runtime API that it alone talks to.

use super::Recipe;
use super::api::{Invocation, router};
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::process::{self, Command};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

/// A running function. It is killed when this is dropped.
pub(super) struct Child {
    id: u32,
    events: mpsc::UnboundedSender<Invocation>,
    asked: watch::Receiver<bool>,
    /// How it ended, once it has.
    ended: watch::Receiver<Option<String>>,
    kill: Arc<Notify>,
    killed: AtomicBool,
    /// The peak of its memory when it was killed, in KiB.
    peak: AtomicU64,
    /// Its API and who waits for its end.
    _tasks: JoinSet<()>,
}

impl Child {
    /// Starts the process.
    ///
    /// # Errors
    /// There is no such binary, or no port.
    pub(super) async fn spawn(recipe: &Recipe) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let process = Command::new(&recipe.binary)
            .args(&recipe.arguments)
            .env_clear()
            .envs(&recipe.environment)
            .envs([
                ("AWS_ENDPOINT_URL", recipe.endpoint_url.as_str()),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("AWS_LAMBDA_FUNCTION_NAME", &recipe.name),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                (
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                    &recipe.memory.to_string(),
                ),
                ("AWS_LAMBDA_RUNTIME_API", &address.to_string()),
            ])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let id = process.id().ok_or(io::ErrorKind::NotFound)?;
        let (events, handed_out) = mpsc::unbounded_channel();
        let (asks, asked) = watch::channel(false);
        let (ends, ended) = watch::channel(None);
        let kill = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        let api = router(&recipe.name, handed_out, asks);
        tasks.spawn(async { axum::serve(listener, api).await.unwrap() });
        tasks.spawn(wait(process, Arc::clone(&kill), ends));
        Ok(Self {
            id,
            events,
            asked,
            ended,
            kill,
            killed: AtomicBool::new(false),
            peak: AtomicU64::new(0),
            _tasks: tasks,
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Waits until it asks for an event and has none, or tells how it ended.
    pub(super) async fn asks(&self) -> Result<(), String> {
        let mut asked = self.asked.clone();
        tokio::select! {
            Ok(_) = asked.wait_for(|asked| *asked) => Ok(()),
            how = self.ended() => Err(how),
        }
    }

    /// Waits until it has ended, and tells how.
    pub(super) async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        let how = ended.wait_for(Option::is_some).await;
        how.ok().and_then(|how| how.clone()).unwrap_or_default()
    }

    /// Neither ended nor about to.
    pub(super) fn is_alive(&self) -> bool {
        !self.killed.load(Ordering::Relaxed) && self.ended.borrow().is_none()
    }

    /// The next event that it gets.
    pub(super) fn take(&self, invocation: Invocation) {
        // Where nobody takes it any more, the process has ended, and that is what counts.
        let _ = self.events.send(invocation);
    }

    /// Kills it, without a word.
    pub(super) fn kill(&self) {
        self.peak.store(self.peak_memory(), Ordering::Relaxed);
        self.killed.store(true, Ordering::Relaxed);
        self.kill.notify_one();
    }

    /// The most memory that it ever had, in KiB.
    pub(super) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id));
        let status = status.unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
        let now = line.and_then(|size| size.trim().parse().ok());
        now.unwrap_or_else(|| self.peak.load(Ordering::Relaxed))
    }
}

/// Waits for the end of a process, and kills it where that is asked for.
async fn wait(
    mut process: process::Child,
    kill: Arc<Notify>,
    ended: watch::Sender<Option<String>>,
) {
    let status = loop {
        tokio::select! {
            status = process.wait() => break status,
            () = kill.notified() => drop(process.start_kill()),
        }
    };
    ended.send_replace(Some(match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }));
}

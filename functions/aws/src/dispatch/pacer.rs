//! The pace of one worker: its share of what all jobs may publish in a second.

use crate::Settings;
use push::pace::Pace;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// Gives turns to publish, first come, first served. Every environment of `deliver` has one, and there are at most as many
/// environments as jobs are worked on at once.
pub(super) struct Pacer {
    pace: Mutex<Pace>,
    per_second: usize,
    begin: Instant,
}

impl Pacer {
    /// The share of one worker.
    pub fn new(settings: &Settings) -> Self {
        let pace = Pace::new(settings.publish_per_second / settings.deliver_concurrency);
        Self {
            per_second: usize::try_from(pace.per_second()).unwrap_or(usize::MAX),
            pace: Mutex::new(pace),
            begin: Instant::now(),
        }
    }

    /// Turns in a second.
    pub fn per_second(&self) -> usize {
        self.per_second
    }

    /// Returns when it is the caller's turn.
    pub async fn turn(&self) {
        let mut pace = self.pace.lock().await;
        while let Err(wait) = pace.take(self.begin.elapsed()) {
            sleep(wait).await;
        }
    }
}

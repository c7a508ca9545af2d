//! Waiting until something is as it has to come to be, and never for ever.

use crate::api::Api;
use crate::phone::Phone;
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// As long as anything takes here, and longer.
pub(crate) const LONG: Duration = Duration::from_secs(30);
/// Longer than a message of the queue of jobs is hidden, in seconds.
pub(crate) const VISIBILITY: u64 = 721;

/// Looks until what is found is as expected, for so long; then it gives what was found last.
pub(crate) async fn until<T, W>(
    bound: Duration,
    expected: impl Fn(&T) -> bool,
    look: impl Fn() -> W,
) -> Result<T, T>
where
    W: Future<Output = T>,
{
    let end = Instant::now() + bound;
    loop {
        let found = look().await;
        if expected(&found) {
            return Ok(found);
        }
        if Instant::now() > end {
            return Err(found);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Api {
    /// Waits until an AWS operation has been called so often.
    pub(crate) async fn called(&self, operation: &str, times: u64) {
        let enough = |calls: &Value| calls[operation].as_u64().unwrap_or(0) >= times;
        let calls = until(LONG, enough, || self.calls()).await;
        assert!(calls.is_ok(), "not {times} calls of {operation}: {calls:?}");
    }

    /// Waits until the device has ended.
    pub(crate) async fn ended(&self, phone: &Phone) {
        let secret = Some(self.client_secret());
        let ended = |status: &u16| *status == 404;
        let status = until(LONG, ended, async || self.read(phone, secret).await.status).await;
        assert!(status.is_ok(), "{} is registered", phone.device);
    }

    /// Waits until a message has been sent to everybody that it is for; gives its counts.
    pub(crate) async fn settled(&self, id: &str) -> Value {
        self.comes_to(id, "Dispatched").await
    }

    /// Waits until a message has this status; gives its counts.
    pub(crate) async fn comes_to(&self, id: &str, expected: &str) -> Value {
        let is = |status: &Value| status["status"] == expected;
        let mut status = until(LONG, is, || self.status(id))
            .await
            .unwrap_or_else(|status| panic!("it does not come to {expected}: {status}"));
        status["counts"].take()
    }

    /// Waits until a message has been sent, whatever fails on the way: what a job leaves after a failure shows again.
    /// `false` where it is not known to have been even then.
    pub(crate) async fn comes_to_rest(&self, id: &str) -> bool {
        for _ in 0..6 {
            if self.is_sent_by_who_works(id).await {
                return true;
            }
            // Not while a job is at work: on a busy machine it would find that its own time is over.
            self.advance(VISIBILITY).await;
        }
        false
    }

    /// Whether a message has been sent when nobody has called AWS for two seconds.
    async fn is_sent_by_who_works(&self, id: &str) -> bool {
        let end = Instant::now() + 2 * LONG;
        loop {
            if self.status(id).await["status"] == "Dispatched" {
                return true;
            }
            let before = self.calls().await;
            let goes_on = |calls: &Value| *calls != before;
            let works = until(Duration::from_secs(2), goes_on, || self.calls()).await;
            if works.is_err() || Instant::now() > end {
                return self.status(id).await["status"] == "Dispatched";
            }
        }
    }

    /// Waits until nothing is left on a queue but what is delayed.
    pub(crate) async fn emptied(&self, queue: &str) {
        let idle = |held: &Value| held["visible"] == 0 && held["inFlight"] == 0;
        self.queue_is(queue, idle).await;
    }

    /// Waits until nobody works on a job, and none is left.
    pub(crate) async fn jobs_end(&self) {
        for queue in ["JobQueue", "NamedJobQueue"] {
            self.emptied(queue).await;
        }
    }

    /// Waits until a queue is as it should be.
    pub(crate) async fn queue_is(&self, queue: &str, expected: impl Fn(&Value) -> bool) {
        let look = async || self.control(Method::GET, "/queues", None).await[queue].take();
        let held = until(LONG, expected, look).await;
        assert!(held.is_ok(), "{queue}: {held:?}");
    }
}

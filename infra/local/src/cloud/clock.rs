//! The time of the local system: the machine's, moved forward on request.

use super::kept::{Kept, NotSaved};
use aws::Clock;
use push::{Span, Time};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Real time plus an offset that only grows. Clones share the offset.
#[derive(Clone, Default)]
pub struct MovableClock {
    /// Milliseconds.
    ahead: Arc<AtomicU64>,
    /// The same, for the next start.
    kept: Arc<Kept<u64>>,
}

impl MovableClock {
    /// With the offset that the file holds.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(file: Option<PathBuf>) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let kept = Kept::<u64>::open(file)?;
        Ok(Self {
            ahead: Arc::new(AtomicU64::new(kept.read(|ahead| *ahead))),
            kept: Arc::new(kept),
        })
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        let since = machine().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
            + Span::from_millis(self.ahead.load(Ordering::Relaxed))
    }

    /// Moves forward from here on.
    ///
    /// # Errors
    /// The file could not be written; the clock does not move then.
    pub fn advance(&self, span: Span) -> Result<(), NotSaved> {
        let ahead = self.kept.update(|ahead| {
            *ahead = ahead.saturating_add(span.millis());
            *ahead
        })?;
        self.ahead.fetch_max(ahead, Ordering::Relaxed);
        Ok(())
    }

    /// The same clock, as functions take it.
    pub fn shared(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// The machine's own time, which nobody moves.
#[expect(
    clippy::disallowed_methods,
    reason = "the clock of the local system starts from the machine's"
)]
pub fn machine() -> SystemTime {
    SystemTime::now()
}

/// RFC 3339 in UTC with milliseconds: `2026-05-20T11:42:11.007Z`.
pub fn with_millis(time: Time) -> String {
    time.to_millis_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_forward_when_it_is_moved() {
        let clock = MovableClock::default();
        let before = clock.now();
        clock.clone().advance(Span::from_seconds(3600)).unwrap();
        assert!(clock.now() >= before + Span::from_seconds(3600));
        assert!((clock.shared())() >= before + Span::from_seconds(3600));
    }

    #[test]
    fn a_moment_is_written_with_its_milliseconds() {
        assert_eq!(
            with_millis(Time::from_millis(1_779_277_331_007)),
            "2026-05-20T11:42:11.007Z"
        );
    }
}

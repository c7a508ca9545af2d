//! Reading again and deciding again, bounded in number and in time.

use super::Fault;
use crate::{Clock, Failure};
use push::device::PATIENCE;
use push::{Span, Time};
use std::time::Duration;

/// The attempts of one call at one change.
pub struct Attempts {
    clock: Clock,
    begun: Time,
    patience: Span,
    left: u32,
    pause: u64,
}

/// A hot race needed four.
const MOST: u32 = 8;
/// Bounds of the random pause after a conflict, in milliseconds: it spreads the racing calls out.
const CONFLICT: (u64, u64) = (5, 80);
/// The first pause under pressure, in milliseconds; each further one is twice as long, up to a second.
const PRESSURE: u64 = 50;

impl Attempts {
    /// For a call that reached the gateway at `arrived`.
    #[must_use]
    pub fn new(clock: Clock, arrived: Time) -> Self {
        Self::within(clock, arrived, PATIENCE)
    }

    /// For something that began at `begun` and is not worth more time than this.
    #[must_use]
    pub fn within(clock: Clock, begun: Time, patience: Span) -> Self {
        Self {
            clock,
            begun,
            patience,
            left: MOST,
            pause: PRESSURE,
        }
    }

    /// Reads or writes until that is done, in the same words each time.
    ///
    /// # Errors
    /// As [`passed`](Self::passed).
    pub async fn repeat<T, W>(&mut self, work: impl Fn() -> W) -> Result<T, Failure>
    where
        W: Future<Output = Result<T, Fault>>,
    {
        loop {
            if let Some(done) = self.passed(work().await).await? {
                return Ok(done);
            }
        }
    }

    /// Writes until it is known what became of that; `false` where something was not as it was seen, after a pause: then
    /// everything has to be read and decided again. After a lost answer only the same words tell: a look could find a part
    /// of a change while the rest of it is not to be seen yet.
    ///
    /// # Errors
    /// As [`passed`](Self::passed) and [`in_time`](Self::in_time).
    pub async fn written<W>(&mut self, write: impl Fn() -> W) -> Result<bool, Failure>
    where
        W: Future<Output = Result<(), Fault>>,
    {
        loop {
            self.in_time()?;
            let fault = match write().await {
                Ok(()) => return Ok(true),
                Err(fault) => fault,
            };
            // Only a conflict says that nothing was written.
            let conflict = matches!(fault, Fault::Conflict);
            self.again(fault).await?;
            if conflict {
                return Ok(false);
            }
        }
    }

    /// To be asked before each transaction.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where the call arrived too long ago: a later one may have been answered by now, and what
    /// is remembered of it does not last for ever.
    pub fn in_time(&self) -> Result<(), Failure> {
        if (self.clock)().since(self.begun) > self.patience {
            return Err(Failure::Unavailable(
                "the call arrived too long ago to change anything".into(),
            ));
        }
        Ok(())
    }

    /// What was read or written; nothing after a fault that may pass, and a pause: then everything has to be read and
    /// decided again.
    ///
    /// # Errors
    /// The fault as a [`Failure`], where it is not one that passes, or there were attempts or was time enough.
    pub async fn passed<T>(&mut self, done: Result<T, Fault>) -> Result<Option<T>, Failure> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(fault) => self.again(fault).await.map(|()| None),
        }
    }

    /// A pause after a fault that may pass.
    ///
    /// # Errors
    /// As [`passed`](Self::passed).
    pub async fn again(&mut self, fault: Fault) -> Result<(), Failure> {
        self.left -= 1;
        if self.left == 0 || matches!(fault, Fault::Broken(_)) || self.in_time().is_err() {
            return Err(fault.into());
        }
        let (least, most) = match fault {
            Fault::Conflict | Fault::Lost(_) | Fault::Broken(_) => CONFLICT,
            Fault::Pressure(_) => {
                self.pause = (self.pause * 2).min(1000);
                (self.pause / 2, self.pause)
            }
        };
        tokio::time::sleep(Duration::from_millis(
            least + crate::random::below(most - least),
        ))
        .await;
        Ok(())
    }
}

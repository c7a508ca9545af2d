//! Noting how far a part is.

use super::cursor::Cursor;
use super::{Dispatch, Manner, Sending};
use crate::Failure;
use crate::store::{Counts, Fault, JobState, Step};
use push::Span;
use std::time::Duration;

/// The progress of one part, as the table has it.
pub(super) struct Progress<'a> {
    dispatch: &'a Dispatch,
    sending: Sending<'a>,
    /// Where the table has it.
    noted: Option<String>,
    /// What is not counted there yet.
    counts: Counts,
    /// Whether the last step is noted.
    last: bool,
}

/// Attempts at one note.
const MOST: u32 = 6;
/// So long it may take: a backend waits, or the claim of the job runs.
const PATIENCE: Span = Span::from_seconds(4);
/// The first pause between them, in milliseconds; each further one is twice as long.
const PAUSE: u64 = 50;

impl<'a> Progress<'a> {
    pub fn new(dispatch: &'a Dispatch, sending: Sending<'a>) -> Self {
        Self {
            dispatch,
            sending,
            noted: sending.cursor.map(str::to_owned),
            counts: Counts::default(),
            last: true,
        }
    }

    /// Whether the table has all of it.
    pub fn is_noted(&self) -> bool {
        self.last
    }

    /// The part is noted to be there, with what became of the devices in between; `false` where somebody else works on it.
    /// A backend that waits is not told that a note failed: its message was sent, and must not be sent again for that.
    pub async fn note(
        &mut self,
        cursor: Cursor,
        counts: Counts,
        done: bool,
    ) -> Result<bool, Failure> {
        let step = Step {
            before: self.noted.clone(),
            after: cursor.to_text(),
            counts: self.counts.plus(counts),
            done,
        };
        match self.step(&step).await {
            Ok(true) => {
                self.noted = Some(step.after);
                self.counts = Counts::default();
                self.last = true;
                Ok(true)
            }
            // After a note that failed, and may have been made after all, where the table has it is not known.
            Ok(false) => Ok(!self.last),
            Err(fault) => {
                let failure = Failure::from(fault);
                if self.sending.manner == Manner::Job {
                    return Err(failure);
                }
                let (code, id) = (failure.code(), self.sending.id.as_str());
                tracing::error!(code, messageId = id, "what a send reached was not noted");
                self.counts = step.counts;
                self.last = false;
                Ok(true)
            }
        }
    }

    async fn step(&self, step: &Step) -> Result<bool, Fault> {
        let store = self.dispatch.bindings.store();
        let mut pause = PAUSE;
        let patience = ((self.dispatch.clock)() + PATIENCE).min(self.sending.deadline);
        for attempt in 1.. {
            let now = (self.dispatch.clock)();
            let fault = match store.step(self.sending.job(), step, now).await {
                Ok(()) => return Ok(true),
                // The answer to an attempt before this one, ours or the SDK's own, may have been lost: then it was we who
                // moved the cursor.
                Err(Fault::Conflict) => {
                    let (id, number) = (self.sending.id, self.sending.number);
                    match store.job_state(id, number).await {
                        Ok(found) => {
                            let ours = |job: JobState| {
                                job.holder == Some(self.sending.holder)
                                    && job.cursor.as_ref() == Some(&step.after)
                            };
                            return Ok(found.is_some_and(ours));
                        }
                        Err(fault) => fault,
                    }
                }
                Err(fault) => fault,
            };
            let passes = matches!(fault, Fault::Lost(_) | Fault::Pressure(_));
            if !passes || attempt == MOST || self.dispatch.is_late(patience) {
                return Err(fault);
            }
            let span = pause / 2 + crate::random::below(pause / 2);
            tokio::time::sleep(Duration::from_millis(span)).await;
            pause *= 2;
        }
        Ok(false)
    }
}

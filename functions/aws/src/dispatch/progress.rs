//! Noting how far a part is.

use super::cursor::Cursor;
use super::{Dispatch, Manner, Sending};
use crate::Failure;
use crate::store::{Attempts, Counts, Fault, Step};
use push::Span;

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

/// So long a note is tried: a backend waits, or the claim of the job runs.
const PATIENCE: Span = Span::from_seconds(4);

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
            Err(failure) => {
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

    /// Whether the table has it now and it was we who put it there.
    async fn step(&self, step: &Step) -> Result<bool, Failure> {
        let (store, clock) = (self.dispatch.bindings.store(), &self.dispatch.clock);
        let note = || async {
            match store.step(self.sending.job(), step, clock()).await {
                // The answer to an attempt before this one, ours or the SDK's own, may have been lost: then it was we who
                // moved the cursor.
                Err(Fault::Conflict) => {
                    let (id, number) = (self.sending.id, self.sending.number);
                    let found = store.job_state(id, number).await?;
                    Ok(found.is_some_and(|job| {
                        job.holder == Some(self.sending.holder)
                            && job.cursor.as_ref() == Some(&step.after)
                    }))
                }
                noted => noted.map(|()| true),
            }
        };
        let now = clock();
        let patience = PATIENCE.min(self.sending.deadline.since(now));
        Attempts::within(clock.clone(), now, patience)
            .repeat(note)
            .await
    }
}

//! Accepting messages, once for each idempotency key.

use crate::Sender;
use crate::keeping::{accepted, fresh};
use aws::store::{Attempts, Fault, JobState, NewRequest, StoredMessage};
use aws::{Call, Failure, Reply};
use push::message::Message;
use push::repeat::{Digested, IdempotencyKey, Kept, Repeat, repeat};
use push::{Invalid, MessageId, Time};
use serde_json::Value;

/// The header of the key.
const KEY: &str = "Idempotency-Key";

/// What a request comes to.
pub(crate) enum Acceptance {
    /// Messages, new or left over by a request that died.
    Messages {
        /// In the order of the request.
        messages: Vec<Accepted>,
        /// The key of the request, under which its answer is to be kept.
        key: Option<Digested>,
    },
    /// The request was answered before: so.
    Answered(String),
}

/// A message that is kept.
pub(crate) struct Accepted {
    pub id: MessageId,
    pub stored: StoredMessage,
    pub progress: Progress,
}

/// Whether a message is still to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nobody has begun to send it.
    Due,
    /// The request that died may have begun to.
    Begun,
    /// The request that died has done all of its jobs.
    Done,
}

impl Sender {
    /// Keeps the messages under new ids, each with the number of jobs that its sending is cut into; with a key, at most
    /// once.
    pub(crate) async fn accept(
        &self,
        call: &Call,
        body: &Value,
        messages: &[(&Message, u64)],
    ) -> Result<Acceptance, Failure> {
        let draft = |(message, jobs)| accepted(message, jobs, call.now);
        let drafts: Vec<_> = messages.iter().copied().map(draft).collect();
        let mut attempts = Attempts::new(self.clock.clone(), call.now);
        let Some(key) = key(call)? else {
            let ids = fresh(drafts.len())?;
            let kept = self.keep(&ids, &drafts, call.now).await;
            let messages = due(ids, drafts);
            if kept.is_err() {
                self.withdraw(&messages).await;
            }
            kept?;
            return Ok(Acceptance::Messages {
                messages,
                key: None,
            });
        };
        let body = Digested::of(body.to_string().as_bytes());
        loop {
            let ids = fresh(drafts.len())?;
            match self.claim(call, &key, &body, &ids, &mut attempts).await? {
                Claim::Ours => {
                    // The request has their ids: a repeat keeps what is missing.
                    let kept = self.keep(&ids, &drafts, call.now).await;
                    self.released(&key, kept).await?;
                    let messages = due(ids, drafts);
                    return Ok(Acceptance::Messages {
                        messages,
                        key: Some(key),
                    });
                }
                Claim::Again => {}
                Claim::Answered(answer) => return Ok(Acceptance::Answered(answer)),
                Claim::TakenOver(kept) => {
                    let resumed = self.resume(&kept, drafts, call.now, &mut attempts).await;
                    let messages = self.released(&key, resumed).await?;
                    return Ok(Acceptance::Messages {
                        messages,
                        key: Some(key),
                    });
                }
            }
        }
    }

    /// Keeps the request, or finds out what became of the one that was made before.
    async fn claim(
        &self,
        call: &Call,
        key: &Digested,
        body: &Digested,
        ids: &[MessageId],
        attempts: &mut Attempts,
    ) -> Result<Claim, Failure> {
        let request = NewRequest {
            name: key,
            body,
            messages: ids,
            made: call.now,
        };
        if attempts
            .written(|| self.store.put_request(&request))
            .await?
        {
            return Ok(Claim::Ours);
        }
        let kept = self.store.request(key).await;
        let Some(kept) = attempts.passed(kept).await? else {
            return Ok(Claim::Again);
        };
        // The answer to what kept it was lost.
        if kept.as_ref().is_some_and(|kept| kept.messages == ids) {
            return Ok(Claim::Ours);
        }
        match repeat((self.clock)(), kept.as_ref(), body) {
            // The request has gone meanwhile.
            Repeat::First => attempts.again(Fault::Conflict).await.map(|()| Claim::Again),
            Repeat::Other => Err(Failure::KeyReused),
            Repeat::Answered(answer) => Ok(Claim::Answered(answer.to_owned())),
            Repeat::UnderWay => Err(Failure::Unavailable(
                "the request is being worked on".into(),
            )),
            Repeat::Orphaned(kept) => {
                let taken = self.store.take_over(key, kept, (self.clock)()).await;
                let taken = attempts.passed(taken).await?;
                Ok(taken.map_or(Claim::Again, |()| Claim::TakenOver(kept.clone())))
            }
        }
    }

    /// Goes on with a request that died: keeps those of its messages that are missing, and finds out which are done.
    async fn resume(
        &self,
        kept: &Kept,
        drafts: Vec<StoredMessage>,
        now: Time,
        attempts: &mut Attempts,
    ) -> Result<Vec<Accepted>, Failure> {
        let found = || self.store.messages(&kept.messages, now);
        let found = attempts.repeat(found).await?;
        if found.len() != drafts.len() {
            return Err(Failure::Internal(
                "a request has another number of messages than its body".into(),
            ));
        }
        let (mut messages, mut missing) = (Vec::new(), Vec::new());
        for ((id, draft), found) in kept.messages.iter().zip(drafts).zip(found) {
            let (stored, progress) = match found {
                Some((stored, _)) if !is_kept_as(&draft, &stored) => {
                    return Err(Failure::Internal("an id is another message's".into()));
                }
                Some((stored, jobs)) => {
                    let progress = progress(&stored, &jobs);
                    (stored, progress)
                }
                None => {
                    missing.push((id.clone(), draft.clone()));
                    (draft, Progress::Due)
                }
            };
            messages.push(Accepted {
                id: id.clone(),
                stored,
                progress,
            });
        }
        let (ids, drafts): (Vec<_>, Vec<_>) = missing.into_iter().unzip();
        self.keep(&ids, &drafts, now).await?;
        Ok(messages)
    }

    /// What was done for a request that is ours; where it failed, whoever repeats it goes on with it at once.
    async fn released<T>(&self, key: &Digested, done: Result<T, Failure>) -> Result<T, Failure> {
        if done.is_err() {
            self.end(key, None).await;
        }
        done
    }

    /// The reply to a request, which is kept where it has a key; where it failed, its repeat goes on with it at once. What
    /// was sent and is `forgotten` would be sent again by a repeat, if the reply cannot be kept either: then it is not
    /// answered as something that is done.
    pub(crate) async fn finish(
        &self,
        key: Option<&Digested>,
        reply: Result<Reply, Failure>,
        forgotten: bool,
    ) -> Result<Reply, Failure> {
        let Some(key) = key else {
            return reply;
        };
        let kept = self.end(key, reply.as_ref().ok().map(Reply::body)).await;
        if forgotten && !kept {
            return Err(Failure::Unavailable("a send could not be noted".into()));
        }
        reply
    }

    /// Keeps the answer of a request, or lets its repeat go on with it at once; `false` where that was not to be done.
    async fn end(&self, key: &Digested, answer: Option<&str>) -> bool {
        match self.store.finish(key, answer).await {
            Ok(()) => true,
            Err(fault) => {
                let code = Failure::from(fault).code();
                tracing::error!(code, "the answer to a request with a key was not kept");
                false
            }
        }
    }
}

/// What an attempt to work on a request comes to.
enum Claim {
    /// It is new, and ours.
    Ours,
    /// Whoever worked on it died; from now on we do.
    TakenOver(Kept),
    /// It was answered so.
    Answered(String),
    /// To be found out again.
    Again,
}

fn due(ids: Vec<MessageId>, messages: Vec<StoredMessage>) -> Vec<Accepted> {
    let due = |(id, stored)| Accepted {
        id,
        stored,
        progress: Progress::Due,
    };
    ids.into_iter().zip(messages).map(due).collect()
}

/// Whether the table gives the message back so.
fn is_kept_as(message: &StoredMessage, stored: &StoredMessage) -> bool {
    let text = message.asked.to_string();
    serde_json::from_str::<Value>(&text).is_ok_and(|asked| asked == stored.asked)
}

fn progress(stored: &StoredMessage, jobs: &[JobState]) -> Progress {
    let done = jobs.iter().filter(|job| job.done).count();
    if u64::try_from(done).is_ok_and(|done| done >= stored.jobs) {
        Progress::Done
    } else {
        Progress::Begun
    }
}

/// The key of a request, where it has one.
///
/// # Errors
/// [`Invalid`] names the header.
pub(crate) fn key(call: &Call) -> Result<Option<Digested>, Invalid> {
    if !call.has_header(KEY) {
        return Ok(None);
    }
    let text = call.header(KEY).unwrap_or_default();
    Ok(Some(IdempotencyKey::parse(text)?.digest()))
}

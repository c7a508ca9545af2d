//! Accepting a message, once for each idempotency key.

use crate::Sender;
use aws::store::{Attempts, Fault, StoredMessage};
use aws::{Call, Failure, random};
use push::message::Message;
use push::repeat::{Digested, IdempotencyKey, Repeat, repeat};
use push::{Invalid, MessageId};
use serde_json::Value;

/// The header of the key.
const KEY: &str = "Idempotency-Key";

/// Whether somebody may have begun to send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is new.
    Fresh,
    /// Whoever worked on it died.
    TakenOver,
}

/// What a request comes to.
pub(crate) enum Acceptance {
    /// A message, new or left over by a request that died: to be sent now.
    Message {
        id: MessageId,
        stored: StoredMessage,
        origin: Origin,
        /// The key of the request, under which its answer is to be kept.
        key: Option<Digested>,
    },
    /// The request was answered before: so.
    Answered(String),
}

impl Sender {
    /// Keeps the message under a new id; with a key, at most once.
    pub(crate) async fn accept(
        &self,
        call: &Call,
        body: &Value,
        message: &Message,
        jobs: u64,
    ) -> Result<Acceptance, Failure> {
        let stored = StoredMessage {
            asked: message.echo().clone(),
            created: call.now,
            jobs,
        };
        let Some(key) = key(call)? else {
            return self.keep(stored).await;
        };
        let body = Digested::of(body.to_string().as_bytes());
        let mut attempts = Attempts::new(self.clock.clone(), call.now);
        let id = random::message_id()?;
        loop {
            let retention = self.settings.message_retention;
            match self
                .store
                .put_requested(&key, &body, &id, &stored, retention)
                .await
            {
                Ok(()) => {
                    return Ok(Acceptance::Message {
                        id,
                        stored,
                        origin: Origin::Fresh,
                        key: Some(key),
                    });
                }
                Err(Fault::Conflict) => {}
                Err(fault) => {
                    attempts.passed::<()>(Err(fault)).await?;
                    continue;
                }
            }
            let kept = self.store.request(&key).await;
            let Some(kept) = attempts.passed(kept).await? else {
                continue;
            };
            // The answer to what kept it was lost.
            if kept.as_ref().is_some_and(|kept| kept.message == id) {
                return Ok(Acceptance::Message {
                    id,
                    stored,
                    origin: Origin::Fresh,
                    key: Some(key),
                });
            }
            match repeat((self.clock)(), kept.as_ref(), &body) {
                Repeat::First => drop(attempts.passed::<()>(Err(Fault::Conflict)).await?),
                Repeat::Other => return Err(Failure::KeyReused),
                Repeat::Answered(answer) => return Ok(Acceptance::Answered(answer.to_owned())),
                Repeat::UnderWay => {
                    return Err(Failure::Unavailable(
                        "the request is being worked on".into(),
                    ));
                }
                Repeat::Orphaned(kept) => {
                    let taken = self.store.take_over(&key, kept, (self.clock)()).await;
                    if attempts.passed(taken).await?.is_some() {
                        let found = self.store.message(&kept.message, call.now).await?;
                        let (stored, _) = found.ok_or(Failure::NotFound)?;
                        let id = kept.message.clone();
                        return Ok(Acceptance::Message {
                            id,
                            stored,
                            origin: Origin::TakenOver,
                            key: Some(key),
                        });
                    }
                }
            }
        }
    }

    async fn keep(&self, stored: StoredMessage) -> Result<Acceptance, Failure> {
        loop {
            let id = random::message_id()?;
            match self
                .store
                .put_message(&id, &stored, self.settings.message_retention)
                .await
            {
                Ok(()) => {
                    return Ok(Acceptance::Message {
                        id,
                        stored,
                        origin: Origin::Fresh,
                        key: None,
                    });
                }
                Err(Fault::Conflict) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// Keeps the answer of a request with a key, or lets its repeat go on with it at once; `false` where that was not to be
    /// done.
    pub(crate) async fn finish(&self, key: Option<&Digested>, answer: Option<&str>) -> bool {
        let Some(key) = key else {
            return true;
        };
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

fn key(call: &Call) -> Result<Option<Digested>, Invalid> {
    if !call.has_header(KEY) {
        return Ok(None);
    }
    let text = call.header(KEY).unwrap_or_default();
    Ok(Some(IdempotencyKey::parse(text)?.digest()))
}

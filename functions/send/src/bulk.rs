//! Several messages in one request.

use crate::Sender;
use crate::acceptance::{Acceptance, Accepted, Progress};
use aws::store::{Entry, NewMessage};
use aws::{Call, Failure, Reply, shown};
use push::Invalid;
use push::message::{Message, parse_bulk};
use serde_json::{Value, json};

impl Sender {
    /// POST `…/messages/bulk`. All messages are checked before any is kept, and all are kept before any is sent.
    pub(crate) async fn bulk(&self, call: &Call, body: &Value) -> Result<Reply, Failure> {
        let messages = parse_bulk(body)?;
        for (n, message) in messages.iter().enumerate() {
            self.expect_supported(message)
                .map_err(|invalid| invalid.within(&format!("[{n}]")))?;
        }
        if call.flag("dryRun")? {
            return Err(Invalid::new("dryRun", "It is for one message, not for a list.").into());
        }
        let jobs: Vec<_> = messages.iter().map(|message| (message, 1)).collect();
        match self.accept(call, body, &jobs).await? {
            Acceptance::Messages {
                messages: accepted,
                key,
            } => {
                let sent = self.send_all(call, &messages, &accepted).await;
                self.finish(key.as_ref(), sent.as_ref().ok().map(Reply::body))
                    .await;
                sent
            }
            Acceptance::Answered(answer) => Ok(Reply::repeated(202, &answer)),
        }
    }

    /// Sends one after the other. The first that fails ends it: the repeat of the request goes on with that one.
    async fn send_all(
        &self,
        call: &Call,
        messages: &[Message],
        accepted: &[Accepted],
    ) -> Result<Reply, Failure> {
        let mut list = Vec::with_capacity(messages.len());
        for (message, kept) in messages.iter().zip(accepted) {
            if kept.progress == Progress::Due {
                self.send(call, message, &kept.id, &kept.stored).await?;
            }
            let entry = Entry::of(&NewMessage {
                id: &kept.id,
                alert: message.alert(),
                stored: &kept.stored,
            });
            list.push(shown::entry(&self.settings, call, &entry));
        }
        Reply::json(202, &json!({"messages": list}))
    }
}

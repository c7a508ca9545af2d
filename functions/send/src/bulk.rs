//! Several messages in one request.

use crate::Sender;
use crate::acceptance::{Acceptance, Accepted};
use crate::sending::Plan;
use aws::jobs::AT_ONCE;
use aws::store::Entry;
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
        // All of them together send to as many users at once as one message does.
        let mut room = AT_ONCE;
        let plan = |message| {
            let plan = self.plan(message, room);
            // Without a queue all of them are sent at once, however many names they have.
            room = room.saturating_sub(plan.at_once());
            plan
        };
        let plans: Vec<_> = messages.iter().map(plan).collect();
        let jobs = plans.iter().map(Plan::jobs);
        let jobs: Vec<_> = messages.iter().zip(jobs).collect();
        match self.accept(call, body, &jobs).await? {
            Acceptance::Messages {
                messages: accepted,
                key,
            } => {
                let mut forgotten = false;
                let reply = self
                    .send_all(call, &messages, plans, &accepted, &mut forgotten)
                    .await;
                if let (Err((_, n)), None) = (&reply, &key) {
                    self.withdraw(accepted.get(*n..).unwrap_or_default()).await;
                }
                let reply = reply.map_err(|(failure, _)| failure);
                self.finish(key.as_ref(), reply, forgotten).await
            }
            Acceptance::Answered(answer) => Ok(Reply::repeated(202, &answer)),
        }
    }

    /// Sends one after the other. The first that fails ends it, and is named by its place: the repeat of the request goes
    /// on with that one.
    async fn send_all(
        &self,
        call: &Call,
        messages: &[Message],
        plans: Vec<Plan>,
        accepted: &[Accepted],
        forgotten: &mut bool,
    ) -> Result<Reply, (Failure, usize)> {
        let mut list = Vec::with_capacity(messages.len());
        for ((message, kept), plan) in messages.iter().zip(accepted).zip(plans) {
            let sent = self.send(call, message, kept, plan, None).await;
            *forgotten |= sent.map_err(|failure| (failure, list.len()))?.forgotten;
            let entry = Entry::of(&kept.id, message.alert(), &kept.stored);
            list.extend(entry.map(|entry| shown::entry(&self.settings, call, &entry)));
        }
        let reply = Reply::json(202, &json!({"messages": list}));
        let ids = accepted.iter().map(|kept| &kept.id);
        reply
            .map(|reply| reply.about(ids))
            .map_err(|failure| (failure, list.len()))
    }
}

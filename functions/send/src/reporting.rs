//! What devices report of a message; one that its reader has opened goes away on their other Android phones.

use crate::Sender;
use crate::acceptance::{Accepted, Progress};
use crate::keeping::accepted;
use aws::jobs::AT_ONCE;
use aws::store::{Attempts, NewReport};
use aws::{Body, Call, Failure, Reply, random};
use push::event::{Event, What};
use push::message::Message;
use push::report::{Report, decide};
use push::{DeviceId, MessageId, UserId};
use serde_json::json;

impl Sender {
    /// PUT `…/messages/{messageId}`.
    pub(crate) async fn report(&self, call: &Call) -> Result<Reply, Failure> {
        let body = Body::of(call)?;
        let device = DeviceId::parse(body.needed("deviceId")?)?;
        let report = Report::parse(body.needed("status")?)?;
        let caller = self.secrets.caller(call).await?;
        caller.admit(self.settings.require_client_secret)?;
        let id = MessageId::parse(call.path("messageId")).map_err(|_| Failure::NotFound)?;
        let mut attempts = Attempts::new(self.clock.clone(), call.now);
        let mut dismissed = false;
        loop {
            let read = tokio::try_join!(
                self.store.device(&device),
                self.store.report(&id, &device),
                self.store.stored_message(&id, call.now),
            );
            let Some((record, before, message)) = attempts.passed(read).await? else {
                continue;
            };
            let (now, policy) = ((self.clock)(), self.settings.policy());
            let news = decide(now, record.as_ref(), before, report, &caller, &policy)?;
            let message = message.ok_or(Failure::NotFound)?;
            let Some(news) = news else {
                break;
            };
            // First the other phones, then the note: a crash in between takes the message away twice, never not at all.
            if let Some(reader) = &news.owner
                && report == Report::Opened
                && !dismissed
                && Message::read_back(&message.asked).is_ok_and(|message| message.syncs())
            {
                self.dismiss(call, &id, reader, &device).await?;
                dismissed = true;
            }
            let new = NewReport {
                message: &id,
                device: &device,
                before,
                report,
                news: &news,
                expires: message.created + self.settings.message_retention,
            };
            let name = random::version()?;
            if attempts
                .written(|| self.store.put_report(new, name))
                .await?
            {
                self.count(new).await;
                if let Some(events) = &self.events {
                    let event = Event {
                        what: What::StatusChanged(id, report),
                        device,
                        platform: news.platform,
                        user: news.owner,
                    };
                    events.tell(now, &[event]).await;
                }
                break;
            }
        }
        Reply::json(200, &json!({}))
    }

    /// The message goes away on the reader's Android phones but this one, or is sure to: it is a message of its own.
    async fn dismiss(
        &self,
        call: &Call,
        id: &MessageId,
        reader: &UserId,
        device: &DeviceId,
    ) -> Result<(), Failure> {
        let message = Message::dismissal(id.clone(), reader.clone(), device.clone());
        let plan = self.plan(&message, AT_ONCE);
        let kept = Accepted {
            id: random::message_id()?,
            stored: accepted(&message, plan.jobs(), call.now),
            progress: Progress::Due,
        };
        let (ids, stored) = (
            std::slice::from_ref(&kept.id),
            std::slice::from_ref(&kept.stored),
        );
        self.keep(ids, stored, call.now).await?;
        self.send(call, &message, &kept, plan, None).await?;
        Ok(())
    }

    /// A report that is not counted is missing from a statistic, and that is no reason to fail it.
    async fn count(&self, new: NewReport<'_>) {
        if let Err(fault) = self.store.count_report(new).await {
            let (code, id) = (Failure::from(fault).code(), new.message.as_str());
            tracing::warn!(code, messageId = id, "a report was not counted");
        }
    }
}

//! What webhooks are told of the changes that were made, and only after they were. A crash in between loses the event: it is
//! news, not a record.

use super::Bindings;
use push::change::Change;
use push::device::Record;
use push::event::Event;
use push::subscription::Outcome;
use push::{DeviceId, Time};

impl Bindings {
    /// The change is made, of devices whose items were `before` as they were seen.
    pub(super) async fn tell_of(
        &self,
        now: Time,
        change: &Change,
        before: &[(&DeviceId, &Record)],
    ) {
        if let Some(events) = &self.events {
            let happened = Event::of_change(now, change, before, &self.policy);
            events.tell(&happened).await;
        }
    }

    /// The device subscribes, or no longer does, as the outcome says.
    pub(super) async fn tell_of_tags(
        &self,
        now: Time,
        device: &DeviceId,
        before: Option<&Record>,
        outcome: &Outcome,
    ) {
        if let Some(events) = &self.events {
            let happened = Event::of_subscribing(now, (device, before), outcome, &self.policy);
            events.tell(&happened).await;
        }
    }
}

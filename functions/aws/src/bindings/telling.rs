//! What webhooks are told of the changes that were made, and only after they were. A crash in between loses the event: it is
//! news, not a record.

use super::Bindings;
use push::change::Change;
use push::device::Record;
use push::event::Event;
use push::subscription::Outcome;
use push::{DeviceId, Time, UserId};

impl Bindings {
    /// The change is made. It was decided at `now`, of devices whose items were `before` as they were seen, for the
    /// `registrant` of a registration. The events have that time: a decision about a device comes after the write of the
    /// change before, so the times of a device's events are in the order of its changes.
    pub(super) async fn tell_of(
        &self,
        now: Time,
        change: &Change,
        registrant: Option<&UserId>,
        before: &[(&DeviceId, &Record)],
    ) {
        if let Some(events) = &self.events {
            let happened = Event::of_change(now, change, registrant, before, &self.policy);
            events.tell(now, &happened).await;
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
            events.tell(now, &happened).await;
        }
    }
}

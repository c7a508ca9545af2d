//! What happens to devices, as webhooks are told of it.

use crate::change::{Action, Case, Change};
use crate::device::{Policy, Record, State};
use crate::report::Report;
use crate::subscription::Outcome;
use crate::token::hex;
use crate::{ApplicationId, DeviceId, MessageId, Platform, TagName, Time, UserId};
use serde_json::json;

/// Something that happened to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it was.
    pub what: What,
    /// The device.
    pub device: DeviceId,
    /// Its platform.
    pub platform: Platform,
    /// Whose it is, or was until it ended; nobody where it is anonymous.
    pub user: Option<UserId>,
}

/// What can happen to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It was not known, or not any more, and is registered.
    Registered,
    /// It has another user or another token.
    Updated,
    /// It is no longer registered.
    Unregistered(Reason),
    /// It subscribes to the tag.
    Subscribed(TagName),
    /// It no longer subscribes to the tag.
    Unsubscribed(TagName),
    /// It reports what became of a message on it.
    StatusChanged(MessageId, Report),
}

/// Why a device has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its user, or a backend, has unregistered it.
    Logout,
    /// Its token is dead.
    DeadToken,
    /// Its user has registered its token under another device id.
    Reinstall,
    /// Another user, or nobody, has taken its token or its device id.
    OwnerChange,
    /// Its user has too many devices.
    Surplus,
    /// Its user is erased.
    Erased,
}

/// The types of events, as a webhook asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// Of [`What::Registered`].
    DeviceRegister,
    /// Of [`What::Updated`].
    DeviceUpdate,
    /// Of [`What::Unregistered`].
    DeviceUnregister,
    /// Of [`What::Subscribed`].
    Subscribe,
    /// Of [`What::Unsubscribed`].
    Unsubscribe,
    /// Of [`What::StatusChanged`].
    NotificationStatusChange,
}

/// Random for each event: who is told of one twice knows it by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId(pub [u8; 16]);

impl Reason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Logout,
        Self::DeadToken,
        Self::Reinstall,
        Self::OwnerChange,
        Self::Surplus,
        Self::Erased,
    ];

    /// The words of the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::DeadToken => "dead token",
            Self::Reinstall => "reinstall",
            Self::OwnerChange => "owner change",
            Self::Surplus => "surplus",
            Self::Erased => "erased",
        }
    }

    /// Why such a change ends a device of `owner`; `registrant` is the user for whom a registration asked.
    fn of(case: Case, owner: Option<&UserId>, registrant: Option<&UserId>) -> Self {
        match case {
            Case::Unregister | Case::LogoutMarker => Self::Logout,
            Case::Removal | Case::Revival => Self::DeadToken,
            Case::Eviction => Self::Surplus,
            Case::Erasure => Self::Erased,
            Case::New
            | Case::Renewal
            | Case::TokenRefresh
            | Case::OwnerChange
            | Case::Reinstall
            | Case::OwnerChangeAndReinstall
            | Case::StaleToken
            | Case::AnonymousTakeover
            | Case::Overtaken
            | Case::Subscription
            | Case::Unsubscription => {
                if owner == registrant {
                    Self::Reinstall
                } else {
                    Self::OwnerChange
                }
            }
        }
    }
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DeviceRegister,
        Self::DeviceUpdate,
        Self::DeviceUnregister,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::NotificationStatusChange,
    ];

    /// The type that a word means, in any letter case; nothing where it means none.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.name().eq_ignore_ascii_case(word))
    }

    /// The word of the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeviceRegister => "onDeviceRegister",
            Self::DeviceUpdate => "onDeviceUpdate",
            Self::DeviceUnregister => "onDeviceUnregister",
            Self::Subscribe => "onSubscribe",
            Self::Unsubscribe => "onUnsubscribe",
            Self::NotificationStatusChange => "onNotificationStatusChange",
        }
    }
}

impl EventId {
    /// 32 hexadecimal digits.
    #[must_use]
    pub fn to_text(self) -> String {
        hex(&self.0)
    }
}

impl Event {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> EventType {
        match self.what {
            What::Registered => EventType::DeviceRegister,
            What::Updated => EventType::DeviceUpdate,
            What::Unregistered(_) => EventType::DeviceUnregister,
            What::Subscribed(_) => EventType::Subscribe,
            What::Unsubscribed(_) => EventType::Unsubscribe,
            What::StatusChanged(..) => EventType::NotificationStatusChange,
        }
    }

    /// What a webhook is sent: a JSON object of strings. It has no token, no endpoint and no secret. `time` is when it
    /// happened, and is written to the millisecond.
    #[must_use]
    pub fn body(&self, id: EventId, time: Time, application: &ApplicationId) -> String {
        let mut body = json!({
            "id": id.to_text(),
            "event": self.kind().name(),
            "time": time.to_millis_text(),
            "applicationId": application.as_str(),
            "deviceId": self.device.as_str(),
            "platform": self.platform.letter(),
            "userId": self.user.as_ref().map_or(UserId::ANONYMOUS, UserId::as_str),
        });
        match &self.what {
            What::Registered | What::Updated => {}
            What::Unregistered(reason) => body["reason"] = reason.name().into(),
            What::Subscribed(tag) | What::Unsubscribed(tag) => {
                body["tagName"] = tag.as_str().into();
            }
            What::StatusChanged(message, status) => {
                body["messageId"] = message.as_str().into();
                body["status"] = status.as_str().into();
            }
        }
        body.to_string()
    }

    /// What the change of a binding is to the devices in it, once it is made. `registrant` is the user for whom the
    /// registration asked that made it, and `before` are the items of the devices as they were seen. A change of nothing but
    /// times is no event, and neither is the end of what had expired.
    #[must_use]
    pub fn of_change(
        now: Time,
        change: &Change,
        registrant: Option<&UserId>,
        before: &[(&DeviceId, &Record)],
        policy: &Policy,
    ) -> Vec<Self> {
        let mut events = Vec::new();
        for action in &change.actions {
            let Action::PutDevice { id, record, .. } = action else {
                continue;
            };
            let seen = before.iter().find(|(seen, _)| *seen == id);
            let was = seen.and_then(|(_, record)| record.live(now));
            let owner = |device| policy.owner(device, now).cloned();
            let (what, platform, user) = match (was, &record.state) {
                (Some(was), State::Ended(_)) => {
                    let user = owner(was);
                    let reason = Reason::of(change.case, user.as_ref(), registrant);
                    (What::Unregistered(reason), was.token.platform(), user)
                }
                (None, State::Live(is)) => (What::Registered, is.token.platform(), owner(is)),
                (Some(was), State::Live(is))
                    if was.token != is.token || owner(was) != owner(is) =>
                {
                    (What::Updated, is.token.platform(), owner(is))
                }
                (_, State::Live(_) | State::Ended(_)) => continue,
            };
            events.push(Self {
                what,
                device: id.clone(),
                platform,
                user,
            });
        }
        events
    }

    /// What came of a wish to subscribe or to unsubscribe, once it is written: an event for each tag with which it was not
    /// so before.
    #[must_use]
    pub fn of_subscribing(
        now: Time,
        (id, before): (&DeviceId, Option<&Record>),
        outcome: &Outcome,
        policy: &Policy,
    ) -> Vec<Self> {
        let (Some(change), Some(was)) = (&outcome.change, before.and_then(|seen| seen.live(now)))
        else {
            return Vec::new();
        };
        let device = change.actions.iter().find_map(|action| match action {
            Action::PutDevice { record, .. } => record.device(),
            _ => None,
        });
        let on = device.map(|device| &device.subscriptions.on);
        let on = |tag: &&TagName| on.is_some_and(|on| on.contains_key(*tag));
        // Where a later call has said otherwise, it is as that said.
        let (what, turned): (fn(TagName) -> What, _) = match change.case {
            Case::Subscription => (What::Subscribed, true),
            _ => (What::Unsubscribed, false),
        };
        let event = |tag: &TagName| Self {
            what: what(tag.clone()),
            device: id.clone(),
            platform: was.token.platform(),
            user: policy.owner(was, now).cloned(),
        };
        let done = outcome.done.iter().filter(|tag| on(tag) == turned);
        done.map(event).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(what: What, user: Option<&str>) -> Event {
        Event {
            what,
            device: DeviceId::parse("D1").unwrap(),
            platform: Platform::Fcm,
            user: user.map(|user| UserId::parse(user).unwrap()),
        }
    }

    #[test]
    fn a_body_says_what_happened_in_strings() {
        let tag = || TagName::parse("news").unwrap();
        let message = || MessageId::parse("1DTVa5uX").unwrap();
        for (what, user, name, more) in [
            (What::Registered, None, "onDeviceRegister", json!({})),
            (What::Updated, Some("zoë"), "onDeviceUpdate", json!({})),
            (
                What::Unregistered(Reason::DeadToken),
                Some("bob"),
                "onDeviceUnregister",
                json!({"reason": "dead token"}),
            ),
            (
                What::Subscribed(tag()),
                None,
                "onSubscribe",
                json!({"tagName": "news"}),
            ),
            (
                What::Unsubscribed(tag()),
                None,
                "onUnsubscribe",
                json!({"tagName": "news"}),
            ),
            (
                What::StatusChanged(message(), Report::Seen),
                Some("bob"),
                "onNotificationStatusChange",
                json!({"messageId": "1DTVa5uX", "status": "SEEN"}),
            ),
            (
                What::StatusChanged(message(), Report::Opened),
                Some("bob"),
                "onNotificationStatusChange",
                json!({"messageId": "1DTVa5uX", "status": "OPEN"}),
            ),
        ] {
            let application = ApplicationId::parse("app").unwrap();
            let time = Time::from_millis(1_700_000_000_999);
            let body = event(what, user).body(EventId([10; 16]), time, &application);
            let mut expected = json!({
                "id": "0a".repeat(16), "event": name, "time": "2023-11-14T22:13:20.999Z", "applicationId": "app",
                "deviceId": "D1", "platform": "G", "userId": user.unwrap_or("anonymous"),
            });
            for (key, value) in more.as_object().unwrap() {
                expected[key] = value.clone();
            }
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body, expected);
        }
    }

    #[test]
    fn a_type_is_found_in_any_letter_case() {
        for kind in EventType::ALL {
            for word in [kind.name().to_owned(), kind.name().to_uppercase()] {
                assert_eq!(EventType::parse(&word), Some(kind));
            }
        }
        for word in ["", "onDevice", "onDeviceRegisters", " onSubscribe"] {
            assert_eq!(EventType::parse(word), None, "{word}");
        }
    }
}

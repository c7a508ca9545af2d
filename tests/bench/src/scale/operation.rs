//! What the API does with a device or for a user, and the devices that it is tried with.

use super::system::{Caller, Request};
use reqwest::Method;
use serde_json::{Value, json};

/// What the API does with one device or for one user. In this order each leaves what the next ones need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    RegisterUnchanged,
    SendToOne,
    SendToTen,
    RefreshToken,
    SwitchUser,
    Unregister,
    RegisterNew,
    Subscribe,
}

pub(super) const OPERATIONS: [Operation; 9] = [
    Operation::Read,
    Operation::RegisterUnchanged,
    Operation::SendToOne,
    Operation::SendToTen,
    Operation::RefreshToken,
    Operation::SwitchUser,
    Operation::Unregister,
    Operation::RegisterNew,
    Operation::Subscribe,
];

impl Operation {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read of a device",
            Self::RegisterUnchanged => "registration, unchanged",
            Self::SendToOne => "send to a user with 1 device",
            Self::SendToTen => "send to a user with 10 devices",
            Self::RefreshToken => "registration, new token",
            Self::SwitchUser => "registration, other user",
            Self::Unregister => "unregistration",
            Self::RegisterNew => "registration, new device",
            Self::Subscribe => "subscription to a tag",
        }
    }

    pub(super) fn request(self, device: &Device, tag: &str) -> Request {
        let id = device.now["deviceId"].as_str().unwrap_or_default();
        let at_device = format!("/devices/{id}");
        let app = |method, route: &str, body: Option<&Value>, status| Request {
            method,
            route: route.to_owned(),
            from: Caller::App,
            body: body.cloned(),
            status,
        };
        let to = |user: &Value| Request::message(Some(&json!({"userIds": [user]})));
        match self {
            Self::Read => app(Method::GET, &at_device, None, 200),
            Self::RegisterUnchanged => app(Method::POST, "/devices", Some(&device.now), 201),
            Self::SendToOne => to(&device.now["userId"]),
            Self::SendToTen => to(&device.friend),
            Self::RefreshToken | Self::SwitchUser => {
                app(Method::PUT, &at_device, Some(&device.now), 200)
            }
            Self::Unregister => app(Method::DELETE, &at_device, None, 204),
            Self::RegisterNew => app(Method::POST, "/devices", Some(&device.next), 201),
            // Of a device that nothing else is done with: the others would cost more if they subscribed.
            Self::Subscribe => {
                let body = json!({"deviceId": device.next["deviceId"], "tagName": tag});
                app(Method::POST, "/subscriptions", Some(&body), 201)
            }
        }
    }
}

/// A device that is looked at.
pub(super) struct Device {
    /// What its app registers.
    pub(super) now: Value,
    /// A registration of a device that nobody knows yet, of the same platform.
    pub(super) next: Value,
    /// Another user, whose only device is another one.
    pub(super) other: Value,
    /// A user with several devices.
    pub(super) friend: Value,
    /// Another token for it.
    pub(super) token: Value,
}

impl Device {
    /// What its app registers from this operation on.
    pub(super) fn change(&mut self, operation: Operation) {
        match operation {
            Operation::RefreshToken => self.now["token"] = self.token.take(),
            Operation::SwitchUser => self.now["userId"] = self.other.take(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_changes_before_its_app_tells() {
        let mut device = Device {
            now: json!({"deviceId": "d", "token": "t", "platform": "G", "userId": "alice"}),
            next: json!({"deviceId": "e"}),
            other: json!("bob"),
            friend: json!("carol"),
            token: json!("u"),
        };
        device.change(Operation::Read);
        device.change(Operation::RefreshToken);
        device.change(Operation::SwitchUser);
        let request = Operation::SwitchUser.request(&device, "offers");
        assert_eq!(
            (request.route.as_str(), request.body),
            (
                "/devices/d",
                Some(json!({"deviceId": "d", "token": "u", "platform": "G", "userId": "bob"}))
            )
        );
    }
}

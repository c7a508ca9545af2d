//! What phones received, held against whom a message was for.

use super::crowd::Crowd;
use crate::message::Push;
use crate::phone::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// A message on its way to all devices of some crowds.
pub(super) struct Told<'a> {
    pub(super) message: &'a str,
    pub(super) alert: &'a str,
    pub(super) application: &'a str,
    /// Those that it is for.
    pub(super) crowds: &'a [&'a Crowd],
    /// Whether it was sent to users, and so names each one.
    pub(super) names_users: bool,
}

/// How many pushes there were, and how many of them came to a device that had one already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) pushes: usize,
    pub(super) repeats: usize,
}

impl Told<'_> {
    /// Counts the pushes, as the control surface shows them. With it, what is wrong: a device that has none, a push to
    /// another device, or one that is not as every push of this message to its device has to be.
    pub(super) fn received(&self, shown: &Value) -> (Received, Vec<String>) {
        let mut wrong = Vec::new();
        if shown.get("older").is_some() {
            wrong.push("there were more pushes than are kept".to_owned());
        }
        // By token: the owner and the pushes so far.
        let mut devices: HashMap<&str, (String, usize)> = HashMap::new();
        for crowd in self.crowds {
            for (n, phone) in crowd.phones.iter().enumerate() {
                devices.insert(&phone.token, (crowd.owner(n), 0));
            }
        }
        let mut received = Received::default();
        for push in shown["pushes"].as_array().into_iter().flatten() {
            received.pushes += 1;
            let token = push["token"].as_str().unwrap_or_default();
            let Some((owner, count)) = devices.get_mut(token) else {
                wrong.push(format!("a push to a device that it is not for: {push}"));
                continue;
            };
            received.repeats += usize::from(*count > 0);
            *count += 1;
            if let Some(fault) = self.fault(push, owner) {
                wrong.push(format!("{fault}: {push}"));
            }
        }
        let missed = devices.values().filter(|(_, count)| *count == 0).count();
        if missed > 0 {
            wrong.push(format!("{missed} devices have no push"));
        }
        (received, wrong)
    }

    /// What is wrong with a push to a device of this user.
    fn fault(&self, push: &Value, owner: &str) -> Option<&'static str> {
        let seen = Push(push.clone());
        let payload = seen.payload();
        let collapse = &push["attributes"]["AWS.SNS.MOBILE.APNS.COLLAPSE_ID"];
        if seen.alert() != self.alert {
            Some("another text")
        } else if payload["nid"] != self.message {
            Some("another nid")
        } else if push["platform"] == "A" && collapse != self.message {
            Some("another collapse id")
        } else if self.names_users && payload["uid"] != uid(self.application, owner) {
            Some("another uid")
        } else {
            None
        }
    }
}

fn uid(application: &str, user: &str) -> String {
    hex(&Sha256::digest(format!("{application}\0{user}"))[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The push of a message "m" to a device of a crowd.
    fn push(crowd: &Crowd, n: usize) -> Value {
        let phone = &crowd.phones[n];
        let payload = json!({"nid": "m", "uid": uid("app", &crowd.owner(n))}).to_string();
        let (payload, attributes) = if phone.platform == "A" {
            (
                json!({"aps": {"alert": {"body": "x"}}, "payload": payload}),
                json!({"AWS.SNS.MOBILE.APNS.COLLAPSE_ID": "m"}),
            )
        } else {
            let data = json!({"alert": "x", "payload": payload});
            (
                json!({"fcmV1Message": {"message": {"data": data}}}),
                json!({}),
            )
        };
        json!({"token": phone.token, "platform": phone.platform, "payload": payload, "attributes": attributes})
    }

    fn received(crowd: &Crowd, pushes: &[Value]) -> (Received, Vec<String>) {
        let told = Told {
            message: "m",
            alert: "x",
            application: "app",
            crowds: &[crowd],
            names_users: true,
        };
        told.received(&json!({ "pushes": pushes }))
    }

    #[test]
    fn repeats_are_counted_and_are_no_fault() {
        let crowd = Crowd::new(3, 2);
        let pushes = [0, 1, 2, 1, 1].map(|n| push(&crowd, n));
        let counts = Received {
            pushes: 5,
            repeats: 2,
        };
        assert_eq!(received(&crowd, &pushes), (counts, vec![]));
    }

    #[test]
    fn what_is_missing_strange_or_different_is_a_fault() {
        let (crowd, others) = (Crowd::new(2, 1), Crowd::new(2, 1));
        let good = [push(&crowd, 0), push(&crowd, 1)];
        let with = |n: usize, pointer: &str, value: Value| {
            let mut pushes = good.clone();
            *pushes[n].pointer_mut(pointer).unwrap() = value;
            pushes.to_vec()
        };
        let collapse = "/attributes/AWS.SNS.MOBILE.APNS.COLLAPSE_ID";
        let android = "/payload/fcmV1Message/message/data";
        let stranger = [good.to_vec(), vec![push(&others, 0)]].concat();
        for (pushes, fault) in [
            (good[..1].to_vec(), "1 devices have no push"),
            (stranger, "a push to a device that it is not for"),
            (with(1, collapse, json!("n")), "another collapse id"),
            (with(1, "/payload/payload", json!("{}")), "another nid"),
            (
                with(1, "/payload/payload", json!(r#"{"nid":"m"}"#)),
                "another uid",
            ),
            (
                with(0, &format!("{android}/alert"), json!("y")),
                "another text",
            ),
            (
                with(0, &format!("{android}/payload"), json!(r#"{"nid":"n"}"#)),
                "another nid",
            ),
        ] {
            let (_, wrong) = received(&crowd, &pushes);
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert!(wrong[0].starts_with(fault), "{wrong:?}");
        }
    }
}

//! All webhooks: at most ten, each under a name of its own.

use super::{Webhook, WebhookName};
use std::collections::BTreeMap;

/// All webhooks of an application, at most [`MOST`]. They are stored as one, so that no two calls exceed that together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhooks(BTreeMap<WebhookName, Webhook>);

/// Why a webhook is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdded {
    /// There is one of this name.
    Exists,
    /// There are [`MOST`].
    TooMany,
}

/// The number of webhooks of an application is at most this: each event is read for all of them.
pub const MOST: usize = 10;

impl Webhooks {
    /// The webhook is one of them.
    ///
    /// # Errors
    /// [`NotAdded`]; nothing has changed then.
    pub fn add(&mut self, name: WebhookName, webhook: Webhook) -> Result<(), NotAdded> {
        if self.0.contains_key(&name) {
            return Err(NotAdded::Exists);
        }
        if self.0.len() >= MOST {
            return Err(NotAdded::TooMany);
        }
        self.0.insert(name, webhook);
        Ok(())
    }

    /// The webhook of this name.
    #[must_use]
    pub fn get(&self, name: &WebhookName) -> Option<&Webhook> {
        self.0.get(name)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &WebhookName) -> Option<&mut Webhook> {
        self.0.get_mut(name)
    }

    /// There is no webhook of this name any more. `None` if there was none.
    pub fn remove(&mut self, name: &WebhookName) -> Option<Webhook> {
        self.0.remove(name)
    }

    /// Each with its name, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&WebhookName, &Webhook)> {
        self.0.iter()
    }
}

impl FromIterator<(WebhookName, Webhook)> for Webhooks {
    /// What is stored, whatever [`MOST`] was when it was written.
    fn from_iter<I: IntoIterator<Item = (WebhookName, Webhook)>>(webhooks: I) -> Self {
        Self(webhooks.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EventTypes, WebhookId, WebhookUrl};
    use super::*;
    use crate::Time;

    fn webhook(id: u8) -> Webhook {
        Webhook {
            id: WebhookId([id; 16]),
            url: WebhookUrl::parse("https://h.example/").unwrap(),
            events: EventTypes::parse(["onSubscribe"]).unwrap(),
            created: Time::default(),
            updated: Time::default(),
        }
    }

    #[test]
    fn ten_webhooks_are_added_each_under_a_name_of_its_own() {
        let name = |n: u8| WebhookName::parse(&format!("hook-{n}")).unwrap();
        let mut webhooks = Webhooks::default();
        for n in 0..10 {
            assert_eq!(webhooks.add(name(n), webhook(n)), Ok(()));
            assert_eq!(webhooks.add(name(n), webhook(99)), Err(NotAdded::Exists));
        }
        let full = webhooks.clone();
        assert_eq!(webhooks.add(name(10), webhook(10)), Err(NotAdded::TooMany));
        assert_eq!(webhooks, full);
        assert_eq!(webhooks.remove(&name(10)), None);
        assert_eq!(webhooks.remove(&name(3)), Some(webhook(3)));
        assert_eq!(webhooks.add(name(10), webhook(10)), Ok(()));
        assert_eq!(webhooks.get(&name(10)), Some(&webhook(10)));
        assert_eq!(webhooks.get(&name(3)), None);
    }
}

//! A table in memory: the conditions of a change are checked together, then all of it is written.

use push::change::{Action, Change, TokenCondition, seen};
use push::device::Record;
use push::erasure::Erasure;
use push::logout::UserHash;
use push::registration::{Registration, Snapshot};
use push::token_item::TokenItem;
use push::{DeviceId, TagName, Time, TokenKey, UserId};
use std::collections::BTreeMap;

/// Items by their keys; expired ones stay until they are swept.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub devices: BTreeMap<DeviceId, Record>,
    pub tokens: BTreeMap<TokenKey, TokenItem>,
    pub links: BTreeMap<(UserId, DeviceId), Time>,
    pub subscriptions: BTreeMap<(TagName, DeviceId), Time>,
    pub erasures: BTreeMap<UserHash, Erasure>,
}

impl Table {
    /// What a registration reads first.
    pub fn snapshot(&self, wanted: &Registration) -> Snapshot {
        let link = wanted
            .user
            .clone()
            .and_then(|user| self.links.get(&(user, wanted.device.clone())));
        Snapshot {
            device: self.devices.get(&wanted.device).cloned(),
            token: self.tokens.get(&wanted.token.key()).cloned(),
            link: link.copied(),
            erasure: None,
        }
    }

    /// Makes the change if all of its conditions hold, and says whether it did.
    pub fn apply(&mut self, change: &Change) -> bool {
        if !change.actions.iter().all(|action| self.holds(action)) {
            return false;
        }
        for action in &change.actions {
            match action.clone() {
                Action::PutDevice { id, record, .. } => drop(self.devices.insert(id, record)),
                Action::CheckDevice { .. } | Action::CheckErasure { .. } => {}
                Action::PutToken { key, item, .. } => drop(self.tokens.insert(key, item)),
                Action::PutLink {
                    user,
                    device,
                    expires,
                } => drop(self.links.insert((user, device), expires)),
                Action::DeleteLink { user, device } => drop(self.links.remove(&(user, device))),
                Action::PutSubscription {
                    tag,
                    device,
                    expires,
                } => drop(self.subscriptions.insert((tag, device), expires)),
                Action::DeleteSubscription { tag, device } => {
                    self.subscriptions.remove(&(tag, device));
                }
            }
        }
        true
    }

    fn holds(&self, action: &Action) -> bool {
        match action {
            Action::PutDevice {
                id, seen: expected, ..
            }
            | Action::CheckDevice { id, seen: expected } => seen(self.devices.get(id)) == *expected,
            Action::PutToken { key, condition, .. } => {
                let item = self.tokens.get(key);
                match condition {
                    TokenCondition::NamesNoOther(device) => {
                        item.is_none_or(|item| item.device == *device)
                    }
                    TokenCondition::AsSeen(seen) => item.map(|item| item.version) == *seen,
                }
            }
            Action::CheckErasure {
                user,
                arrived,
                issued,
            } => self
                .erasures
                .get(user)
                .is_none_or(|erasure| !erasure.overtakes(*arrived) && !erasure.refuses(*issued)),
            Action::PutLink { .. }
            | Action::DeleteLink { .. }
            | Action::PutSubscription { .. }
            | Action::DeleteSubscription { .. } => true,
        }
    }

    /// Deletes the `n`th of the items that have expired, as TTL may at any time.
    pub fn sweep(&mut self, now: Time, n: usize) {
        let devices: Vec<_> = self
            .devices
            .iter()
            .filter(|(_, record)| record.expires <= now)
            .map(|(id, _)| id.clone())
            .collect();
        let tokens: Vec<_> = self
            .tokens
            .iter()
            .filter(|(_, item)| item.expires <= now)
            .map(|(key, _)| key.clone())
            .collect();
        let links: Vec<_> = self
            .links
            .iter()
            .filter(|(_, expires)| **expires <= now)
            .map(|(key, _)| key.clone())
            .collect();
        let subscriptions: Vec<_> = self
            .subscriptions
            .iter()
            .filter(|(_, expires)| **expires <= now)
            .map(|(key, _)| key.clone())
            .collect();
        let all = devices.len() + tokens.len() + links.len() + subscriptions.len();
        if all == 0 {
            return;
        }
        let n = n % all;
        if let Some(id) = devices.get(n) {
            self.devices.remove(id);
        } else if let Some(key) = tokens.get(n - devices.len()) {
            self.tokens.remove(key);
        } else if let Some(key) = links.get(n - devices.len() - tokens.len()) {
            self.links.remove(key);
        } else if let Some(key) = subscriptions.get(n - devices.len() - tokens.len() - links.len())
        {
            self.subscriptions.remove(key);
        }
    }
}

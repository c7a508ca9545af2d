//! The table as the control surface shows it: who has which device, and whether its items agree with each other.

use crate::phone::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The items of some devices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// By id; devices that have no item are not part of it.
    pub(crate) devices: BTreeMap<String, Entry>,
    /// When the link from a user to a device expires, in seconds.
    links: BTreeMap<(String, String), u64>,
    /// The device that a token's item names, and when it expires, by the name of the token.
    tokens: BTreeMap<String, (String, u64)>,
    /// When the entry of a device in the index of a tag expires, in seconds.
    subscriptions: BTreeMap<(String, String), u64>,
}

/// What a device's item says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The token; none of a device that has ended.
    pub(crate) token: Option<String>,
    /// The owner and the end of the lease, in seconds.
    pub(crate) owner: Option<(String, u64)>,
    /// From when on the item counts as absent, in seconds.
    pub(crate) expires: u64,
    /// The tags that it subscribes to.
    pub(crate) tags: BTreeSet<String>,
    key: String,
}

impl Table {
    /// What the items say of these devices, and of nothing else.
    pub(crate) fn of(items: &[Value], devices: &BTreeSet<String>) -> Self {
        let mut table = Self::default();
        for item in items {
            let text = |name: &str| item[name]["S"].as_str().map(str::to_owned);
            let number = |name: &str| -> u64 {
                let number = item[name]["N"].as_str().expect(name);
                number.parse().expect(name)
            };
            let (pk, sk) = (text("pk").expect("pk"), text("sk").expect("sk"));
            if pk.starts_with("DEVICES#") && devices.contains(&sk) {
                let token = text("token");
                let key = token.as_deref().map_or_else(String::new, |token| {
                    named(&text("platform").expect("platform"), token)
                });
                let owner = text("owner").map(|owner| (owner, number("lease")));
                let expires = number("expires");
                let tags = item["tags"]["M"].as_object();
                let tags = tags.into_iter().flat_map(|tags| tags.keys().cloned());
                table.devices.insert(
                    sk,
                    Entry {
                        token,
                        owner,
                        expires,
                        tags: tags.collect(),
                        key,
                    },
                );
            } else if let Some(user) = pk.strip_prefix("USER#")
                && devices.contains(&sk)
            {
                table.links.insert((user.to_owned(), sk), number("expires"));
            } else if let Some((tag, _)) =
                pk.strip_prefix("TAG#").and_then(|pk| pk.rsplit_once('#'))
                && devices.contains(&sk)
            {
                table
                    .subscriptions
                    .insert((tag.to_owned(), sk), number("expires"));
            } else if let Some(key) = pk.strip_prefix("TOKEN#") {
                let device = text("d").expect("d");
                if devices.contains(&device) {
                    table
                        .tokens
                        .insert(key.to_owned(), (device, number("expires")));
                }
            }
        }
        table
    }

    /// Whether there is no item of them.
    pub(crate) fn is_empty(&self) -> bool {
        let indexes = self.links.is_empty() && self.subscriptions.is_empty();
        self.devices.is_empty() && indexes && self.tokens.is_empty()
    }

    /// The owner and the token of a device that is live at a moment, in seconds.
    pub(crate) fn live(&self, device: &str, now: u64) -> Option<(Option<&str>, &str)> {
        let entry = self
            .devices
            .get(device)
            .filter(|entry| entry.expires > now)?;
        let token = entry.token.as_deref()?;
        let owner = entry.owner.as_ref().filter(|(_, lease)| *lease > now);
        Some((owner.map(|(user, _)| user.as_str()), token))
    }

    /// The tags that a device subscribes to, by its item.
    pub(crate) fn tags(&self, device: &str) -> impl Iterator<Item = &String> {
        self.devices
            .get(device)
            .into_iter()
            .flat_map(|entry| &entry.tags)
    }

    /// Where the items contradict I1 or I2, or a send would miss a device, as they were read from `since` to `until`, in
    /// seconds, while nothing was written.
    pub(crate) fn contradictions(&self, since: u64, until: u64) -> Vec<String> {
        let mut found = Vec::new();
        let mut holders: BTreeMap<&str, &str> = BTreeMap::new();
        for (id, entry) in &self.devices {
            if entry.token.is_none() || entry.expires <= until {
                continue;
            }
            if let Some(other) = holders.insert(&entry.key, id) {
                found.push(format!("{id} and {other} hold the same token"));
            }
            if self.tokens.get(&entry.key) != Some(&(id.clone(), entry.expires)) {
                found.push(format!("the item of the token of {id} does not name it"));
            }
            if let Some((user, lease)) = &entry.owner
                && *lease > until
                && self.links.get(&(user.clone(), id.clone())) != Some(lease)
            {
                found.push(format!(
                    "{id} is of {user}, whose index does not have it so"
                ));
            }
        }
        self.add_wrong_subscriptions(since, until, &mut found);
        for ((user, id), expires) in &self.links {
            let owner = self.devices.get(id).and_then(|entry| entry.owner.clone());
            if *expires > since && owner != Some((user.clone(), *expires)) {
                found.push(format!(
                    "the index of {user} has {id}, of which it is not so"
                ));
            }
        }
        for (key, (id, expires)) in &self.tokens {
            let held = self.devices.get(id).map(|entry| &entry.key);
            // What a device lets go of is kept for a day.
            if *expires > until + 86_400 && held != Some(key) {
                found.push(format!("a token's item names {id}, which does not hold it"));
            }
        }
        found
    }
}

impl Table {
    fn add_wrong_subscriptions(&self, since: u64, until: u64, found: &mut Vec<String>) {
        for (id, entry) in &self.devices {
            for tag in entry.tags.iter().filter(|_| entry.expires > until) {
                let indexed = self.subscriptions.get(&(tag.clone(), id.clone()));
                if indexed != Some(&entry.expires) {
                    found.push(format!(
                        "{id} subscribes to {tag}, whose index does not have it so"
                    ));
                }
            }
        }
        for ((tag, id), expires) in &self.subscriptions {
            let entry = self.devices.get(id);
            if *expires > since && !entry.is_some_and(|entry| entry.tags.contains(tag)) {
                found.push(format!(
                    "the index of {tag} has {id}, which does not subscribe to it"
                ));
            }
        }
    }
}

/// The name under which the table holds a token.
fn named(platform: &str, token: &str) -> String {
    let canonical = if platform == "A" {
        token.to_ascii_lowercase()
    } else {
        token.to_owned()
    };
    hex(&Sha256::digest(format!("{platform}:{canonical}")))
}

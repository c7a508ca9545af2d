//! Subscribing: to which tags a device listens. The device's own item says so, and ends it together with the device or with
//! whom that belongs to; the indexes of the tags only find devices.

use crate::change::{Action, Case, Change};
use crate::device::{Device, Policy, Record, State, Version};
use crate::token::hex;
use crate::{Caller, Denial, DeviceId, Refusal, Span, TagId, TagName, Time};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Tags that exist, by name.
pub type Tags = BTreeMap<TagName, TagId>;

/// A tag that a device subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Which tag of the name.
    pub tag: TagId,
    /// When the call reached the gateway.
    pub arrived: Time,
}

/// What a device subscribes to, and what it has let go of a moment ago.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// The tags that it subscribes to.
    pub on: BTreeMap<TagName, Subscription>,
    /// The tags that it does not, and when the call that said so reached the gateway: one that arrived earlier, and is still
    /// under way, does not subscribe it again.
    pub off: BTreeMap<TagName, Time>,
}

/// So many tags a device subscribes to at most. They end with it in one transaction, which has 100 actions at most; so do
/// those of a device whose token it takes.
pub const MOST: usize = 40;

/// What was let go of is of use while a call that arrived before can still write: the 10 seconds of its patience, and the
/// minute that clocks may differ. It is kept a little longer.
const REMEMBERED: Span = Span::from_seconds(120);

/// Whether a device is to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To subscribe.
    On,
    /// To unsubscribe.
    Off,
}

/// What is asked for a device.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Whether it is to listen.
    pub way: Way,
    /// To these, each once.
    pub names: &'a [TagName],
    /// Who asks.
    pub caller: &'a Caller,
    /// When the call reached the gateway.
    pub arrived: Time,
}

/// What a wish comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What to write; nothing where nothing has to change.
    pub change: Option<Change>,
    /// Those of the names that are no tag's.
    pub not_found: Vec<TagName>,
    /// Those with which it was so already.
    pub already: Vec<TagName>,
    /// Those with which it is so once that is written.
    pub done: Vec<TagName>,
}

/// Why a wish is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The caller may not.
    Caller(Refusal),
    /// The device would subscribe to more than [`MOST`] tags.
    TooMany,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Caller(refusal)
    }
}

/// What an answer calls the subscription of a device to a tag: 32 hexadecimal digits, always the same.
#[must_use]
pub fn id(device: &DeviceId, tag: &TagName) -> String {
    let digest = Sha256::new()
        .chain_update(device.as_str())
        .chain_update([0])
        .chain_update(tag.as_str());
    hex(digest.finalize().get(..16).unwrap_or_default())
}

/// What a wish comes to, given the device's item and those tags that there are among the named ones and the device's own.
/// What the device subscribed to of tags that are gone ends on the occasion.
///
/// # Errors
/// [`Refusal::NotFound`] where there is no such device or it is another's, [`Refusal::Unauthorized`]; [`Refused::TooMany`].
pub fn decide(
    now: Time,
    (id, record): (&DeviceId, Option<&Record>),
    wish: Wish<'_>,
    tags: &Tags,
    version: Version,
    policy: &Policy,
) -> Result<Outcome, Refused> {
    let record = record.ok_or(Refusal::NotFound)?;
    let before = record.live(now).ok_or(Refusal::NotFound)?;
    authorise(now, before, wish.caller, policy)?;
    let mut outcome = Outcome::default();
    let (found, not_found) = wish
        .names
        .iter()
        .cloned()
        .partition(|name| tags.contains_key(name));
    let found: Vec<TagName> = found;
    outcome.not_found = not_found;

    let mut device = before.clone();
    if policy.subscribed(before, now).is_none() {
        // The lease has run out: the device is nobody's from then on, and nobody has subscribed yet.
        device.binding = None;
        device.since = before
            .binding
            .as_ref()
            .map_or(now, |binding| binding.lease.min(now));
        device.subscriptions = Subscriptions::default();
    }
    // Whoever it was that subscribed has left since.
    if wish.arrived < device.since {
        outcome.done = found;
        return Ok(outcome);
    }
    let mut changes = false;
    for name in found {
        let Some(tag) = tags.get(&name).copied() else {
            continue;
        };
        let subscriptions = &mut device.subscriptions;
        let was = subscriptions
            .on
            .get(&name)
            .filter(|was| was.tag == tag)
            .copied();
        let left = subscriptions.off.get(&name).copied();
        let (wished, later) = match wish.way {
            Way::On => (was.is_some(), left.is_some_and(|left| left > wish.arrived)),
            Way::Off => (
                was.is_none(),
                was.is_some_and(|was| was.arrived > wish.arrived),
            ),
        };
        let noted = wish.way == Way::On || left.is_some_and(|left| left >= wish.arrived);
        let nothing = later || (wished && noted);
        if !nothing {
            changes = true;
            subscriptions.turn(&name, tag, wish);
        }
        if wished {
            &mut outcome.already
        } else {
            &mut outcome.done
        }
        .push(name);
    }
    if changes {
        device.subscriptions.tidy(now, tags);
        if device.subscriptions.on.len() > MOST {
            return Err(Refused::TooMany);
        }
        outcome.change = Some(change(id, record, before, device, wish.way, version));
    }
    Ok(outcome)
}

/// The device, for whoever may see what it subscribes to.
///
/// # Errors
/// [`Refusal::NotFound`] where there is none or it is not the caller's, and never anything else, as for every read.
pub fn read<'a>(
    now: Time,
    record: Option<&'a Record>,
    caller: &Caller,
    policy: &Policy,
) -> Result<&'a Device, Refusal> {
    let device = record.and_then(|record| record.live(now));
    let device = device.ok_or(Refusal::NotFound)?;
    authorise(now, device, caller, policy).map_err(|_| Refusal::NotFound)?;
    Ok(device)
}

fn change(
    id: &DeviceId,
    record: &Record,
    before: &Device,
    after: Device,
    way: Way,
    version: Version,
) -> Change {
    let mut indexed = after
        .subscriptions
        .indexed(id, Some(&before.subscriptions), record.expires);
    // What is in an index stays there.
    indexed.retain(|action| match action {
        Action::PutSubscription { tag, .. } => !before.subscriptions.on.contains_key(tag),
        _ => true,
    });
    let former = before.binding.as_ref().filter(|_| after.binding.is_none());
    let link = former.map(|former| Action::DeleteLink {
        user: former.user.clone(),
        device: id.clone(),
    });
    // It keeps its place among the calls that say whose the device is.
    let put = Action::PutDevice {
        id: id.clone(),
        record: Record {
            version,
            state: State::Live(after),
            ..record.clone()
        },
        seen: Some(record.version),
    };
    Change {
        case: match way {
            Way::On => Case::Subscription,
            Way::Off => Case::Unsubscription,
        },
        actions: std::iter::once(put).chain(link).chain(indexed).collect(),
    }
}

/// The table of who may subscribe a device, or report for it.
pub(crate) fn authorise(
    now: Time,
    device: &Device,
    caller: &Caller,
    policy: &Policy,
) -> Result<(), Refusal> {
    let Some(owner) = policy.owner(device, now) else {
        return Ok(());
    };
    match caller {
        Caller::Nobody => Err(Refusal::Unauthorized(Denial::Missing)),
        Caller::User { .. } if caller.is(owner, now) => Ok(()),
        Caller::User { .. } if caller.was(owner) => Err(Refusal::Unauthorized(Denial::Expired)),
        Caller::User { .. } => Err(Refusal::NotFound),
        Caller::Provisioned | Caller::Backend => Ok(()),
    }
}

impl Subscriptions {
    /// Whether it is to this very tag.
    #[must_use]
    pub fn has(&self, name: &TagName, tag: TagId) -> bool {
        self.on.get(name).is_some_and(|own| own.tag == tag)
    }

    /// What the indexes of the tags need so that they have the device until then, where they had it for what was `before`.
    pub(crate) fn indexed(
        &self,
        device: &DeviceId,
        before: Option<&Self>,
        expires: Time,
    ) -> Vec<Action> {
        let gone = before
            .into_iter()
            .flat_map(|before| before.unindexed(device));
        let gone = gone.filter(|action| match action {
            Action::DeleteSubscription { tag, .. } => !self.on.contains_key(tag),
            _ => true,
        });
        let kept = self.on.keys().map(|tag| Action::PutSubscription {
            tag: tag.clone(),
            device: device.clone(),
            expires,
        });
        gone.chain(kept).collect()
    }

    /// What the indexes of the tags need so that they do not have the device.
    pub(crate) fn unindexed(&self, device: &DeviceId) -> impl Iterator<Item = Action> {
        self.on.keys().map(|tag| Action::DeleteSubscription {
            tag: tag.clone(),
            device: device.clone(),
        })
    }

    fn turn(&mut self, name: &TagName, tag: TagId, wish: Wish<'_>) {
        let arrived = wish.arrived;
        match wish.way {
            Way::On => {
                self.off.remove(name);
                self.on.insert(name.clone(), Subscription { tag, arrived });
            }
            Way::Off => {
                self.on.remove(name);
                self.off.insert(name.clone(), arrived);
            }
        }
    }

    /// Only what counts: tags that there are, and of those that were let go of the latest ones.
    fn tidy(&mut self, now: Time, tags: &Tags) {
        self.on.retain(|name, own| tags.get(name) == Some(&own.tag));
        let mut off: Vec<_> = std::mem::take(&mut self.off).into_iter().collect();
        off.retain(|(_, left)| *left + REMEMBERED > now);
        off.sort_by_key(|(_, left)| std::cmp::Reverse(*left));
        self.off = off.into_iter().take(MOST).collect();
    }
}

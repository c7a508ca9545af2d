//! The devices that subscribe to one of several tags: the tags' indexes, read side by side in the order of the devices' ids,
//! so that a device in two of them comes once.

use super::source::Walk;
use super::{Aim, Dispatch, Sending};
use crate::Failure;
use crate::jobs::Part;
use futures_util::{StreamExt, TryStreamExt, stream};
use push::message::Target;
use push::subscription::Tags;
use push::{DeviceId, TagName, Time};
use std::collections::VecDeque;

/// The indexes, each as far as it was read.
pub(super) struct Merge(Vec<Head>);

/// What comes next in the index of one tag.
struct Head {
    tag: TagName,
    /// Read, and not taken yet.
    ahead: VecDeque<DeviceId>,
    next: Next,
}

/// Where the reading of an index goes on.
enum Next {
    After(Option<DeviceId>),
    /// All of it was read.
    Nowhere,
}

/// Indexes that are read at the same time.
const READS: usize = 16;
/// Entries that one read takes.
const ENTRIES: usize = crate::store::PAGE;

impl Merge {
    fn new<'a>(tags: impl Iterator<Item = &'a TagName>, after: Option<&DeviceId>) -> Self {
        let head = |tag: &TagName| Head {
            tag: tag.clone(),
            ahead: VecDeque::new(),
            next: Next::After(after.cloned()),
        };
        Self(tags.map(head).collect())
    }

    /// Whether an index has to be read before it is known which device comes next.
    fn is_hungry(&self) -> bool {
        self.0.iter().any(Head::is_hungry)
    }

    /// The next device, out of every index that has it; nothing where one of them has to be read before, or at the end.
    fn pop(&mut self) -> Option<DeviceId> {
        if self.is_hungry() {
            return None;
        }
        let first = self.0.iter().filter_map(|head| head.ahead.front()).min();
        let first = first.cloned()?;
        for head in &mut self.0 {
            if head.ahead.front() == Some(&first) {
                head.ahead.pop_front();
            }
        }
        Some(first)
    }
}

impl Head {
    fn is_hungry(&self) -> bool {
        self.ahead.is_empty() && matches!(self.next, Next::After(_))
    }
}

impl Dispatch {
    /// Those of the tags that there are, where the part is of tags.
    pub(super) async fn tags(&self, sending: Sending<'_>) -> Result<Tags, Failure> {
        let (Part::TagShards(..), Target::Tags(names)) = (sending.part, sending.message.target())
        else {
            return Ok(Tags::new());
        };
        let read = || self.bindings.store().tags(names);
        self.patiently(sending.patience(), read).await
    }

    /// Reads at least one and about `room` of the next devices in this shard of the indexes, or finds that there is none and
    /// goes over to the next shard.
    pub(super) async fn read_tags(
        &self,
        walk: &mut Walk<'_>,
        tags: &Tags,
        room: usize,
        patience: Time,
    ) -> Result<(), Failure> {
        let Ok(shard) = u8::try_from(walk.read.at) else {
            walk.read.at = usize::MAX;
            return Ok(());
        };
        let after = walk.read.after.as_ref();
        let mut merge = walk
            .merge
            .take()
            .unwrap_or_else(|| Merge::new(tags.keys(), after));
        let mut over = false;
        while walk.ahead.len() < room && !over {
            // Collected first: the compiler does not see through a closure that lends each of them.
            let mut reads = Vec::new();
            for head in &mut merge.0 {
                if head.is_hungry() {
                    reads.push(self.feed(head, shard, patience));
                }
            }
            let reads = stream::iter(reads).buffer_unordered(READS);
            reads.try_collect::<()>().await?;
            while walk.ahead.len() < room
                && let Some(device) = merge.pop()
            {
                walk.ahead.push_back(Aim::new(0, device));
            }
            over = walk.ahead.len() < room && !merge.is_hungry();
        }
        if over {
            walk.read.at += 1;
            walk.read.after = None;
        } else {
            walk.read.after = walk.ahead.back().map(|aim| aim.device.clone());
            walk.merge = Some(merge);
        }
        Ok(())
    }

    async fn feed(&self, head: &mut Head, shard: u8, patience: Time) -> Result<(), Failure> {
        let Next::After(after) = &head.next else {
            return Ok(());
        };
        let read = || {
            let (store, now) = (self.bindings.store(), (self.clock)());
            store.subscribers(&head.tag, shard, after.as_ref(), ENTRIES, now)
        };
        let (devices, next) = self.patiently(patience, read).await?;
        head.ahead.extend(devices);
        head.next = next.map_or(Next::Nowhere, |next| Next::After(Some(next)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ids: &[&str]) -> VecDeque<DeviceId> {
        ids.iter().map(|id| DeviceId::parse(id).unwrap()).collect()
    }

    fn head(ahead: &[&str], next: Next) -> Head {
        Head {
            tag: TagName::parse("t").unwrap(),
            ahead: names(ahead),
            next,
        }
    }

    fn popped(merge: &mut Merge) -> VecDeque<DeviceId> {
        std::iter::from_fn(|| merge.pop()).collect()
    }

    #[test]
    fn a_device_in_several_indexes_comes_once_and_in_order() {
        let mut merge = Merge(vec![
            head(&["a", "c", "d"], Next::Nowhere),
            head(&["b", "c"], Next::Nowhere),
            head(&["c", "e"], Next::Nowhere),
            head(&[], Next::Nowhere),
        ]);
        assert_eq!(popped(&mut merge), names(&["a", "b", "c", "d", "e"]));
        assert!(!merge.is_hungry());
    }

    #[test]
    fn nothing_comes_before_an_index_that_is_still_to_be_read() {
        let on = || Next::After(None);
        let mut merge = Merge(vec![head(&["b", "d"], Next::Nowhere), head(&["a"], on())]);
        assert_eq!(popped(&mut merge), names(&["a"]));
        assert!(merge.is_hungry());
        merge.0[1] = head(&["c"], Next::Nowhere);
        assert_eq!(popped(&mut merge), names(&["b", "c", "d"]));
    }
}

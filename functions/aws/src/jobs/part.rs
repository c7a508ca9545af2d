//! Cutting the target of a message into parts that are worked on one by one.

use crate::ascii;
use push::message::Target;
use push::tag;
use push::{DeviceId, UserId};

/// Who is to be sent to, in one go or by one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These people.
    Users(Vec<UserId>),
    /// These devices, whoever owns them.
    Devices(Vec<DeviceId>),
    /// Every device of the shards from the first to the last.
    Shards(u8, u8),
    /// Every device that subscribes to one of the message's tags, of the parts of their indexes from the first to the last.
    TagShards(u8, u8),
}

/// So many users or devices are sent to within the request that names them.
pub const AT_ONCE: usize = 100;
/// The most users or devices in a part.
const MOST: usize = 500;
/// The most bytes that they take in a message of the queue: with the rest of it well below what SQS takes.
const LARGEST: usize = 200_000;

impl Part {
    /// All of a target as one part.
    #[must_use]
    pub fn whole(target: &Target) -> Self {
        match target {
            Target::Users(users) => Self::Users(users.clone()),
            Target::Devices(devices) => Self::Devices(devices.clone()),
            Target::Platforms(platforms) if platforms.is_empty() => Self::Devices(Vec::new()),
            Target::Everybody | Target::Platforms(_) => Self::Shards(0, u8::MAX),
            Target::Tags(_) => Self::TagShards(0, tag::SHARDS - 1),
        }
    }

    /// A target cut into parts: at most 500 users or devices, or one shard. All tags of a message share a part: a device that subscribes to two of them is found
    /// once.
    #[must_use]
    pub fn cut(target: &Target) -> Vec<Self> {
        match Self::whole(target) {
            Self::Users(users) => chunks(users, |user| ascii::length(user.as_str()), Self::Users),
            Self::Devices(devices) => {
                chunks(devices, |id| ascii::length(id.as_str()), Self::Devices)
            }
            Self::Shards(first, last) => (first..=last)
                .map(|shard| Self::Shards(shard, shard))
                .collect(),
            Self::TagShards(first, last) => (first..=last)
                .map(|shard| Self::TagShards(shard, shard))
                .collect(),
        }
    }

    /// How many users or devices it names; none where it does not name them.
    #[must_use]
    pub fn names(&self) -> usize {
        match self {
            Self::Users(users) => users.len(),
            Self::Devices(devices) => devices.len(),
            Self::Shards(..) | Self::TagShards(..) => 0,
        }
    }

    /// Whether it names users or devices.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        matches!(self, Self::Users(_) | Self::Devices(_))
    }

    /// Whether it is small enough to be sent to within a request.
    #[must_use]
    pub fn fits(&self, at_once: usize) -> bool {
        self.is_named() && self.names() <= at_once
    }
}

fn chunks<T>(
    items: Vec<T>,
    size: impl Fn(&T) -> usize,
    part: impl Fn(Vec<T>) -> Part,
) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    for item in items {
        let more = size(&item) + 1;
        if chunk.len() == MOST || (bytes + more > LARGEST && !chunk.is_empty()) {
            parts.push(part(std::mem::take(&mut chunk)));
            bytes = 0;
        }
        bytes += more;
        chunk.push(item);
    }
    if !chunk.is_empty() {
        parts.push(part(chunk));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use push::Platform;

    fn users(n: usize, name: impl Fn(usize) -> String) -> Target {
        Target::Users((0..n).map(|n| UserId::parse(&name(n)).unwrap()).collect())
    }

    fn sizes(parts: &[Part]) -> Vec<usize> {
        parts.iter().map(Part::names).collect()
    }

    #[test]
    fn a_part_has_at_most_500_names() {
        let name = |n| format!("user-{n}");
        assert_eq!(sizes(&Part::cut(&users(500, name))), [500]);
        assert_eq!(sizes(&Part::cut(&users(1001, name))), [500, 500, 1]);
        let Target::Users(all) = users(1001, name) else {
            panic!()
        };
        let parts = Part::cut(&users(1001, name));
        let again = parts.iter().flat_map(|part| match part {
            Part::Users(users) => users.clone(),
            _ => panic!(),
        });
        assert_eq!(again.collect::<Vec<_>>(), all);
    }

    #[test]
    fn a_part_is_small_whatever_its_names_are() {
        // Each of these letters takes twelve bytes.
        let parts = Part::cut(&users(1000, |n| format!("{n:04}{}", "🦀".repeat(250))));
        assert_eq!(parts.iter().map(Part::names).sum::<usize>(), 1000);
        let last = parts.len() - 1;
        for (n, part) in parts.into_iter().enumerate() {
            let job = super::super::Job {
                message: push::MessageId::parse("1DTVa5uX").unwrap(),
                number: 99,
                part,
            };
            let size = super::super::Work::Send(job).to_text().len();
            let smallest = if n == last { 1 } else { 190_000 };
            assert!((smallest..=200_100).contains(&size), "{size}");
        }
    }

    #[test]
    fn everybody_is_one_part_a_shard_and_nobody_is_none() {
        let parts = Part::cut(&Target::Everybody);
        assert_eq!(parts.len(), 256);
        assert_eq!(parts[255], Part::Shards(255, 255));
        let fcm = Target::Platforms([Platform::Fcm].into());
        assert_eq!(Part::cut(&fcm), parts);
        assert_eq!(Part::cut(&Target::Platforms([].into())), []);
        let tags = ["news", "sports"].map(|name| push::TagName::parse(name).unwrap());
        let parts = Part::cut(&Target::Tags(tags.to_vec()));
        assert_eq!(parts.len(), 16);
        assert_eq!(parts[15], Part::TagShards(15, 15));
        assert!(!parts[15].fits(100));
    }
}

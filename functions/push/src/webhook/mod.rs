//! Webhooks: where a backend is told what happens.

mod list;
mod signature;
mod url;
mod user_info;

pub use list::{MOST, NotAdded, Webhooks};
pub use signature::{SigningKey, signature};
pub use url::{Host, WebhookUrl};

use crate::event::EventType;
use crate::token::hex;
use crate::{Invalid, Span, Time};
use std::collections::BTreeSet;

/// What a backend calls a webhook: 1 to 64 of `A-Z a-z 0-9 . _ -`, compared as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookName(String);

/// Which webhook of a name it is: random, and another one when it is made again after it was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookId(pub [u8; 16]);

/// What a webhook is called for: one to all types of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTypes(BTreeSet<EventType>);

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Which one of its name.
    pub id: WebhookId,
    /// Where it is.
    pub url: WebhookUrl,
    /// What it is called for.
    pub events: EventTypes,
    /// When it was made.
    pub created: Time,
    /// When it was last changed.
    pub updated: Time,
}

/// So often an event is sent to a webhook at most.
pub const TRIES: u64 = 5;

/// How long it waits after each try that failed but the last.
const WAITS: [Span; 4] = [
    Span::from_seconds(10),
    Span::from_seconds(60),
    Span::from_seconds(5 * 60),
    Span::from_seconds(15 * 60),
];

const NAME_RULE: &str =
    "It has 1 to 64 of the characters A-Z a-z 0-9 . _ -, and is not '.' or '..'.";

/// How long to wait after a try that failed, the first one being 1; nothing after the last one.
#[must_use]
pub fn wait(tries: u64) -> Option<Span> {
    let place = usize::try_from(tries.checked_sub(1)?).ok()?;
    WAITS.get(place).copied()
}

/// What a receiver's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has the event.
    Delivered,
    /// It wants no more of it.
    Gone,
    /// It has to be tried again: everything else, a redirect too.
    Failed,
}

impl Verdict {
    /// What an HTTP status says.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            410 => Self::Gone,
            _ => Self::Failed,
        }
    }
}

impl WebhookName {
    /// # Errors
    /// [`Invalid`] names `name`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(letter)
            && !matches!(text, "." | "..");
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("name", NAME_RULE))
        }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl WebhookId {
    /// An id as a queue holds it; nothing where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = u128::from_str_radix(text, 16).ok()?.to_be_bytes();
        (hex(&id) == text).then_some(Self(id))
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn to_text(self) -> String {
        hex(&self.0)
    }
}

impl EventTypes {
    /// Each of the words names a type of events, in any letter case, and another one.
    ///
    /// # Errors
    /// [`Invalid`] names `eventTypes`, or the one of them that is wrong.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, Invalid> {
        let mut types = BTreeSet::new();
        for (n, word) in words.into_iter().enumerate() {
            let at = || format!("eventTypes[{n}]");
            let kind = EventType::parse(word).ok_or_else(|| {
                let names = EventType::ALL.map(EventType::name).join(", ");
                Invalid::new(at(), format!("It is one of {names}."))
            })?;
            if !types.insert(kind) {
                return Err(Invalid::new(at(), "It stands there once."));
            }
        }
        if types.is_empty() {
            let rule = format!("It is a list of 1 to {} strings.", EventType::ALL.len());
            return Err(Invalid::new("eventTypes", rule));
        }
        Ok(Self(types))
    }

    /// Their names, as the contract spells and orders them.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|kind| kind.name())
    }

    /// Whether it is among them.
    #[must_use]
    pub fn contains(&self, kind: EventType) -> bool {
        self.0.contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_on_both_sides_of_each_limit() {
        for good in ["a", "...", "A-z_0.9", &"n".repeat(64)] {
            assert_eq!(WebhookName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "a b", "a/b", "é", "a~", &"n".repeat(65)] {
            assert_eq!(WebhookName::parse(bad).unwrap_err().parameter(), "name");
        }
    }

    #[test]
    fn an_id_is_read_back_and_nothing_else_is_one() {
        let id = WebhookId([0x0f; 16]);
        assert_eq!(WebhookId::parse(&id.to_text()), Some(id));
        for bad in [
            "",
            "0f",
            &"0F".repeat(16),
            &"0f".repeat(17),
            &format!("+{}", "0".repeat(31)),
        ] {
            assert_eq!(WebhookId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn types_are_one_to_all_each_once_in_any_letter_case() {
        let names = EventType::ALL.map(EventType::name);
        let all = EventTypes::parse(names).unwrap();
        assert_eq!(all.names().collect::<Vec<_>>(), names);
        let one = EventTypes::parse(["ONSUBSCRIBE"]).unwrap();
        assert_eq!(one.names().collect::<Vec<_>>(), ["onSubscribe"]);
        assert!(one.contains(EventType::Subscribe) && !one.contains(EventType::Unsubscribe));
        for (words, wrong) in [
            (&[][..], "eventTypes"),
            (&["onSubscribe", "onsubscribe"], "eventTypes[1]"),
            (&["onSubscribe", "", "x"], "eventTypes[1]"),
        ] {
            let invalid = EventTypes::parse(words.iter().copied()).unwrap_err();
            assert_eq!(invalid.parameter(), wrong);
        }
    }

    #[test]
    fn four_failures_wait_and_the_fifth_is_the_last() {
        let seconds = |tries| wait(tries).map(Span::millis).map(|millis| millis / 1000);
        assert_eq!(
            (0..=6).map(seconds).collect::<Vec<_>>(),
            [None, Some(10), Some(60), Some(300), Some(900), None, None]
        );
        assert_eq!(wait(TRIES - 1).map(|_| ()), Some(()));
        assert_eq!(wait(TRIES), None);
    }

    #[test]
    fn only_2xx_is_delivered_and_only_410_is_final() {
        for (status, verdict) in [
            (199, Verdict::Failed),
            (200, Verdict::Delivered),
            (299, Verdict::Delivered),
            (300, Verdict::Failed),
            (302, Verdict::Failed),
            (404, Verdict::Failed),
            (409, Verdict::Failed),
            (410, Verdict::Gone),
            (411, Verdict::Failed),
            (500, Verdict::Failed),
        ] {
            assert_eq!(Verdict::of(status), verdict, "{status}");
        }
    }
}

//! A request that comes again under the same idempotency key.

use crate::token::hex;
use crate::{Invalid, MessageId, Span, Time};
use sha2::{Digest, Sha256};

/// What a backend calls one request, so that its repeat is not a second one: 1 to 64 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The SHA-256 of something that is compared and not kept, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digested(String);

/// What is kept of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Of its body.
    pub body: Digested,
    /// The messages that it became, in its order.
    pub messages: Vec<MessageId>,
    /// Until when whoever works on it is left alone; whole seconds.
    pub until: Time,
    /// What it was answered, once it was.
    pub answer: Option<String>,
    /// From here on it counts as never made; whole seconds.
    pub expires: Time,
}

/// What a request with a key comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repeat<'a> {
    /// It is the first one.
    First,
    /// The key was used for something else.
    Other,
    /// It was answered so.
    Answered(&'a str),
    /// Somebody is working on it.
    UnderWay,
    /// Whoever worked on it died: to be gone on with, under the same message ids.
    Orphaned(&'a Kept),
}

/// A request is remembered for so long.
pub const KEPT: Span = Span::from_days(1);
/// Whoever works on a request is left alone for so long: longer than a function may run.
pub const CLAIM: Span = Span::from_seconds(40);

impl IdempotencyKey {
    /// # Errors
    /// [`Invalid`] names `Idempotency-Key`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "Idempotency-Key",
                "It has 1 to 64 visible ASCII characters.",
            ))
        }
    }

    /// Its name in the table.
    #[must_use]
    pub fn digest(&self) -> Digested {
        Digested::of(self.0.as_bytes())
    }
}

impl Digested {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// A digest as the table holds it; nothing where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self(text.to_owned()))
    }

    /// 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a request with this body comes to, by what is kept under its key.
#[must_use]
pub fn repeat<'a>(now: Time, kept: Option<&'a Kept>, body: &Digested) -> Repeat<'a> {
    match kept.filter(|kept| kept.expires > now) {
        None => Repeat::First,
        Some(kept) if kept.body != *body => Repeat::Other,
        Some(Kept {
            answer: Some(answer),
            ..
        }) => Repeat::Answered(answer),
        Some(kept) if kept.until >= now => Repeat::UnderWay,
        Some(kept) => Repeat::Orphaned(kept),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_seconds(1000);

    #[test]
    fn a_key_is_taken_on_both_sides_of_each_limit() {
        for good in ["!", &"~".repeat(64)] {
            assert!(IdempotencyKey::parse(good).is_ok());
        }
        for bad in ["", &"k".repeat(65), "a b", "é", "a\n"] {
            assert_eq!(
                IdempotencyKey::parse(bad).unwrap_err().parameter(),
                "Idempotency-Key"
            );
        }
    }

    #[test]
    fn a_repeat_is_told_from_another_request() {
        let body = Digested::of(b"body");
        let kept = Kept {
            body: body.clone(),
            messages: vec![MessageId::parse("AAAAAAAA").unwrap()],
            until: NOW,
            answer: None,
            expires: NOW + KEPT,
        };
        let later = NOW + Span::from_millis(1);
        let answered = Kept {
            answer: Some("{}".to_owned()),
            ..kept.clone()
        };
        assert_eq!(repeat(NOW, None, &body), Repeat::First);
        assert_eq!(
            repeat(NOW, Some(&kept), &Digested::of(b"other")),
            Repeat::Other
        );
        assert_eq!(repeat(NOW, Some(&kept), &body), Repeat::UnderWay);
        assert_eq!(repeat(later, Some(&kept), &body), Repeat::Orphaned(&kept));
        assert_eq!(
            repeat(later, Some(&answered), &body),
            Repeat::Answered("{}")
        );
        assert_eq!(repeat(NOW + KEPT, Some(&answered), &body), Repeat::First);
    }
}

//! What another release may have written: on a queue, in a cursor, in an item. A number under the name `form` tells how.
//! CONTRIBUTING.md has the rule.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::fmt;

/// The name of the number.
pub(crate) const NAME: &str = "form";

/// The form of what has no number.
pub(crate) const FIRST: u64 = 1;

/// The forms of one kind of what is stored.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// What it is, for the log.
    pub what: &'static str,
    /// The form in which this release writes it.
    pub written: u64,
    /// The newest form that it reads.
    pub read: u64,
}

/// A form that a newer release writes. A reader of this release leaves the value alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newer {
    what: &'static str,
    form: u64,
    known: u64,
}

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    Newer(Newer),
    /// No release wrote it.
    Nothing,
}

/// The number alone: of the rest of a newer form nothing is known.
#[derive(Deserialize)]
struct Numbered {
    #[serde(default = "first")]
    form: u64,
}

const fn first() -> u64 {
    FIRST
}

impl Form {
    /// That this release reads this form.
    ///
    /// # Errors
    /// [`Newer`]
    pub(crate) fn check(&self, form: u64) -> Result<(), Newer> {
        if form <= self.read {
            return Ok(());
        }
        Err(Newer {
            what: self.what,
            form,
            known: self.read,
        })
    }

    /// A JSON object of a form that this release reads. What it has beside the fields of `T` is ignored.
    ///
    /// # Errors
    /// [`Unread`]
    pub(crate) fn parse<T: DeserializeOwned>(&self, text: &str) -> Result<T, Unread> {
        let Numbered { form } = serde_json::from_str(text).map_err(|_| Unread::Nothing)?;
        self.check(form).map_err(Unread::Newer)?;
        serde_json::from_str(text).map_err(|_| Unread::Nothing)
    }
}

impl fmt::Display for Newer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, form, known } = self;
        write!(
            f,
            "{what} is of form {form}, and this release reads forms up to {known}: a newer release wrote it"
        )
    }
}

impl Error for Newer {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Thing {
        a: u64,
    }

    fn thing(text: &str) -> Result<Thing, Unread> {
        Form {
            what: "a thing",
            written: 1,
            read: 2,
        }
        .parse(text)
    }

    #[test]
    fn forms_up_to_the_present_one_are_read_and_what_is_not_known_is_ignored() {
        for text in [
            r#"{"a":1}"#,
            r#"{"a":1,"form":1}"#,
            r#"{"form":2,"a":1,"more":{"b":[]}}"#,
        ] {
            assert_eq!(thing(text), Ok(Thing { a: 1 }), "{text}");
        }
        for text in [
            "",
            r#"{"form":2}"#,
            r#"{"a":1,"form":"2"}"#,
            r#"{"a":1,"form":-1}"#,
        ] {
            assert_eq!(thing(text), Err(Unread::Nothing), "{text}");
        }
    }

    #[test]
    fn a_newer_form_is_said_to_be_one_whatever_else_it_has() {
        let Err(Unread::Newer(newer)) = thing(r#"{"a":"otherwise","form":3}"#) else {
            panic!("it is newer");
        };
        assert_eq!(
            newer.to_string(),
            "a thing is of form 3, and this release reads forms up to 2: a newer release wrote it"
        );
    }
}

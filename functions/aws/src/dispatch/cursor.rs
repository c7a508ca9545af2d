//! How far a part of a send is: the place up to which devices were tried, and those before it that are to be tried again.
//! Noted after each page, it lets whoever goes on repeat at most that page.

use super::Aim;
use crate::form::{Form, Unread};
use crate::jobs::Part;
use crate::{Cause, Failure};
use push::DeviceId;
use serde::{Deserialize, Serialize};

/// Its forms.
const FORM: Form = Form {
    what: "a cursor",
    written: 2,
    read: 2,
};

/// A place in a part: the user, the device or the shard of this number, and in a user's devices or a shard's those after
/// a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub at: usize,
    pub after: Option<DeviceId>,
}

/// How far a part is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Every device before it was tried.
    pub place: Place,
    /// Those before it that are to be tried again.
    pub pending: Vec<Aim>,
}

/// The form in the table.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default)]
    form: u64,
    at: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pending: Vec<(usize, String, u32)>,
}

impl Place {
    /// The beginning of the part.
    pub fn first(part: &Part) -> Self {
        let at = match part {
            Part::Users(_) | Part::Devices(_) => 0,
            Part::Shards(first, _) | Part::TagShards(first, _) => usize::from(*first),
        };
        Self { at, after: None }
    }

    /// Whether nothing of the part comes after it.
    pub fn is_last(&self, part: &Part) -> bool {
        match part {
            Part::Users(_) | Part::Devices(_) => self.at >= part.names(),
            Part::Shards(_, last) | Part::TagShards(_, last) => self.at > usize::from(*last),
        }
    }
}

impl Cursor {
    /// The text in the table.
    pub fn to_text(&self) -> String {
        let pending = self.pending.iter();
        let pending = pending.map(|aim| (aim.target, aim.device.as_str().to_owned(), aim.attempts));
        let written = Written {
            form: FORM.written,
            at: self.place.at,
            after: self.place.after.as_ref().map(|id| id.as_str().to_owned()),
            pending: pending.collect(),
        };
        serde_json::json!(written).to_string()
    }

    /// The cursor in the table; the beginning of the part where there is none.
    pub fn parse(text: Option<&str>, part: &Part) -> Result<Self, Failure> {
        let Some(text) = text else {
            return Ok(Self {
                place: Place::first(part),
                pending: Vec::new(),
            });
        };
        let bad = || Failure::Internal(Cause::from("the cursor of a job is none"));
        let written: Written = FORM.parse(text).map_err(|unread| match unread {
            Unread::Newer(newer) => Failure::Internal(newer.into()),
            Unread::Nothing => bad(),
        })?;
        let id = |text: &str| DeviceId::parse(text).map_err(|_| bad());
        let aim = |(target, device, attempts): &(usize, String, u32)| {
            Ok::<_, Failure>(Aim {
                target: *target,
                device: id(device)?,
                attempts: *attempts,
                is_disabled: false,
            })
        };
        Ok(Self {
            place: Place {
                at: written.at,
                after: written.after.as_deref().map(id).transpose()?,
            },
            pending: written.pending.iter().map(aim).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::held;

    #[test]
    fn what_any_release_wrote_is_read() {
        let id = |text| DeviceId::parse(text).unwrap();
        let part = Part::Shards(7, 7);
        let begin = Cursor::parse(None, &part).unwrap();
        let place = Place {
            at: 7,
            after: Some(id("D1")),
        };
        let pending = [("D0", 2), ("D1", 0)].map(|(device, attempts)| Aim {
            target: 0,
            device: id(device),
            attempts,
            is_disabled: false,
        });
        let on = Cursor {
            place,
            pending: pending.to_vec(),
        };
        let cursors = [begin, on];
        let written = cursors.each_ref().map(Cursor::to_text);
        for (form, lines) in held("cursor", FORM, &written) {
            for (line, cursor) in lines.iter().zip(&cursors) {
                assert_eq!(Cursor::parse(Some(line), &part).unwrap(), *cursor, "{form}");
            }
        }
    }

    #[test]
    fn what_is_none_is_an_error_and_no_beginning() {
        for text in [
            "",
            "{}",
            r#"{"at":-1}"#,
            r#"{"at":0,"after":""}"#,
            r#"{"at":0,"form":3}"#,
        ] {
            assert!(
                Cursor::parse(Some(text), &Part::Shards(0, 0)).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn the_end_comes_after_the_last() {
        let at = |at| Place { at, after: None };
        let devices = Part::Devices(vec![DeviceId::parse("D").unwrap()]);
        for (part, last) in [
            (Part::Shards(3, 4), 4),
            (Part::Shards(255, 255), 255),
            (Part::TagShards(3, 15), 15),
            (devices, 0),
        ] {
            assert!(!at(last).is_last(&part));
            assert!(at(last + 1).is_last(&part));
        }
        assert!(at(0).is_last(&Part::Users(vec![])));
    }
}

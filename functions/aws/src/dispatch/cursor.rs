//! How far a part of a send is: the place up to which devices were tried, and those before it that are to be tried again.
//! Noted after each page, it lets whoever goes on repeat at most that page.

use super::Aim;
use crate::jobs::Part;
use crate::{Cause, Failure};
use push::DeviceId;
use serde::{Deserialize, Serialize};

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
#[serde(deny_unknown_fields)]
struct Written {
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
        let written: Written = serde_json::from_str(text).map_err(|_| bad())?;
        let id = |text: &str| DeviceId::parse(text).map_err(|_| bad());
        let aim = |(target, device, attempts): &(usize, String, u32)| {
            Ok::<_, Failure>(Aim {
                target: *target,
                device: id(device)?,
                attempts: *attempts,
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

    #[test]
    fn what_is_written_is_read_back() {
        let id = |text| DeviceId::parse(text).unwrap();
        let part = Part::Shards(7, 7);
        let begin = Cursor::parse(None, &part).unwrap();
        let on = Cursor {
            place: Place {
                at: 7,
                after: Some(id("D1")),
            },
            pending: vec![Aim {
                target: 0,
                device: id("D0"),
                attempts: 2,
            }],
        };
        for (cursor, text) in [
            (begin, r#"{"at":7}"#),
            (on, r#"{"after":"D1","at":7,"pending":[[0,"D0",2]]}"#),
        ] {
            assert_eq!(cursor.to_text(), text);
            assert_eq!(Cursor::parse(Some(text), &part).unwrap(), cursor);
        }
    }

    #[test]
    fn what_is_none_is_an_error_and_no_beginning() {
        for text in [
            "",
            "{}",
            r#"{"at":-1}"#,
            r#"{"at":0,"after":""}"#,
            r#"{"at":0,"x":1}"#,
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

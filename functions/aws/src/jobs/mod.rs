//! Work for later, on a queue: the parts of a send that do not fit into one request, endpoints to be looked after, users
//! with too many devices.

mod part;
mod queue;

pub use part::{AT_ONCE, Part};
pub use queue::Jobs;

use crate::form::{Form, Unread};
use crate::{Cause, ascii};
use push::{DeviceId, MessageId, Platform, TokenKey, UserId};
use serde::{Deserialize, Serialize};

/// Its forms.
const FORM: Form = Form {
    what: "a job",
    written: 2,
    read: 2,
};

/// What one message of the queue asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A part of a message's recipients are to be sent to, from where the job's item says.
    Send(Job),
    /// An endpoint is to be deleted if no device holds its token.
    Retire(Retired),
    /// The user has too many devices: the surplus is to end.
    Trim(UserId),
}

/// A part of the sending of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The message.
    pub message: MessageId,
    /// Which of its jobs.
    pub number: u64,
    /// Who is to be sent to: people, not devices, so that each attempt finds out anew what devices they have.
    pub part: Part,
}

/// An endpoint whose device has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired {
    /// The platform of the token.
    pub platform: Platform,
    /// The token, by its hash.
    pub token: TokenKey,
    /// The endpoint's ARN.
    pub endpoint: String,
}

/// The form on the queue.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default)]
    form: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shards: Option<(u8, u8)>,
    #[serde(rename = "tagShards", skip_serializing_if = "Option::is_none")]
    tag_shards: Option<(u8, u8)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retire: Option<WrittenRetired>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trim: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WrittenRetired {
    platform: String,
    token: String,
    endpoint: String,
}

impl Work {
    /// Whether it sends to users or devices that it names.
    fn is_named(&self) -> bool {
        matches!(self, Self::Send(job) if job.part.is_named())
    }

    /// The body of the queue's message: JSON in ASCII, because SQS refuses some of the characters that a user id may have.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut written = Written {
            form: FORM.written,
            message: None,
            job: None,
            users: None,
            devices: None,
            shards: None,
            tag_shards: None,
            retire: None,
            trim: None,
        };
        match self {
            Self::Send(job) => {
                written.message = Some(job.message.as_str().to_owned());
                written.job = Some(job.number);
                let owned = |text: &str| text.to_owned();
                match &job.part {
                    Part::Users(users) => {
                        written.users =
                            Some(users.iter().map(|user| owned(user.as_str())).collect());
                    }
                    Part::Devices(devices) => {
                        written.devices =
                            Some(devices.iter().map(|id| owned(id.as_str())).collect());
                    }
                    Part::Shards(first, last) => written.shards = Some((*first, *last)),
                    Part::TagShards(first, last) => written.tag_shards = Some((*first, *last)),
                }
            }
            Self::Retire(retired) => {
                written.retire = Some(WrittenRetired {
                    platform: retired.platform.letter().to_owned(),
                    token: retired.token.as_str().to_owned(),
                    endpoint: retired.endpoint.clone(),
                });
            }
            Self::Trim(user) => written.trim = Some(user.as_str().to_owned()),
        }
        ascii::json(&serde_json::json!(written).to_string())
    }

    /// What such a body asks for.
    ///
    /// # Errors
    /// A body of a newer release, or one that was written by none; it is not repeated.
    pub fn parse(text: &str) -> Result<Self, Cause> {
        let none = || "a message of the queue is no job".into();
        match FORM.parse(text) {
            Ok(written) => Self::read(written).ok_or_else(none),
            Err(Unread::Newer(newer)) => Err(newer.into()),
            Err(Unread::Nothing) => Err(none()),
        }
    }

    fn read(written: Written) -> Option<Self> {
        let Written {
            form: _,
            message,
            job,
            users,
            devices,
            shards,
            tag_shards,
            retire,
            trim,
        } = written;
        let part = match (users, devices, shards, tag_shards) {
            (Some(users), None, None, None) => {
                let users = users.iter().map(|user| UserId::parse(user).ok());
                Some(Part::Users(users.collect::<Option<_>>()?))
            }
            (None, Some(devices), None, None) => {
                let devices = devices.iter().map(|id| DeviceId::parse(id).ok());
                Some(Part::Devices(devices.collect::<Option<_>>()?))
            }
            (None, None, Some((first, last)), None) => Some(Part::Shards(first, last)),
            (None, None, None, Some((first, last))) => Some(Part::TagShards(first, last)),
            (None, None, None, None) => None,
            _ => return None,
        };
        match (message, job, part, retire, trim) {
            (Some(message), Some(number), Some(part), None, None) => Some(Self::Send(Job {
                message: MessageId::parse(&message).ok()?,
                number,
                part,
            })),
            (None, None, None, Some(retired), None) => Some(Self::Retire(Retired {
                platform: Platform::parse(&retired.platform).ok()?,
                token: TokenKey::parse(&retired.token)?,
                endpoint: retired.endpoint,
            })),
            (None, None, None, None, Some(user)) => Some(Self::Trim(UserId::parse(&user).ok()?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::held;
    use push::Token;

    fn job(part: Part) -> Work {
        Work::Send(Job {
            message: MessageId::parse("1DTVa5uX").unwrap(),
            number: 7,
            part,
        })
    }

    #[test]
    fn what_any_release_wrote_is_read_and_is_ascii() {
        let users = ["alice", "zoë", "\u{fffe}", "🦀\"\\"].map(|user| UserId::parse(user).unwrap());
        let token = Token::parse(Platform::Fcm, &"t".repeat(64)).unwrap();
        let works = [
            job(Part::Users(users.to_vec())),
            job(Part::Devices(vec![DeviceId::parse("D1").unwrap()])),
            job(Part::Shards(3, 9)),
            job(Part::TagShards(3, 9)),
            Work::Retire(Retired {
                platform: Platform::Fcm,
                token: token.key(),
                endpoint: "arn:e".to_owned(),
            }),
            Work::Trim(UserId::parse("zoë").unwrap()),
        ];
        let written = works.each_ref().map(Work::to_text);
        assert!(written.iter().all(|text| text.is_ascii()));
        for (form, lines) in held("job", FORM, &written) {
            for (line, work) in lines.iter().zip(&works) {
                assert_eq!(Work::parse(line).unwrap(), *work, "{form}");
            }
        }
    }

    #[test]
    fn what_is_no_job_is_refused_without_being_repeated() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"message":"1DTVa5uX","job":7}"#,
            r#"{"message":"bad id","job":7,"shards":[1,1]}"#,
            r#"{"message":"1DTVa5uX","job":7,"shards":[1,256]}"#,
            r#"{"message":"1DTVa5uX","job":7,"users":["alice"],"devices":["D1"]}"#,
            r#"{"message":"1DTVa5uX","job":7,"shards":[1,1],"tagShards":[1,1]}"#,
            r#"{"message":"1DTVa5uX","job":7,"users":["anonymous"]}"#,
            r#"{"retire":{"platform":"G","token":"short","endpoint":"e"}}"#,
        ] {
            let error = Work::parse(text).unwrap_err().to_string();
            assert_eq!(error, "a message of the queue is no job", "{text}");
        }
    }
}

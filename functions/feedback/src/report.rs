//! A report of SNS about a push that it had accepted, or about an endpoint.
//! (<https://docs.aws.amazon.com/sns/latest/dg/application-event-notifications.html>)

use aws::Cause;
use push::{Platform, Time};
use serde::Deserialize;

/// What SNS reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// `DeliveryFailure`, `EndpointDeleted`, …
    pub event: String,
    /// The kind of the failure; empty where it is none.
    pub failure: String,
    /// Why, in the words of SNS and of the platform, without what names a device, a user or a message.
    pub reason: String,
    /// The endpoint that it is about.
    pub endpoint: String,
    /// The platform of the endpoint.
    pub platform: Platform,
    /// When it happened.
    pub time: Time,
    /// The id that SNS gave the push when it took it; empty where the report is about none.
    pub message: String,
}

/// What a report says about the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Its token is dead.
    Dead,
    /// Nothing: what does not work is the platform application.
    Misconfigured,
    /// Nothing that has to be done: the message was wrong or too late, the platform was short of something, or the endpoint
    /// was deleted, which mends itself at the next publish.
    Nothing,
}

/// Kinds of failures and of events.
const KINDS: [&str; 13] = [
    "InvalidPlatformToken",
    "EndpointDisabled",
    "InvalidCredentials",
    "PlatformApplicationDisabled",
    "InvalidNotification",
    "NotificationTTLExpired",
    "DependencyUnavailable",
    "UnexpectedFailure",
    "Throttled",
    "DeliveryFailedPerm",
    "EndpointCreated",
    "EndpointUpdated",
    "EndpointDeleted",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    event_type: String,
    #[serde(default)]
    failure_type: String,
    #[serde(default)]
    failure_message: String,
    endpoint_arn: String,
    time: String,
    #[serde(default)]
    message_id: String,
}

impl Report {
    /// # Errors
    /// A body that is no report; it is not repeated.
    pub fn parse(body: &str) -> Result<Self, Cause> {
        let written: Written =
            serde_json::from_str(body).map_err(|_| "a message of the queue is no report of SNS")?;
        Ok(Self {
            platform: platform(&written.endpoint_arn).ok_or("a report about no endpoint")?,
            time: Time::parse(&written.time).ok_or("a report without a time")?,
            event: written.event_type,
            failure: written.failure_type,
            reason: loggable(&written.failure_message),
            endpoint: written.endpoint_arn,
            message: Some(written.message_id)
                .filter(|id| is_uuid(id))
                .unwrap_or_default(),
        })
    }

    /// The kind of the failure, else of the event, in the words of SNS, as far as they are known.
    pub fn kind(&self) -> &'static str {
        let word = match self.event.as_str() {
            "DeliveryFailure" => &self.failure,
            event => event,
        };
        let known = KINDS.iter().find(|kind| **kind == word);
        known.copied().unwrap_or("other")
    }

    /// What it says about the device.
    pub fn meaning(&self) -> Meaning {
        match (self.event.as_str(), self.failure.as_str()) {
            ("DeliveryFailure", "InvalidPlatformToken" | "EndpointDisabled") => Meaning::Dead,
            ("DeliveryFailure", "InvalidCredentials" | "PlatformApplicationDisabled") => {
                Meaning::Misconfigured
            }
            _ => Meaning::Nothing,
        }
    }
}

/// An id as SNS gives them, which may be logged.
fn is_uuid(text: &str) -> bool {
    text.len() <= 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// The words of a text that may be logged. SNS repeats what the platform answered, and that may repeat the token or a value
/// of the message. So a word stands for itself only if it is no name of anything: letters, or a number of up to three digits.
/// Of what is quoted, only words in capitals do, which are the platform's names of errors.
fn loggable(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for (n, part) in text.split('"').enumerate() {
        let is_fitting = if n % 2 == 1 { is_status } else { is_plain };
        for word in part.split_whitespace() {
            let word = if is_fitting(word) { word } else { LEFT_OUT };
            if word != LEFT_OUT || words.last() != Some(&LEFT_OUT) {
                words.push(word);
            }
        }
    }
    words.truncate(MOST_WORDS);
    words.join(" ")
}

/// What stands for words that are left out.
const LEFT_OUT: &str = "…";
const MOST_WORDS: usize = 40;
const LONGEST_WORD: usize = 30;

fn is_plain(word: &str) -> bool {
    let of = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_alphabetic())
            || (part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    word.len() <= LONGEST_WORD
        && word.is_ascii()
        && word.split(|of: char| of.is_ascii_punctuation()).all(of)
}

fn is_status(word: &str) -> bool {
    let of = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    word.len() <= LONGEST_WORD && word.bytes().all(of)
}

/// The platform in `arn:aws:sns:REGION:ACCOUNT:endpoint/PLATFORM/NAME/ID`.
fn platform(arn: &str) -> Option<Platform> {
    let (_, rest) = arn.split_once(":endpoint/")?;
    match rest.split('/').next()? {
        "GCM" => Some(Platform::Fcm),
        "APNS" | "APNS_SANDBOX" => Some(Platform::Apns),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/userpush/1";

    fn body(event: &str, failure: &str) -> String {
        json!({
            "DeliveryAttempts": 1, "EndpointArn": ARN, "EventType": event, "FailureMessage": "…",
            "FailureType": failure, "MessageId": "m", "Resource": "arn:app", "Service": "SNS",
            "Time": "2026-05-20T11:42:11.123Z",
        })
        .to_string()
    }

    #[test]
    fn only_a_dead_token_says_something_about_the_device() {
        for (event, failure, meaning) in [
            ("DeliveryFailure", "InvalidPlatformToken", Meaning::Dead),
            ("DeliveryFailure", "EndpointDisabled", Meaning::Dead),
            (
                "DeliveryFailure",
                "InvalidCredentials",
                Meaning::Misconfigured,
            ),
            (
                "DeliveryFailure",
                "PlatformApplicationDisabled",
                Meaning::Misconfigured,
            ),
            ("DeliveryFailure", "InvalidNotification", Meaning::Nothing),
            (
                "DeliveryFailure",
                "NotificationTTLExpired",
                Meaning::Nothing,
            ),
            ("DeliveryFailure", "DependencyUnavailable", Meaning::Nothing),
            ("DeliveryFailure", "UnexpectedFailure", Meaning::Nothing),
            ("DeliveryFailure", "Throttled", Meaning::Nothing),
            ("DeliveryFailure", "DeliveryFailedPerm", Meaning::Nothing),
            ("EndpointUpdated", "InvalidPlatformToken", Meaning::Nothing),
            ("EndpointDeleted", "", Meaning::Nothing),
        ] {
            let report = Report::parse(&body(event, failure)).unwrap();
            assert_eq!(report.meaning(), meaning, "{event} {failure}");
            assert_eq!(report.time, Time::from_millis(1_779_277_331_123));
        }
    }

    #[test]
    fn a_reason_names_no_token_no_user_and_no_endpoint() {
        let token = "dGhpcyBpcyBub3QgYSB0b2tlbg:APA91bGx0b2tlbi1vZi1hbGljZQ";
        let quoted = format!(
            r#"{{"error":{{"code":400,"message":"{token} of alice is wrong","status":"INVALID_ARGUMENT"}}}}"#
        );
        let long = "word ".repeat(100);
        for (text, reason) in [
            ("Endpoint is disabled", "Endpoint is disabled"),
            (
                "Response from FCM: 403 (PERMISSION_DENIED)",
                "Response from FCM: 403 (PERMISSION_DENIED)",
            ),
            (
                quoted.as_str(),
                "{ … :{ … :400, … : … , … : INVALID_ARGUMENT }}",
            ),
            (
                &format!("The token {token} is {ARN} now"),
                "The token … is … now",
            ),
            (
                "Invalid value at 'data[0].value', \"alice\"",
                "Invalid value at 'data[0].value', …",
            ),
            ("uid 3bc51062973c458d, nid 12345", "uid … nid …"),
            ("ünïcode and\nlines\tand\u{1b}[31m", "… and lines …"),
            ("", ""),
            (&long, &long[..40 * 5 - 1]),
        ] {
            let mut written: serde_json::Value =
                serde_json::from_str(&body("DeliveryFailure", "InvalidNotification")).unwrap();
            written["FailureMessage"] = text.into();
            let report = Report::parse(&written.to_string()).unwrap();
            assert_eq!(report.reason, reason);
        }
        let mut without: serde_json::Value =
            serde_json::from_str(&body("EndpointDeleted", "")).unwrap();
        without.as_object_mut().unwrap().remove("FailureMessage");
        assert_eq!(Report::parse(&without.to_string()).unwrap().reason, "");
    }

    #[test]
    fn a_kind_is_a_word_that_is_known() {
        for (event, failure, kind) in [
            (
                "DeliveryFailure",
                "InvalidPlatformToken",
                "InvalidPlatformToken",
            ),
            ("DeliveryFailure", "EndpointDeleted", "EndpointDeleted"),
            ("DeliveryFailure", "", "other"),
            ("DeliveryFailure", "alice", "other"),
            ("EndpointDeleted", "Throttled", "EndpointDeleted"),
            ("alice", "Throttled", "other"),
        ] {
            let report = Report::parse(&body(event, failure)).unwrap();
            assert_eq!(report.kind(), kind, "{event} {failure}");
        }
    }

    #[test]
    fn the_platform_stands_in_the_endpoint() {
        for (kind, expected) in [
            ("GCM", Some(Platform::Fcm)),
            ("APNS", Some(Platform::Apns)),
            ("APNS_SANDBOX", Some(Platform::Apns)),
            ("ADM", None),
        ] {
            let arn = ARN.replace("GCM", kind);
            assert_eq!(platform(&arn), expected);
        }
        assert_eq!(
            platform("arn:aws:sns:us-east-1:000000000000:app/GCM/x"),
            None
        );
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"EventType":"DeliveryFailure","EndpointArn":"x","Time":"y"}"#,
        ] {
            assert!(Report::parse(text).is_err());
        }
    }
}

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
    /// The endpoint that it is about.
    pub endpoint: String,
    /// The platform of the endpoint.
    pub platform: Platform,
    /// When it happened.
    pub time: Time,
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
    endpoint_arn: String,
    time: String,
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
            endpoint: written.endpoint_arn,
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

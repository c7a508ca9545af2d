//! Publishing to one endpoint, and what the answer means for the device behind it.

use super::is_pressure;
use crate::Start;
use crate::agent::Agent;
use crate::http::is_server_fault;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::timeout::TimeoutConfig;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use push::Platform;
use push::message::Rendered;
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

/// Publishes, once a call: repeats are the caller's, who looks again at who owns the device.
#[derive(Clone)]
pub struct Publisher {
    client: Client,
}

/// By which way SNS reaches a phone: the name under which a message holds what goes that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channel(&'static str);

/// A message as SNS takes it, for every endpoint of a channel.
#[derive(Debug)]
pub struct Letter {
    message: String,
    attributes: Option<HashMap<String, MessageAttributeValue>>,
}

/// What one attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// SNS has taken it.
    Accepted,
    /// The token behind the endpoint is dead.
    Dead,
    /// SNS does not know the endpoint.
    Gone,
    /// The message is refused; the device is as good as before.
    Refused,
    /// The platform application, its credentials or our role do not work: nothing reaches anyone.
    Misconfigured,
    /// SNS is short of capacity, or did not answer in time.
    Again,
}

impl Publisher {
    /// For the applications in the settings.
    #[must_use]
    pub fn new(start: &Start) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(2))
            .build();
        // The SDK's own repeats would publish by an old look at the owner.
        let config = Builder::from(&start.aws)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .interceptor(Agent);
        Self {
            client: Client::from_conf(config.build()),
        }
    }

    /// Publishes to an endpoint of the letter's channel, once.
    pub async fn publish(&self, endpoint: &str, letter: &Letter) -> Outcome {
        let call = self
            .client
            .publish()
            .target_arn(endpoint)
            .message_structure("json")
            .message(&letter.message)
            .set_message_attributes(letter.attributes.clone());
        match call.send().await {
            Ok(_) => Outcome::Accepted,
            Err(error) => {
                let outcome = sorted(&error);
                // Only the code: messages repeat endpoints.

                tracing::debug!(code = error.code(), ?outcome, "publish failed");
                outcome
            }
        }
    }
}

impl Channel {
    /// The way to an endpoint of this platform: its ARN tells Apple's sandbox from Apple's real service.
    #[must_use]
    pub fn of(platform: Platform, endpoint: &str) -> Self {
        Self(match platform {
            Platform::Apns if endpoint.contains(":endpoint/APNS_SANDBOX/") => "APNS_SANDBOX",
            Platform::Apns => "APNS",
            Platform::Fcm => "GCM",
        })
    }
}

impl Letter {
    /// A rendered message for endpoints of this channel.
    #[must_use]
    pub fn new(channel: Channel, rendered: &Rendered) -> Self {
        let Channel(key) = channel;
        let payload = match rendered {
            Rendered::Apns { payload, .. } => payload,
            Rendered::Fcm { message, .. } => {
                &format!(r#"{{"fcmV1Message":{{"validate_only":false,"message":{message}}}}}"#)
            }
        };
        let attributes = attributes(key, rendered)
            .into_iter()
            .filter_map(|(name, value)| {
                let value = MessageAttributeValue::builder()
                    .data_type("String")
                    .string_value(value);
                // Only one without a type could not be built.
                Some((name, value.build().ok()?))
            });
        let attributes: HashMap<_, _> = attributes.collect();
        Self {
            message: json!({"default": "", key: payload}).to_string(),
            attributes: (!attributes.is_empty()).then_some(attributes),
        }
    }
}

/// What goes beside the message: the headers of Apple's protocol, and how long it may be kept.
fn attributes(key: &str, rendered: &Rendered) -> Vec<(String, String)> {
    let name = |name: &str| format!("AWS.SNS.MOBILE.{name}");
    match rendered {
        Rendered::Apns {
            push_type,
            priority,
            collapse_id,
            time_to_live,
            ..
        } => {
            let headers = [
                ("PUSH_TYPE", (*push_type).to_owned()),
                ("PRIORITY", priority.to_string()),
                ("COLLAPSE_ID", collapse_id.clone()),
            ];
            let headers = headers.map(|(header, value)| (name(&format!("APNS.{header}")), value));
            let ttl = time_to_live.map(|ttl| (name(&format!("{key}.TTL")), ttl.to_string()));
            headers.into_iter().chain(ttl).collect()
        }
        Rendered::Fcm { time_to_live, .. } => time_to_live
            .map(|ttl| (name("FCM.TTL"), ttl.to_string()))
            .into_iter()
            .collect(),
    }
}

fn sorted<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Outcome {
    let code = error.code().unwrap_or_default();
    if !matches!(error, SdkError::ServiceError(_)) || is_pressure(code) || is_server_fault(error) {
        return if matches!(error, SdkError::ConstructionFailure(_)) {
            Outcome::Refused
        } else {
            Outcome::Again
        };
    }
    let message = error.message().unwrap_or_default();
    match code.trim_end_matches("Exception") {
        "EndpointDisabled" => Outcome::Dead,
        "NotFound" => Outcome::Gone,
        "InvalidParameter" if message.contains("No endpoint found for the target arn") => {
            Outcome::Gone
        }
        // A text in the message's own rule says nothing of the device or of us.
        "InvalidParameter"
        | "InvalidParameterValue"
        | "ParameterValueInvalid"
        | "ValidationError" => Outcome::Refused,
        // PlatformApplicationDisabled, AuthorizationError, and whatever else only the operator can mend.
        _ => Outcome::Misconfigured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::http::thaw;
    use aws_sdk_sns::config::{Credentials, Region, SharedCredentialsProvider};
    use aws_types::SdkConfig;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const ANSWER: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>1\
                          </MessageId></PublishResult></PublishResponse>";

    /// A server in place of SNS. It answers one request on each connection, closes the connection on demand, and reports that.
    fn sns() -> (String, Sender<()>, Receiver<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (close, told) = channel();
        let (tell, closed) = channel();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let mut reader = BufReader::new(&stream);
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    let line = line.trim_end().to_ascii_lowercase();
                    if let Some(value) = line.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                reader.read_exact(&mut vec![0; length]).unwrap();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                    ANSWER.len()
                );
                (&stream).write_all((head + ANSWER).as_bytes()).unwrap();
                if told.recv().is_err() {
                    return;
                }
                drop(stream);
                tell.send(()).unwrap();
            }
        });
        (url, close, closed)
    }

    fn publisher(url: String) -> Publisher {
        let settings = Settings::read(|variable| match variable {
            "TABLE_NAME" | "APPLICATION_ID" | "CLIENT_SECRET_ID" | "APP_SECRET_ID" => {
                Some("unused".to_owned())
            }
            _ => None,
        });
        let credentials = Credentials::new("test", "test", None, None, "test");
        let aws = SdkConfig::builder()
            .endpoint_url(url)
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        let clock = std::sync::Arc::new(push::Time::default);
        Publisher::new(&Start::new(settings.unwrap(), aws, clock).unwrap())
    }

    /// A frozen environment sees nothing: its connections close meanwhile, and it finds them so when it is thawed. Without
    /// [`thaw`] each second publish would come to [`Outcome::Again`].
    #[tokio::test]
    async fn a_connection_that_closes_while_nothing_runs_costs_no_publish() {
        let (url, close, closed) = sns();
        let publisher = publisher(url);
        let rendered = Rendered::Fcm {
            message: "{}".into(),
            time_to_live: None,
        };
        let letter = Letter::new(Channel("GCM"), &rendered);
        for n in 0..20 {
            let outcome = publisher.publish("arn:e", &letter).await;
            assert_eq!(outcome, Outcome::Accepted, "{n}");
            // Blocks the one thread of this runtime: whatever watches the connection stands still.
            close.send(()).unwrap();
            closed.recv().unwrap();
            thaw().await;
        }
    }

    fn names(key: &str, rendered: &Rendered) -> Vec<String> {
        attributes(key, rendered)
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn headers_stand_under_the_names_of_their_platform() {
        let apns = Rendered::Apns {
            payload: "{}".into(),
            push_type: "alert",
            priority: 10,
            collapse_id: "c".into(),
            time_to_live: Some(0),
        };
        let fcm = |time_to_live| Rendered::Fcm {
            message: "{}".into(),
            time_to_live,
        };
        let headers = [
            "AWS.SNS.MOBILE.APNS.PUSH_TYPE=alert",
            "AWS.SNS.MOBILE.APNS.PRIORITY=10",
            "AWS.SNS.MOBILE.APNS.COLLAPSE_ID=c",
        ];
        assert_eq!(
            names("APNS", &apns),
            [&headers[..], &["AWS.SNS.MOBILE.APNS.TTL=0"]].concat()
        );
        assert_eq!(
            names("APNS_SANDBOX", &apns),
            [&headers[..], &["AWS.SNS.MOBILE.APNS_SANDBOX.TTL=0"]].concat()
        );
        assert_eq!(names("GCM", &fcm(Some(60))), ["AWS.SNS.MOBILE.FCM.TTL=60"]);
        assert_eq!(names("GCM", &fcm(None)), Vec::<String>::new());
    }
}

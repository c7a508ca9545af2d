//! Failures that are asked for: the next so many matching calls fail in a given way.

use super::answer::{Refusal, Service};
use serde::Deserialize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How a call fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not carried out, and the answer does not come within a minute.
    Timeout,
    /// It is not carried out, and the connection closes.
    Disconnect,
    /// It is carried out, but the connection closes instead of an answer.
    LostAnswer,
    /// A transaction becomes visible item by item.
    Torn,
    /// A write meets another transaction on the same item.
    Conflict,
    /// A batch read leaves keys out.
    Unprocessed,
    /// One entry of a batch fails, the others do not.
    PartialFailure(Refusal),
    /// It is not carried out; the service answers with an error.
    Error(Refusal),
}

/// What happens to one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// How long the call is held before anything else happens.
    pub delay: Duration,
    /// How it fails, if it does.
    pub fault: Option<Fault>,
}

/// A request for faults, as the control surface takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    service: String,
    operation: Option<String>,
    token: Option<String>,
    fault: Option<String>,
    message: Option<String>,
    #[serde(default = "once")]
    times: u64,
    #[serde(default)]
    delay_ms: u64,
}

const fn once() -> u64 {
    1
}

/// The faults that are still to come, in the order they were asked for.
#[derive(Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
}

struct Rule {
    service: Service,
    operation: Option<String>,
    token: Option<String>,
    fate: Fate,
    left: u64,
}

impl Faults {
    /// Adds one.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub fn add(&self, request: Request) -> Result<(), &'static str> {
        let rule = Rule::parse(request)?;
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
        Ok(())
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What happens to this call: the first fault that fits, used up by one. `concerns` tells whether the call is about
    /// a token.
    pub fn next(&self, service: Service, operation: &str, concerns: impl Fn(&str) -> bool) -> Fate {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rule) = rules.iter_mut().find(|rule| {
            rule.service == service
                && rule.operation.as_deref().is_none_or(|of| of == operation)
                && rule.token.as_deref().is_none_or(&concerns)
        }) else {
            return Fate::default();
        };
        rule.left -= 1;
        let fate = rule.fate.clone();
        rules.retain(|rule| rule.left > 0);
        fate
    }
}

impl Rule {
    fn parse(request: Request) -> Result<Self, &'static str> {
        let service = [
            Service::Dynamodb,
            Service::SecretsManager,
            Service::Sns,
            Service::Sqs,
        ]
        .into_iter()
        .find(|service| service.name() == request.service)
        .ok_or("service is sns, dynamodb, secretsmanager or sqs")?;
        if request.times == 0 {
            return Err("times is at least 1");
        }
        if request.token.is_some() && service != Service::Sns {
            return Err("token is for sns");
        }
        if request.fault.is_none() && request.delay_ms == 0 {
            return Err("give fault, delayMs or both");
        }
        let fault = request
            .fault
            .map(|name| Fault::parse(service, name, request.message));
        let fault = fault.transpose()?;
        let operation = match (&fault, request.operation) {
            (Some(Fault::Torn), None) => Some("TransactWriteItems".to_owned()),
            (Some(Fault::Unprocessed), None) => Some("BatchGetItem".to_owned()),
            (Some(Fault::PartialFailure(_)), None) => Some("SendMessageBatch".to_owned()),
            (_, operation) => operation,
        };
        match (&fault, operation.as_deref()) {
            (Some(Fault::Torn), of) if of != Some("TransactWriteItems") => {
                return Err("Torn is for TransactWriteItems");
            }
            (Some(Fault::Unprocessed), of) if of != Some("BatchGetItem") => {
                return Err("Unprocessed is for BatchGetItem");
            }
            (Some(Fault::PartialFailure(_)), of) if of != Some("SendMessageBatch") => {
                return Err("PartialFailure is for SendMessageBatch");
            }
            (Some(Fault::Conflict), None) => return Err("Conflict needs an operation"),
            _ => {}
        }
        Ok(Self {
            service,
            operation,
            token: request.token,
            fate: Fate {
                delay: Duration::from_millis(request.delay_ms),
                fault,
            },
            left: request.times,
        })
    }
}

impl Fault {
    fn parse(
        service: Service,
        name: String,
        message: Option<String>,
    ) -> Result<Self, &'static str> {
        let of_store = match name.as_str() {
            "timeout" => return Ok(Self::Timeout),
            "disconnect" => return Ok(Self::Disconnect),
            "lostAnswer" => return Ok(Self::LostAnswer),
            "Torn" => Self::Torn,
            "Conflict" => Self::Conflict,
            "Unprocessed" => Self::Unprocessed,
            "PartialFailure" if service == Service::Sqs => {
                let (status, usual) = usual(service, "InternalError");
                let message = message.unwrap_or_else(|| usual.to_owned());
                let refusal = Refusal::new("InternalError", message).with_status(status);
                return Ok(Self::PartialFailure(refusal));
            }
            "PartialFailure" => return Err("PartialFailure is for sqs"),
            code if code.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
                && !code.is_empty() =>
            {
                let (status, usual) = usual(service, code);
                let message = message.unwrap_or_else(|| usual.to_owned());
                return Ok(Self::Error(Refusal::new(name, message).with_status(status)));
            }
            _ => return Err("fault is an AWS error code, timeout, disconnect or lostAnswer"),
        };
        if service == Service::Dynamodb {
            Ok(of_store)
        } else {
            Err("Torn, Conflict and Unprocessed are for dynamodb")
        }
    }
}

/// The status and the text that a code usually comes with.
fn usual(service: Service, code: &str) -> (u16, &'static str) {
    match (service, code) {
        (Service::Dynamodb, "ProvisionedThroughputExceededException") => (
            400,
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.",
        ),
        (Service::Dynamodb, "ThrottlingException") => (
            400,
            "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly.",
        ),
        (Service::Dynamodb, "RequestLimitExceeded") => (
            400,
            "Throughput exceeds the current throughput limit for your account.",
        ),
        (Service::Dynamodb, "TransactionInProgressException") => (
            400,
            "The transaction with the given request token is already in progress.",
        ),
        (Service::Dynamodb, "ConditionalCheckFailedException") => {
            (400, "The conditional request failed")
        }
        (Service::Dynamodb, "ResourceNotFoundException") => (400, "Requested resource not found"),
        (Service::SecretsManager, "ResourceNotFoundException") => {
            (400, "Secrets Manager can't find the specified secret.")
        }
        (Service::Sns, "EndpointDisabled") => (400, "Endpoint is disabled"),
        (Service::Sns, "PlatformApplicationDisabled") => (400, "Platform application is disabled"),
        (Service::Sns, "NotFound") => (404, "Endpoint does not exist"),
        (Service::Sns, "AuthorizationError") => (
            403,
            "User is not authorized to perform this operation on this resource",
        ),
        (Service::Sqs, "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue") => {
            (400, "The specified queue does not exist.")
        }
        (Service::Sqs, "RequestThrottled") => (400, "Request is throttled."),
        (Service::Sqs, "OverLimit") => (
            403,
            "The maximum number of in flight messages has been reached.",
        ),
        (Service::Sns, "InvalidParameter") => (400, "Invalid parameter"),
        (_, "Throttling" | "ThrottlingException" | "Throttled") => (400, "Rate exceeded"),
        (_, "AccessDeniedException" | "AccessDenied") => (
            if matches!(service, Service::Sns) {
                403
            } else {
                400
            },
            "User is not authorized to perform this operation",
        ),
        (_, "ServiceUnavailable" | "ServiceUnavailableException") => {
            (503, "The service is unavailable. Please try again.")
        }
        (_, other) if other.starts_with("Internal") => (500, "Internal server error"),
        _ => (400, "The request was refused."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn add(faults: &Faults, request: Value) -> Result<(), &'static str> {
        faults.add(serde_json::from_value(request).unwrap())
    }

    #[test]
    fn a_fault_hits_so_many_matching_calls_and_no_other() {
        let faults = Faults::default();
        add(
            &faults,
            json!({"service": "sns", "operation": "Publish", "token": "T", "fault": "Throttling", "times": 2, "delayMs": 5}),
        )
        .unwrap();
        let hit = |service, operation, token: &str| {
            faults.next(service, operation, |asked| asked == token)
        };
        assert_eq!(hit(Service::Sns, "Publish", "U"), Fate::default());
        assert_eq!(hit(Service::Sns, "DeleteEndpoint", "T"), Fate::default());
        assert_eq!(hit(Service::Dynamodb, "Publish", "T"), Fate::default());
        let fate = Fate {
            delay: Duration::from_millis(5),
            fault: Some(Fault::Error(Refusal::new("Throttling", "Rate exceeded"))),
        };
        assert_eq!(hit(Service::Sns, "Publish", "T"), fate);
        assert_eq!(hit(Service::Sns, "Publish", "T"), fate);
        assert_eq!(hit(Service::Sns, "Publish", "T"), Fate::default());
    }

    #[test]
    fn a_fault_that_could_not_happen_is_refused() {
        let faults = Faults::default();
        for (request, reason) in [
            (
                json!({"service": "s3", "fault": "Throttling"}),
                "service is sns, dynamodb, secretsmanager or sqs",
            ),
            (
                json!({"service": "sns", "fault": "Torn"}),
                "Torn, Conflict and Unprocessed are for dynamodb",
            ),
            (
                json!({"service": "dynamodb", "operation": "PutItem", "fault": "Torn"}),
                "Torn is for TransactWriteItems",
            ),
            (
                json!({"service": "dynamodb", "fault": "Throttling", "token": "T"}),
                "token is for sns",
            ),
            (
                json!({"service": "sns", "fault": "PartialFailure"}),
                "PartialFailure is for sqs",
            ),
            (
                json!({"service": "sqs", "operation": "SendMessage", "fault": "PartialFailure"}),
                "PartialFailure is for SendMessageBatch",
            ),
            (json!({"service": "sns"}), "give fault, delayMs or both"),
            (
                json!({"service": "sns", "fault": "Throttling", "times": 0}),
                "times is at least 1",
            ),
            (
                json!({"service": "sns", "fault": "no code"}),
                "fault is an AWS error code, timeout, disconnect or lostAnswer",
            ),
        ] {
            assert_eq!(add(&faults, request), Err(reason));
        }
    }
}

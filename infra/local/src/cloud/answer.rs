//! What an AWS service answers, written in that service's own wire shape.

use super::sns::xml;
use serde_json::{Value, json};
use std::borrow::Cow;
use uuid::Uuid;

/// The services that the endpoint speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// JSON 1.0.
    Dynamodb,
    /// JSON 1.1.
    SecretsManager,
    /// The Query protocol: a form in, XML out.
    Sns,
    /// JSON 1.0, with the error codes of the Query protocol in a header.
    Sqs,
}

impl Service {
    /// The name in faults and counts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dynamodb => "dynamodb",
            Self::SecretsManager => "secretsmanager",
            Self::Sns => "sns",
            Self::Sqs => "sqs",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Dynamodb | Self::Sqs => "application/x-amz-json-1.0",
            Self::SecretsManager => "application/x-amz-json-1.1",
            Self::Sns => "text/xml",
        }
    }
}

/// A whole HTTP answer of a service.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// The id of the request, in a header and, for SNS, in the body.
    pub request_id: String,
    /// The header `x-amzn-query-error` of SQS.
    pub query_error: Option<String>,
}

impl Answer {
    /// A JSON body with a status.
    pub fn json(service: Service, status: u16, body: &Value) -> Self {
        Self {
            status,
            content_type: service.content_type(),
            body: body.to_string(),
            request_id: Uuid::new_v4().to_string(),
            query_error: None,
        }
    }

    /// A successful answer of SNS; `result` is XML, and `None` where the action has no result.
    pub fn xml(action: &str, result: Option<&str>) -> Self {
        let request_id = Uuid::new_v4().to_string();
        Self {
            status: 200,
            content_type: Service::Sns.content_type(),
            body: xml::success(action, result, &request_id),
            request_id,
            query_error: None,
        }
    }
}

/// The text of an error about an operation that is not known.
pub fn not_served(operation: &str) -> String {
    format!("The operation {operation} is not served here.")
}

/// An error of a service: its code, status and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
}

impl Refusal {
    /// An error with a code and a text of this service, 400 as most are.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: 400,
            code: code.into(),
            message: message.into(),
        }
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same with another status.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// As the service writes it.
    pub fn answer(&self, service: Service) -> Answer {
        let body = match service {
            Service::Dynamodb => {
                json!({"__type": dynamodb_type(&self.code), "message": self.message})
            }
            Service::SecretsManager => {
                json!({"__type": secrets_type(&self.code), "Message": self.message})
            }
            Service::Sns => {
                let request_id = Uuid::new_v4().to_string();
                return Answer {
                    status: self.status,
                    content_type: service.content_type(),
                    body: xml::failure(self.status, &self.code, &self.message, &request_id),
                    request_id,
                    query_error: None,
                };
            }
            Service::Sqs => json!({"__type": sqs_type(&self.code), "message": self.message}),
        };
        let mut answer = Answer::json(service, self.status, &body);
        answer.query_error = matches!(service, Service::Sqs)
            .then(|| format!("{};{}", query_code(&self.code), self.fault()));
        answer
    }

    /// As SQS writes it beside the entries of a batch that went well.
    pub fn entry(&self, id: &Value) -> Value {
        let sender = self.fault() == "Sender";
        json!({"Id": id, "Code": query_code(&self.code), "Message": self.message, "SenderFault": sender})
    }

    /// Whether the service itself failed.
    pub const fn is_internal(&self) -> bool {
        self.status >= 500
    }

    /// Whose fault it is.
    const fn fault(&self) -> &'static str {
        if self.is_internal() {
            "Receiver"
        } else {
            "Sender"
        }
    }
}

/// The code as Secrets Manager has it.
fn secrets_type(code: &str) -> &str {
    match code {
        "InternalError" => "InternalServiceError",
        code => code,
    }
}

/// The code that SQS has in its JSON bodies.
fn sqs_type(code: &str) -> String {
    let code = code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code);
    match code {
        "InvalidParameterValue" => {
            "com.amazon.coral.service#InvalidParameterValueException".to_owned()
        }
        "MissingParameter" => {
            "com.amazon.coral.service#MissingRequiredParameterException".to_owned()
        }
        "InvalidAction" => "com.amazon.coral.service#UnknownOperationException".to_owned(),
        "NonExistentQueue" => "com.amazonaws.sqs#QueueDoesNotExist".to_owned(),
        code => format!("com.amazonaws.sqs#{code}"),
    }
}

/// The code that SQS had in the Query protocol, which SDKs show.
fn query_code(code: &str) -> String {
    let name = match code {
        "QueueDoesNotExist" => "NonExistentQueue",
        "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "EmptyBatchRequest"
        | "InvalidBatchEntryId"
        | "MessageNotInflight"
        | "PurgeQueueInProgress"
        | "TooManyEntriesInBatchRequest"
        | "UnsupportedOperation" => code,
        _ => return code.to_owned(),
    };
    format!("AWS.SimpleQueueService.{name}")
}

/// The code with the namespace it has on the wire. SDKs cut it off; some tools compare the whole.
fn dynamodb_type(code: &str) -> String {
    let namespace = match code {
        "ThrottlingException" => "com.amazon.coral.availability",
        "ValidationException" => "com.amazon.coral.validate",
        "AccessDeniedException"
        | "SerializationException"
        | "UnknownOperationException"
        | "UnrecognizedClientException" => "com.amazon.coral.service",
        _ => "com.amazonaws.dynamodb.v20120810",
    };
    format!("{namespace}#{code}")
}

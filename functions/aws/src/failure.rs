//! Why a request failed: one enum for every refusal.

use push::message::Refused;
use push::subscription;
use push::{Denial, Invalid, Refusal};
use std::error::Error;
use std::fmt;

/// A failed request. `Display` is what the caller may read; `source` is what only the log reads.
#[derive(Debug)]
pub enum Failure {
    /// There is no such device, message, tag, application or route, or the caller may not know of it.
    NotFound,
    /// There is a route of this path, without a slash at its end.
    TrailingSlash(&'static str),
    /// There is a tag of this name.
    TagExists,
    /// There is a webhook of this name.
    WebhookExists,
    /// The operator has not switched webhooks on.
    WebhooksOff,
    /// The device does not subscribe to the tag.
    NoSubscription,
    /// The platform has no SNS platform application, or Android has no sender id.
    PlatformNotConfigured,
    /// The body is not JSON.
    NotJson,
    /// A parameter is missing or wrong.
    Invalid(Invalid),
    /// A query parameter is missing.
    QueryParameterMissing(&'static str),
    /// Query parameters are not known to a read for backends, which would otherwise answer another question.
    QueryParameterUnknown {
        /// Their names, as the caller wrote them.
        unknown: Vec<String>,
        /// The names that the route knows.
        known: &'static [&'static str],
    },
    /// The caller did not prove its right. There is one answer, whatever the reason.
    Unauthorized(Denial),
    /// The route exists, with these methods.
    MethodNotAllowed(&'static str),
    /// The body is too large.
    TooLarge,
    /// The body is of a type that is not JSON.
    UnsupportedContentType,
    /// The body is compressed.
    UnsupportedContentEncoding,
    /// The idempotency key was used for another request.
    KeyReused,
    /// It cannot be done now; nothing is lost when the caller repeats it.
    Unavailable(Cause),
    /// An unexpected fault of ours.
    Internal(Cause),
}

/// What the log reads of a failure.
pub type Cause = Box<dyn Error + Send + Sync>;

/// What the log says of an error: it and its sources, of a failure that has one only these. Written out, because the log's
/// formatter drops them.
#[must_use]
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let is_told_by_source = error.is::<Failure>() && error.source().is_some();
    let first = if is_told_by_source {
        error.source()
    } else {
        Some(error)
    };
    let chain = std::iter::successors(first, |&error| error.source());
    let texts: Vec<_> = chain.map(ToString::to_string).collect();
    texts.join(": ")
}

impl Failure {
    /// The contract's code. Codes are only ever added.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound | Self::TrailingSlash(_) | Self::WebhooksOff => "FPWSE0001E",
            Self::TagExists | Self::WebhookExists => "FPWSE0002E",
            Self::PlatformNotConfigured => "FPWSE0003E",
            Self::NotJson => "FPWSE0004E",
            Self::Invalid(_) => "FPWSE0005E",
            Self::QueryParameterUnknown { .. } => "FPWSE0007E",
            Self::QueryParameterMissing(_) => "FPWSE0008E",
            Self::Internal(_) => "FPWSE0010E",
            Self::NoSubscription => "FPWSE0012E",
            Self::Unavailable(_) => "FPWSE0025E",
            Self::Unauthorized(_) => "FPWSE0401E",
            Self::MethodNotAllowed(_) => "FPWSE0405E",
            Self::TooLarge => "FPWSE0413E",
            Self::UnsupportedContentType | Self::UnsupportedContentEncoding => "FPWSE0415E",
            Self::KeyReused => "FPWSE0422E",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotFound
            | Self::TrailingSlash(_)
            | Self::WebhooksOff
            | Self::NoSubscription
            | Self::PlatformNotConfigured => 404,
            Self::NotJson
            | Self::Invalid(_)
            | Self::QueryParameterMissing(_)
            | Self::QueryParameterUnknown { .. } => 400,
            Self::Unauthorized(_) => 401,
            Self::MethodNotAllowed(_) => 405,
            Self::TagExists | Self::WebhookExists => 409,
            Self::TooLarge => 413,
            Self::UnsupportedContentType | Self::UnsupportedContentEncoding => 415,
            Self::KeyReused => 422,
            Self::Internal(_) => 500,
            Self::Unavailable(_) => 503,
        }
    }

    /// The parameter that was wrong, for the log: a name of the contract, and never one that the caller made up.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::Invalid(invalid) => Some(loggable(invalid.parameter())),
            Self::QueryParameterMissing(name) => Some(name),
            Self::QueryParameterUnknown { .. } => Some("query"),
            Self::NotJson => Some("body"),
            _ => None,
        }
    }

    /// Why the caller did not prove its right, for the log.
    #[must_use]
    pub const fn denial(&self) -> Option<Denial> {
        match self {
            Self::Unauthorized(denial) => Some(*denial),
            _ => None,
        }
    }
}

/// Objects whose members are named by callers.
const NAMED_BY_CALLERS: [&str; 5] = ["data", "payload", "raw", "texts", "variables"];

/// A path as far as the contract names its parts: `settings.gcm.payload` of `settings.gcm.payload.alice`.
fn loggable(path: &str) -> &str {
    let mut end = 0;
    for part in path.split('.') {
        end += part.len();
        if NAMED_BY_CALLERS.contains(&part) {
            return path.get(..end).unwrap_or_default();
        }
        end += 1;
    }
    path
}

/// Names as a sentence lists them: `'a', 'b'`.
fn quoted(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names = names.into_iter();
    let quoted: Vec<_> = names.map(|name| format!("'{}'", name.as_ref())).collect();
    quoted.join(", ")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => {
                f.write_str("Not Found. The resource does not exist, or is not yours.")
            }
            Self::TrailingSlash(path) => {
                write!(
                    f,
                    "Not Found. The path must be '{path}', without a slash at its end."
                )
            }
            Self::TagExists => f.write_str("Conflict. There is a tag of this name."),
            Self::WebhookExists => f.write_str("Conflict. There is a webhook of this name."),
            Self::WebhooksOff => f.write_str(
                "Not Found. Webhooks are off. The parameter Webhooks=true turns them on.",
            ),
            Self::NoSubscription => {
                f.write_str("Not Found. The device does not subscribe to the tag.")
            }
            Self::PlatformNotConfigured => {
                f.write_str("Not Found. The platform is not configured.")
            }
            Self::NotJson => f.write_str("Bad Request. The body is not valid JSON."),
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::QueryParameterMissing(name) => {
                write!(f, "Bad Request. The query parameter '{name}' is missing.")
            }
            Self::QueryParameterUnknown { unknown, known } => write!(
                f,
                "Bad Request. The query parameters {} are unknown. Known are {}.",
                quoted(unknown),
                quoted(*known)
            ),
            Self::Unauthorized(_) => {
                f.write_str("Unauthorized. A secret is missing, wrong or expired.")
            }
            Self::MethodNotAllowed(_) => f.write_str("Method Not Allowed."),
            Self::TooLarge => f.write_str("Request Entity Too Large."),
            Self::UnsupportedContentType => {
                f.write_str("Unsupported Media Type. The body has to be application/json.")
            }
            Self::UnsupportedContentEncoding => {
                f.write_str("Unsupported Media Type. The body must have no Content-Encoding.")
            }
            Self::KeyReused => f.write_str(
                "Unprocessable Entity. The Idempotency-Key was used for another request.",
            ),
            Self::Unavailable(_) => {
                f.write_str("Service Unavailable. Repeat the request after a while.")
            }
            Self::Internal(_) => f.write_str("Internal Server Error. The request can be repeated."),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(cause) | Self::Internal(cause) => Some(cause.as_ref()),
            _ => None,
        }
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid(invalid) => Self::Invalid(invalid),
            Refused::TooLarge => Self::TooLarge,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::Unauthorized(denial) => Self::Unauthorized(denial),
            Refusal::TooManyLogouts => Self::Unavailable(
                "more users logged out of the device at once than are remembered".into(),
            ),
        }
    }
}

impl From<subscription::Refused> for Failure {
    fn from(refused: subscription::Refused) -> Self {
        match refused {
            subscription::Refused::Caller(refusal) => refusal.into(),
            subscription::Refused::TooMany => {
                let rule = format!(
                    "A device subscribes to at most {} tags.",
                    subscription::MOST
                );
                Self::Invalid(Invalid::new("tagNames", rule))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_names_a_parameter_and_nothing_that_the_caller_named() {
        for (path, expected) in [
            ("userId", "userId"),
            ("[3].target.userIds[7]", "[3].target.userIds[7]"),
            ("settings.gcm.payload", "settings.gcm.payload"),
            ("settings.gcm.payload.alice", "settings.gcm.payload"),
            ("message.texts.de.alert", "message.texts"),
            ("variables.alice", "variables"),
            ("", ""),
        ] {
            let failure = Failure::Invalid(Invalid::new(path, "It is right."));
            assert_eq!(failure.parameter(), Some(expected));
        }
        let unknown = Failure::QueryParameterUnknown {
            unknown: vec!["alice".to_owned()],
            known: &["userId"],
        };
        assert_eq!(unknown.parameter(), Some("query"));
    }

    #[test]
    fn the_log_reads_what_the_caller_does_not() {
        let said = |cause: Cause| causes(cause.as_ref());
        assert_eq!(
            said(Failure::Internal("the cause".into()).into()),
            "the cause"
        );
        let nested = Failure::Internal(Failure::Unavailable("the cause".into()).into());
        let shown = "Service Unavailable. Repeat the request after a while.: the cause";
        assert_eq!(said(nested.into()), shown);
        assert_eq!(said("the cause".into()), "the cause");
        assert_eq!(said(Failure::TooLarge.into()), "Request Entity Too Large.");
    }
}

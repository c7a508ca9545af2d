//! An answer of the API, and what it is held against.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// A status, headers and a body, and the request that they answer.
pub(crate) struct Answer {
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// A refusal of the contract: status, code and the whole message.
#[derive(Clone, Copy)]
pub(crate) struct Refusal(
    pub(crate) u16,
    pub(crate) &'static str,
    pub(crate) &'static str,
);

pub(crate) const NOT_FOUND: Refusal = Refusal(
    404,
    "FPWSE0001E",
    "Not Found. The resource does not exist, or is not yours.",
);
pub(crate) const TAG_EXISTS: Refusal =
    Refusal(409, "FPWSE0002E", "Conflict. There is a tag of this name.");
pub(crate) const NO_SUBSCRIPTION: Refusal = Refusal(
    404,
    "FPWSE0012E",
    "Not Found. The device does not subscribe to the tag.",
);
pub(crate) const NOT_CONFIGURED: Refusal = Refusal(
    404,
    "FPWSE0003E",
    "Not Found. The platform is not configured.",
);
pub(crate) const NOT_JSON: Refusal = Refusal(
    400,
    "FPWSE0004E",
    "Bad Request. The body is not valid JSON.",
);
pub(crate) const INTERNAL: Refusal = Refusal(
    500,
    "FPWSE0010E",
    "Internal Server Error. The request can be repeated.",
);
pub(crate) const UNAVAILABLE: Refusal = Refusal(
    503,
    "FPWSE0025E",
    "Service Unavailable. Repeat the request after a while.",
);
pub(crate) const UNAUTHORIZED: Refusal = Refusal(
    401,
    "FPWSE0401E",
    "Unauthorized. A secret is missing, wrong or expired.",
);
pub(crate) const WRONG_METHOD: Refusal = Refusal(405, "FPWSE0405E", "Method Not Allowed.");
pub(crate) const TOO_LARGE: Refusal = Refusal(413, "FPWSE0413E", "Request Entity Too Large.");
pub(crate) const NOT_SUPPORTED: Refusal = Refusal(
    415,
    "FPWSE0415E",
    "Unsupported Media Type. The body has to be application/json.",
);

pub(crate) const COMPRESSED: Refusal = Refusal(
    415,
    "FPWSE0415E",
    "Unsupported Media Type. The body must have no Content-Encoding.",
);

impl Answer {
    /// Holds the status and the whole body.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: &Value) {
        assert_eq!(&self.ok(status), body, "{}", self.request);
    }

    /// Holds the status; gives the body.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text);
        self.json()
    }

    /// Holds a status that comes without a body.
    #[track_caller]
    pub(crate) fn empty(&self, status: u16) {
        assert_eq!(
            (self.status, self.text.as_str()),
            (status, ""),
            "{}",
            self.request
        );
        self.readable_by_a_page();
    }

    /// Holds the one shape of an error: code and message, and a request id that may be anything.
    #[track_caller]
    pub(crate) fn refused(&self, Refusal(status, code, message): Refusal) {
        let mut body = self.ok(status);
        let id = body
            .as_object_mut()
            .and_then(|body| body.remove("requestId"));
        assert!(
            id.as_ref()
                .is_some_and(|id| id.as_str().is_some_and(|id| !id.is_empty())),
            "{}: a request id: {}",
            self.request,
            self.text
        );
        assert_eq!(
            body,
            json!({"code": code, "message": message}),
            "{}",
            self.request
        );
        let again = self.header("retry-after").map(str::parse::<u32>);
        assert_eq!(
            again.is_some_and(|after| after.is_ok_and(|after| after > 0)),
            status == 503,
            "{}: Retry-After comes with 503 and with nothing else",
            self.request
        );
    }

    /// Holds a refusal that names a wrong parameter by its path and does not repeat its value.
    #[track_caller]
    pub(crate) fn invalid(&self, parameter: &str, value: &str) {
        assert_eq!(self.status, 400, "{}: {}", self.request, self.text);
        let body = self.json();
        let message = body["message"].as_str().unwrap_or_default().to_owned();
        let start = format!("Invalid value was provided. Check the '{parameter}' parameter value.");
        assert!(message.starts_with(&start), "{}: {message}", self.request);
        assert_eq!(
            body,
            json!({"code": "FPWSE0005E", "message": message, "requestId": body["requestId"]}),
            "{}",
            self.request
        );
        assert!(body["requestId"].as_str().is_some_and(|id| !id.is_empty()));
        if value.len() > 3 {
            assert!(!message.contains(value), "{}: {message}", self.request);
        }
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    #[track_caller]
    fn json(&self) -> Value {
        self.readable_by_a_page();
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{}: {}",
            self.request,
            self.text
        );
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.request, self.text))
    }

    /// Every answer to a page of another origin lets it read the answer.
    #[track_caller]
    fn readable_by_a_page(&self) {
        assert_eq!(
            self.header("access-control-allow-origin"),
            Some("*"),
            "{}: {:?}",
            self.request,
            self.headers
        );
    }
}

//! One answer, and the one place where bodies are written.

use crate::Failure;
use lambda_http::Body;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use lambda_http::http::{HeaderMap, HeaderValue};
use push::MessageId;
use serde::Serialize;
use serde_json::json;

/// A status, headers, and a JSON body or none.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Option<String>,
    /// The ids of the messages that it is about.
    messages: Option<String>,
}

impl Reply {
    /// A status and a body.
    ///
    /// # Errors
    /// [`Failure::Internal`] where the body cannot be written as JSON.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_string(body).map_err(|error| Failure::Internal(error.into()))?;
        Ok(Self::with_body(status, body))
    }

    /// A status and a body that is JSON already.
    #[must_use]
    pub fn repeated(status: u16, body: &str) -> Self {
        Self::with_body(status, body.to_owned())
    }

    /// A status without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: None,
            messages: None,
        }
    }

    /// The same answer, which no cache keeps: it holds a secret.
    #[must_use]
    pub fn not_stored(mut self) -> Self {
        self.headers
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self
    }

    /// The same answer, about these messages, which the line of the request in the log names.
    #[must_use]
    pub fn about<'a>(mut self, messages: impl IntoIterator<Item = &'a MessageId>) -> Self {
        let ids: Vec<_> = messages.into_iter().map(MessageId::as_str).collect();
        self.messages = Some(ids.join(" "));
        self
    }

    /// The ids of the messages that it is about, with a space between two.
    #[must_use]
    pub fn messages(&self) -> Option<&str> {
        self.messages.as_deref()
    }

    /// The contract's one shape of an error.
    #[must_use]
    pub fn failed(failure: &Failure, request_id: &str) -> Self {
        let body = json!({"code": failure.code(), "message": failure.to_string(), "requestId": request_id});
        let mut reply = Self::with_body(failure.status(), body.to_string());
        match failure {
            Failure::Unavailable(_) => reply
                .headers
                .insert(RETRY_AFTER, HeaderValue::from_static("1")),
            Failure::MethodNotAllowed(methods) => reply
                .headers
                .insert(ALLOW, HeaderValue::from_static(methods)),
            _ => None,
        };
        reply
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The body, as it goes out.
    #[must_use]
    pub fn body(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }

    /// As API Gateway takes it.
    #[must_use]
    pub fn into_response(self) -> ApiGatewayV2httpResponse {
        let mut response = ApiGatewayV2httpResponse::default();
        response.status_code = i64::from(self.status);
        response.headers = self.headers;
        response.body = self.body.map(Body::Text);
        response
    }

    fn with_body(status: u16, body: String) -> Self {
        let headers =
            HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self {
            status,
            headers,
            body: Some(body),
            messages: None,
        }
    }
}

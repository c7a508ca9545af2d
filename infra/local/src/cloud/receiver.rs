//! A receiver of the developer's own, which gets the calls of all webhooks.

use super::connector::connector;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::body::Bytes;
use axum::http::header::{CONTENT_LENGTH, HOST};
use axum::http::{HeaderMap, Uri};
use std::error::Error;
use std::time::Duration;

/// Where it is, and how it is called.
pub struct Receiver {
    url: Uri,
    connector: Connector,
}

/// As long as a function waits for a webhook.
const PATIENCE: Duration = Duration::from_secs(5);

impl Receiver {
    /// The receiver at a URL.
    pub fn at(url: Uri) -> Self {
        Self {
            url,
            connector: connector(PATIENCE),
        }
    }

    /// Posts what a webhook is told, with the headers that it is told it with. Gives the status of the answer.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn forward(
        &self,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<u16, Box<dyn Error + Send + Sync>> {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri(self.url.to_string())?;
        for (name, value) in headers {
            if ![HOST, CONTENT_LENGTH].contains(name) {
                let value = value.to_str()?.to_owned();
                request.headers_mut().try_insert(name.to_string(), value)?;
            }
        }
        let response = self.connector.call(request).await?;
        Ok(response.status().as_u16())
    }
}

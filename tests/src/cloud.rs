//! Calls to the AWS of a local system without an SDK: nobody checks a signature there.

use reqwest::{Client, RequestBuilder, Url};
use serde_json::Value;

/// The AWS that is reached at one URL.
#[derive(Clone)]
pub struct Cloud {
    http: Client,
    url: String,
}

impl Cloud {
    /// At the `awsEndpointUrl` of a local system.
    ///
    /// # Panics
    /// There is no HTTP client on this machine.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self {
            http: Client::builder().no_proxy().build().unwrap(),
            url: url.to_owned(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A call of a service that speaks JSON, as `AmazonSQS.ReceiveMessage` or `DynamoDB_20120810.GetItem`.
    ///
    /// # Errors
    /// What the service answers instead.
    pub async fn json(&self, target: &str, input: &Value) -> Result<Value, String> {
        let request = self.http.post(&self.url).header("x-amz-target", target);
        let request = request.header("content-type", "application/x-amz-json-1.0");
        let text = answered(request.body(input.to_string()), target).await?;
        serde_json::from_str(&text).map_err(|error| format!("{target}: {error}"))
    }

    /// A call of SNS; gives the XML of its answer.
    ///
    /// # Errors
    /// What SNS answers instead.
    pub async fn sns(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String, String> {
        let form = Url::parse_with_params(&self.url, parameters);
        let mut form = form.map_err(|error| error.to_string())?;
        form.query_pairs_mut().append_pair("Action", action);
        let request = self.http.post(&self.url).header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
        let body = form.query().unwrap_or_default().to_owned();
        answered(request.body(body), action).await
    }
}

async fn answered(request: RequestBuilder, name: &str) -> Result<String, String> {
    let failed = |error: reqwest::Error| format!("{name}: {error:?}");
    let answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    let text = answer.text().await.map_err(failed)?;
    if status.is_success() {
        Ok(text)
    } else {
        Err(format!("{name}: {status} {text}"))
    }
}

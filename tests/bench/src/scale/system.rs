//! A local system to measure: its API, called one request at a time, and what each request costs in AWS.

use super::usage::Usage;
use crate::world::Failed;
use local::{Local, Options};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tests::{Cloud, Registry};

/// A local system whose jobs nobody works off by itself.
pub(super) struct System {
    pub(super) cloud: Cloud,
    /// Where devices are written without the API.
    pub(super) registry: Registry,
    http: Client,
    api: String,
    client_secret: String,
    app_secret: String,
    local: Local,
}

/// A request of an app or of a backend.
pub(super) struct Request {
    pub(super) method: Method,
    /// What follows the application in the path.
    pub(super) route: String,
    pub(super) from: Caller,
    pub(super) body: Option<Value>,
    /// The status of the answer that it has to get.
    pub(super) status: u16,
}

/// Whose secret a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    App,
    Backend,
}

/// A request that was answered.
pub(super) struct Answered {
    pub(super) wall: Duration,
    pub(super) usage: Usage,
}

/// The function that works jobs off, by its logical name.
pub(super) const DELIVER: &str = "DeliverFunction";
/// The processes of that function. The pace that they keep together is beyond what the machine does: it sets the pace.
pub(super) const WORKERS: usize = 8;
/// Devices that a user can have here.
pub(super) const MOST_DEVICES: usize = 1_000;

impl System {
    /// Starts one, with its embedded DynamoDB or the one at a URL.
    ///
    /// # Errors
    /// It does not start.
    pub(super) async fn start(dynamodb: Option<&str>) -> Result<Self, Failed> {
        let parameters = [
            ("AllowBroadcast", "true".to_owned()),
            ("DeliverConcurrency", WORKERS.to_string()),
            ("MaxDevicesPerUser", MOST_DEVICES.to_string()),
            ("PublishPerSecond", "1000000".to_owned()),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value));
        let local = Local::start(Options {
            port: 0,
            dynamodb: dynamodb.map(str::to_owned),
            parameter_overrides: parameters.into(),
            ..Options::default()
        })
        .await?;
        let http = Client::builder().no_proxy().build()?;
        let info = http.get(format!("{}/_local/info", local.base_url()));
        let info: Value = info.send().await?.json().await?;
        let text = |name: &str| {
            let text = info[name].as_str().map(str::to_owned);
            text.ok_or_else(|| Failed::from(format!("no {name} in {info}")))
        };
        let cloud = Cloud::at(&text("awsEndpointUrl")?);
        let register = local.environment("RegisterFunction");
        let system = Self {
            registry: Registry::new(cloud.clone(), register.ok_or("no function registers")?),
            cloud,
            http,
            api: text("apiUrl")?,
            client_secret: text("clientSecret")?,
            app_secret: text("appSecret")?,
            local,
        };
        let off = json!({"function": DELIVER, "enabled": false});
        system.control(Method::POST, "/sources", Some(&off)).await?;
        Ok(system)
    }

    /// What the workers are told.
    ///
    /// # Errors
    /// There is no such function.
    pub(super) fn environment(&self) -> Result<BTreeMap<String, String>, Failed> {
        let found = self.local.environment(DELIVER).cloned();
        found.ok_or_else(|| format!("no function {DELIVER}").into())
    }

    /// A call of the control surface.
    ///
    /// # Errors
    /// It is refused.
    pub(super) async fn control(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failed> {
        let url = format!("{}/_local{path}", self.local.base_url());
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?.error_for_status()?;
        Ok(answer.json().await?)
    }

    /// Makes a request. The time ends when its answer has arrived.
    ///
    /// # Errors
    /// Another status than it has to get.
    pub(super) async fn ask(&self, request: &Request) -> Result<(Value, Duration), Failed> {
        let Request {
            method,
            route,
            from,
            body,
            status,
        } = request;
        let call = self
            .http
            .request(method.clone(), format!("{}{route}", self.api));
        let mut call = match from {
            Caller::App => call.header("clientSecret", &self.client_secret),
            Caller::Backend => call.header("appSecret", &self.app_secret),
        };
        if let Some(body) = body {
            call = call.json(body);
        }
        let begun = Instant::now();
        let answer = call.send().await?;
        let got = answer.status().as_u16();
        let text = answer.text().await?;
        let wall = begun.elapsed();
        if got != *status {
            return Err(format!("{method} {route}: {got} {text}").into());
        }
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text)?
        };
        Ok((body, wall))
    }

    /// Makes a request, and counts what it costs.
    ///
    /// # Errors
    /// As [`System::ask`]
    pub(super) async fn count(&self, request: &Request) -> Result<Answered, Failed> {
        self.forget_usage().await?;
        let (_, wall) = self.ask(request).await?;
        let usage = self.usage().await?;
        Ok(Answered { wall, usage })
    }

    /// What AWS was asked for since it was forgotten.
    ///
    /// # Errors
    /// The control surface does not answer.
    pub(super) async fn usage(&self) -> Result<Usage, Failed> {
        Ok(Usage::of(&self.control(Method::GET, "/calls", None).await?))
    }

    /// Counting begins anew.
    ///
    /// # Errors
    /// The control surface does not answer.
    pub(super) async fn forget_usage(&self) -> Result<(), Failed> {
        let forget = self.control(Method::DELETE, "/calls", None);
        forget.await.map(drop)
    }
}

impl Request {
    /// A message of a backend.
    pub(super) fn message(target: Option<&Value>) -> Self {
        let mut body = json!({"message": {"alert": "Your table is ready"}});
        if let Some(target) = target {
            body["target"] = target.clone();
        }
        Self {
            method: Method::POST,
            route: "/messages".to_owned(),
            from: Caller::Backend,
            body: Some(body),
            status: 202,
        }
    }
}

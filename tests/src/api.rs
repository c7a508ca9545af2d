//! The API of one server, as apps and backends call it.

use crate::answer::{Answer, NOT_FOUND, UNAUTHORIZED};
use crate::noted::note;
use crate::phone::Phone;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// One server: its API, and the control surface of the local system that plays AWS for it.
#[derive(Clone)]
pub(crate) struct Api(Arc<Parts>);

struct Parts {
    url: String,
    control: String,
    application: String,
    client_secret: String,
    app_secret: String,
    http: Client,
    _server: Option<local::Local>,
}

/// The web page that every request of a story comes from.
pub(crate) const ORIGIN: &str = "https://app.example";

/// Longer than API Gateway waits for any function.
const PATIENCE: Duration = Duration::from_secs(45);

impl Api {
    /// The API at `url`, with the control surface at `control`; `server` lives as long as the API is used.
    pub(crate) async fn at(url: &str, control: &str, server: Option<local::Local>) -> Self {
        let http = Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .build()
            .unwrap();
        let control = control.trim_end_matches('/').to_owned();
        let info = http.get(format!("{control}/_local/info")).send().await;
        let info: Value = info.unwrap().json().await.unwrap();
        let text = |name: &str| info[name].as_str().expect(name).to_owned();
        Self(Arc::new(Parts {
            url: url.trim_end_matches('/').to_owned(),
            control,
            application: text("applicationId"),
            client_secret: note(text("clientSecret")),
            app_secret: note(text("appSecret")),
            http,
            _server: server,
        }))
    }

    pub(crate) fn application(&self) -> &str {
        &self.0.application
    }

    /// The provisioned secret of devices, as it was at the start.
    pub(crate) fn client_secret(&self) -> &str {
        &self.0.client_secret
    }

    /// The secret of backends, as it was at the start.
    pub(crate) fn app_secret(&self) -> &str {
        &self.0.app_secret
    }

    /// The path of a route of this application.
    pub(crate) fn path(&self, route: &str) -> String {
        format!("/imfpush/v1/apps/{}{route}", self.0.application)
    }

    /// Where the server is reached: scheme, host, and what its gateway puts before every path.
    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    /// What a link of an answer has behind the host, which API Gateway may know by another name.
    pub(crate) fn path_of(link: &str) -> Option<&str> {
        link.find("/imfpush").map(|start| &link[start..])
    }

    /// A request to a route of this application.
    pub(crate) fn call(&self, method: Method, route: &str) -> Request {
        self.at_path(method, &self.path(route))
    }

    /// A request to any path.
    pub(crate) fn at_path(&self, method: Method, path: &str) -> Request {
        let url = format!("{}{path}", self.0.url);
        Request {
            name: format!("{method} {path}"),
            builder: self.0.http.request(method, url).header("origin", ORIGIN),
        }
    }

    /// A request to the control surface; gives the JSON that it answers, or null.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = (self.0.http).request(method, format!("{}/_local{path}", self.0.control));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "/_local{path}: {status} {text}");
        if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        }
    }

    /// POST `/devices`: what an app does that does not find itself registered.
    pub(crate) async fn register(
        &self,
        phone: &Phone,
        user: Option<&str>,
        secret: Option<&str>,
    ) -> Answer {
        let request = self.call(Method::POST, "/devices").secret(secret);
        request.json(&phone.body(user)).send().await
    }

    /// PUT `/devices/{deviceId}`: what an app does that finds something changed.
    pub(crate) async fn update(
        &self,
        phone: &Phone,
        user: Option<&str>,
        secret: Option<&str>,
    ) -> Answer {
        let request = self.device(Method::PUT, phone, secret);
        request.json(&phone.body(user)).send().await
    }

    pub(crate) async fn read(&self, phone: &Phone, secret: Option<&str>) -> Answer {
        self.device(Method::GET, phone, secret).send().await
    }

    pub(crate) async fn unregister(&self, phone: &Phone, secret: Option<&str>) -> Answer {
        self.device(Method::DELETE, phone, secret).send().await
    }

    /// A request about one device.
    pub(crate) fn device(&self, method: Method, phone: &Phone, secret: Option<&str>) -> Request {
        self.call(method, &format!("/devices/{}", phone.device))
            .secret(secret)
    }

    /// POST `/messages` by the backend.
    pub(crate) async fn send(&self, message: &Value) -> Answer {
        let request = self.call(Method::POST, "/messages").backend(self);
        request.json(message).send().await
    }

    /// A text to users; gives the message id.
    pub(crate) async fn tell(&self, users: &[&str], alert: &str) -> String {
        let message = json!({"message": {"alert": alert}, "target": {"userIds": users}});
        let answer = self.send(&message).await.ok(202);
        answer["messageId"].as_str().unwrap().to_owned()
    }

    /// GET by the backend.
    pub(crate) async fn backend_get(&self, route: &str) -> Answer {
        self.call(Method::GET, route).backend(self).send().await
    }

    /// GET `/messages/{messageId}/status` by the backend.
    pub(crate) async fn status(&self, id: &str) -> Value {
        let status = self.backend_get(&format!("/messages/{id}/status")).await;
        status.ok(200)
    }

    /// Asserts that only a backend of this application may call a route, whatever a device comes with.
    pub(crate) async fn is_for_backends(&self, method: &Method, route: &str, user_secret: &str) {
        let call = || self.call(method.clone(), route);
        call().send().await.refused(UNAUTHORIZED);
        for secret in ["anonymous", "forged", self.client_secret(), user_secret] {
            let bearer = format!("Bearer {secret}");
            for call in [
                call().secret(Some(secret)),
                call().header("appSecret", secret),
                call().header("authorization", &bearer),
            ] {
                call.send().await.refused(UNAUTHORIZED);
            }
        }
        for application in ["unknown", "x", &format!("{}x", self.application())] {
            let path = format!("/imfpush/v1/apps/{application}{route}");
            let call = || self.at_path(method.clone(), &path);
            for call in [call(), call().backend(self)] {
                call.send().await.refused(NOT_FOUND);
            }
        }
    }

    /// Asserts what the backend sees of a device: its owner and token, or nothing.
    pub(crate) async fn holds(&self, phone: &Phone, user: Option<&str>) {
        let device = self.read(phone, Some(self.client_secret())).await.ok(200);
        assert_eq!(
            (&device["userId"], &device["token"]),
            (&json!(user.unwrap_or("anonymous")), &json!(phone.token)),
            "the owner and the token of {}",
            phone.device
        );
    }
}

/// A request that is being put together.
pub(crate) struct Request {
    name: String,
    builder: RequestBuilder,
}

impl Request {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// With this client secret, or with none.
    pub(crate) fn secret(self, secret: Option<&str>) -> Self {
        match secret {
            Some(secret) => self.header("clientSecret", secret),
            None => self,
        }
    }

    /// As a backend of this server.
    pub(crate) fn backend(self, api: &Api) -> Self {
        self.header("appSecret", api.app_secret())
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.builder = self
            .builder
            .header("content-type", content_type)
            .body(body.into());
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let name = self.name;
        let answer = self.builder.send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let (status, headers): (u16, HeaderMap) =
            (answer.status().as_u16(), answer.headers().clone());
        Answer {
            request: name,
            status,
            headers,
            text: answer.text().await.unwrap(),
        }
    }
}

//! Everyone who may come with a secret: the columns of the table of who may do what.

use crate::api::{Api, Request};
use crate::jwt;
use crate::phone::{Phone, user};
use reqwest::Method;
use serde_json::json;

/// A column of the table: with what a call comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    Nothing,
    /// The literal that mobile SDKs send where they have no secret.
    TheWordAnonymous,
    Provisioned,
    /// Alice's own secret.
    Own,
    /// Alice's own secret, past its end.
    Expired,
    /// Bob's.
    Another,
    /// Bob's, past its end.
    AnotherExpired,
    /// Alice's as someone would make it who does not know the key.
    Forged,
    Malformed,
    /// No client secret, and a backend's.
    AppSecret,
    /// A forged client secret, and a backend's beside it.
    AppSecretBesideForged,
}

/// All columns.
pub(crate) const EVERYONE: [With; 11] = [
    With::Nothing,
    With::TheWordAnonymous,
    With::Provisioned,
    With::Own,
    With::Expired,
    With::Another,
    With::AnotherExpired,
    With::Forged,
    With::Malformed,
    With::AppSecret,
    With::AppSecretBesideForged,
];

/// Alice, whose things are at stake; Bob; and what each can come with.
pub(crate) struct Cast {
    pub(crate) api: Api,
    pub(crate) alice: String,
    pub(crate) bob: String,
    own: String,
    another: String,
    expired: Option<String>,
}

impl Cast {
    /// Two users that nobody knows yet. Expired secrets are signed in the past with the key of this server.
    pub(crate) async fn new(api: &Api) -> Self {
        let (alice, bob) = (user("alice"), user("bob"));
        Self {
            own: api.secret(&alice).await,
            another: api.secret(&bob).await,
            api: api.clone(),
            alice,
            bob,
            expired: None,
        }
    }

    /// The same, with a secret of Alice's that `init` made and that has expired since.
    pub(crate) fn with_expired(mut self, expired: String) -> Self {
        self.expired = Some(expired);
        self
    }

    /// Alice's secret.
    pub(crate) fn own(&self) -> &str {
        &self.own
    }

    /// Bob's secret.
    pub(crate) fn another(&self) -> &str {
        &self.another
    }

    /// A phone that is Alice's, at SNS and in the table.
    pub(crate) async fn phone_of_alice(&self) -> Phone {
        let phone = Phone::android();
        let bound = self
            .api
            .register(&phone, Some(&self.alice), Some(self.own()))
            .await;
        bound.ok(201);
        phone
    }

    /// A phone that is nobody's.
    pub(crate) async fn phone_of_nobody(&self) -> Phone {
        let phone = Phone::android();
        self.api.register(&phone, None, None).await.ok(201);
        phone
    }

    /// A call that comes with this.
    pub(crate) fn call(&self, with: With, method: Method, route: &str) -> Request {
        let call = self.api.call(method, route);
        let secret = match with {
            With::Nothing => None,
            With::TheWordAnonymous => Some("anonymous".to_owned()),
            With::Provisioned => Some(self.api.client_secret().to_owned()),
            With::Own => Some(self.own.clone()),
            With::Expired => Some(
                self.expired
                    .clone()
                    .unwrap_or_else(|| self.past(&self.alice)),
            ),
            With::Another => Some(self.another.clone()),
            With::AnotherExpired => Some(self.past(&self.bob)),
            With::Forged | With::AppSecretBesideForged => Some(self.forged()),
            With::Malformed => Some("not.a-secret".to_owned()),
            With::AppSecret => return call.backend(&self.api),
        };
        let call = call.secret(secret.as_deref());
        if with == With::AppSecretBesideForged {
            call.backend(&self.api)
        } else {
            call
        }
    }

    /// POST `/devices` that comes with this.
    pub(crate) fn post(&self, with: With, phone: &Phone, user: Option<&str>) -> Request {
        self.call(with, Method::POST, "/devices")
            .json(&phone.body(user))
    }

    /// PUT `/devices/{deviceId}` that comes with this.
    pub(crate) fn put(&self, with: With, phone: &Phone, user: Option<&str>) -> Request {
        let route = format!("/devices/{}", phone.device);
        self.call(with, Method::PUT, &route).json(&phone.body(user))
    }

    fn past(&self, user: &str) -> String {
        let key = self.api.client_secret();
        let claims = json!({"iss": self.api.application(), "sub": user, "iat": 1_000_000_000, "exp": 1_000_086_400});
        jwt::sign(key, &jwt::header(key), &claims)
    }

    fn forged(&self) -> String {
        let claims = json!({"iss": self.api.application(), "sub": self.alice, "iat": 1_000_000_000, "exp": 4_000_000_000_u64});
        let key = "a key that somebody made up at home, and long enough";
        jwt::sign(key, &jwt::header(self.api.client_secret()), &claims)
    }
}

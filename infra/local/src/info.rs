//! `/_local/info`: all that a client, a backend or a test needs to begin.

use crate::Error;
use crate::cloud::Cloud;
use crate::template::{Api, Function};
use axum::Router;
use axum::response::Json;
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Arc;

/// What there is to know. The secrets are those of the moment.
pub struct Info {
    application: String,
    api_url: String,
    issuer: String,
    audience: String,
    cloud: Cloud,
}

const APPLICATION: &str = "{applicationId}";

impl Info {
    /// Reads it off what is deployed.
    ///
    /// # Errors
    /// An API without an application id in its paths or in the environment of its functions.
    pub fn new(
        functions: &[Function],
        api: &Api,
        base_url: &str,
        cloud: Cloud,
    ) -> Result<Self, Error> {
        let application = functions
            .iter()
            .find_map(|function| function.environment.get("APPLICATION_ID"));
        let application = application.ok_or("no function has an APPLICATION_ID")?;
        let path = |key: &str| Some(key.split_once(' ')?.1.split_once(APPLICATION)?.0.to_owned());
        let prefix = api.routes.iter().find_map(|route| path(&route.key));
        let prefix = prefix.ok_or_else(|| format!("no route has an {APPLICATION}"))?;
        let authorizer = api
            .authorizers
            .values()
            .next()
            .ok_or("there is no authorizer")?;
        Ok(Self {
            api_url: format!("{base_url}{prefix}{application}"),
            application: application.clone(),
            issuer: authorizer.issuer.clone(),
            audience: authorizer.audience.join(","),
            cloud,
        })
    }

    /// The application id in every path.
    pub fn application(&self) -> &str {
        &self.application
    }

    /// Where a client reads it.
    pub fn router(self) -> Router {
        let info = Arc::new(self);
        Router::new().route("/_local/info", get(async move || Json(info.tell())))
    }

    fn tell(&self) -> Value {
        json!({
            "applicationId": self.application,
            "apiUrl": self.api_url,
            "clientSecret": self.cloud.secret_value("clientSecret"),
            "appSecret": self.cloud.secret_value("appSecret"),
            "issuer": self.issuer,
            "audience": self.audience,
            "awsEndpointUrl": self.cloud.endpoint_url(),
        })
    }
}

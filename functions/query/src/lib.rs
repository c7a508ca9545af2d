//! Reads for backends, and the end of a message; the public settings, and what no route is for.

mod devices;
mod messages;
mod unrouted;

use aws::secrets::Secrets;
use aws::{Call, Clock, Failure, Function, Reply, Settings, Start, Store};
use serde_json::json;
use std::sync::Arc;

/// GET `…/devices`, GET `…/messages`, GET and DELETE `…/messages/{messageId}`, GET its `/status` and `…/settings/gcmConfPublic`, and
/// `$default`.
pub struct Query {
    settings: Arc<Settings>,
    secrets: Secrets,
    store: Store,
    clock: Clock,
}

impl Function for Query {
    const NAME: &'static str = "query";

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let function = Self {
            settings: Arc::clone(&start.settings),
            secrets: Secrets::new(start),
            store: Store::new(start),
            clock: start.clock.clone(),
        };
        let (backends, ()) =
            tokio::join!(function.secrets.warm_for_backends(), function.store.warm());
        backends?;
        Ok(function)
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        let application = &self.settings.application;
        match call.route() {
            ("GET", "/devices") => {
                call.expect_application(application)?;
                self.devices(call).await
            }
            ("GET", "/messages") => {
                call.expect_application(application)?;
                self.list(call).await
            }
            ("GET", "/messages/{messageId}") => {
                call.expect_application(application)?;
                self.asked(call).await
            }
            ("DELETE", "/messages/{messageId}") => {
                call.expect_application(application)?;
                self.erase(call).await
            }
            ("GET", "/messages/{messageId}/status") => {
                call.expect_application(application)?;
                self.status(call).await
            }
            // The one thing that an app asks before it has a secret: the number is no secret either.
            ("GET", "/settings/gcmConfPublic") => {
                call.expect_application(application)?;
                let sender = self
                    .settings
                    .fcm_sender_id
                    .as_ref()
                    .ok_or(Failure::PlatformNotConfigured)?;
                Reply::json(200, &json!({"senderId": sender}))
            }
            // One client asks for the list so. The gateway can have no route that ends in a slash.
            ("GET", path) if unrouted::below(path, application) == Some("/messages/") => {
                self.list(call).await
            }
            (method, path) => unrouted::answer(method, path, application),
        }
    }
}

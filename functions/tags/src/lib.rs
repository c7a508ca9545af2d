//! Tags, which backends make, and the subscriptions of devices to them.

mod body;
mod kept;
mod listing;
mod shown;
mod subscriptions;
mod tags;

use aws::bindings::Bindings;
use aws::secrets::Secrets;
use aws::{Call, Clock, Failure, Function, Reply, Settings, Start, Store};
use kept::KeptTags;
use std::sync::Arc;

/// `…/tags`, `…/tags/{tagName}` and `…/subscriptions`.
pub struct Tags {
    settings: Arc<Settings>,
    secrets: Secrets,
    bindings: Bindings,
    kept: KeptTags,
    clock: Clock,
}

impl Function for Tags {
    const NAME: &'static str = "tags";

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let function = Self {
            settings: Arc::clone(&start.settings),
            secrets: Secrets::new(start),
            bindings: Bindings::new(start),
            kept: KeptTags::new(start.clock.clone()),
            clock: start.clock.clone(),
        };
        let store = function.bindings.store();
        let (secrets, ()) = tokio::join!(function.secrets.warm_for_devices(), store.warm());
        secrets?;
        Ok(function)
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        call.expect_application(&self.settings.application)?;
        match call.route() {
            ("GET", "/tags") => self.all(call).await,
            ("POST", "/tags") => self.make(call).await,
            ("GET", "/tags/{tagName}") => self.read(call).await,
            ("PUT", "/tags/{tagName}") => self.change(call).await,
            ("DELETE", "/tags/{tagName}") => self.delete(call).await,
            ("GET", "/subscriptions") => self.list(call).await,
            ("POST", "/subscriptions") => self.subscribe(call).await,
            ("DELETE", "/subscriptions") => self.unsubscribe(call).await,
            _ => Err(Failure::NotFound),
        }
    }
}

impl Tags {
    fn store(&self) -> &Store {
        self.bindings.store()
    }
}

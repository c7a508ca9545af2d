//! Webhooks, which backends make: where they are told what happens. There are none unless the operator asks for them.

mod body;
mod shown;

use aws::secrets::Secrets;
use aws::store::Attempts;
use aws::{Call, Clock, Failure, Function, Page, Reply, Settings, Start, Store, missing, random};
use body::Body;
use push::Invalid;
use push::device::Version;
use push::webhook::{MOST, NotAdded, Webhook, WebhookId, WebhookName, Webhooks as All};
use serde_json::json;
use std::sync::Arc;

/// `…/webhooks` and `…/webhooks/{webhookName}`.
pub struct Webhooks {
    settings: Arc<Settings>,
    secrets: Secrets,
    store: Store,
    clock: Clock,
}

impl Function for Webhooks {
    const NAME: &'static str = "webhooks";

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let function = Self {
            settings: Arc::clone(&start.settings),
            secrets: Secrets::new(start),
            store: Store::new(start),
            clock: start.clock.clone(),
        };
        if function.settings.webhook_queue.is_some() {
            let secrets = function.secrets.warm_for_backends();
            let (secrets, ()) = tokio::join!(secrets, function.store.warm());
            secrets?;
        }
        Ok(function)
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        call.expect_application(&self.settings.application)?;
        if self.settings.webhook_queue.is_none() {
            return Err(Failure::WebhooksOff);
        }
        self.secrets.backend(call).await?;
        if call.route().0 == "GET" {
            call.expect_parameters(&Page::PARAMETERS)?;
        }
        match call.route() {
            ("GET", "/webhooks") => self.all(call).await,
            ("POST", "/webhooks") => self.make(call).await,
            ("GET", "/webhooks/{webhookName}") => self.read(call).await,
            ("PUT", "/webhooks/{webhookName}") => self.change(call).await,
            ("DELETE", "/webhooks/{webhookName}") => self.delete(call).await,
            _ => Err(Failure::NotFound),
        }
    }
}

impl Webhooks {
    async fn all(&self, call: &Call) -> Result<Reply, Failure> {
        let (webhooks, _) = self.store.webhooks().await?;
        let shown = webhooks.iter();
        let shown =
            shown.map(|(name, webhook)| shown::webhook(&self.settings, call, name, webhook));
        Reply::json(200, &json!({"webhooks": shown.collect::<Vec<_>>()}))
    }

    async fn read(&self, call: &Call) -> Result<Reply, Failure> {
        let name = name(call)?;
        let (webhooks, _) = self.store.webhooks().await?;
        let webhook = webhooks.get(&name).ok_or(Failure::NotFound)?;
        self.show_with_key(200, call, &name, webhook).await
    }

    async fn make(&self, call: &Call) -> Result<Reply, Failure> {
        let body = Body::of(call)?;
        let name = body.name()?.ok_or_else(|| missing("name"))?;
        let Version(id) = random::version()?;
        let webhook = Webhook {
            id: WebhookId(id),
            url: body.url()?,
            events: body.events()?,
            created: call.now,
            updated: call.now,
        };
        let add = |all: &mut All| all.add(name.clone(), webhook.clone()).map_err(refused);
        self.write(call, add).await?;
        self.show_with_key(201, call, &name, &webhook).await
    }

    async fn change(&self, call: &Call) -> Result<Reply, Failure> {
        let (name, body) = (name(call)?, Body::of(call)?);
        if body.name()?.is_some_and(|other| other != name) {
            return Err(Invalid::new("name", "It has to equal the one in the path.").into());
        }
        let (url, events) = (body.url()?, body.events()?);
        let change = |all: &mut All| {
            let webhook = all.get_mut(&name).ok_or(Failure::NotFound)?;
            webhook.url = url.clone();
            webhook.events = events.clone();
            webhook.updated = call.now;
            Ok(webhook.clone())
        };
        let webhook = self.write(call, change).await?;
        Reply::json(200, &shown::webhook(&self.settings, call, &name, &webhook))
    }

    async fn delete(&self, call: &Call) -> Result<Reply, Failure> {
        let name = name(call)?;
        let remove = |all: &mut All| all.remove(&name).ok_or(Failure::NotFound);
        self.write(call, remove).await?;
        Ok(Reply::empty(204))
    }

    /// The webhooks are what `change` makes of them, which is asked again whenever others got in between.
    async fn write<T>(
        &self,
        call: &Call,
        change: impl Fn(&mut All) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut attempts = Attempts::new(self.clock.clone(), call.arrived);
        loop {
            let found = self.store.webhooks().await;
            let Some((mut webhooks, seen)) = attempts.passed(found).await? else {
                continue;
            };
            let done = change(&mut webhooks)?;
            let version = random::version()?;
            let put = || self.store.put_webhooks(&webhooks, &seen, version);
            if attempts.written(put).await? {
                return Ok(done);
            }
        }
    }

    /// The webhook with the key that verifies its signatures, for no cache to keep.
    async fn show_with_key(
        &self,
        status: u16,
        call: &Call,
        name: &WebhookName,
        webhook: &Webhook,
    ) -> Result<Reply, Failure> {
        let key = self.secrets.signing_key(webhook.id).await?;
        let mut shown = shown::webhook(&self.settings, call, name, webhook);
        shown["signingKey"] = key.expose().into();
        Ok(Reply::json(status, &shown)?.not_stored())
    }
}

fn name(call: &Call) -> Result<WebhookName, Failure> {
    WebhookName::parse(call.path("webhookName")).map_err(|_| Failure::NotFound)
}

fn refused(refused: NotAdded) -> Failure {
    match refused {
        NotAdded::Exists => Failure::WebhookExists,
        NotAdded::TooMany => {
            let rule =
                format!("There are {MOST} webhooks already. One of them must be deleted first.");
            Invalid::new("name", rule).into()
        }
    }
}

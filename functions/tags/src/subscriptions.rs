//! Subscribing and unsubscribing a device, by its app or a backend.

use crate::body::{Asked, Body, Named};
use crate::{Tags, shown};
use aws::bindings::Subscribed;
use aws::{Call, Failure, Reply};
use push::subscription::{Way, Wish};
use push::{DeviceId, Invalid, TagName};
use serde_json::{Value, json};

impl Tags {
    /// POST `…/subscriptions`.
    pub(crate) async fn subscribe(&self, call: &Call) -> Result<Reply, Failure> {
        let asked = Body::of(call)?.asked()?;
        let way = match call.query("action") {
            None => Way::On,
            Some("delete") => Way::Off,
            Some(_) => return Err(Invalid::new("action", "It is 'delete', or absent.").into()),
        };
        let Asked {
            device,
            tags,
            named,
        } = asked;
        let done = match self.turn(call, &device, &tags, way).await {
            Err(Failure::Invalid(invalid)) if named == Named::Alone => {
                return Err(invalid.at("tagName").into());
            }
            done => done?,
        };
        match (way, named, tags.first()) {
            (Way::On, Named::Alone, Some(tag)) => {
                if !done.outcome.not_found.is_empty() {
                    return Err(Failure::NotFound);
                }
                let owner = done.owner.as_ref();
                let shown = shown::owned(&self.settings, call, &device, tag, owner);
                Reply::json(201, &shown)
            }
            (way, ..) => Reply::json(207, &self.report(call, &device, &done, way)),
        }
    }

    /// DELETE `…/subscriptions?deviceId=&tagName=`.
    pub(crate) async fn unsubscribe(&self, call: &Call) -> Result<Reply, Failure> {
        let needed = |name| call.query(name).ok_or(Failure::QueryParameterMissing(name));
        let device = DeviceId::parse(needed("deviceId")?)?;
        let tag = TagName::parse(needed("tagName")?)?;
        let done = self.turn(call, &device, &[tag], Way::Off).await?;
        if done.outcome.done.is_empty() {
            return Err(Failure::NoSubscription);
        }
        Ok(Reply::empty(204))
    }

    async fn turn(
        &self,
        call: &Call,
        device: &DeviceId,
        names: &[TagName],
        way: Way,
    ) -> Result<Subscribed, Failure> {
        let caller = self.secrets.caller(call).await?;
        caller.admit(self.settings.require_client_secret)?;
        let wish = Wish {
            way,
            names,
            caller: &caller,
            arrived: call.arrived,
        };
        self.bindings.subscribe(device, wish).await
    }

    /// What became of each of several tags.
    fn report(&self, call: &Call, device: &DeviceId, done: &Subscribed, way: Way) -> Value {
        let not_found: Vec<_> = done.outcome.not_found.iter().map(TagName::as_str).collect();
        let not_found = json!({
            "tags": not_found,
            "message": Failure::NotFound.to_string(),
            "code": Failure::NotFound.code(),
        });
        let subscription = |tag: &TagName| shown::subscription(&self.settings, call, device, tag);
        let pair = |tag: &TagName| json!({"tagName": tag.as_str(), "deviceId": device.as_str()});
        let shown = |tags: &[TagName]| -> Vec<Value> {
            match way {
                Way::On => tags.iter().map(subscription).collect(),
                Way::Off => tags.iter().map(pair).collect(),
            }
        };
        let (already, done) = (shown(&done.outcome.already), shown(&done.outcome.done));
        match way {
            Way::On => json!({
                "tagsNotFound": not_found,
                "subscriptionExists": already,
                "subscribed": done,
            }),
            Way::Off => json!({
                "tagsNotFound": not_found,
                "subscriptionNotExists": already,
                "unsubscribed": done,
            }),
        }
    }
}

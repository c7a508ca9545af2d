//! Tags: backends make, change and delete them, everybody reads the list.

use crate::body::Body;
use crate::{Tags, shown};
use aws::store::{Attempts, Consistency, Fault};
use aws::{Call, Failure, Page, Reply, missing, random};
use push::device::Version;
use push::tag::Tag;
use push::{Caller, Invalid, RequireClientSecret, TagId, TagName};
use serde_json::json;

impl Tags {
    /// GET `…/tags`.
    pub(crate) async fn all(&self, call: &Call) -> Result<Reply, Failure> {
        let require = self.settings.require_client_secret;
        let is_backend = match require {
            RequireClientSecret::Always => {
                let caller = self.secrets.caller(call).await?;
                caller.admit(require)?;
                caller == Caller::Backend
            }
            RequireClientSecret::Users => self.secrets.is_backend(call).await,
        };
        // A backend may just have made a tag, by another environment.
        let consistency = if is_backend {
            Consistency::Strong
        } else {
            Consistency::Eventual
        };
        let page = Page::large(call)?;
        let most = page.offset + page.size;
        let tags = self.kept.first(self.store(), most, consistency).await?;
        let tags = tags.iter().skip(page.offset).take(page.size);
        let tags = tags.map(|(name, tag)| shown::tag(&self.settings, call, name, tag));
        Reply::json(200, &json!({"tags": tags.collect::<Vec<_>>()}))
    }

    /// GET `…/tags/{tagName}`.
    pub(crate) async fn read(&self, call: &Call) -> Result<Reply, Failure> {
        self.secrets.backend(call).await?;
        call.expect_parameters(&Page::PARAMETERS)?;
        let name = name(call)?;
        let tag = self.store().tag(&name).await?.ok_or(Failure::NotFound)?;
        self.show(200, call, &name, &tag)
    }

    /// POST `…/tags`.
    pub(crate) async fn make(&self, call: &Call) -> Result<Reply, Failure> {
        self.secrets.backend(call).await?;
        let body = Body::of(call)?;
        let name = body.name()?.ok_or_else(|| missing("name"))?;
        let Version(id) = random::version()?;
        let tag = Tag {
            id: TagId(id),
            description: body.description()?,
            created: call.now,
            updated: call.now,
        };
        self.kept.forget();
        let mut attempts = Attempts::new(self.clock.clone(), call.arrived);
        let write = random::version()?;
        loop {
            let fault = match self.store().put_tag(&name, &tag, None, write).await {
                Ok(()) => return self.show(201, call, &name, &tag),
                Err(fault) => fault,
            };
            if matches!(fault, Fault::Conflict) {
                let found = self.store().tag(&name).await;
                if let Some(Some(_)) = attempts.passed(found).await? {
                    return Err(Failure::TagExists);
                }
            }
            attempts.again(fault).await?;
        }
    }

    /// PUT `…/tags/{tagName}`.
    pub(crate) async fn change(&self, call: &Call) -> Result<Reply, Failure> {
        self.secrets.backend(call).await?;
        let (name, body) = (name(call)?, Body::of(call)?);
        if body.name()?.is_some_and(|other| other != name) {
            return Err(Invalid::new("name", "It has to equal the one in the path.").into());
        }
        let description = body.description()?;
        self.kept.forget();
        let mut attempts = Attempts::new(self.clock.clone(), call.arrived);
        loop {
            let found = self.store().tag(&name).await;
            let Some(found) = attempts.passed(found).await? else {
                continue;
            };
            let seen = found.ok_or(Failure::NotFound)?;
            let tag = Tag {
                description: description.clone(),
                updated: call.now,
                ..seen.clone()
            };
            let write = random::version()?;
            let put = || self.store().put_tag(&name, &tag, Some(&seen), write);
            if attempts.written(put).await? {
                return self.show(200, call, &name, &tag);
            }
        }
    }

    /// DELETE `…/tags/{tagName}`.
    pub(crate) async fn delete(&self, call: &Call) -> Result<Reply, Failure> {
        self.secrets.backend(call).await?;
        let name = name(call)?;
        self.kept.forget();
        let mut attempts = Attempts::new(self.clock.clone(), call.arrived);
        loop {
            let found = self.store().tag(&name).await;
            let Some(found) = attempts.passed(found).await? else {
                continue;
            };
            let seen = found.ok_or(Failure::NotFound)?;
            let write = random::version()?;
            let delete = || self.store().delete_tag(&name, &seen, write);
            if attempts.written(delete).await? {
                return Ok(Reply::empty(204));
            }
        }
    }

    fn show(&self, status: u16, call: &Call, name: &TagName, tag: &Tag) -> Result<Reply, Failure> {
        Reply::json(status, &shown::described(&self.settings, call, name, tag))
    }
}

fn name(call: &Call) -> Result<TagName, Failure> {
    TagName::parse(call.path("tagName")).map_err(|_| Failure::NotFound)
}

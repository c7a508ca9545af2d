//! The bodies of calls about tags and subscriptions.

use aws::{Call, Failure, missing};
use push::tag::Description;
use push::{DeviceId, Invalid, TagName};
use serde_json::Value;

/// A body, by what it says.
pub(crate) struct Body(aws::Body);

/// Of which device what is asked, about which tags.
pub(crate) struct Asked {
    pub device: DeviceId,
    /// Each once, in the order of the body.
    pub tags: Vec<TagName>,
    /// How they were named.
    pub named: Named,
}

/// How tags are named in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// `tagName`: one.
    Alone,
    /// `tagNames`: a list.
    Listed,
}

/// So many tags one call names, at most.
const MOST: usize = 100;

impl Body {
    /// The body of the call.
    pub fn of(call: &Call) -> Result<Self, Failure> {
        aws::Body::of(call).map(Self)
    }

    /// The name of the tag, where it is given.
    pub fn name(&self) -> Result<Option<TagName>, Invalid> {
        let name = self.0.text("name")?.map(TagName::parse).transpose();
        name.map_err(|invalid| invalid.at("name"))
    }

    /// What is said of the tag.
    pub fn description(&self) -> Result<Description, Invalid> {
        let text = self.0.text("description")?.unwrap_or_default();
        Description::parse(text)
    }

    /// The device and the tags that a subscription is about.
    pub fn asked(&self) -> Result<Asked, Invalid> {
        let device = DeviceId::parse(self.0.needed("deviceId")?)?;
        let (tags, named) = match (self.0.text("tagName")?, self.texts("tagNames")?) {
            (Some(_), Some(_)) => {
                let rule = "It stands alone, without 'tagName'.";
                return Err(Invalid::new("tagNames", rule));
            }
            (Some(name), None) => (vec![TagName::parse(name)?], Named::Alone),
            (None, Some(names)) => (listed(&names)?, Named::Listed),
            (None, None) => return Err(missing("tagName")),
        };
        Ok(Asked {
            device,
            tags,
            named,
        })
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, Invalid> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let list = value.as_array().map(Vec::as_slice);
        let list = list.filter(|list| (1..=MOST).contains(&list.len()));
        let list = list.ok_or_else(|| {
            let rule = format!("It is a list of 1 to {MOST} strings.");
            Invalid::new(name, rule)
        })?;
        let text = |(n, value): (usize, &'_ Value)| {
            let wrong = || Invalid::new(format!("{name}[{n}]"), "It is a string.");
            value.as_str().map(str::to_owned).ok_or_else(wrong)
        };
        let checked: Result<Vec<_>, _> = list.iter().enumerate().map(text).collect();
        checked.map(|_| Some(list.iter().filter_map(Value::as_str).collect()))
    }
}

fn listed(names: &[&str]) -> Result<Vec<TagName>, Invalid> {
    let mut tags = Vec::with_capacity(names.len());
    for (n, name) in names.iter().enumerate() {
        let tag = TagName::parse(name).map_err(|invalid| invalid.at(format!("tagNames[{n}]")))?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(tags)
}

//! The bodies of calls about tags and subscriptions. What is not known is ignored, null counts as absent.

use crate::BODY;
use aws::{Call, Failure};
use push::tag::Description;
use push::{DeviceId, Invalid, TagName};
use serde_json::Value;

/// A JSON object, read by name.
pub(crate) struct Body(Value);

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
        let body: Value = call.json(BODY)?;
        if body.is_object() {
            Ok(Self(body))
        } else {
            Err(Invalid::new("body", "It is an object.").into())
        }
    }

    /// The name of the tag, where it is given.
    pub fn name(&self) -> Result<Option<TagName>, Invalid> {
        let name = self.text("name")?.map(TagName::parse).transpose();
        name.map_err(|invalid| invalid.at("name"))
    }

    /// What is said of the tag.
    pub fn description(&self) -> Result<Description, Invalid> {
        let text = self.text("description")?.unwrap_or_default();
        Description::parse(text)
    }

    /// The device and the tags that a subscription is about.
    pub fn asked(&self) -> Result<Asked, Invalid> {
        let device = self.text("deviceId")?.ok_or_else(|| missing("deviceId"))?;
        let device = DeviceId::parse(device)?;
        let (tags, named) = match (self.text("tagName")?, self.texts("tagNames")?) {
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

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Invalid> {
        let text = |value: &Value| value.as_str().is_some();
        match self.get(name) {
            Some(value) if !text(value) => Err(Invalid::new(name, "It is a string.")),
            value => Ok(value.and_then(Value::as_str)),
        }
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, Invalid> {
        let Some(value) = self.get(name) else {
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

/// The contract's answer to a parameter that is not there.
pub(crate) fn missing(parameter: &str) -> Invalid {
    Invalid::new(parameter, "It is required.")
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

//! Whom a message is for.

use super::Refused;
use super::fields::Fields;
use crate::{DeviceId, Invalid, Platform, TagName, UserId};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashSet};

/// Whom a message is for, each once and in the order in which they were named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// No kind was named: every device, where the installation allows that.
    Everybody,
    /// The devices of these people, by what a fresh look at each device says.
    Users(Vec<UserId>),
    /// These devices, whoever owns them.
    Devices(Vec<DeviceId>),
    /// Every device of these platforms; of none where only Web platforms were named.
    Platforms(BTreeSet<Platform>),
    /// The devices that subscribed to one of these tags.
    Tags(Vec<TagName>),
}

/// How many users or devices one message may name.
pub const MOST_TARGETS: usize = 50_000;

/// How many of them are echoed and kept.
pub const MOST_ECHOED: usize = 100;

/// How many tags one message may name: all of them are kept, and whoever sends a part of it reads them there.
pub const MOST_TAGS: usize = MOST_ECHOED;

/// The kinds of target, of which a message names one.
const KINDS: [&str; 4] = ["userIds", "deviceIds", "tagNames", "platforms"];

/// All that a target may have.
const KEYS: [&str; 5] = ["userIds", "deviceIds", "tagNames", "platforms", "platform"];

/// All that a message may have at its top level if it is for everybody.
const MESSAGE_KEYS: [&str; 4] = ["message", "settings", "target", "validate"];

/// How many characters of an unknown key an error repeats.
const MOST_SHOWN_OF_KEY: usize = 64;

/// Platforms of the original service that this one has no way to reach.
const WEB: [&str; 4] = ["WEB_CHROME", "WEB_FIREFOX", "WEB_SAFARI", "APPEXT_CHROME"];

/// The parameter `target`.
pub(super) struct Addressed {
    pub target: Target,
    /// Only the devices of these platforms, where some are named beside the target.
    pub narrowed: Option<BTreeSet<Platform>>,
    /// What was asked, cut to [`MOST_ECHOED`].
    pub echo: Map<String, Value>,
}

impl Addressed {
    /// The target of a message. A message without one, or with an empty one, is for everybody. It must not have unknown keys then:
    /// one of them could be the target, misspelt.
    ///
    /// # Errors
    /// [`Refused::Invalid`] names `target`, or the parameter inside of it; [`Refused::TooLarge`] where it has too many of a kind.
    pub fn of(message: Fields) -> Result<Self, Refused> {
        Self::read(message).map_err(|refused| refused.within("target"))
    }

    fn read(message: Fields) -> Result<Self, Refused> {
        let judged = !message.are_accepted();
        if judged && message.has("target") && message.get("target").is_none() {
            return Err(must_name_a_kind("it is null").into());
        }
        let target = message.object("target");
        let target = target.map_err(|_| must_name_a_kind("it is no object"))?;
        let addressed = Self::parse(target.unwrap_or_default())?;
        match message.unknown(&MESSAGE_KEYS) {
            Some(key) if judged && addressed.target == Target::Everybody => {
                Err(is_unknown(key).into())
            }
            _ => Ok(addressed),
        }
    }

    fn parse(fields: Fields) -> Result<Self, Refused> {
        let mut kinds = KINDS.into_iter().filter(|kind| fields.get(kind).is_some());
        let (kind, other) = (kinds.next(), kinds.next());
        if other.is_some() {
            let rule = format!("target must have only one of {}.", KINDS.join(", "));
            return Err(Invalid::new("", rule).into());
        }
        if let Some(key) = fields.unknown(&KEYS)
            && !fields.are_accepted()
        {
            return Err(is_unknown(key).into());
        }
        let mut echo = Map::new();
        let narrowed = narrowing(fields, &mut echo)?;
        let Some(kind) = kind else {
            let is_null = |key: &&str| fields.has(key) && fields.get(key).is_none();
            if let Some(key) = KEYS.iter().find(|key| is_null(key))
                && !fields.are_accepted()
            {
                return Err(must_name_a_kind(&format!("'{key}' is null")).into());
            }
            // Also where a platform is named: one client sends that beside every target, and drops a list that is empty. Who
            // named no devices does not mean all of them, unless messages to everybody are allowed.
            return Ok(Self {
                target: Target::Everybody,
                narrowed,
                echo,
            });
        };
        let names = distinct(kind, &fields.texts(kind)?.unwrap_or_default())?;
        let most = if kind == "tagNames" {
            MOST_TAGS
        } else {
            MOST_TARGETS
        };
        if names.len() > most && !fields.are_accepted() {
            return Err(Refused::TooLarge);
        }
        let first: Vec<&str> = names.iter().take(MOST_ECHOED).map(|name| name.1).collect();
        echo.insert(kind.into(), first.into());
        let target = match kind {
            "deviceIds" => Target::Devices(each(kind, &names, DeviceId::parse)?),
            "userIds" => Target::Users(each(kind, &names, UserId::parse)?),
            "tagNames" => Target::Tags(each(kind, &names, TagName::parse)?),
            _ => Target::Platforms(platforms(kind, &names)?),
        };
        Ok(Self {
            target,
            narrowed,
            echo,
        })
    }
}

fn must_name_a_kind(fault: &str) -> Invalid {
    let kinds = KINDS.join(", ");
    Invalid::new("", format!("target must have one of {kinds}; {fault}."))
}

/// The key is the caller's: its first characters are repeated, without control characters.
fn is_unknown(key: &str) -> Invalid {
    let text = |char: char| {
        if char.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            char
        }
    };
    let key: String = key.chars().take(MOST_SHOWN_OF_KEY).map(text).collect();
    must_name_a_kind(&format!("'{key}' is unknown"))
}

/// The singular `platform`, which one client sends beside every target: a list, or one word.
fn narrowing(
    fields: Fields,
    echo: &mut Map<String, Value>,
) -> Result<Option<BTreeSet<Platform>>, Invalid> {
    let words = match fields.get("platform") {
        None => return Ok(None),
        Some(Value::String(word)) => vec![word.as_str()],
        Some(_) => fields.texts("platform")?.unwrap_or_default(),
    };
    let names = distinct("platform", &words)?;
    let narrowed = platforms("platform", &names)?;
    let words: Vec<&str> = names.iter().map(|name| name.1).collect();
    echo.insert("platform".into(), words.into());
    Ok(Some(narrowed))
}

/// Each text once, with the place where it first stood.
fn distinct<'a>(kind: &str, texts: &[&'a str]) -> Result<Vec<(usize, &'a str)>, Invalid> {
    if texts.is_empty() {
        return Err(Invalid::new(kind, "It names at least one."));
    }
    let mut seen = HashSet::with_capacity(texts.len());
    let mut names: Vec<(usize, &str)> = texts.iter().copied().enumerate().collect();
    names.retain(|(_, text)| seen.insert(*text));
    Ok(names)
}

fn each<T>(
    kind: &str,
    names: &[(usize, &str)],
    parse: impl Fn(&str) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    names
        .iter()
        .map(|(n, text)| parse(text).map_err(|invalid| invalid.at(format!("{kind}[{n}]"))))
        .collect()
}

/// The platforms of these letters; the Web's are known and match nobody.
fn platforms(kind: &str, names: &[(usize, &str)]) -> Result<BTreeSet<Platform>, Invalid> {
    let parse = |text: &str| {
        if WEB.iter().any(|web| web.eq_ignore_ascii_case(text)) {
            Ok(None)
        } else {
            Platform::parse(&text.to_ascii_uppercase()).map(Some)
        }
    };
    Ok(each(kind, names, parse)?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests;

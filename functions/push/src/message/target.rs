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
const KINDS: [&str; 4] = ["deviceIds", "userIds", "platforms", "tagNames"];

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
    /// # Errors
    /// [`Refused::Invalid`] names the parameter inside of `target`; [`Refused::TooLarge`] where it has too many of a kind.
    pub fn parse(fields: Fields) -> Result<Self, Refused> {
        let kinds = || KINDS.into_iter().filter(|kind| fields.get(kind).is_some());
        if kinds().count() > 1 {
            let rule = format!("It has one of {}.", KINDS.join(", "));
            return Err(Invalid::new("", rule).into());
        }
        let mut echo = Map::new();
        let narrowed = narrowing(fields, &mut echo)?;
        let Some(kind) = kinds().next() else {
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
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(target: &Value) -> Result<Addressed, Refused> {
        Addressed::parse(Fields::of(target).unwrap())
    }

    fn users(names: &[&str]) -> Target {
        Target::Users(
            names
                .iter()
                .map(|name| UserId::parse(name).unwrap())
                .collect(),
        )
    }

    #[test]
    fn one_kind_says_whom_and_platform_narrows() {
        use Platform::{Apns, Fcm};
        let devices = Target::Devices(vec![DeviceId::parse("d").unwrap()]);
        let tags = Target::Tags(vec![TagName::parse("news").unwrap()]);
        let platforms = |list: &[Platform]| Target::Platforms(list.iter().copied().collect());
        let only = |list: &[Platform]| Some(list.iter().copied().collect::<BTreeSet<_>>());
        for (target, expected, narrowed) in [
            (json!({}), Target::Everybody, None),
            (
                json!({"userIds": null, "unknown": [1]}),
                Target::Everybody,
                None,
            ),
            (
                json!({"userIds": ["b", "a", "b", "B"]}),
                users(&["b", "a", "B"]),
                None,
            ),
            (
                json!({"USERIDS": ["a"], "tagNames": null}),
                users(&["a"]),
                None,
            ),
            (json!({"deviceIds": ["d", "d"]}), devices.clone(), None),
            (json!({"tagnames": ["news"]}), tags, None),
            (
                json!({"platforms": ["g", "A"]}),
                platforms(&[Apns, Fcm]),
                None,
            ),
            (
                json!({"platforms": ["WEB_CHROME", "web_firefox", "WEB_SAFARI", "APPEXT_CHROME"]}),
                platforms(&[]),
                None,
            ),
            (
                json!({"platforms": ["WEB_CHROME", "A"]}),
                platforms(&[Apns]),
                None,
            ),
            (
                json!({"platform": ["A", "G"]}),
                Target::Everybody,
                only(&[Apns, Fcm]),
            ),
            (json!({"platform": "g"}), Target::Everybody, only(&[Fcm])),
            (
                json!({"platform": "WEB_SAFARI"}),
                Target::Everybody,
                only(&[]),
            ),
            (
                json!({"platform": ["A", "G"], "deviceIds": ["d"]}),
                devices,
                only(&[Apns, Fcm]),
            ),
            (
                json!({"platform": "A", "userIds": ["a"]}),
                users(&["a"]),
                only(&[Apns]),
            ),
            (
                json!({"platform": ["WEB_CHROME"], "userIds": ["a"]}),
                users(&["a"]),
                only(&[]),
            ),
            (
                json!({"platform": "A", "platforms": ["G", "A"]}),
                platforms(&[Apns, Fcm]),
                only(&[Apns]),
            ),
        ] {
            let found = parse(&target).unwrap_or_else(|refused| panic!("{target}: {refused}"));
            assert_eq!(
                (found.target, found.narrowed),
                (expected, narrowed),
                "{target}"
            );
        }
    }

    #[test]
    fn a_wrong_target_is_named() {
        for (target, name) in [
            (json!({"userIds": ["a"], "deviceIds": ["d"]}), ""),
            (json!({"platforms": ["A"], "tagNames": []}), ""),
            (
                json!({"platform": "A", "userIds": ["a"], "tagNames": ["t"]}),
                "",
            ),
            (json!({"userIds": []}), "userIds"),
            (json!({"deviceIds": []}), "deviceIds"),
            (json!({"platforms": []}), "platforms"),
            (json!({"tagNames": []}), "tagNames"),
            (json!({"platform": []}), "platform"),
            (json!({"userIds": "a"}), "userIds"),
            (json!({"userIds": {"0": "a"}}), "userIds"),
            (json!({"userIds": ["a", 1]}), "userIds[1]"),
            (json!({"userIds": ["a", null]}), "userIds[1]"),
            (json!({"userIds": ["a", "a", "anonymous"]}), "userIds[2]"),
            (json!({"userIds": ["u".repeat(255)]}), "userIds[0]"),
            (json!({"deviceIds": ["d", "a/b"]}), "deviceIds[1]"),
            (json!({"tagNames": ["t", ""]}), "tagNames[1]"),
            (json!({"tagNames": ["t".repeat(255)]}), "tagNames[0]"),
            (json!({"tagNames": ["a/b"]}), "tagNames[0]"),
            (json!({"platforms": ["A", "W"]}), "platforms[1]"),
            (json!({"platforms": "A"}), "platforms"),
            (json!({"platform": 1}), "platform"),
            (json!({"platform": ""}), "platform[0]"),
        ] {
            match parse(&target).err().unwrap() {
                Refused::Invalid(invalid) => assert_eq!(invalid.parameter(), name, "{target}"),
                Refused::TooLarge => panic!("{target}"),
            }
        }
        let longest = json!({"tagNames": ["é".repeat(254)]});
        assert!(parse(&longest).is_ok());
    }

    #[test]
    fn more_than_fifty_thousand_or_a_hundred_tags_are_too_many() {
        let named = |kind: &str, count: usize| {
            let names: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            json!({kind: names})
        };
        for kind in ["userIds", "deviceIds"] {
            assert!(parse(&named(kind, 50_000)).is_ok());
            assert_eq!(parse(&named(kind, 50_001)).err(), Some(Refused::TooLarge));
        }
        assert!(parse(&named("tagNames", 100)).is_ok());
        assert_eq!(
            parse(&named("tagNames", 101)).err(),
            Some(Refused::TooLarge)
        );
        let mut repeated = named("userIds", 50_000);
        repeated["userIds"].as_array_mut().unwrap().push(json!("0"));
        assert!(parse(&repeated).is_ok());
    }

    #[test]
    fn the_first_hundred_different_targets_are_echoed() {
        let names: Vec<String> = (0..202).map(|n| (n / 2).to_string()).collect();
        let echo = parse(&json!({"userids": names, "platform": "G", "more": 1}))
            .unwrap()
            .echo;
        let first: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        assert_eq!(
            Value::from(echo),
            json!({"userIds": first, "platform": ["G"]})
        );
    }
}

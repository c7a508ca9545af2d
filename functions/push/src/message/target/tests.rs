//! What a target is, and is not.

use super::*;
use serde_json::json;

fn parse(target: &Value) -> Result<Addressed, Refused> {
    Addressed::of(Fields::of(&json!({"target": target})).unwrap())
}

/// What is wrong with a message.
fn wrong(message: &Value) -> Invalid {
    match Addressed::of(Fields::of(message).unwrap()) {
        Err(Refused::Invalid(invalid)) => invalid,
        Err(Refused::TooLarge) => panic!("too large: {message}"),
        Ok(_) => panic!("taken: {message}"),
    }
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
        let dot = if name.is_empty() { "" } else { "." };
        let found = wrong(&json!({"target": target}));
        assert_eq!(found.parameter(), format!("target{dot}{name}"), "{target}");
    }
    let longest = json!({"tagNames": ["é".repeat(254)]});
    assert!(parse(&longest).is_ok());
}

#[test]
fn a_message_that_could_be_for_somebody_is_not_for_everybody() {
    let long = "k".repeat(65);
    let cut = format!("'{}' is unknown", &long[1..]);
    for (message, fault) in [
        (
            json!({"target": {"userId": "carol"}}),
            "'userId' is unknown",
        ),
        (
            json!({"target": {"userId": ["alice"]}}),
            "'userId' is unknown",
        ),
        (
            json!({"target": {"users": ["alice"]}}),
            "'users' is unknown",
        ),
        (json!({"target": {"users": null}}), "'users' is unknown"),
        (json!({"target": {"userIds": null}}), "'userIds' is null"),
        (json!({"target": {"USERIDS": null}}), "'userIds' is null"),
        (json!({"target": {"platform": null}}), "'platform' is null"),
        (
            json!({"target": {"platform": "A", "deviceIds": null}}),
            "'deviceIds' is null",
        ),
        (
            json!({"target": {"platform": "A", "userId": "carol"}}),
            "'userId' is unknown",
        ),
        (
            json!({"target": {"userIds": ["a"], "platformName": "A"}}),
            "'platformName' is unknown",
        ),
        (json!({"target": null}), "it is null"),
        (json!({"Target": null}), "it is null"),
        (json!({"target": []}), "it is no object"),
        (json!({"target": "alice"}), "it is no object"),
        (json!({"target": true}), "it is no object"),
        (
            json!({"targets": {"userIds": ["alice"]}}),
            "'targets' is unknown",
        ),
        (json!({"userIds": ["alice"]}), "'userIds' is unknown"),
        (json!({"to": null, "message": {}}), "'to' is unknown"),
        (json!({"target": {}, "targets": {}}), "'targets' is unknown"),
        (
            json!({"target": {"platform": "A"}, "userIds": []}),
            "'userIds' is unknown",
        ),
        (json!({"a\nb": 1}), "'a\u{fffd}b' is unknown"),
        (json!({(long): 1}), cut.as_str()),
    ] {
        let rule =
            format!("target must have one of userIds, deviceIds, tagNames, platforms; {fault}.");
        assert_eq!(wrong(&message), Invalid::new("target", rule), "{message}");
    }
    let several = json!({"target": {"userIds": ["a"], "deviceIds": ["d"]}});
    let rule = "target must have only one of userIds, deviceIds, tagNames, platforms.";
    assert_eq!(wrong(&several), Invalid::new("target", rule));
}

#[test]
fn a_message_for_everybody_has_no_target_and_nothing_unknown() {
    for message in [
        json!({}),
        json!({"target": {}}),
        json!({"MESSAGE": 1, "Settings": null, "Target": {}, "validate": true}),
        json!({"target": {"platform": ["A", "G"]}}),
    ] {
        let found = Addressed::of(Fields::of(&message).unwrap()).unwrap();
        assert_eq!(found.target, Target::Everybody, "{message}");
    }
    // Beside somebody an unknown key changes nothing.
    let named = json!({"target": {"userIds": ["a"], "tagNames": null}, "targets": 1});
    let found = Addressed::of(Fields::of(&named).unwrap()).unwrap();
    assert_eq!(found.target, users(&["a"]));
}

#[test]
fn an_accepted_message_is_for_whom_it_was() {
    for (accepted, target) in [
        (json!({"target": null, "more": 1}), Target::Everybody),
        (
            json!({"target": {"userIds": null, "more": 1}}),
            Target::Everybody,
        ),
        (
            json!({"target": {"userIds": ["a"], "more": 1}}),
            users(&["a"]),
        ),
    ] {
        let found = Addressed::of(Fields::of_accepted(&accepted).unwrap()).unwrap();
        assert_eq!(found.target, target, "{accepted}");
    }
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
    let echo = parse(&json!({"userids": names, "platform": "G"}))
        .unwrap()
        .echo;
    let first: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!(
        Value::from(echo),
        json!({"userIds": first, "platform": ["G"]})
    );
}

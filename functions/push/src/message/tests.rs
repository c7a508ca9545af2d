//! What a message is, and is not, as a whole.

use super::*;
use serde_json::json;

fn refused(value: &Value) -> Invalid {
    match Message::parse(value).unwrap_err() {
        Refused::Invalid(invalid) => invalid,
        Refused::TooLarge => panic!("too large"),
    }
}

#[test]
fn a_message_needs_something_to_show_and_nothing_else() {
    for value in [
        json!({"message": {"alert": "a"}}),
        json!({"Message": {"ALERT": "a", "url": null}, "settings": null, "validate": null}),
        json!({"message": {"alert": "a"}, "validate": true, "target": {}, "settings": {"other": 1}}),
        json!({"message": {"alert": "a"}, "settings": {"chromeWeb": 1, "firefoxWeb": [], "safariWeb": "x", "chromeAppExt": {"a": {}}}}),
    ] {
        let message = Message::parse(&value).unwrap();
        assert_eq!(message.alert(), Some("a"));
        assert_eq!(message.target(), &Target::Everybody);
    }
}

/// Read from the original server SDKs, with what each of them does its own way.
#[test]
fn the_bodies_of_the_server_sdks_are_taken() {
    for value in [
        // Python: `platform` beside every target, `androidtitle`, the payload as a text, `validate`.
        json!({
            "target": {"platform": ["A", "G"], "deviceIds": ["d"]}, "message": {"alert": "a", "url": "https://u"},
            "settings": {
                "gcm": {"timeToLive": 3600, "payload": "{\"a\":1}", "type": "DEFAULT", "androidtitle": "t"},
                "apns": {"timeToLive": 3600, "payload": "{\"a\":1}", "type": "DEFAULT", "badge": 1, "title": "t", "subtitle": "t"},
            },
            "validate": true,
        }),
        // Node: enumerated values in capitals, Web settings, Web platforms.
        json!({
            "message": {"alert": "a"}, "target": {"platforms": ["A", "G", "WEB_CHROME", "APPEXT_CHROME"]},
            "settings": {
                "gcm": {
                    "priority": "MIN", "visibility": "PRIVATE", "sync": true, "delayWhileIdle": false,
                    "lights": {"ledArgb": "BLACK", "ledOnMs": 1, "ledOffMs": 1},
                    "style": {"type": "BIGTEXT_NOTIFICATION", "title": "t", "url": "u", "text": "x", "lines": ["l"]},
                },
                "chromeWeb": {"title": "t", "iconUrl": "i", "timeToLive": 1}, "chromeAppExt": {"collapseKey": "k"},
            },
        }),
    ] {
        let message = Message::parse(&value).unwrap_or_else(|refused| panic!("{refused}"));
        assert_eq!(message.sizes().len(), 2);
    }
}

#[test]
fn a_wrong_parameter_is_named_by_its_path() {
    for (value, path) in [
        (json!(null), "message"),
        (json!([]), "message"),
        (json!("x"), "message"),
        (json!({}), "message"),
        (json!({"message": null}), "message"),
        (json!({"message": "a"}), "message"),
        (json!({"message": {}}), "message.alert"),
        (json!({"message": {"alert": null}}), "message.alert"),
        (json!({"message": {"alert": ""}}), "message.alert"),
        (json!({"message": {"alert": 1}}), "message.alert"),
        (json!({"message": {"alert": "a", "url": 1}}), "message.url"),
        (
            json!({"message": {"alert": "a"}, "validate": "yes"}),
            "validate",
        ),
        (
            json!({"message": {"alert": "a"}, "settings": []}),
            "settings",
        ),
        (
            json!({"message": {"alert": "a"}, "settings": {"apns": 1}}),
            "settings.apns",
        ),
        (
            json!({"message": {"alert": "a"}, "settings": {"apns": {"badge": "x"}}}),
            "settings.apns.badge",
        ),
        (
            json!({"message": {"alert": "a"}, "settings": {"gcm": 1}}),
            "settings.gcm",
        ),
        (
            json!({"message": {"alert": "a"}, "settings": {"gcm": {"style": {}}}}),
            "settings.gcm.style.type",
        ),
        (
            json!({"message": {"alert": "a"}, "settings": {"FCM": {"lights": {"ledOnMs": {}}}}}),
            "settings.fcm.lights.ledOnMs",
        ),
        (
            json!({"message": {"alert": "a"}, "settings": {"gcm": {}, "fcm": {}}}),
            "settings",
        ),
        (json!({"message": {"alert": "a"}, "target": []}), "target"),
        (
            json!({"message": {"alert": "a"}, "target": {"userIds": ["a"], "deviceIds": ["d"]}}),
            "target",
        ),
        (
            json!({"message": {"alert": "a"}, "target": {"userIds": []}}),
            "target.userIds",
        ),
        (
            json!({"message": {"alert": "a"}, "target": {"userIds": ["a", ""]}}),
            "target.userIds[1]",
        ),
    ] {
        assert_eq!(refused(&value).parameter(), path, "{value}");
    }
}

#[test]
fn a_fault_says_what_would_be_right_and_not_what_was_sent() {
    let value =
        json!({"message": {"alert": "a"}, "target": {"userIds": ["alice", "anonymous-\u{1}"]}});
    assert_eq!(
        refused(&value).to_string(),
        "Invalid value was provided. Check the 'target.userIds[1]' parameter value. It has 1 to 254 characters, none of \
         them a control character, and is not 'anonymous'."
    );
    let value =
        json!({"message": {"alert": "a"}, "settings": {"gcm": {"priority": "secret-word"}}});
    assert_eq!(
        refused(&value).to_string(),
        "Invalid value was provided. Check the 'settings.gcm.priority' parameter value. It is one of max, high, default, \
         low, min."
    );
}

#[test]
fn fcm_settings_count_under_either_name() {
    for name in ["gcm", "fcm", "Gcm"] {
        let value =
            json!({"message": {"alert": "a"}, "settings": {name: {"icon": "i"}, "apns": null}});
        let with_null =
            json!({"message": {"alert": "a"}, "settings": {"fcm": {"icon": "i"}, "gcm": null}});
        assert!(
            Message::parse(&value).unwrap().content == Message::parse(&with_null).unwrap().content
        );
    }
}

#[test]
fn too_many_targets_are_their_own_refusal() {
    let names: Vec<String> = (0..50_001).map(|n| n.to_string()).collect();
    let value = json!({"message": {"alert": "a"}, "target": {"userIds": names}});
    assert_eq!(Message::parse(&value), Err(Refused::TooLarge));
    assert_eq!(parse_bulk(&json!([value])), Err(Refused::TooLarge));
}

/// A message of exactly this size on one platform, made by the length of its alert.
fn sized(target: &Value, platform: Platform, size: usize) -> Value {
    let with = |alert: String| json!({"message": {"alert": alert}, "target": target});
    let one = Message::parse(&with("a".into())).unwrap().sizes()[&platform];
    with("a".repeat(size - one + 1))
}

#[test]
fn a_message_has_at_most_4096_bytes_on_each_platform_that_it_reaches() {
    for (target, platform) in [
        (json!({"platforms": ["A"]}), Platform::Apns),
        (json!({"platforms": ["G", "WEB_CHROME"]}), Platform::Fcm),
        (json!({"userIds": ["a"], "platform": "A"}), Platform::Apns),
        (json!({"userIds": ["a"], "platform": "G"}), Platform::Fcm),
        (json!({"deviceIds": ["d"]}), Platform::Apns),
        (json!({}), Platform::Apns),
    ] {
        let largest = Message::parse(&sized(&target, platform, 4096)).unwrap();
        assert_eq!(largest.sizes()[&platform], 4096, "{target}");
        let over = refused(&sized(&target, platform, 4097));
        let rule = format!("Rendered for {platform} it has 4097 bytes, of at most 4096.");
        assert_eq!(over, Invalid::new("message", rule), "{target}");
    }
}

#[test]
fn what_a_setting_adds_for_the_sdk_counts_towards_the_limit() {
    let of = |gcm: &Value, length: usize| json!({"message": {"alert": "a".repeat(length)}, "settings": {"gcm": gcm}, "target": {"platforms": ["G"]}});
    let size = |gcm: &Value| Message::parse(&of(gcm, 1)).unwrap().sizes()[&Platform::Fcm];
    let bare = size(&json!({}));
    for (gcm, added) in [
        (
            json!({"style": {"type": "inbox_notification", "lines": ["one", "two"]}}),
            r#","style":"{\"lines\":\"[one,two]\",\"title\":\"\",\"type\":\"inbox_notification\"}""#,
        ),
        (
            json!({"lights": {}}),
            r#","lights":"{\"ledARGB\":\"white\",\"ledOffMS\":1000,\"ledOnMS\":1000}""#,
        ),
        (
            json!({"channelId": "c", "icon": ""}),
            r#","channel":"{\"channelId\":\"c\",\"channelName\":\"c\"}""#,
        ),
    ] {
        let size = size(&gcm);
        assert_eq!(size, bare + added.len(), "{gcm}");
        let room = 4096 - size + 1;
        let largest = Message::parse(&of(&gcm, room)).unwrap();
        assert_eq!(largest.sizes()[&Platform::Fcm], 4096);
        assert_eq!(refused(&of(&gcm, room + 1)).parameter(), "message");
    }
}

#[test]
fn only_a_send_to_users_carries_the_mark_of_a_user() {
    let size = |target: Value| {
        let value = json!({"message": {"alert": "a"}, "target": target});
        Message::parse(&value).unwrap().sizes()
    };
    let mark = r#",\"uid\":\"0123456789abcdef\""#.len();
    let device = size(json!({"deviceIds": ["d"]}));
    let user = size(json!({"userIds": ["a"]}));
    assert_eq!(user.len(), 2);
    for (platform, size) in user {
        assert_eq!(size, device[&platform] + mark);
    }
}

#[test]
fn a_platform_that_is_not_reached_sets_no_limit_until_what_is_kept_does() {
    let value = |length: usize| {
        let payload = json!({"a": "x".repeat(length)});
        json!({"message": {"alert": "a"}, "settings": {"apns": {"payload": payload}}, "target": {"platforms": ["G"]}})
    };
    let rest = r#"{"alert":"a"}{"apns":{"payload":{"a":""}}}"#.len();
    let message = Message::parse(&value(32_768 - rest)).unwrap();
    assert!(!message.reaches(Platform::Apns) && message.reaches(Platform::Fcm));
    let over = refused(&value(32_769 - rest));
    assert_eq!(over.parameter(), "message");
}

#[test]
fn a_message_for_the_web_reaches_no_platform() {
    let value =
        json!({"message": {"alert": "a".repeat(5000)}, "target": {"platforms": ["WEB_CHROME"]}});
    let message = Message::parse(&value).unwrap();
    assert_eq!(message.sizes(), BTreeMap::new());
}

#[test]
fn the_echo_is_what_was_asked() {
    let value = json!({
        "message": {"alert": "a", "url": null}, "validate": true, "more": 1,
        "SETTINGS": {"apns": {"Badge": 1, "other": 2}, "chromeWeb": {"title": "t"}},
        "target": {"userIds": ["b", "a", "b"]},
    });
    let message = Message::parse(&value).unwrap();
    assert_eq!(
        message.echo(),
        &json!({
            "message": {"alert": "a", "url": null},
            "settings": {"apns": {"Badge": 1, "other": 2}, "chromeWeb": {"title": "t"}},
            "target": {"userIds": ["b", "a"]},
        })
    );
    let bare = json!({"message": {"alert": "a"}, "settings": null});
    assert_eq!(
        Message::parse(&bare).unwrap().echo(),
        &json!({"message": {"alert": "a"}})
    );
}

#[test]
fn a_bulk_request_holds_one_to_a_hundred_messages() {
    let one = json!({"message": {"alert": "a"}, "target": {"userIds": ["a"]}});
    for (count, fine) in [(0, false), (1, true), (100, true), (101, false)] {
        let parsed = parse_bulk(&vec![one.clone(); count].into());
        match parsed {
            Ok(messages) => assert_eq!((messages.len(), fine), (count, true)),
            Err(refused) => {
                let rule = "The body is a list of 1 to 100 messages.";
                assert_eq!(refused, Invalid::new("messages", rule).into());
                assert!(!fine, "{count}");
            }
        }
    }
    assert!(parse_bulk(&one).is_err());
}

#[test]
fn a_fault_in_a_bulk_request_names_the_message() {
    let good = json!({"message": {"alert": "a"}});
    for (bad, path) in [
        (json!(1), "[1].message"),
        (
            json!({"message": {"alert": "a"}, "target": {"userIds": []}}),
            "[1].target.userIds",
        ),
        (
            json!({"message": {"alert": "a".repeat(5000)}}),
            "[1].message",
        ),
    ] {
        match parse_bulk(&json!([good, bad])).unwrap_err() {
            Refused::Invalid(invalid) => assert_eq!(invalid.parameter(), path),
            Refused::TooLarge => panic!("{path}"),
        }
    }
}

#[test]
fn a_message_does_not_show_itself() {
    let value = json!({"message": {"alert": "private"}, "target": {"userIds": ["alice"]}});
    let shown = format!("{:?}", Message::parse(&value).unwrap());
    assert!(!shown.contains("private") && !shown.contains("alice"));
}

#[test]
fn a_message_that_was_accepted_is_read_back_by_whatever_limits() {
    let kept = json!({
        "message": {"alert": "a".repeat(40_000)},
        "settings": {
            "apns": {"badge": 2_147_483_648_u64, "apnsCollapseId": "é".repeat(99)},
            "gcm": {"collapseKey": "k".repeat(999), "lights": {"ledOnMs": "2147483648"}},
        },
        "target": {"tagNames": (0..101).map(|n| n.to_string()).collect::<Vec<_>>()},
    });
    assert!(Message::parse(&kept).is_err());
    let message = Message::read_back(&kept).unwrap();
    assert_eq!(message.alert().map(str::len), Some(40_000));
    assert!(matches!(message.target(), Target::Tags(tags) if tags.len() == 101));
    assert!(Message::read_back(&json!({"message": {"alert": 1}})).is_err());
    assert!(Message::read_back(&json!([])).is_err());
}

#[test]
fn a_number_is_read_back_as_it_was_written() {
    let asked = r#"{"message":{"alert":"a"},"settings":{"apns":{"payload":{"n":7.967090e-24}}}}"#;
    let asked = Message::parse(&serde_json::from_str(asked).unwrap()).unwrap();
    let kept: Value = serde_json::from_str(&asked.echo().to_string()).unwrap();
    let message = Message::read_back(&kept).unwrap();
    assert!(message == asked);
    assert_eq!(message.sizes(), asked.sizes());
}

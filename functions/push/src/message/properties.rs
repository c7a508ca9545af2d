//! What holds for every message, and for everything that is none.

use super::*;
use proptest::prelude::*;
use serde_json::json;

/// Any JSON of a few levels, its keys often those of the contract.
fn anything() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        4 => proptest::sample::select(vec![
            "message", "settings", "target", "validate", "alert", "url", "apns", "gcm", "fcm", "userIds", "deviceIds",
            "platforms", "platform", "tagNames", "badge", "sound", "type", "payload", "style", "lights", "ledOnMs",
            "timeToLive", "locArgs", "apnsCollapseId", "collapseKey", "priority", "Message", "USERIDS", "nid",
        ]).prop_map(str::to_owned),
        1 => ".{0,4}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 64.0)),
        ".{0,8}".prop_map(Value::from),
        proptest::sample::select(vec!["A", "G", "SILENT", "high", "{}", "{\"a\":1}", "alice"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// A body whose `message` is right and whose other parts are anything.
fn nearly() -> impl Strategy<Value = Value> {
    (".{1,8}", anything(), anything(), anything()).prop_map(|(alert, apns, gcm, target)| {
        json!({"message": {"alert": alert}, "settings": {"apns": apns, "gcm": gcm}, "target": target})
    })
}

/// A message with many settings, all of them right.
fn right() -> impl Strategy<Value = Value> {
    let text = || "\\PC{0,12}|[\"\\\\\u{0}-\u{1f}é😀]{0,6}";
    let inner = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!({"deep": [null, true, 0.5, {"\"": "\\"}]})),
    ];
    let key = prop_oneof![text().boxed(), "nid|uid".boxed()];
    let payload = proptest::collection::btree_map(key, inner, 0..5);
    let optional = || proptest::option::of(text());
    let target = prop_oneof![
        Just(json!({"userIds": ["a", "b"]})),
        Just(json!({"deviceIds": ["d"]})),
        Just(json!({"platform": "A", "userIds": ["a"]})),
        Just(json!({"platforms": ["G", "WEB_SAFARI"]})),
        Just(json!({"tagNames": ["t"]})),
        Just(json!({})),
    ];
    let silent = any::<bool>().prop_map(|silent| if silent { "SILENT" } else { "DEFAULT" });
    let texts = (text(), optional(), optional(), optional(), optional());
    (texts, payload, any::<bool>(), target, silent, 1..1000u32).prop_map(
        |((alert, url, title, channel, line), payload, as_text, target, silent, seconds)| {
            let payload = json!(payload);
            let payload = if as_text { json!(payload.to_string()) } else { payload };
            let style = line.map(|line| json!({"type": "inbox_notification", "lines": [line]}));
            json!({
                "message": {"alert": format!("a{alert}"), "url": url},
                "settings": {
                    "apns": {"title": title, "payload": payload, "type": silent, "timeToLive": seconds},
                    "gcm": {"androidTitle": title, "channelId": channel, "style": style,
                        "lights": {"ledOnMs": seconds}, "payload": payload, "type": silent},
                },
                "target": target,
            })
        },
    )
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

proptest! {
    #[test]
    fn anything_is_a_message_or_names_a_parameter(value in prop_oneof![anything(), nearly()]) {
        for result in [
            Message::parse(&value).map(|message| vec![message]),
            parse_bulk(&value),
        ] {
            match result {
                Ok(messages) => prop_assert!(messages.iter().all(|m| m.alert().is_some_and(|alert| !alert.is_empty()))),
                Err(Refused::Invalid(invalid)) => prop_assert!(!invalid.parameter().is_empty()),
                Err(Refused::TooLarge) => prop_assert!(false),
            }
        }
    }

    #[test]
    fn the_echo_reads_back_as_the_same_message(value in right()) {
        let message = Message::parse(&value).unwrap();
        prop_assert!(Message::parse(message.echo()).unwrap() == message);
        prop_assert!(Message::read_back(message.echo()).unwrap() == message);
    }

    #[test]
    fn both_ids_stand_in_the_payload_and_the_measure_is_right(
        value in right(),
        nid in "[A-Za-z0-9]{8}",
        uid in "[0-9a-f]{16}",
    ) {
        let message = Message::parse(&value).unwrap();
        let nid = MessageId::parse(&nid).unwrap();
        let uid = matches!(message.target(), Target::Users(_)).then_some(uid.as_str());
        let asked = &value["settings"]["apns"]["payload"];
        let mut expected = asked.as_str().map_or_else(|| asked.clone(), parsed);
        expected["nid"] = json!(nid.as_str());
        expected.as_object_mut().unwrap().remove("uid");
        if let Some(uid) = uid {
            expected["uid"] = json!(uid);
        }
        let sizes = message.sizes();
        for platform in Platform::ALL {
            let rendered = message.render(platform, &nid, uid, Span::default()).unwrap();
            let (text, shown) = match rendered {
                Rendered::Apns { payload, collapse_id, .. } => {
                    prop_assert_eq!(collapse_id, nid.as_str());
                    let object = parsed(&payload);
                    (payload, object)
                }
                Rendered::Fcm { message, .. } => {
                    let data = parsed(&message)["data"].take();
                    prop_assert!(data.as_object().unwrap().values().all(Value::is_string));
                    let start = message.find(r#","data":"#).unwrap() + r#","data":"#.len();
                    (message[start..message.len() - 1].to_owned(), data)
                }
            };
            prop_assert_eq!(&parsed(shown["payload"].as_str().unwrap()), &expected);
            if let Some(size) = sizes.get(&platform) {
                prop_assert_eq!(*size, text.len());
            }
            prop_assert_eq!(sizes.contains_key(&platform), message.reaches(platform));
        }
    }
}

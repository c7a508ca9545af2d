//! `settings.gcm` (or `fcm`), and the data message that Google's service carries.

use super::fields::Fields;
use super::look;
use super::rendered::{Rendered, left, time_to_live};
use super::template::{Template, payload};
use crate::{Invalid, Span};
use serde_json::{Map, Value};

/// Checked, and rendered up to the ids and the time to live.
#[derive(Clone, PartialEq)]
pub(super) struct Fcm {
    /// The v1 message from its start into the still open object `android`.
    android: String,
    data: Template,
    time_to_live: Option<u64>,
    sync: bool,
}

/// Settings that reach the app under their own name and as they are.
const TEXTS: [&str; 3] = ["sound", "redact", "interactiveCategory"];

/// Such settings of which an empty one is left out. The app's SDK has defaults only for those that are absent.
const NAMES: [&str; 2] = ["androidTitle", "icon"];

/// Settings that reach the app under their own name, as one of these words.
const WORDS: [(&str, &[&str]); 3] = [
    ("priority", &["max", "high", "default", "low", "min"]),
    ("visibility", &["public", "private", "secret"]),
    ("type", &["DEFAULT", "SILENT"]),
];

impl Fcm {
    /// # Errors
    /// [`Invalid`] names the setting inside of `settings.gcm`.
    pub fn parse(settings: Fields, alert: &str, url: Option<&str>) -> Result<Self, Invalid> {
        let mut data = Map::new();
        data.insert("alert".into(), alert.into());
        data.insert("has-template".into(), "0".into());
        if let Some(url) = url {
            data.insert("url".into(), url.into());
        }
        for name in TEXTS {
            if let Some(text) = settings.text(name)? {
                data.insert(name.into(), text.into());
            }
        }
        for name in NAMES {
            if let Some(text) = settings.name(name)? {
                data.insert(name.into(), text.into());
            }
        }
        for (name, words) in WORDS {
            if let Some(word) = settings.word(name, words)? {
                data.insert(name.into(), word.into());
            }
        }
        for (name, object) in [
            ("style", look::style(settings)?),
            ("lights", look::lights(settings)?),
            ("channel", look::channel(settings)?),
        ] {
            if let Some(object) = object {
                data.insert(name.into(), object.to_string().into());
            }
        }
        // Nothing of these two goes out; a wrong one is told all the same.
        settings.text("groupId")?;
        settings.flag("delayWhileIdle")?;

        let word = |name: &str| data.get(name).and_then(Value::as_str);
        let silent = word("type") == Some("SILENT");
        if silent && word("sound").is_some() {
            return Err(Invalid::new(
                "sound",
                "It is absent where 'type' is SILENT.",
            ));
        }
        let unhurried = matches!(word("priority"), Some("default" | "low" | "min"));
        Ok(Self {
            android: android(!silent && !unhurried, collapse_key(settings)?),
            data: Template::new(data, payload(settings)?),
            time_to_live: time_to_live(settings)?,
            sync: settings.flag("sync")?.unwrap_or_default(),
        })
    }

    /// The setting `sync`.
    pub fn syncs(&self) -> bool {
        self.sync
    }

    /// The message for one device, or nothing where its time is over.
    pub fn render(&self, nid: &str, uid: Option<&str>, age: Span) -> Option<Rendered> {
        let mut message = self.android.clone();
        let mut time_to_live = None;
        if let Some(seconds) = self.time_to_live {
            let left = left(seconds, age)?;
            message.push_str(r#","ttl":""#);
            message.push_str(&left.to_string());
            message.push_str(r#"s""#);
            time_to_live = Some(left);
        }
        message.push_str(r#"},"data":"#);
        self.data.write(&mut message, nid, uid);
        message.push('}');
        Some(Rendered::Fcm {
            message,
            time_to_live,
        })
    }

    /// What the limit of 4,096 bytes counts here: the JSON text of `data`. Google counts the keys and values of `data`
    /// (`MessageTooBig` in FCM's error codes), SNS the "notification data" without saying how; the JSON text, quotes and
    /// escapes included, is never smaller than either, so nothing that passes here is refused there.
    pub fn size(&self, nid: &str, uid: Option<&str>) -> usize {
        self.data.size(nid, uid)
    }
}

/// FCM wakes a sleeping phone for HIGH only. It lowers HIGH to NORMAL for an app that often shows nothing of it.
fn android(urgent: bool, collapse_key: Option<&str>) -> String {
    let priority = if urgent { "HIGH" } else { "NORMAL" };
    let mut text = format!(r#"{{"android":{{"priority":"{priority}""#);
    if let Some(key) = collapse_key {
        text.push_str(r#","collapse_key":"#);
        text.push_str(&Value::from(key).to_string());
    }
    text
}

/// Google names no limit; this one keeps the request small.
fn collapse_key(settings: Fields<'_>) -> Result<Option<&str>, Invalid> {
    let key = settings.text("collapseKey")?;
    match key {
        Some(text) if !settings.are_accepted() && !(1..=256).contains(&text.len()) => {
            Err(Invalid::new("collapseKey", "It has 1 to 256 bytes."))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(settings: &Value) -> Result<Fcm, Invalid> {
        Fcm::parse(Fields::of(settings).unwrap(), "Hi", None)
    }

    /// The message as JSON, one second after it was accepted.
    fn rendered(fcm: &Fcm) -> (Value, Option<u64>) {
        let rendered = fcm.render("N0123456", Some("u"), Span::from_seconds(1));
        let Some(Rendered::Fcm {
            message,
            time_to_live,
        }) = rendered
        else {
            panic!("expired, or for Apple")
        };
        (serde_json::from_str(&message).unwrap(), time_to_live)
    }

    /// Reads the JSON texts inside of `data`, so that they can be compared.
    fn opened(mut data: Value) -> Value {
        for (key, value) in data.as_object_mut().unwrap() {
            if ["payload", "style", "lights", "channel"].contains(&key.as_str()) {
                *value = serde_json::from_str(value.as_str().unwrap()).unwrap();
            }
        }
        data
    }

    #[test]
    fn each_setting_reaches_the_app_as_its_sdk_reads_it() {
        for (settings, data) in [
            (json!({}), json!({})),
            (
                json!({"groupId": "g", "delayWhileIdle": true, "sync": false, "key": "k", "collapseKey": "c"}),
                json!({}),
            ),
            (json!({"androidtitle": "t"}), json!({"androidTitle": "t"})),
            (
                json!({"androidTitle": "", "icon": "", "channelId": ""}),
                json!({}),
            ),
            (json!({"sound": ""}), json!({"sound": ""})),
            (json!({"redact": "r"}), json!({"redact": "r"})),
            (
                json!({"interactiveCategory": "c"}),
                json!({"interactiveCategory": "c"}),
            ),
            (json!({"icon": "i"}), json!({"icon": "i"})),
            (
                json!({"visibility": "SECRET"}),
                json!({"visibility": "secret"}),
            ),
            (json!({"priority": "LOW"}), json!({"priority": "low"})),
            (json!({"type": "silent"}), json!({"type": "SILENT"})),
            (
                json!({"type": "Default", "sound": "s"}),
                json!({"type": "DEFAULT", "sound": "s"}),
            ),
            (
                json!({"channelId": "x"}),
                json!({"channel": {"channelId": "x", "channelName": "x"}}),
            ),
            (
                json!({"lights": {"ledOnMs": 1}}),
                json!({"lights": {"ledARGB": "white", "ledOnMS": 1, "ledOffMS": 1000}}),
            ),
            (
                json!({"style": {"type": "BIGTEXT_NOTIFICATION", "text": ""}, "androidTitle": "t"}),
                json!({"style": {"type": "bigtext_notification", "text": "", "title": "t"}, "androidTitle": "t"}),
            ),
        ] {
            let mut expected = json!({"alert": "Hi", "has-template": "0", "payload": {"nid": "N0123456", "uid": "u"}});
            expected
                .as_object_mut()
                .unwrap()
                .extend(data.as_object().unwrap().clone());
            let (message, _) = rendered(&parse(&settings).unwrap());
            let data = message["data"].clone();
            assert!(data.as_object().unwrap().values().all(Value::is_string));
            assert_eq!(opened(data), expected, "{settings}");
        }
    }

    #[test]
    fn a_message_holds_data_and_what_android_does_with_it() {
        let settings = json!({"timeToLive": 60, "collapseKey": "a\"é", "priority": "MAX", "payload": {"uid": 0, "a": [1]}});
        let fcm = Fcm::parse(Fields::of(&settings).unwrap(), "Hi", Some("https://u")).unwrap();
        let (mut message, time_to_live) = rendered(&fcm);
        message["data"] = opened(message["data"].take());
        assert_eq!(
            message,
            json!({
                "android": {"priority": "HIGH", "collapse_key": "a\"é", "ttl": "59s"},
                "data": {
                    "alert": "Hi", "url": "https://u", "has-template": "0", "priority": "max",
                    "payload": {"a": [1], "nid": "N0123456", "uid": "u"},
                },
            })
        );
        assert_eq!(time_to_live, Some(59));
        assert_eq!(fcm.render("N", None, Span::from_seconds(60)), None);
    }

    #[test]
    fn what_is_shown_wakes_a_sleeping_phone_unless_it_can_wait() {
        for (settings, priority) in [
            (json!({}), "HIGH"),
            (json!({"type": "DEFAULT"}), "HIGH"),
            (json!({"priority": "max"}), "HIGH"),
            (json!({"priority": "High"}), "HIGH"),
            (json!({"priority": "default"}), "NORMAL"),
            (json!({"priority": "low"}), "NORMAL"),
            (json!({"priority": "MIN"}), "NORMAL"),
            (json!({"type": "SILENT"}), "NORMAL"),
            (json!({"type": "silent", "priority": "max"}), "NORMAL"),
        ] {
            let (message, _) = rendered(&parse(&settings).unwrap());
            assert_eq!(message["android"], json!({"priority": priority}));
        }
    }

    #[test]
    fn a_time_to_live_of_nothing_is_passed_on() {
        let now = parse(&json!({"timeToLive": 0})).unwrap();
        let long_after = Span::from_days(1);
        let Some(Rendered::Fcm { message, .. }) = now.render("N", None, long_after) else {
            panic!("expired")
        };
        assert!(message.contains(r#""ttl":"0s""#));
        let longest = parse(&json!({"timeToLive": 2_419_200})).unwrap();
        assert_eq!(rendered(&longest).1, Some(2_419_199));
    }

    #[test]
    fn the_size_is_that_of_the_data() {
        let fcm = parse(&json!({"collapseKey": "c", "timeToLive": 1})).unwrap();
        let data = r#"{"alert":"Hi","has-template":"0","payload":"{\"nid\":\"N\",\"uid\":\"U\"}"}"#;
        assert_eq!(fcm.size("N", Some("U")), data.len());
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let long = "k".repeat(257);
        for (settings, name) in [
            (json!({"collapseKey": 1}), "collapseKey"),
            (json!({"collapseKey": ""}), "collapseKey"),
            (json!({"collapseKey": long}), "collapseKey"),
            (json!({"interactiveCategory": 1}), "interactiveCategory"),
            (json!({"icon": 1}), "icon"),
            (json!({"delayWhileIdle": "true"}), "delayWhileIdle"),
            (json!({"sync": 1}), "sync"),
            (json!({"visibility": "hidden"}), "visibility"),
            (json!({"redact": {}}), "redact"),
            (json!({"channelId": 1}), "channelId"),
            (json!({"payload": "x"}), "payload"),
            (json!({"priority": "urgent"}), "priority"),
            (json!({"priority": 10}), "priority"),
            (json!({"sound": 1}), "sound"),
            (json!({"timeToLive": -1}), "timeToLive"),
            (json!({"timeToLive": 2_419_201}), "timeToLive"),
            (json!({"timeToLive": "1"}), "timeToLive"),
            (json!({"lights": "red"}), "lights"),
            (json!({"androidTitle": 1}), "androidTitle"),
            (json!({"groupId": 1}), "groupId"),
            (json!({"style": {}}), "style.type"),
            (json!({"type": "MIXED"}), "type"),
            (json!({"type": "SILENT", "sound": "s"}), "sound"),
        ] {
            assert_eq!(
                parse(&settings).err().unwrap().parameter(),
                name,
                "{settings}"
            );
        }
        let longest = json!({"collapseKey": "k".repeat(256)});
        assert!(parse(&longest).is_ok());
    }
}

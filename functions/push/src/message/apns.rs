//! `settings.apns`, and the notification that Apple's service carries.

use super::fields::Fields;
use super::rendered::{Rendered, left, time_to_live};
use super::template::{Template, payload};
use crate::{Invalid, Span};
use serde_json::{Map, Value};

/// Checked, and rendered up to the ids.
#[derive(Clone, PartialEq)]
pub(super) struct Apns {
    notification: Template,
    silent: bool,
    collapse_id: Option<String>,
    time_to_live: Option<u64>,
}

/// Settings that go into the alert, and how Apple calls them there.
const ALERT_TEXTS: [(&str, &str); 4] = [
    ("subtitle", "subtitle"),
    ("launchImage", "launch-image"),
    ("iosActionKey", "action-loc-key"),
    ("apnsGroupSummaryArg", "summary-arg"),
];

const ALERT_LISTS: [(&str, &str); 2] =
    [("titleLocArgs", "title-loc-args"), ("locArgs", "loc-args")];

/// iOS keeps a badge, and a count, in a signed 32-bit number.
const COUNT: std::ops::RangeInclusive<u64> = 0..=2_147_483_647;

impl Apns {
    /// # Errors
    /// [`Invalid`] names the setting inside of `settings.apns`.
    pub fn parse(settings: Fields, body: &str, url: Option<&str>) -> Result<Self, Invalid> {
        let kind = settings.word("type", &["DEFAULT", "MIXED", "SILENT"])?;
        let silent = kind == Some("SILENT");
        let attachment = settings.text("attachmentUrl")?;

        let mut aps = Map::new();
        aps.insert("alert".into(), alert(settings, body)?.into());
        if let Some(badge) = settings.number("badge", COUNT)? {
            aps.insert("badge".into(), badge.into());
        }
        if let Some(sound) = settings.text("sound")? {
            aps.insert("sound".into(), sound.into());
        }
        let (old, new) = (
            settings.text("category")?,
            settings.text("interactiveCategory")?,
        );
        if let Some(category) = new.or(old) {
            aps.insert("category".into(), category.into());
        }
        if let Some(thread) = settings.text("apnsThreadId")? {
            aps.insert("thread-id".into(), thread.into());
        }
        if kind == Some("MIXED") {
            aps.insert("content-available".into(), 1.into());
        }
        if attachment.is_some() {
            aps.insert("mutable-content".into(), 1.into());
        }
        if silent {
            refuse_noise(&aps)?;
            aps = Map::from_iter([("content-available".into(), 1.into())]);
        }

        let mut fields = Map::new();
        fields.insert("aps".into(), aps.into());
        fields.insert("has-template".into(), 0.into());
        for (name, text) in [("url", url), ("attachment-url", attachment)] {
            if let Some(text) = text {
                fields.insert(name.into(), text.into());
            }
        }
        Ok(Self {
            notification: Template::new(fields, payload(settings)?),
            silent,
            collapse_id: collapse_id(settings)?,
            time_to_live: time_to_live(settings)?,
        })
    }

    /// The notification for one device, or nothing where its time is over.
    pub fn render(&self, nid: &str, uid: Option<&str>, age: Span) -> Option<Rendered> {
        let time_to_live = match self.time_to_live {
            Some(seconds) => Some(left(seconds, age)?),
            None => None,
        };
        let mut payload = String::new();
        self.notification.write(&mut payload, nid, uid);
        let (push_type, priority) = if self.silent {
            ("background", 5)
        } else {
            ("alert", 10)
        };
        Some(Rendered::Apns {
            payload,
            push_type,
            priority,
            collapse_id: self.collapse_id.clone().unwrap_or_else(|| nid.to_owned()),
            time_to_live,
        })
    }

    /// What Apple's limit of 4,096 bytes counts: the whole JSON text.
    pub fn size(&self, nid: &str, uid: Option<&str>) -> usize {
        self.notification.size(nid, uid)
    }
}

/// Always an object: the app's notification extension reads it. A text that the app has in the phone's language, by its key,
/// takes the place of the text itself.
fn alert(settings: Fields, body: &str) -> Result<Map<String, Value>, Invalid> {
    let mut alert = Map::new();
    for (loc_key, loc_name, key, text) in [
        ("locKey", "loc-key", "body", Some(body)),
        (
            "titleLocKey",
            "title-loc-key",
            "title",
            settings.text("title")?,
        ),
    ] {
        match (settings.name(loc_key)?, text) {
            (Some(name), _) => alert.insert(loc_name.into(), name.into()),
            (None, Some(text)) => alert.insert(key.into(), text.into()),
            (None, None) => None,
        };
    }
    for (name, key) in ALERT_TEXTS {
        if let Some(text) = settings.text(name)? {
            alert.insert(key.into(), text.into());
        }
    }
    for (name, key) in ALERT_LISTS {
        if let Some(texts) = settings.texts(name)? {
            alert.insert(key.into(), texts.into());
        }
    }
    if let Some(count) = settings.number("apnsGroupSummaryArgCount", COUNT)? {
        alert.insert("summary-arg-count".into(), count.into());
    }
    Ok(alert)
}

/// Apple takes a notification that shows or plays something for no background push, and holds it back.
fn refuse_noise(aps: &Map<String, Value>) -> Result<(), Invalid> {
    match ["badge", "sound"]
        .into_iter()
        .find(|key| aps.contains_key(*key))
    {
        Some(key) => Err(Invalid::new(key, "It is absent where 'type' is SILENT.")),
        None => Ok(()),
    }
}

/// Apple's limit is 64 bytes; SNS refuses attributes with some characters outside of ASCII.
fn collapse_id(settings: Fields) -> Result<Option<String>, Invalid> {
    let id = settings.text("apnsCollapseId")?;
    let printable = |text: &str| text.bytes().all(|b| (b' '..=b'~').contains(&b));
    match id {
        Some(text)
            if !settings.are_accepted()
                && (!(1..=64).contains(&text.len()) || !printable(text)) =>
        {
            Err(Invalid::new(
                "apnsCollapseId",
                "It has 1 to 64 printable ASCII characters.",
            ))
        }
        other => Ok(other.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(settings: &Value) -> Result<Apns, Invalid> {
        Apns::parse(Fields::of(settings).unwrap(), "Hi", None)
    }

    /// The notification as JSON, and its headers.
    fn rendered(apns: &Apns) -> (Value, (&'static str, u8, String, Option<u64>)) {
        let rendered = apns.render("N0123456", Some("u"), Span::from_seconds(1));
        let Some(Rendered::Apns {
            payload,
            push_type,
            priority,
            collapse_id,
            time_to_live,
        }) = rendered
        else {
            panic!("expired, or for Google")
        };
        (
            serde_json::from_str(&payload).unwrap(),
            (push_type, priority, collapse_id, time_to_live),
        )
    }

    /// Asserts `aps`, beside the body of an alert that has no `loc-key`.
    #[test]
    fn each_setting_reaches_the_app_where_apple_expects_it() {
        for (settings, aps) in [
            (json!({}), json!({"alert": {}})),
            (json!({"type": "default"}), json!({"alert": {}})),
            (json!({"badge": 0}), json!({"alert": {}, "badge": 0})),
            (
                json!({"badge": 2_147_483_647}),
                json!({"alert": {}, "badge": 2_147_483_647}),
            ),
            (json!({"sound": ""}), json!({"alert": {}, "sound": ""})),
            (
                json!({"category": "old"}),
                json!({"alert": {}, "category": "old"}),
            ),
            (
                json!({"category": "old", "interactiveCategory": "new"}),
                json!({"alert": {}, "category": "new"}),
            ),
            (
                json!({"apnsThreadId": "t"}),
                json!({"alert": {}, "thread-id": "t"}),
            ),
            (
                json!({"type": "Mixed", "badge": 1, "sound": "s"}),
                json!({"alert": {}, "badge": 1, "sound": "s", "content-available": 1}),
            ),
            (
                json!({"title": "a", "subtitle": "b"}),
                json!({"alert": {"title": "a", "subtitle": "b"}}),
            ),
            (
                json!({"title": "t", "titleLocKey": "", "locKey": ""}),
                json!({"alert": {"title": "t"}}),
            ),
            (
                json!({"title": "t", "titleLocKey": "a"}),
                json!({"alert": {"title-loc-key": "a"}}),
            ),
            (
                json!({"title": "t", "titleLocKey": "a", "titleLocArgs": ["b"], "locKey": "c", "locArgs": ["d", ""]}),
                json!({"alert": {"title-loc-key": "a", "title-loc-args": ["b"], "loc-key": "c", "loc-args": ["d", ""]}}),
            ),
            (
                json!({"iosActionKey": "a", "launchImage": "b"}),
                json!({"alert": {"action-loc-key": "a", "launch-image": "b"}}),
            ),
            (
                json!({"apnsGroupSummaryArg": "a", "apnsGroupSummaryArgCount": 3}),
                json!({"alert": {"summary-arg": "a", "summary-arg-count": 3}}),
            ),
        ] {
            let mut aps = aps;
            if aps["alert"]["loc-key"].is_null() {
                aps["alert"]["body"] = json!("Hi");
            }
            let (payload, headers) = rendered(&parse(&settings).unwrap());
            let expected =
                json!({"aps": aps, "has-template": 0, "payload": payload["payload"].clone()});
            assert_eq!(payload, expected, "{settings}");
            assert_eq!(headers, ("alert", 10, "N0123456".to_owned(), None));
        }
    }

    #[test]
    fn an_attachment_lets_the_app_change_what_is_shown() {
        let settings = json!({"attachmentUrl": "https://a/b.png", "payload": "{\"a\":1}"});
        let apns = Apns::parse(Fields::of(&settings).unwrap(), "Hi", Some("https://u")).unwrap();
        let (mut payload, _) = rendered(&apns);
        let inner = payload["payload"].take();
        assert_eq!(
            serde_json::from_str::<Value>(inner.as_str().unwrap()).unwrap(),
            json!({"a": 1, "nid": "N0123456", "uid": "u"})
        );
        assert_eq!(
            payload,
            json!({
                "aps": {"alert": {"body": "Hi"}, "mutable-content": 1},
                "attachment-url": "https://a/b.png", "url": "https://u", "has-template": 0, "payload": null,
            })
        );
    }

    #[test]
    fn a_silent_notification_shows_and_plays_nothing() {
        let apns = parse(&json!({"type": "silent", "title": "t", "payload": {"a": 1}})).unwrap();
        let (payload, headers) = rendered(&apns);
        assert_eq!(payload["aps"], json!({"content-available": 1}));
        assert_eq!(
            serde_json::from_str::<Value>(payload["payload"].as_str().unwrap()).unwrap(),
            json!({"a": 1, "nid": "N0123456", "uid": "u"})
        );
        assert_eq!(headers, ("background", 5, "N0123456".to_owned(), None));
        for noise in ["badge", "sound"] {
            let mut settings = json!({"type": "SILENT", "badge": 0, "sound": "s"});
            settings
                .as_object_mut()
                .unwrap()
                .retain(|key, _| key == "type" || key == noise);
            assert_eq!(parse(&settings).err().unwrap().parameter(), noise);
        }
    }

    #[test]
    fn the_collapse_id_and_the_time_to_live_go_beside_the_notification() {
        let longest = "~".repeat(64);
        let settings = json!({"apnsCollapseId": longest, "timeToLive": 2_419_200});
        let (_, headers) = rendered(&parse(&settings).unwrap());
        assert_eq!(headers, ("alert", 10, longest, Some(2_419_199)));
        let over = parse(&json!({"timeToLive": 1})).unwrap();
        assert_eq!(over.render("N", None, Span::from_seconds(1)), None);
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let long = "c".repeat(65);
        for (name, value) in [
            ("badge", json!(-1)),
            ("badge", json!(2_147_483_648_u64)),
            ("badge", json!("1")),
            ("badge", json!(1.5)),
            ("sound", json!(1)),
            ("category", json!([])),
            ("interactiveCategory", json!({})),
            ("iosActionKey", json!(true)),
            ("payload", json!("[1]")),
            ("type", json!("LOUD")),
            ("type", json!(1)),
            ("titleLocKey", json!(1)),
            ("titleLocArgs", json!("a")),
            ("locKey", json!(1)),
            ("locArgs", json!({"a": "b"})),
            ("launchImage", json!(1)),
            ("title", json!(["a"])),
            ("subtitle", json!(1)),
            ("attachmentUrl", json!(1)),
            ("apnsCollapseId", json!("")),
            ("apnsCollapseId", json!(long)),
            ("apnsCollapseId", json!("é")),
            ("apnsCollapseId", json!("a\nb")),
            ("apnsCollapseId", json!("\u{7f}")),
            ("apnsThreadId", json!(1)),
            ("apnsGroupSummaryArg", json!(1)),
            ("apnsGroupSummaryArgCount", json!(-1)),
            ("timeToLive", json!(-1)),
            ("timeToLive", json!(2_419_201)),
            ("timeToLive", json!("60")),
        ] {
            let settings = json!({name: value});
            assert_eq!(
                parse(&settings).err().unwrap().parameter(),
                name,
                "{settings}"
            );
        }
        let mixed = parse(&json!({"locArgs": ["a", 1]})).err().unwrap();
        assert_eq!(mixed.parameter(), "locArgs[1]");
    }
}

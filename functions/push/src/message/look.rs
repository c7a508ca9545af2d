//! How Android shows a message: the parts of its settings that reach the app as objects.

use super::fields::Fields;
use crate::Invalid;
use serde_json::{Map, Value, json};

/// Android takes the two durations of a light as signed 32-bit numbers.
const MILLISECONDS: std::ops::RangeInclusive<u64> = 0..=2_147_483_647;

/// What a light has where nothing is set: the SDK leaves it dark unless all three are there.
const LIGHT_COLOR: &str = "white";
const LIGHT_MILLISECONDS: u64 = 1000;

/// The contract asks for the part that its type shows; the others go along where they are set. The SDK shows nothing at all
/// without `title`. It takes `lines` apart at each comma, after it has removed all brackets.
pub(super) fn style(settings: Fields) -> Result<Option<Value>, Invalid> {
    let Some(fields) = settings.object("style")? else {
        return Ok(None);
    };
    let read = || {
        const TYPES: [(&str, &str); 3] = [
            ("bigtext_notification", "text"),
            ("picture_notification", "url"),
            ("inbox_notification", "lines"),
        ];
        let word = fields.word("type", &TYPES.map(|(word, _)| word))?;
        let Some((word, part)) = TYPES.into_iter().find(|(known, _)| word == Some(*known)) else {
            return Err(Invalid::new("type", "It is required."));
        };
        let mut style = Map::new();
        style.insert("type".into(), word.into());
        let title = match fields.text("title")? {
            Some(title) => title,
            None => settings.text("androidTitle")?.unwrap_or_default(),
        };
        style.insert("title".into(), title.into());
        for name in ["text", "url"] {
            if let Some(text) = fields.text(name)? {
                style.insert(name.into(), text.into());
            }
        }
        if let Some(lines) = fields.texts("lines")? {
            style.insert("lines".into(), format!("[{}]", lines.join(",")).into());
        }
        if style.contains_key(part) {
            Ok(Some(style.into()))
        } else {
            let rule = format!("It is required where 'type' is {word}.");
            Err(Invalid::new(part, rule))
        }
    };
    read().map_err(|invalid: Invalid| invalid.within("style"))
}

/// The Android SDK spells these keys its own way.
pub(super) fn lights(settings: Fields) -> Result<Option<Value>, Invalid> {
    let Some(fields) = settings.object("lights")? else {
        return Ok(None);
    };
    let read = || {
        let milliseconds = |name| {
            let duration = fields.digits(name, MILLISECONDS)?;
            Ok(duration.unwrap_or(LIGHT_MILLISECONDS))
        };
        Ok(Some(json!({
            "ledARGB": fields.name("ledArgb")?.unwrap_or(LIGHT_COLOR),
            "ledOnMS": milliseconds("ledOnMs")?,
            "ledOffMS": milliseconds("ledOffMs")?,
        })))
    };
    read().map_err(|invalid: Invalid| invalid.within("lights"))
}

/// The SDK creates the channel before each push, and Android refuses one without a name: the app would crash. So the channel is
/// called by its id where the caller gives no name.
pub(super) fn channel(settings: Fields) -> Result<Option<Value>, Invalid> {
    let (id, name) = (settings.name("channelId")?, settings.name("channelName")?);
    Ok(id.map(|id| json!({"channelId": id, "channelName": name.unwrap_or(id)})))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        settings: &Value,
        what: impl Fn(Fields) -> Result<Option<Value>, Invalid>,
    ) -> Result<Value, Invalid> {
        what(Fields::of(settings).unwrap()).map(Option::unwrap_or_default)
    }

    #[test]
    fn a_style_has_a_title_what_its_type_shows_and_what_else_is_set() {
        for (asked, expected) in [
            (json!(null), json!(null)),
            (
                json!({"type": "BIGTEXT_NOTIFICATION", "text": "", "title": null, "more": 1}),
                json!({"type": "bigtext_notification", "text": "", "title": ""}),
            ),
            (
                json!({"type": "picture_notification", "TITLE": "t", "url": "u"}),
                json!({"type": "picture_notification", "title": "t", "url": "u"}),
            ),
            (
                json!({"type": "inbox_notification", "lines": ["a", "b"], "text": "t"}),
                json!({"type": "inbox_notification", "title": "", "lines": "[a,b]", "text": "t"}),
            ),
            (
                json!({"type": "inbox_notification", "lines": []}),
                json!({"type": "inbox_notification", "title": "", "lines": "[]"}),
            ),
        ] {
            assert_eq!(read(&json!({"style": asked}), style), Ok(expected));
        }
    }

    #[test]
    fn a_style_without_a_title_has_the_title_of_the_notification() {
        for (own, title) in [
            (json!(null), "Shop"),
            (json!("Parcel"), "Parcel"),
            (json!(""), ""),
        ] {
            for (kind, part) in [
                ("bigtext_notification", json!({"text": "t"})),
                ("picture_notification", json!({"url": "u"})),
                ("inbox_notification", json!({"lines": ["a"]})),
            ] {
                let mut asked = part;
                asked["type"] = kind.into();
                asked["title"] = own.clone();
                let found = read(&json!({"style": asked, "androidTitle": "Shop"}), style);
                assert_eq!(found.unwrap()["title"], title, "{kind}");
            }
        }
    }

    #[test]
    fn a_wrong_style_is_named() {
        for (asked, name) in [
            (json!([]), "style"),
            (json!({}), "style.type"),
            (json!({"type": "other"}), "style.type"),
            (
                json!({"type": "bigtext_notification", "url": "u"}),
                "style.text",
            ),
            (
                json!({"type": "picture_notification", "text": "t"}),
                "style.url",
            ),
            (json!({"type": "inbox_notification"}), "style.lines"),
            (
                json!({"type": "inbox_notification", "lines": ["a", 1]}),
                "style.lines[1]",
            ),
            (
                json!({"type": "bigtext_notification", "text": "t", "title": 1}),
                "style.title",
            ),
        ] {
            let found = read(&json!({"style": asked}), style);
            assert_eq!(found.unwrap_err().parameter(), name);
        }
    }

    #[test]
    fn lights_are_whole_and_have_the_names_that_the_app_reads() {
        let default = json!({"ledARGB": "white", "ledOnMS": 1000, "ledOffMS": 1000});
        for (asked, expected) in [
            (json!(null), json!(null)),
            (json!({}), default.clone()),
            (json!({"ledArgb": "", "ledOnMs": null}), default),
            (
                json!({"ledArgb": "RED"}),
                json!({"ledARGB": "RED", "ledOnMS": 1000, "ledOffMS": 1000}),
            ),
            (
                json!({"ledOffMs": 1}),
                json!({"ledARGB": "white", "ledOnMS": 1000, "ledOffMS": 1}),
            ),
            (
                json!({"ledArgb": "BLACK", "ledOnMs": 0, "LEDOFFMS": "2147483647"}),
                json!({"ledARGB": "BLACK", "ledOnMS": 0, "ledOffMS": 2_147_483_647}),
            ),
        ] {
            assert_eq!(read(&json!({"lights": asked}), lights), Ok(expected));
        }
    }

    #[test]
    fn a_channel_has_a_name() {
        let named = |id, name| json!({"channelId": id, "channelName": name});
        for (asked, expected) in [
            (json!({}), json!(null)),
            (json!({"channelId": "", "channelName": "News"}), json!(null)),
            (json!({"channelName": "News"}), json!(null)),
            (json!({"channelId": "x"}), named("x", "x")),
            (
                json!({"channelId": "x", "channelName": ""}),
                named("x", "x"),
            ),
            (
                json!({"channelId": "x", "channelName": "News"}),
                named("x", "News"),
            ),
        ] {
            assert_eq!(read(&asked, channel), Ok(expected), "{asked}");
        }
        let wrong = read(&json!({"channelId": "x", "channelName": 1}), channel);
        assert_eq!(wrong.unwrap_err().parameter(), "channelName");
    }

    #[test]
    fn a_wrong_light_is_named() {
        for (asked, name) in [
            (json!("red"), "lights"),
            (json!({"ledArgb": 1}), "lights.ledArgb"),
            (json!({"ledOnMs": -1}), "lights.ledOnMs"),
            (json!({"ledOffMs": "x"}), "lights.ledOffMs"),
            (json!({"ledOffMs": 2_147_483_648_u64}), "lights.ledOffMs"),
        ] {
            let found = read(&json!({"lights": asked}), lights);
            assert_eq!(found.unwrap_err().parameter(), name);
        }
    }
}

//! How Android shows a message: the parts of its settings that reach the app as objects.

use super::fields::Fields;
use crate::Invalid;
use serde_json::{Map, Value, json};

/// Android takes the two durations of a light as signed 32-bit numbers.
const MILLISECONDS: std::ops::RangeInclusive<u64> = 0..=2_147_483_647;

/// The contract asks for the part that its type shows; the others go along where they are set.
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
        for name in ["title", "text", "url"] {
            if let Some(text) = fields.text(name)? {
                style.insert(name.into(), text.into());
            }
        }
        if let Some(lines) = fields.texts("lines")? {
            style.insert("lines".into(), lines.into());
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
        let mut lights = Map::new();
        if let Some(color) = fields.text("ledArgb")? {
            lights.insert("ledARGB".into(), color.into());
        }
        for (name, key) in [("ledOnMs", "ledOnMS"), ("ledOffMs", "ledOffMS")] {
            if let Some(duration) = fields.digits(name, MILLISECONDS)? {
                lights.insert(key.into(), duration.into());
            }
        }
        Ok(Some(lights.into()))
    };
    read().map_err(|invalid: Invalid| invalid.within("lights"))
}

/// A channel whose name the caller cannot give is called by its id.
pub(super) fn channel(settings: Fields) -> Result<Option<Value>, Invalid> {
    let id = settings.text("channelId")?;
    Ok(id.map(|id| json!({"channelId": id, "channelName": id})))
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
    fn a_style_has_what_its_type_shows_and_what_else_is_set() {
        for (asked, expected) in [
            (json!(null), json!(null)),
            (
                json!({"type": "BIGTEXT_NOTIFICATION", "text": "", "title": null, "more": 1}),
                json!({"type": "bigtext_notification", "text": ""}),
            ),
            (
                json!({"type": "picture_notification", "TITLE": "t", "url": "u"}),
                json!({"type": "picture_notification", "title": "t", "url": "u"}),
            ),
            (
                json!({"type": "inbox_notification", "lines": ["a", "b"], "text": "t"}),
                json!({"type": "inbox_notification", "lines": ["a", "b"], "text": "t"}),
            ),
        ] {
            assert_eq!(read(&json!({"style": asked}), style), Ok(expected));
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
    fn lights_get_the_names_that_the_app_reads() {
        for (asked, expected) in [
            (json!(null), json!(null)),
            (json!({}), json!({})),
            (
                json!({"ledArgb": "BLACK", "ledOnMs": 0, "LEDOFFMS": "2147483647"}),
                json!({"ledARGB": "BLACK", "ledOnMS": 0, "ledOffMS": 2_147_483_647}),
            ),
        ] {
            assert_eq!(read(&json!({"lights": asked}), lights), Ok(expected));
        }
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

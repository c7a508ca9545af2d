//! Lone UTF-16 surrogates in JSON texts, left where a program cut a string inside of a character.

use serde::de::DeserializeOwned;

/// A JSON text of a caller. If the parser refuses it, each lone surrogate in it becomes U+FFFD.
///
/// # Errors
/// That of the parser if the text is not JSON otherwise.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| {
        replace_lone(text, char::REPLACEMENT_CHARACTER)
            .map_or(Err(error), |repaired| serde_json::from_str(&repaired))
    })
}

/// The JSON text with `replacement` for each escape (`\ud83d`) of a lone surrogate. Nothing if it has none.
#[must_use]
pub fn replace_lone(text: &str, replacement: char) -> Option<String> {
    let escaped = format!("\\u{:04x}", u32::from(replacement));
    let (mut repaired, mut rest, mut found) = (String::with_capacity(text.len()), text, false);
    while let Some((before, escape)) = rest.find('\\').and_then(|at| rest.split_at_checked(at)) {
        let (length, is_lone) = match code_unit(escape, 0) {
            Some(0xd800..=0xdbff) if matches!(code_unit(escape, 6), Some(0xdc00..=0xdfff)) => {
                (12, false)
            }
            Some(0xd800..=0xdfff) => (6, true),
            Some(_) => (6, false),
            None => (2, false),
        };
        let (escape, after) = escape.split_at_checked(length)?;
        repaired.push_str(before);
        repaired.push_str(if is_lone { &escaped } else { escape });
        found |= is_lone;
        rest = after;
    }
    repaired.push_str(rest);
    found.then_some(repaired)
}

/// The UTF-16 code unit of the escape at this place.
fn code_unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        for (text, value) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""Great \uD83D""#, "Great \u{fffd}"),
            (r#""\ude00 \ud83d\ude00 \ud83d""#, "\u{fffd} 😀 \u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\u0041\ude00""#, "\u{fffd}A\u{fffd}"),
            (r#""\\ud83d \ud83d\\\" é""#, "\\ud83d \u{fffd}\\\" é"),
        ] {
            assert_eq!(from_json::<Value>(text).unwrap(), json!(value), "{text}");
        }
        let key = from_json::<Value>(r#"{"\ud83d": ["\udc00"]}"#).unwrap();
        assert_eq!(key, json!({"\u{fffd}": ["\u{fffd}"]}));
    }

    #[test]
    fn what_is_not_json_otherwise_stays_refused() {
        for text in [
            "",
            r"\ud83d",
            r#"{"a": "\ud83d""#,
            r#""\ud83d" x"#,
            r#""\ud83""#,
            r#""\ud8"#,
            r#""\ud83d\"#,
            r#""\ud83d\é"#,
            r#""\ud83d\x""#,
        ] {
            assert!(from_json::<Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_without_one_is_left_alone() {
        for text in ["", "{}", r#""\ud83d\ude00\n\u0041""#, "\"\u{fffd}\""] {
            assert_eq!(replace_lone(text, '\0'), None, "{text}");
        }
        let marked = replace_lone(r#""a\udfff""#, '\0');
        assert_eq!(marked.as_deref(), Some(r#""a\u0000""#));
    }
}

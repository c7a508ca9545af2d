//! The JSON of a body, as callers send it.

use push::surrogate::replace_lone;
use serde_json::Value;

/// What a caller names by these keys must be what it means: the whole target of a message, and ids, tokens, names and
/// addresses at the top level. Everything else is content.
const NAMES: [&str; 9] = [
    "deviceId", "userId", "token", "platform", "tagName", "tagNames", "name", "url", "target",
];

/// The value of a body, or nothing if it is not JSON. A byte order mark is skipped. If the parser refuses the body, each lone
/// UTF-16 surrogate becomes U+FFFD in content, and U+0000 in what [`NAMES`] holds: no name may have that.
pub(crate) fn parse(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let parsed = serde_json::from_slice(body).ok();
    parsed.or_else(|| repaired(std::str::from_utf8(body).ok()?))
}

fn repaired(text: &str) -> Option<Value> {
    let with = |replacement| serde_json::from_str(&replace_lone(text, replacement)?).ok();
    let mut value = with(char::REPLACEMENT_CHARACTER)?;
    mark_names(&mut value, with('\0')?);
    Some(value)
}

/// Takes the names of an object, or of each object in a list, from `marked`.
fn mark_names(value: &mut Value, marked: Value) {
    match (value, marked) {
        (Value::Object(fields), Value::Object(marked)) => {
            let is_name = |key: &str| NAMES.iter().any(|name| name.eq_ignore_ascii_case(key));
            fields.extend(marked.into_iter().filter(|(key, _)| is_name(key)));
        }
        (Value::Array(values), Value::Array(marked)) => {
            for (value, marked) in values.iter_mut().zip(marked) {
                mark_names(value, marked);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_byte_order_mark_is_skipped_once() {
        assert_eq!(parse("\u{feff}{\"a\":1}".as_bytes()), Some(json!({"a": 1})));
        for body in ["\u{feff}", "\u{feff}\u{feff}{}", "{}\u{feff}"] {
            assert_eq!(parse(body.as_bytes()), None, "{body:?}");
        }
    }

    #[test]
    fn a_lone_surrogate_is_repaired_in_content_and_stays_wrong_in_a_name() {
        for (body, value) in [
            (
                r#"{"message": {"alert": "Great \ud83d", "url": "u\udc00"}, "settings": {"apns": {"payload": {"userId": "\ud83d"}}}}"#,
                json!({
                    "message": {"alert": "Great \u{fffd}", "url": "u\u{fffd}"},
                    "settings": {"apns": {"payload": {"userId": "\u{fffd}"}}},
                }),
            ),
            (
                r#"{"Target": {"userIds": ["alice", "\ud83d"]}, "message": {"alert": "\u0000\ud83d\ude00"}}"#,
                json!({"Target": {"userIds": ["alice", "\0"]}, "message": {"alert": "\u{0}😀"}}),
            ),
            (
                r#"[{"message": {"alert": "\ud83d"}}, {"message": {"alert": "a"}, "target": {"tagNames": ["\ud83d"]}}]"#,
                json!([
                    {"message": {"alert": "\u{fffd}"}},
                    {"message": {"alert": "a"}, "target": {"tagNames": ["\0"]}},
                ]),
            ),
            (
                r#"{"deviceId": "\ud83d", "userId": "\ud83d", "tagNames": ["\ud83d"], "name": "\ud83d", "description": "\ud83d"}"#,
                json!({
                    "deviceId": "\0", "userId": "\0", "tagNames": ["\0"], "name": "\0", "description": "\u{fffd}",
                }),
            ),
        ] {
            assert_eq!(parse(body.as_bytes()), Some(value), "{body}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_otherwise_is_none() {
        for body in [
            &b"{"[..],
            br#"{"a": "\ud83d""#,
            b"\"\xff\"",
            b"\"\xed\xa0\xbd\"",
        ] {
            assert_eq!(parse(body), None, "{body:?}");
        }
    }
}

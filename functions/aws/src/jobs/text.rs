//! JSON in ASCII.

use std::fmt::Write;

/// The same JSON with everything above U+007F escaped. Outside of strings JSON has nothing of that kind.
pub(crate) fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// How many bytes a string has as a part of such JSON, with its quotes.
pub(super) fn length(text: &str) -> usize {
    ascii(&serde_json::Value::from(text).to_string()).len()
}

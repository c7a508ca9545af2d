//! JSON in ASCII, as a queue takes it: SQS refuses some of the characters that a user id may have.

use std::fmt::Write;

/// The same JSON with everything above U+007F escaped. Outside of strings JSON has nothing of that kind.
pub(crate) fn json(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii() {
            ascii.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

/// How many bytes a string has as a part of such JSON, with its quotes.
pub(crate) fn length(text: &str) -> usize {
    json(&serde_json::Value::from(text).to_string()).len()
}

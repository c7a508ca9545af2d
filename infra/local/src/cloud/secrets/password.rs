//! `GetRandomPassword`.

use super::super::answer::Refusal;
use super::super::random;
use serde_json::Value;

const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// A value as the template generates it: letters and digits.
///
/// # Errors
/// The system gives no random bytes.
pub fn generated(length: usize) -> Result<String, getrandom::Error> {
    let alphabet = [LOWERCASE, UPPERCASE, NUMBERS].concat();
    random::text(alphabet.as_bytes(), length)
}

/// A password as the request wants it.
///
/// # Errors
/// Nothing is left to draw from, the length is out of bounds, or there are no random bytes.
pub fn asked(input: &Value) -> Result<String, Refusal> {
    let invalid = |text: &'static str| Refusal::new("InvalidParameterException", text);
    let excluded = input["ExcludeCharacters"].as_str().unwrap_or_default();
    let classes: Vec<String> = [
        (LOWERCASE, input["ExcludeLowercase"] == true),
        (UPPERCASE, input["ExcludeUppercase"] == true),
        (NUMBERS, input["ExcludeNumbers"] == true),
        (PUNCTUATION, input["ExcludePunctuation"] == true),
        (" ", input["IncludeSpace"] != true),
    ]
    .into_iter()
    .filter(|(_, left_out)| !left_out)
    .map(|(class, _)| class.chars().filter(|c| !excluded.contains(*c)).collect())
    .filter(|class: &String| !class.is_empty())
    .collect();
    if classes.is_empty() {
        return Err(invalid("No characters are left to choose from."));
    }
    let each = input["RequireEachIncludedType"] != false;
    let length = input["PasswordLength"].as_u64().unwrap_or(32);
    let length = usize::try_from(length)
        .ok()
        .filter(|length| (1..=4096).contains(length) && (!each || *length >= classes.len()))
        .ok_or_else(|| invalid("The password length is out of bounds."))?;
    let failed = |error: getrandom::Error| {
        Refusal::new("InternalServiceError", error.to_string()).with_status(500)
    };
    let (mut all, mut letters) = (classes.concat(), String::new());
    if each {
        for class in &classes {
            letters.push_str(&random::text(class.as_bytes(), 1).map_err(failed)?);
        }
    }
    letters.push_str(&random::text(all.as_bytes(), length - letters.len()).map_err(failed)?);
    // Drawn in the order of the classes: mixed by drawing again, without putting back.
    all.clear();
    while !letters.is_empty() {
        let drawn = random::text(letters.as_bytes(), 1).map_err(failed)?;
        if let Some(at) = letters.find(&drawn) {
            letters.remove(at);
        }
        all.push_str(&drawn);
    }
    Ok(all)
}

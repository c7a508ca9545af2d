//! Reading a JSON object of the contract: keys without letter case, nulls as absent, every fault by its name.

use crate::Invalid;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// An object, or the absence of one, which has no fields. A fault names the field as the contract spells it; who reads
/// the object puts its own name in front ([`Invalid::within`]).
#[derive(Clone, Copy, Default)]
pub(super) struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    accepted: bool,
}

impl<'a> Fields<'a> {
    /// The fields of `value`, where it is an object.
    pub fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(|map| Self {
            map: Some(map),
            accepted: false,
        })
    }

    /// Reads an accepted message back. The release that accepted it has checked its limits.
    pub fn of_accepted(value: &'a Value) -> Option<Self> {
        let fields = Self::of(value)?;
        Some(Self {
            accepted: true,
            ..fields
        })
    }

    /// Whether they are of a message that was accepted.
    pub fn are_accepted(self) -> bool {
        self.accepted
    }

    /// The field, unless it is absent or null. Where two keys differ in their letter case only, the contract's spelling
    /// wins.
    pub fn get(self, name: &str) -> Option<&'a Value> {
        let map = self.map?;
        let present = |value: &&Value| !value.is_null();
        map.get(name).filter(present).or_else(|| {
            map.iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
                .find(present)
        })
    }

    /// Whether the key is there, if only with null.
    pub fn has(self, name: &str) -> bool {
        self.keys().any(|key| key.eq_ignore_ascii_case(name))
    }

    /// The first key that is not in the list.
    pub fn unknown(self, known: &[&str]) -> Option<&'a str> {
        let is_known = |key: &str| known.iter().any(|name| name.eq_ignore_ascii_case(key));
        self.keys().find(|key| !is_known(key))
    }

    fn keys(self) -> impl Iterator<Item = &'a str> {
        self.map.into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// The object in this field.
    pub fn object(self, name: &str) -> Result<Option<Self>, Invalid> {
        let of = if self.accepted {
            Self::of_accepted
        } else {
            Self::of
        };
        self.typed(name, of, "It is an object.")
    }

    /// The text in this field, empty or not.
    pub fn text(self, name: &str) -> Result<Option<&'a str>, Invalid> {
        self.typed(name, Value::as_str, "It is a string.")
    }

    /// The text in this field. An empty one counts as absent, because it names nothing.
    pub fn name(self, name: &str) -> Result<Option<&'a str>, Invalid> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    /// The texts in this field. A fault in one of them names it: `lines[2]`.
    pub fn texts(self, name: &str) -> Result<Option<Vec<&'a str>>, Invalid> {
        let list = self.typed(name, Value::as_array, "It is a list of strings.")?;
        list.map(|list| {
            let text = |(n, value): (usize, &'a Value)| {
                value
                    .as_str()
                    .ok_or_else(|| Invalid::new(format!("{name}[{n}]"), "It is a string."))
            };
            list.iter().enumerate().map(text).collect()
        })
        .transpose()
    }

    /// True or false.
    pub fn flag(self, name: &str) -> Result<Option<bool>, Invalid> {
        self.typed(name, Value::as_bool, "It is true or false.")
    }

    /// A whole number of this range.
    pub fn number(self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Invalid> {
        let rule = number_rule(&range);
        self.typed(name, |value| self.in_range(whole(value)?, &range), &rule)
    }

    /// A whole number of this range, or its digits in a string, as some server SDKs send it.
    pub fn digits(self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Invalid> {
        let number = |value: &Value| {
            let number = whole(value);
            self.in_range(number.or_else(|| value.as_str()?.parse().ok())?, &range)
        };
        self.typed(name, number, &number_rule(&range))
    }

    /// One of these words in any letter case, given back as it is spelt here.
    pub fn word(self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, Invalid> {
        let known = |value: &Value| {
            let text = value.as_str()?;
            words
                .iter()
                .copied()
                .find(|word| word.eq_ignore_ascii_case(text))
        };
        self.typed(name, known, &format!("It is one of {}.", words.join(", ")))
    }

    fn in_range(self, number: u64, range: &RangeInclusive<u64>) -> Option<u64> {
        (self.accepted || range.contains(&number)).then_some(number)
    }

    fn typed<T>(
        self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
        rule: &str,
    ) -> Result<Option<T>, Invalid> {
        self.get(name)
            .map(|value| read(value).ok_or_else(|| Invalid::new(name, rule)))
            .transpose()
    }
}

/// A number without a fraction, which some languages write as `5.0`.
fn whole(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_f64()?.to_string().parse().ok())
}

fn number_rule(range: &RangeInclusive<u64>) -> String {
    format!(
        "It is a whole number from {} to {}.",
        range.start(),
        range.end()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(value: &Value) -> Fields<'_> {
        Fields::of(value).unwrap()
    }

    #[test]
    fn a_key_is_found_in_any_letter_case_and_its_own_spelling_wins() {
        let value = json!({"ANDROIDTITLE": "a", "Sound": null, "SOUND": "b", "url": "c", "Url": "d", "icon": null});
        let fields = at(&value);
        for (name, text) in [
            ("androidTitle", Some("a")),
            ("sound", Some("b")),
            ("url", Some("c")),
            ("icon", None),
            ("absent", None),
        ] {
            assert_eq!(fields.text(name), Ok(text), "{name}");
        }
        assert_eq!(Fields::default().text("url"), Ok(None));
    }

    #[test]
    fn a_key_is_there_with_null_too() {
        let value = json!({"ANDROIDTITLE": null, "sound": ""});
        let fields = at(&value);
        assert!(fields.has("androidTitle") && fields.has("Sound") && !fields.has("url"));
        assert_eq!(fields.unknown(&["androidtitle"]), Some("sound"));
        assert_eq!(fields.unknown(&["androidtitle", "sound"]), None);
    }

    #[test]
    fn an_empty_text_names_nothing() {
        let value = json!({"icon": "", "sound": "s", "redact": 1});
        let fields = at(&value);
        assert_eq!(fields.text("icon"), Ok(Some("")));
        assert_eq!(fields.name("icon"), Ok(None));
        assert_eq!(fields.name("sound"), Ok(Some("s")));
        assert!(fields.name("redact").is_err());
    }

    #[test]
    fn a_wrong_type_or_value_names_the_field_and_what_would_be_right() {
        let value = json!({"f": {"deep": 1}, "list": ["a", 2], "low": 0, "high": 4, "half": 1.5, "word": "blue"});
        let fields = at(&value);
        let wrong = |parameter: &str, rule: &str| Some(Invalid::new(parameter, rule));
        assert_eq!(fields.text("f").err(), wrong("f", "It is a string."));
        assert_eq!(fields.flag("f").err(), wrong("f", "It is true or false."));
        assert_eq!(
            fields.texts("f").err(),
            wrong("f", "It is a list of strings.")
        );
        assert_eq!(
            fields.texts("list"),
            Err(Invalid::new("list[1]", "It is a string."))
        );
        assert_eq!(
            fields.object("list").err(),
            Some(Invalid::new("list", "It is an object."))
        );
        for name in ["low", "high", "half", "word"] {
            let rule = "It is a whole number from 1 to 3.";
            assert_eq!(
                fields.number(name, 1..=3),
                Err(Invalid::new(name, rule)),
                "{name}"
            );
            assert_eq!(
                fields.digits(name, 1..=3),
                Err(Invalid::new(name, rule)),
                "{name}"
            );
        }
        assert_eq!(
            fields.word("word", &["red", "green"]),
            Err(Invalid::new("word", "It is one of red, green."))
        );
    }

    #[test]
    fn a_number_may_stand_in_a_string_only_where_digits_are_read() {
        let value = json!({"n": "20"});
        assert_eq!(at(&value).digits("n", 0..=20), Ok(Some(20)));
        assert!(at(&value).number("n", 0..=20).is_err());
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let value: Value =
            serde_json::from_str(r#"{"n": 3.0, "e": 2e1, "none": -0.0, "much": 1e300}"#).unwrap();
        for (name, number) in [
            ("n", Some(3)),
            ("e", Some(20)),
            ("none", None),
            ("much", None),
        ] {
            let found = at(&value).number(name, 0..=20);
            assert_eq!(found.ok().flatten(), number, "{name}");
            assert_eq!(
                at(&value).digits(name, 0..=20).ok().flatten(),
                number,
                "{name}"
            );
        }
    }

    #[test]
    fn a_word_is_given_back_as_the_contract_spells_it() {
        let value = json!({"visibility": "PriVate"});
        assert_eq!(
            at(&value).word("visibility", &["public", "private"]),
            Ok(Some("private"))
        );
    }
}

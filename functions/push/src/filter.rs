//! Which of many devices a backend wants to see, by what an answer shows of them.

use crate::Invalid;

/// One or more terms, of which one has to hold: `platform==A,platform==G`.
#[derive(Clone, PartialEq, Eq)]
pub struct Filter(Vec<Term>);

/// What an answer shows of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `deviceId`
    DeviceId,
    /// `userId`: `anonymous` where the device belongs to nobody.
    UserId,
    /// `platform`: its letter.
    Platform,
}

#[derive(Clone, PartialEq, Eq)]
struct Term {
    field: Field,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// `==`
    Is,
    /// `=@`
    Contains,
}

const RULE: &str = "It has terms like platform==A or deviceId=@text, joined by commas; the names are deviceId, userId and platform, a backslash stands before a comma or a backslash in a value.";

impl Filter {
    /// A filter as it stands in a query, decoded.
    ///
    /// # Errors
    /// [`Invalid`] names `filter`: a term without a known name, an operator and a value, or a backslash at the end.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("filter", RULE);
        let terms = split(text).ok_or_else(invalid)?;
        let terms: Option<_> = terms.iter().map(|term| Term::parse(term)).collect();
        terms.map(Self).ok_or_else(invalid)
    }

    /// Whether a device passes, of which the answer shows `shown`. Values compare as they are.
    #[must_use]
    pub fn passes<'a>(&self, shown: impl Fn(Field) -> &'a str) -> bool {
        self.0.iter().any(|term| {
            let shown = shown(term.field);
            match term.operator {
                Operator::Is => shown == term.value,
                Operator::Contains => shown.contains(&term.value),
            }
        })
    }
}

impl Term {
    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('=')?;
        let field = match name {
            "deviceId" => Field::DeviceId,
            "userId" => Field::UserId,
            "platform" => Field::Platform,
            _ => return None,
        };
        let (operator, value) = match rest.strip_prefix('=') {
            Some(value) => (Operator::Is, value),
            None => (Operator::Contains, rest.strip_prefix('@')?),
        };
        let value = value.to_owned();
        (!value.is_empty()).then_some(Self {
            field,
            operator,
            value,
        })
    }
}

/// The parts between the commas, without the backslashes; nothing where the last one stands before nothing.
fn split(text: &str) -> Option<Vec<String>> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => part.push(chars.next()?),
            ',' => parts.push(std::mem::take(&mut part)),
            char => part.push(char),
        }
    }
    parts.push(part);
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(text: &str) -> bool {
        Filter::parse(text).unwrap().passes(|field| match field {
            Field::DeviceId => "D,1\\x",
            Field::UserId => "alice==@bob",
            Field::Platform => "A",
        })
    }

    #[test]
    fn a_filter_holds_where_one_of_its_terms_does() {
        for (text, expected) in [
            ("platform==A", true),
            ("platform==a", false),
            ("platform==G", false),
            ("platform==G,platform==A", true),
            ("platform==G,userId==x", false),
            ("platform=@A", true),
            ("userId==alice", false),
            ("userId=@alice", true),
            ("userId==alice==@bob", true),
            ("userId=@=", true),
            ("deviceId==D\\,1\\\\x", true),
            ("deviceId==D\\,1\\\\\\x", true),
            ("deviceId==D\\,1x", false),
            ("deviceId=@\\,", true),
            ("deviceId=@\\\\", true),
        ] {
            assert_eq!(passes(text), expected, "{text}");
        }
    }

    #[test]
    fn a_filter_that_cannot_be_one_is_named() {
        for bad in [
            "",
            ",",
            "platform",
            "platform=A",
            "platform==",
            "platform=@",
            "==A",
            "Platform==A",
            " platform==A",
            "token==T",
            "platform==A,",
            "platform==A,G",
            "platform=\\",
            "deviceId==D\\",
        ] {
            let invalid = Filter::parse(bad).map(|_| ()).unwrap_err();
            assert_eq!(invalid.parameter(), "filter", "{bad}");
        }
    }
}

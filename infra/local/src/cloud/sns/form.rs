//! The parameters of a Query call.

use super::super::answer::Refusal;
use std::collections::BTreeMap;

/// The parameters of a call, `Action` among them.
pub struct Form(BTreeMap<String, String>);

/// A message attribute as it was sent.
pub struct MessageAttribute {
    /// `String`, `Number`, `Binary` or `String.Array`.
    pub kind: String,
    /// The value, base64 where it is binary.
    pub value: String,
}

impl Form {
    /// Reads the query of a URL and a body, of which either may be empty.
    pub fn parse(query: &str, body: &[u8]) -> Self {
        let parts = [query.as_bytes(), body].into_iter();
        let parameters = parts.flat_map(|part| form_urlencoded::parse(part).into_owned());
        Self(parameters.collect())
    }

    /// What is to be done.
    pub fn action(&self) -> &str {
        self.optional("Action").unwrap_or_default()
    }

    /// A parameter that may be absent.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that may not.
    ///
    /// # Errors
    /// As SNS says it.
    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.optional(name)
            .ok_or_else(|| invalid(format!("{name} Reason: no value for required parameter")))
    }

    /// The map `Attributes`.
    pub fn attributes(&self) -> BTreeMap<&str, &str> {
        self.entries("Attributes")
            .filter_map(|entry| {
                let key = self.optional(&format!("{entry}.key"))?;
                let value = self.optional(&format!("{entry}.value"))?;
                Some((key, value))
            })
            .collect()
    }

    /// The map `MessageAttributes`.
    pub fn message_attributes(&self) -> BTreeMap<&str, MessageAttribute> {
        self.entries("MessageAttributes")
            .filter_map(|entry| {
                let of = |field: &str| self.optional(&format!("{entry}.{field}"));
                let value = of("Value.StringValue").or_else(|| of("Value.BinaryValue"));
                let attribute = MessageAttribute {
                    kind: of("Value.DataType").unwrap_or_default().to_owned(),
                    value: value.unwrap_or_default().to_owned(),
                };
                Some((of("Name")?, attribute))
            })
            .collect()
    }

    /// `Attributes.entry.1`, `Attributes.entry.2` and so on, as far as there are any.
    fn entries(&self, map: &str) -> impl Iterator<Item = String> {
        (1..)
            .map(move |n| format!("{map}.entry.{n}"))
            .take_while(|entry| {
                let prefix = format!("{entry}.");
                let mut following = self.0.range(prefix.clone()..);
                following
                    .next()
                    .is_some_and(|(name, _)| name.starts_with(&prefix))
            })
    }
}

/// `InvalidParameter` with its usual beginning.
pub fn invalid(what: impl AsRef<str>) -> Refusal {
    Refusal::new(
        "InvalidParameter",
        format!("Invalid parameter: {}", what.as_ref()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read_entry_by_entry() {
        let form = Form::parse(
            "Action=Publish",
            b"Attributes.entry.1.key=Enabled&Attributes.entry.1.value=true&Attributes.entry.2.key=Token&Attributes.entry.2.value=a%2Bb+c\
              &MessageAttributes.entry.1.Name=N&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=v",
        );
        assert_eq!(form.action(), "Publish");
        assert_eq!(
            form.attributes(),
            BTreeMap::from([("Enabled", "true"), ("Token", "a+b c")])
        );
        let attributes = form.message_attributes();
        assert_eq!(attributes.len(), 1);
        assert_eq!(attributes["N"].kind, "String");
        assert_eq!(attributes["N"].value, "v");
    }

    #[test]
    fn a_missing_parameter_is_named() {
        assert_eq!(
            Form::parse("", b"").required("Token"),
            Err(Refusal::new(
                "InvalidParameter",
                "Invalid parameter: Token Reason: no value for required parameter"
            ))
        );
    }
}

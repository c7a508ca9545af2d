//! The XML of the Query protocol.

use std::borrow::Cow;
use std::fmt::Write;

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// A successful answer; `result` is the inner XML of the action's result.
pub fn success(action: &str, result: Option<&str>, request_id: &str) -> String {
    let result = result.map_or(String::new(), |inner| {
        format!("<{action}Result>{inner}</{action}Result>")
    });
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\">{result}<ResponseMetadata>{}</ResponseMetadata></{action}Response>",
        element("RequestId", request_id)
    )
}

/// An error.
pub fn failure(status: u16, code: &str, message: &str, request_id: &str) -> String {
    let fault = if status >= 500 { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error>{}{}{}</Error>{}</ErrorResponse>",
        element("Type", fault),
        element("Code", code),
        element("Message", message),
        element("RequestId", request_id)
    )
}

/// One element that holds text.
pub fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

/// A map, as attributes are written.
pub fn map<'a>(entries: impl Iterator<Item = (&'a str, Cow<'a, str>)>) -> String {
    let mut xml = String::from("<Attributes>");
    for (key, value) in entries {
        let (key, value) = (element("key", key), element("value", &value));
        // Writing to a String cannot fail.
        let _ = write!(xml, "<entry>{key}{value}</entry>");
    }
    xml.push_str("</Attributes>");
    xml
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        assert_eq!(
            element("Token", "</Token>&\"\r"),
            "<Token>&lt;/Token&gt;&amp;&quot;&#xD;</Token>"
        );
    }
}

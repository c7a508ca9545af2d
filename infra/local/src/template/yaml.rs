//! YAML with CloudFormation's short tags, read into JSON with the long ones: `!Ref A` becomes `{"Ref":"A"}`.

use crate::Error;
use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};

/// Reads one document.
///
/// # Errors
/// What is no YAML, or has no counterpart in JSON.
pub fn read(text: &str) -> Result<Value, Error> {
    let mut documents = YamlOwned::load_from_str(text)?.into_iter();
    match (documents.next(), documents.next()) {
        (Some(document), None) => json(document),
        _ => Err("a template is one YAML document".into()),
    }
}

fn json(node: YamlOwned) -> Result<Value, Error> {
    Ok(match node {
        YamlOwned::Value(scalar) => match scalar {
            ScalarOwned::Null => Value::Null,
            ScalarOwned::Boolean(value) => value.into(),
            ScalarOwned::Integer(value) => value.into(),
            ScalarOwned::FloatingPoint(value) => value.into_inner().into(),
            ScalarOwned::String(value) => value.into(),
        },
        YamlOwned::Sequence(items) => {
            Value::Array(items.into_iter().map(json).collect::<Result<_, _>>()?)
        }
        YamlOwned::Mapping(entries) => {
            let entry = |(name, value)| match json(name)? {
                Value::String(name) => Ok((name, json(value)?)),
                name => Err(Error::from(format!("the key {name} is no text"))),
            };
            Value::Object(entries.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
        YamlOwned::Tagged(tag, node) => {
            let value = json(*node)?;
            match (tag.suffix.as_str(), value) {
                (name @ ("Ref" | "Condition"), value) => json!({ name: value }),
                // `!GetAtt A.B` names the resource and the attribute in one text.
                ("GetAtt", Value::String(text)) => {
                    let (resource, attribute) = text
                        .split_once('.')
                        .ok_or("!GetAtt names a resource and an attribute")?;
                    json!({ "Fn::GetAtt": [resource, attribute] })
                }
                (name, value) => Value::Object(Map::from_iter([(format!("Fn::{name}"), value)])),
            }
        }
        YamlOwned::Representation(..) | YamlOwned::Alias(_) | YamlOwned::BadValue => {
            return Err("an alias or a broken value".into());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_long_names() {
        let text = "a: !Ref A\nb: !GetAtt T.Arn\nc: !If [X, !Sub 'x-${A}', 3]\nd: !Not [!Equals [!Ref A, \"\"]]\ne: [{Condition: X}, !Condition Y, true, ~, \"1\"]\n";
        assert_eq!(
            read(text).unwrap(),
            json!({
                "a": {"Ref": "A"},
                "b": {"Fn::GetAtt": ["T", "Arn"]},
                "c": {"Fn::If": ["X", {"Fn::Sub": "x-${A}"}, 3]},
                "d": {"Fn::Not": [{"Fn::Equals": [{"Ref": "A"}, ""]}]},
                "e": [{"Condition": "X"}, {"Condition": "Y"}, true, null, "1"],
            })
        );
    }

    #[test]
    fn what_is_no_single_document_is_refused() {
        for text in ["", "a: [", "--- 1\n--- 2\n", "1: a"] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }
}

//! CloudFormation's intrinsic functions, as far as a template that runs here needs them.

use crate::Error;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the intrinsic functions look things up in.
pub struct Scope {
    /// What `Ref` gives, by name: parameters, pseudo parameters, resources.
    pub references: BTreeMap<String, Value>,
    /// What `Fn::GetAtt` gives, by `resource.attribute`.
    pub attributes: BTreeMap<String, Value>,
    /// The section `Conditions`.
    pub conditions: Map<String, Value>,
}

/// Stands for nothing: where it is the value, the key or the item is left out.
const NO_VALUE: &str = "AWS::NoValue";

impl Scope {
    /// The value that is meant; nothing where it is `AWS::NoValue`.
    ///
    /// # Errors
    /// Which name is unknown, or which function is.
    pub fn resolve(&self, value: &Value) -> Result<Option<Value>, Error> {
        match value {
            Value::Object(map) => {
                if let Some((name, argument)) = function(map) {
                    return self.call(name, argument);
                }
                let entry = |(name, value): (&String, &Value)| {
                    let value = self.resolve(value).transpose()?;
                    Some(value.map(|value| (name.clone(), value)))
                };
                let entries = map.iter().filter_map(entry);
                Ok(Some(Value::Object(entries.collect::<Result<_, _>>()?)))
            }
            Value::Array(_) => Ok(Some(Value::Array(self.list(value)?))),
            other => Ok(Some(other.clone())),
        }
    }

    /// The text that is meant; numbers and truth values become text, as in CloudFormation.
    ///
    /// # Errors
    /// As [`Self::resolve`]; what is a list, a map or nothing.
    pub fn text(&self, value: &Value) -> Result<String, Error> {
        match self.resolve(value)? {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(truth)) => Ok(truth.to_string()),
            _ => Err(format!("{value} is no text").into()),
        }
    }

    /// The list that is meant; its items are resolved.
    ///
    /// # Errors
    /// As [`Self::resolve`]; what is no list.
    pub fn list(&self, value: &Value) -> Result<Vec<Value>, Error> {
        if let Value::Array(items) = value {
            let items = items
                .iter()
                .filter_map(|item| self.resolve(item).transpose());
            return items.collect();
        }
        match self.resolve(value)? {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(format!("{value} is no list").into()),
        }
    }

    /// Whether a condition of the section `Conditions` holds.
    ///
    /// # Errors
    /// As [`Self::resolve`]; a condition that does not exist.
    pub fn holds(&self, condition: &str) -> Result<bool, Error> {
        match self.conditions.get(condition) {
            Some(rule) => self.truth(rule),
            None => Err(format!("there is no condition {condition}").into()),
        }
    }

    /// Whether a condition holds, as it is written.
    ///
    /// # Errors
    /// As [`Self::resolve`]; what is no condition.
    pub fn truth(&self, rule: &Value) -> Result<bool, Error> {
        match self.resolve(rule)? {
            Some(Value::Bool(truth)) => Ok(truth),
            _ => Err(format!("{rule} is no condition").into()),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>, Error> {
        let wrong = || Error::from(format!("{name} does not take {argument}"));
        let arguments = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Some(match (name, arguments) {
            ("Ref", _) => match argument.as_str().ok_or_else(wrong)? {
                NO_VALUE => return Ok(None),
                name => self.reference(name)?,
            },
            ("Condition", _) => self.holds(argument.as_str().ok_or_else(wrong)?)?.into(),
            ("Fn::GetAtt", [resource, attribute]) => self.attribute(&format!(
                "{}.{}",
                self.text(resource)?,
                self.text(attribute)?
            ))?,
            ("Fn::If", [condition, yes, no]) => {
                let holds = self.holds(condition.as_str().ok_or_else(wrong)?)?;
                return self.resolve(if holds { yes } else { no });
            }
            ("Fn::Equals", [one, other]) => (self.text(one)? == self.text(other)?).into(),
            ("Fn::Not", [rule]) => (!self.truth(rule)?).into(),
            ("Fn::And", [_, ..]) => self
                .truths(arguments)?
                .into_iter()
                .all(|truth| truth)
                .into(),
            ("Fn::Or", [_, ..]) => self
                .truths(arguments)?
                .into_iter()
                .any(|truth| truth)
                .into(),
            ("Fn::Join", [separator, items]) => {
                let items = self.list(items)?;
                let texts = items.iter().map(|item| self.text(item));
                let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
                texts.join(&self.text(separator)?).into()
            }
            ("Fn::Split", [separator, text]) => {
                let (separator, text) = (self.text(separator)?, self.text(text)?);
                text.split(&separator).map(Value::from).collect()
            }
            ("Fn::Select", [index, items]) => {
                let index: usize = self.text(index)?.parse()?;
                let item = self.list(items)?.into_iter().nth(index);
                item.ok_or_else(wrong)?
            }
            ("Fn::Sub", []) => self.substitute(argument.as_str().ok_or_else(wrong)?, None)?,
            ("Fn::Sub", [Value::String(text), Value::Object(names)]) => {
                self.substitute(text, Some(names))?
            }
            _ => return Err(wrong()),
        }))
    }

    fn truths(&self, rules: &[Value]) -> Result<Vec<bool>, Error> {
        rules.iter().map(|rule| self.truth(rule)).collect()
    }

    fn reference(&self, name: &str) -> Result<Value, Error> {
        let value = self.references.get(name).cloned();
        value.ok_or_else(|| format!("nothing here is called {name}").into())
    }

    fn attribute(&self, name: &str) -> Result<Value, Error> {
        let value = self.attributes.get(name).cloned();
        value.ok_or_else(|| format!("the attribute {name} is not known here").into())
    }

    /// Replaces `${Name}` and `${Resource.Attribute}`; `${!text}` stays as `${text}`.
    fn substitute(&self, text: &str, names: Option<&Map<String, Value>>) -> Result<Value, Error> {
        let mut parts = text.split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part
                .split_once('}')
                .ok_or_else(|| format!("'{text}' has a ${{ without its }}"))?;
            if let Some(literal) = name.strip_prefix('!') {
                whole.extend(["${", literal, "}"]);
            } else if let Some(value) = names.and_then(|names| names.get(name)) {
                whole.push_str(&self.text(value)?);
            } else if name.contains('.') {
                whole.push_str(&self.text(&self.attribute(name)?)?);
            } else {
                whole.push_str(&self.text(&self.reference(name)?)?);
            }
            whole.push_str(rest);
        }
        Ok(whole.into())
    }
}

/// The intrinsic function that a map with one key is. `Condition` is one only beside nothing else and with a plain name.
fn function(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = map.iter().next().filter(|_| map.len() == 1)?;
    let known =
        name == "Ref" || name.starts_with("Fn::") || name == "Condition" && argument.is_string();
    known.then_some((name, argument))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::yaml;
    use serde_json::json;

    fn resolved(text: &str) -> Result<Option<Value>, String> {
        let conditions = yaml::read(
            "Yes: !Equals [!Ref Name, push]\nNo: !Not [!Condition Yes]\nEither: !Or [Condition: No, Condition: Yes]\nBoth: !And [!Condition No, !Condition Yes]\n",
        )
        .unwrap();
        let scope = Scope {
            references: BTreeMap::from([
                ("Name".to_owned(), json!("push")),
                ("Number".to_owned(), json!("7")),
                ("List".to_owned(), json!(["a", "b"])),
                ("AWS::StackId".to_owned(), json!("arn:x:stack/push/the-id")),
            ]),
            attributes: BTreeMap::from([("Table.Arn".to_owned(), json!("arn:table"))]),
            conditions: conditions.as_object().unwrap().clone(),
        };
        scope
            .resolve(&yaml::read(text).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn each_function_gives_what_cloudformation_gives() {
        for (text, value) in [
            ("!Ref Name", json!("push")),
            ("!GetAtt Table.Arn", json!("arn:table")),
            (
                "!Sub 'a-${Name}-${Table.Arn}-${!Name}'",
                json!("a-push-arn:table-${Name}"),
            ),
            ("!Sub ['${X}/${Name}', {X: !Ref Number}]", json!("7/push")),
            ("!If [Yes, 1, 2]", json!(1)),
            ("!If [No, 1, 2]", json!(2)),
            ("!If [Either, 1, 2]", json!(1)),
            ("!If [Both, 1, 2]", json!(2)),
            (
                "!Select [2, !Split ['/', !Ref AWS::StackId]]",
                json!("the-id"),
            ),
            ("!Join ['-', [x, !Ref Name]]", json!("x-push")),
            ("!Join ['-', !Ref List]", json!("a-b")),
            (
                "{a: !Ref List, b: !Ref AWS::NoValue}",
                json!({"a": ["a", "b"]}),
            ),
            (
                "[1, !If [No, 2, !Ref AWS::NoValue], !If [Yes, 3, 4]]",
                json!([1, 3]),
            ),
            ("{Condition: {a: 1}}", json!({"Condition": {"a": 1}})),
        ] {
            assert_eq!(resolved(text), Ok(Some(value)), "{text}");
        }
        assert_eq!(resolved("!Ref AWS::NoValue"), Ok(None));
    }

    #[test]
    fn what_cannot_be_resolved_is_named() {
        for (text, error) in [
            ("!Ref Other", "nothing here is called Other"),
            ("!GetAtt Api.Url", "the attribute Api.Url is not known here"),
            ("!If [Other, 1, 2]", "there is no condition Other"),
            ("!Cidr [a]", r#"Fn::Cidr does not take ["a"]"#),
            (
                "!Select [9, !Ref List]",
                r#"Fn::Select does not take [9,{"Ref":"List"}]"#,
            ),
            ("!Sub '${Name'", "'${Name' has a ${ without its }"),
        ] {
            assert_eq!(resolved(text), Err(error.to_owned()), "{text}");
        }
    }
}

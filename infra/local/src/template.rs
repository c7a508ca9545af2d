//! `template.yaml`, as far as it decides what runs: whatever is said there is not said again here.

mod api;
mod function;
mod intrinsic;
mod queue_event;
mod queues;
mod store;
mod yaml;

pub use api::{Api, Cors, JwtAuthorizer, Route};
pub use function::Function;
pub use queue_event::QueueEvent;

use crate::Error;
use intrinsic::Scope;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A template with a value for each of its parameters.
pub struct Template {
    document: Value,
    scope: Scope,
}

/// The account that everything here belongs to.
pub const ACCOUNT: &str = "000000000000";
/// The region that everything here is in.
pub const REGION: &str = "us-east-1";
const STACK: &str = "userpush";

impl Template {
    /// Reads a template. A parameter has the value that `chosen` gives last, else its default.
    ///
    /// # Errors
    /// What is no template; a name in `chosen` that is no parameter, a value that the template does not allow, a
    /// parameter without a value.
    pub fn read(text: &str, chosen: &[(String, String)]) -> Result<Self, Error> {
        let document = yaml::read(text)?;
        let scope = Scope {
            references: pseudo_parameters(),
            attributes: BTreeMap::new(),
            conditions: section(&document, "Conditions").clone(),
        };
        let mut template = Self { document, scope };
        template.set_parameters(chosen)?;
        template.name_resources()?;
        Ok(template)
    }

    /// What `Ref` gives for a resource, once it is made.
    pub fn name(&mut self, resource: &str, reference: &str) {
        self.scope
            .references
            .insert(resource.to_owned(), reference.into());
    }

    fn set_parameters(&mut self, chosen: &[(String, String)]) -> Result<(), Error> {
        let parameters = section(&self.document, "Parameters");
        if let Some((name, _)) = chosen
            .iter()
            .find(|(name, _)| !parameters.contains_key(name))
        {
            let mut names: Vec<_> = parameters.keys().map(String::as_str).collect();
            names.sort_unstable();
            return Err(format!(
                "there is no parameter {name}; there are {}",
                names.join(", ")
            )
            .into());
        }
        for (name, parameter) in parameters {
            let value = chosen.iter().rev().find(|(chosen, _)| chosen == name);
            let value = match (value, parameter.get("Default")) {
                (Some((_, value)), _) => value.clone(),
                (None, Some(default)) => self.scope.text(default)?,
                (None, None) => return Err(format!("the parameter {name} has no value").into()),
            };
            if let Some(allowed) = parameter.get("AllowedValues") {
                let allowed = self.scope.list(allowed)?;
                let allowed = allowed.iter().map(|value| self.scope.text(value));
                let allowed: Vec<String> = allowed.collect::<Result<_, _>>()?;
                if !allowed.contains(&value) {
                    return Err(
                        format!("the parameter {name} is one of {}", allowed.join(", ")).into(),
                    );
                }
            }
            let value = if parameter["Type"] == "CommaDelimitedList" {
                value.split(',').map(str::trim).map(Value::from).collect()
            } else {
                Value::from(value)
            };
            self.scope.references.insert(name.clone(), value);
        }
        Ok(())
    }

    /// Names that resources have before anything is made: the ones given, else of the stack and the logical name.
    fn name_resources(&mut self) -> Result<(), Error> {
        for (name, resource) in section(&self.document, "Resources") {
            let properties = &resource["Properties"];
            let given = properties
                .get("TableName")
                .or_else(|| properties.get("FunctionName"))
                .or_else(|| properties.get("QueueName"));
            let reference = match given {
                Some(given) => self.scope.text(given)?,
                None => format!("{STACK}-{name}"),
            };
            if resource["Type"] == store::TABLE {
                let arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{reference}");
                self.scope
                    .attributes
                    .insert(format!("{name}.Arn"), arn.into());
            }
            let reference = if resource["Type"] == queues::QUEUE {
                let arn = crate::cloud::queue_arn(&reference);
                let url = crate::cloud::queue_url(&reference);
                let attributes = [
                    ("Arn", arn),
                    ("QueueName", reference),
                    ("QueueUrl", url.clone()),
                ];
                for (attribute, value) in attributes {
                    self.scope
                        .attributes
                        .insert(format!("{name}.{attribute}"), value.into());
                }
                url
            } else {
                reference
            };
            self.scope.references.insert(name.clone(), reference.into());
        }
        Ok(())
    }

    /// The resources of a type, by logical name, without those whose condition does not hold.
    fn resources(&self, kind: &str) -> Result<Vec<(&str, &Value)>, Error> {
        let mut found = Vec::new();
        for (name, resource) in section(&self.document, "Resources") {
            let exists = match resource["Condition"].as_str() {
                Some(condition) => self.scope.holds(condition)?,
                None => true,
            };
            if resource["Type"] == kind && exists {
                found.push((name.as_str(), resource));
            }
        }
        Ok(found)
    }

    /// A property of a resource, else of all resources of its kind.
    fn property<'a>(&'a self, resource: &'a Value, kind: &str, name: &str) -> Option<&'a Value> {
        let own = resource["Properties"].get(name);
        own.or_else(|| self.document["Globals"][kind].get(name))
    }
}

fn section<'a>(document: &'a Value, name: &str) -> &'a Map<String, Value> {
    static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    document[name].as_object().unwrap_or(&NOTHING)
}

fn pseudo_parameters() -> BTreeMap<String, Value> {
    let id = "00000000-0000-0000-0000-000000000000";
    let stack = format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/{id}");
    [
        ("AWS::AccountId", json!(ACCOUNT)),
        ("AWS::Partition", json!("aws")),
        ("AWS::Region", json!(REGION)),
        ("AWS::StackId", json!(stack)),
        ("AWS::StackName", json!(STACK)),
        ("AWS::URLSuffix", json!("amazonaws.com")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
Parameters:
  Needed: {Type: String}
  Mode: {Type: String, Default: a, AllowedValues: [a, b]}
  Days: {Type: Number, Default: 270}
  List: {Type: CommaDelimitedList, Default: 'x, y'}
Resources:
  Table: {Type: 'AWS::DynamoDB::Table', Properties: {}}
";

    fn read(chosen: &[(&str, &str)]) -> Result<Template, String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let chosen: Vec<_> = chosen.iter().map(own).collect();
        Template::read(TEXT, &chosen).map_err(|error| error.to_string())
    }

    #[test]
    fn a_parameter_has_its_default_or_what_is_chosen_last() {
        let template = read(&[("Needed", "n"), ("Mode", "a"), ("Mode", "b")]).unwrap();
        let references = &template.scope.references;
        assert_eq!(references["Needed"], "n");
        assert_eq!(references["Mode"], "b");
        assert_eq!(references["Days"], "270");
        assert_eq!(references["List"], json!(["x", "y"]));
    }

    #[test]
    fn a_wrong_parameter_is_refused_by_name() {
        for (chosen, error) in [
            (vec![], "the parameter Needed has no value"),
            (
                vec![("Needed", "n"), ("needed", "n")],
                "there is no parameter needed; there are Days, List, Mode, Needed",
            ),
            (
                vec![("Needed", "n"), ("Mode", "c")],
                "the parameter Mode is one of a, b",
            ),
        ] {
            assert_eq!(read(&chosen).err(), Some(error.to_owned()));
        }
    }

    #[test]
    fn the_dashboard_is_made_of_json() {
        let document = yaml::read(crate::TEMPLATE).unwrap();
        let body = &document["Resources"]["Dashboard"]["Properties"]["DashboardBody"];
        let body: Value = serde_json::from_str(body["Fn::Sub"][0].as_str().unwrap()).unwrap();
        let widgets = body["widgets"].as_array().unwrap();
        assert!(widgets.len() > 1);
        for widget in widgets {
            assert!(widget["properties"]["title"].is_string(), "{widget}");
        }
    }

    #[test]
    fn a_resource_is_called_after_the_stack_until_it_is_named() {
        let mut template = read(&[("Needed", "n")]).unwrap();
        assert_eq!(template.scope.references["Table"], "userpush-Table");
        assert_eq!(
            template.scope.attributes["Table.Arn"],
            "arn:aws:dynamodb:us-east-1:000000000000:table/userpush-Table"
        );
        template.name("Table", "other");
        assert_eq!(template.scope.references["Table"], "other");
    }
}

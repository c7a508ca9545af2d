//! `template.yaml`, as far as it decides what runs: whatever is said there is not said again here.

mod api;
mod function;
mod intrinsic;
mod limits;
mod parameter;
mod queue_event;
mod queues;
mod store;
mod yaml;

pub use api::{Api, Cors, JwtAuthorizer, Route};
pub use function::Function;
pub use limits::Limit;
pub use queue_event::QueueEvent;

use crate::Error;
use intrinsic::Scope;
use parameter::Parameter;
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
    /// Reads a template. A parameter has the value that `chosen` gives last, else the one that `machine` gives, which may be
    /// any, else its default.
    ///
    /// # Errors
    /// What is no template; a name in `chosen` that is no parameter, a value that the template does not allow, a
    /// parameter without a value; an assertion of the template that fails.
    pub fn read(
        text: &str,
        machine: &[(&str, &str)],
        chosen: &[(String, String)],
    ) -> Result<Self, Error> {
        let document = yaml::read(text)?;
        let scope = Scope {
            references: pseudo_parameters(),
            attributes: BTreeMap::new(),
            conditions: section(&document, "Conditions").clone(),
        };
        let mut template = Self { document, scope };
        template.set_parameters(machine, chosen)?;
        template.check_rules()?;
        template.name_resources()?;
        Ok(template)
    }

    /// What `Ref` gives for a resource, once it is made.
    pub fn name(&mut self, resource: &str, reference: &str) {
        self.scope
            .references
            .insert(resource.to_owned(), reference.into());
    }

    fn set_parameters(
        &mut self,
        machine: &[(&str, &str)],
        chosen: &[(String, String)],
    ) -> Result<(), Error> {
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
        for (name, declared) in parameters {
            let parameter = Parameter {
                name,
                declared,
                scope: &self.scope,
            };
            let chosen = chosen.iter().rev().find(|(chosen, _)| chosen == name);
            let here = machine.iter().find(|(here, _)| here == name);
            let reference = match (chosen, here, declared.get("Default")) {
                (Some((_, value)), ..) => {
                    parameter.check(value)?;
                    parameter.reference(value)
                }
                (None, Some((_, value)), _) => parameter.reference(value),
                (None, None, Some(default)) => parameter.reference(&self.scope.text(default)?),
                (None, None, None) => {
                    return Err(format!("parameter {name} must have a value").into());
                }
            };
            self.scope.references.insert(name.clone(), reference);
        }
        Ok(())
    }

    /// What the section `Rules` asserts of parameters together.
    fn check_rules(&self) -> Result<(), Error> {
        for (name, rule) in section(&self.document, "Rules") {
            let applies = rule.get("RuleCondition");
            if !applies.map_or(Ok(true), |condition| self.scope.truth(condition))? {
                continue;
            }
            for assertion in rule["Assertions"].as_array().into_iter().flatten() {
                if !self.scope.truth(&assertion["Assert"])? {
                    let text = assertion["AssertDescription"].as_str();
                    return Err(text.unwrap_or(name).into());
                }
            }
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
  Name: {Type: String, Default: n, MaxLength: 3}
  List: {Type: CommaDelimitedList, Default: 'x, y'}
Resources:
  Table: {Type: 'AWS::DynamoDB::Table', Properties: {}}
";

    fn read(chosen: &[(&str, &str)]) -> Result<Template, String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let chosen: Vec<_> = chosen.iter().map(own).collect();
        Template::read(TEXT, &[], &chosen).map_err(|error| error.to_string())
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
    fn a_value_of_the_machine_may_be_any_and_gives_way_to_a_chosen_one() {
        let machine = [("Needed", "here"), ("Name", "too long")];
        let chosen = [("Needed".to_owned(), "chosen".to_owned())];
        let template = Template::read(TEXT, &machine, &chosen).unwrap();
        let references = &template.scope.references;
        assert_eq!(references["Needed"], "chosen");
        assert_eq!(references["Name"], "too long");
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

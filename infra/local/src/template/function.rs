//! The functions of a template.

use super::{QueueEvent, Template};
use crate::Error;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const FUNCTION: &str = "AWS::Serverless::Function";
const KIND: &str = "Function";

/// A function as it is deployed.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its logical name.
    pub resource: String,
    /// The binary that is built for it.
    pub binary: String,
    /// How long one call may take.
    pub timeout: Duration,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// The queues that feed it.
    pub queues: Vec<QueueEvent>,
}

impl Template {
    /// The functions with all that they are given. Resources have to have their names by then.
    ///
    /// # Errors
    /// What cannot be resolved; a function without a binary.
    pub fn functions(&self) -> Result<Vec<Function>, Error> {
        let functions = self.resources(FUNCTION)?.into_iter();
        functions
            .map(|(name, function)| self.function(name, function))
            .collect()
    }

    fn function(&self, name: &str, function: &Value) -> Result<Function, Error> {
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str();
        let binary =
            binary.ok_or_else(|| format!("{name} has no BuildProperties with a Binary"))?;
        // 3 seconds are what Lambda gives where nothing is said.
        let timeout = self
            .property(function, KIND, "Timeout")
            .map(|value| self.scope.text(value));
        let timeout = timeout
            .transpose()?
            .map_or(Ok(3), |timeout| timeout.parse())?;
        let mut environment = BTreeMap::new();
        for (variable, value) in self.variables(function) {
            if let Some(value) = self.scope.resolve(&value)? {
                let value = self
                    .scope
                    .text(&value)
                    .map_err(|error| format!("{variable}: {error}"))?;
                environment.insert(variable, value);
            }
        }
        Ok(Function {
            resource: name.to_owned(),
            binary: binary.to_owned(),
            timeout: Duration::from_secs(timeout),
            environment,
            queues: self.queue_events(function)?,
        })
    }

    /// The variables that any function has, as they are written.
    pub(super) fn all_variables(&self) -> Result<Map<String, Value>, Error> {
        let functions = self.resources(FUNCTION)?;
        Ok(functions
            .iter()
            .flat_map(|(_, function)| self.variables(function))
            .collect())
    }

    /// The variables of all functions and, over them, those of this one.
    fn variables(&self, function: &Value) -> Map<String, Value> {
        let of = |part: &Value| {
            part["Environment"]["Variables"]
                .as_object()
                .cloned()
                .unwrap_or_default()
        };
        let mut variables = of(&self.document["Globals"][KIND]);
        variables.extend(of(&function["Properties"]));
        variables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_setting_is_told_by_the_name_of_its_parameter() {
        let machine = [("IssuerUrl", "https://i"), ("Audience", "a")];
        let template = Template::read(crate::TEMPLATE, &machine, &[]).unwrap();
        let mut told = 0;
        for (variable, value) in template.all_variables().unwrap() {
            let settings = aws::Settings::read(|name| match name {
                name if name == variable => Some("?".to_owned()),
                "APPLICATION_ID" | "TABLE_NAME" | "CLIENT_SECRET_ID" | "APP_SECRET_ID" => {
                    Some("x".to_owned())
                }
                _ => None,
            });
            if let (Err(error), Value::String(parameter)) = (settings, &value["Ref"]) {
                let error = error.to_string();
                let begin = format!("parameter {parameter} must be ");
                assert!(error.starts_with(&begin), "{error}");
                told += 1;
            }
        }
        assert!(told > 10, "{told}");
    }

    #[test]
    fn a_function_has_what_is_said_of_it_over_what_is_said_of_all() {
        let text = "
Globals: {Function: {Timeout: 15, Environment: {Variables: {TABLE: !Ref T, DAYS: 7, NONE: !Ref 'AWS::NoValue'}}}}
Resources:
  T: {Type: 'AWS::DynamoDB::Table', Properties: {}}
  A: {Type: 'AWS::Serverless::Function', Metadata: {BuildProperties: {Binary: a}}}
  B:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: b}}
    Properties: {Timeout: 29, Environment: {Variables: {DAYS: 8}}}
";
        let function = |name: &str, timeout, days: &str| Function {
            resource: name.to_owned(),
            binary: name.to_lowercase(),
            timeout: Duration::from_secs(timeout),
            environment: BTreeMap::from([
                ("TABLE".to_owned(), "userpush-T".to_owned()),
                ("DAYS".to_owned(), days.to_owned()),
            ]),
            queues: vec![],
        };
        assert_eq!(
            Template::read(text, &[], &[]).unwrap().functions().unwrap(),
            [function("A", 15, "7"), function("B", 29, "8")]
        );
    }
}

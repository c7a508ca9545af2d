//! What keeps state in a template: the table and the secrets.

use super::Template;
use crate::Error;
use crate::cloud::{SecretSpec, Table};
use serde_json::{Map, Value};

pub(super) const TABLE: &str = "AWS::DynamoDB::Table";
const SECRET: &str = "AWS::SecretsManager::Secret";

/// What `CreateTable` takes of a table's properties; the rest is said in calls of its own.
const CREATE_TABLE: [&str; 6] = [
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
];

/// The secrets by the variable that names them to the functions.
const SECRETS: [(&str, &str); 2] = [
    ("CLIENT_SECRET_ID", "clientSecret"),
    ("APP_SECRET_ID", "appSecret"),
];

/// A secret of the template.
pub struct Secret {
    /// Its logical name.
    pub resource: String,
    /// How it is made.
    pub spec: SecretSpec,
}

impl Template {
    /// The one table, under the name that the functions are told.
    ///
    /// # Errors
    /// Where there is none, or more than one, or a function is not told.
    pub fn table(&self) -> Result<Table, Error> {
        let [(_, table)] = self.resources(TABLE)?[..] else {
            return Err(format!("a template has one {TABLE}").into());
        };
        let variables = self.all_variables()?;
        let name = variables
            .get("TABLE_NAME")
            .ok_or("no function is told TABLE_NAME")?;
        let name = self.scope.text(name)?;
        let mut create = Map::from_iter([("TableName".to_owned(), name.clone().into())]);
        for key in CREATE_TABLE {
            if let Some(value) = table["Properties"].get(key) {
                create.extend(
                    self.scope
                        .resolve(value)?
                        .map(|value| (key.to_owned(), value)),
                );
            }
        }
        let ttl = table["Properties"].get("TimeToLiveSpecification");
        let ttl_attribute = ttl
            .map(|ttl| self.scope.text(&ttl["AttributeName"]))
            .transpose()?;
        Ok(Table {
            name,
            create: Value::Object(create),
            ttl_attribute,
        })
    }

    /// The secrets that the functions are told of.
    ///
    /// # Errors
    /// Where a variable names no generated secret.
    pub fn secrets(&self) -> Result<Vec<Secret>, Error> {
        let variables = self.all_variables()?;
        let secrets = self.resources(SECRET)?;
        let secret = |(variable, key): (&str, &str)| {
            let resource = variables
                .get(variable)
                .and_then(|value| value["Ref"].as_str());
            let (resource, secret) = secrets
                .iter()
                .find(|(name, _)| Some(*name) == resource)
                .ok_or_else(|| format!("{variable} is no !Ref to an {SECRET}"))?;
            let length = secret["Properties"]["GenerateSecretString"].get("PasswordLength");
            // 32 is what Secrets Manager generates where no length is given.
            let length = length.map_or(Ok(32), |length| {
                self.scope.text(length)?.parse().map_err(Error::from)
            })?;
            let name = match secret["Properties"].get("Name") {
                Some(name) => self.scope.text(name)?,
                None => self.scope.text(&serde_json::json!({ "Ref": resource }))?,
            };
            Ok(Secret {
                resource: (*resource).to_owned(),
                spec: SecretSpec {
                    key: key.to_owned(),
                    name,
                    length,
                },
            })
        };
        SECRETS.into_iter().map(secret).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::template::Template;
    use serde_json::json;

    const TEXT: &str = "
Globals: {Function: {Environment: {Variables: {TABLE_NAME: !Ref T, CLIENT_SECRET_ID: !Ref A, APP_SECRET_ID: !Ref B}}}}
Resources:
  F: {Type: 'AWS::Serverless::Function', Properties: {}}
  T:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      BillingMode: PAY_PER_REQUEST
      DeletionProtectionEnabled: true
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
  A: {Type: 'AWS::SecretsManager::Secret', Properties: {GenerateSecretString: {PasswordLength: 64}}}
  B: {Type: 'AWS::SecretsManager::Secret', Properties: {Name: backend, GenerateSecretString: {}}}
";

    #[test]
    fn the_table_is_created_as_the_template_says() {
        let table = Template::read(TEXT, &[], &[]).unwrap().table().unwrap();
        assert_eq!(table.name, "userpush-T");
        assert_eq!(table.ttl_attribute.as_deref(), Some("expires"));
        assert_eq!(
            table.create,
            json!({
                "TableName": "userpush-T",
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            })
        );
    }

    #[test]
    fn a_table_that_the_functions_are_told_instead_is_made() {
        let text = TEXT.replace("!Ref T,", "restored,");
        let table = Template::read(&text, &[], &[]).unwrap().table().unwrap();
        assert_eq!(table.name, "restored");
        assert_eq!(table.create["TableName"], "restored");
    }

    #[test]
    fn a_secret_is_known_by_the_variable_that_names_it() {
        let secrets = Template::read(TEXT, &[], &[]).unwrap().secrets().unwrap();
        let told = secrets.iter().map(|secret| {
            let spec = &secret.spec;
            (
                secret.resource.as_str(),
                spec.key.as_str(),
                spec.name.as_str(),
                spec.length,
            )
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                ("A", "clientSecret", "userpush-A", 64),
                ("B", "appSecret", "backend", 32)
            ]
        );
        let without = TEXT.replace("!Ref B", "b");
        let refused = Template::read(&without, &[], &[])
            .unwrap()
            .secrets()
            .err()
            .unwrap();
        assert_eq!(
            refused.to_string(),
            "APP_SECRET_ID is no !Ref to an AWS::SecretsManager::Secret"
        );
    }
}

//! Secrets Manager: secrets, their versions and stages.

mod lists;
mod password;
mod secret;

use super::SecretSpec;
use super::answer::{Answer, Refusal, Service, not_served};
use super::kept::Kept;
use lists::{last_changed, stages};
use push::{Span, Time};
use secret::{CURRENT, Secret, Version};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use uuid::Uuid;

/// How long before the start the first versions were made: a stack that was deployed a while ago.
const DEPLOYED_BEFORE: Span = Span::from_seconds(600);

/// The emulated service.
pub struct Secrets {
    vault: Kept<Vault>,
}

#[derive(Default, Serialize, Deserialize)]
struct Vault {
    /// By name.
    secrets: BTreeMap<String, Secret>,
    /// What the control surface calls them.
    keys: BTreeMap<String, String>,
}

impl Vault {
    fn of_key(&self, key: &str) -> Option<&Secret> {
        self.secrets.get(self.keys.get(key)?)
    }

    fn find(&self, id: &str) -> Result<&Secret, Refusal> {
        let found = self.secrets.values().find(|secret| secret.is(id));
        found.ok_or_else(no_secret)
    }

    fn find_mut(&mut self, id: &str) -> Result<&mut Secret, Refusal> {
        let found = self.secrets.values_mut().find(|secret| secret.is(id));
        found.ok_or_else(no_secret)
    }
}

impl Secrets {
    /// With these secrets, generated unless the file holds them.
    ///
    /// # Errors
    /// The file cannot be read or written, or the system gives no random bytes.
    pub fn open(
        file: Option<PathBuf>,
        specs: &[SecretSpec],
        now: Time,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let vault = Kept::<Vault>::open(file)?;
        vault.change(|vault| {
            for spec in specs {
                vault.keys.insert(spec.key.clone(), spec.name.clone());
                if !vault.secrets.contains_key(&spec.name) {
                    let value = password::generated(spec.length)?;
                    let secret = new(&spec.name, now - DEPLOYED_BEFORE)?;
                    let secret = vault.secrets.entry(spec.name.clone()).or_insert(secret);
                    let made = Time::from_millis(secret.created);
                    // A new secret takes any version.
                    let _ = secret.put(&random_id(), &value, &[CURRENT.to_owned()], made);
                }
            }
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        })?;
        Ok(Self { vault })
    }

    /// The current value of a secret.
    pub fn value(&self, key: &str) -> Option<String> {
        self.vault
            .read(|vault| Some(vault.of_key(key)?.staged(CURRENT)?.value.clone()))
    }

    /// The ARN of a secret.
    pub fn arn(&self, key: &str) -> Option<String> {
        self.vault
            .read(|vault| Some(vault.of_key(key)?.arn.clone()))
    }

    /// A new generated AWSCURRENT of the same length; the old one becomes AWSPREVIOUS. Nothing where there is no such
    /// secret.
    ///
    /// # Errors
    /// The system gives no random bytes, or the new version could not be saved.
    pub fn rotate(&self, key: &str, now: Time) -> Result<Option<()>, Box<dyn Error + Send + Sync>> {
        let Some(old) = self.value(key) else {
            return Ok(None);
        };
        let value = password::generated(old.len())?;
        Ok(self.vault.update(|vault| {
            let name = vault.keys.get(key)?;
            let secret = vault.secrets.get_mut(name)?;
            secret
                .put(&random_id(), &value, &[CURRENT.to_owned()], now)
                .ok()
        })?)
    }

    /// Answers a call.
    pub fn answer(&self, operation: &str, input: &Value, now: Time) -> Answer {
        let outcome = match operation {
            "CreateSecret" => self.create(input, now),
            "DescribeSecret" => self.describe(input),
            "GetRandomPassword" => {
                password::asked(input).map(|password| json!({"RandomPassword": password}))
            }
            "GetSecretValue" => self.get(input),
            "ListSecrets" => self.list(input),
            "ListSecretVersionIds" => self.list_versions(input),
            "PutSecretValue" => self.put(input, now),
            "UpdateSecretVersionStage" => self.move_stage(input),
            _ => Err(Refusal::new(
                "UnknownOperationException",
                not_served(operation),
            )),
        };
        match outcome {
            Ok(output) => Answer::json(Service::SecretsManager, 200, &output),
            Err(refusal) => refusal.answer(Service::SecretsManager),
        }
    }

    fn create(&self, input: &Value, now: Time) -> Result<Value, Refusal> {
        let name = text(input, "Name")?;
        self.vault.change(|vault| {
            if vault.secrets.contains_key(name) {
                let text =
                    format!("The operation failed because the secret {name} already exists.");
                return Err(Refusal::new("ResourceExistsException", text));
            }
            let mut secret = new(name, now).map_err(no_chance)?;
            let mut output = json!({"ARN": secret.arn, "Name": name});
            if let Some(value) = input["SecretString"].as_str() {
                let id = version_id(input)?;
                secret.put(&id, value, &[CURRENT.to_owned()], now)?;
                output["VersionId"] = json!(id);
            }
            vault.secrets.insert(name.to_owned(), secret);
            Ok(output)
        })
    }

    fn get(&self, input: &Value) -> Result<Value, Refusal> {
        let id = text(input, "SecretId")?;
        self.vault.read(|vault| {
            let secret = vault.find(id)?;
            let version = staged(secret, input["VersionId"].as_str(), input["VersionStage"].as_str())?;
            Ok(json!({
                "ARN": secret.arn, "Name": secret.name, "VersionId": version.id, "SecretString": version.value,
                "VersionStages": version.stages, "CreatedDate": seconds(version.created),
            }))
        })
    }

    fn describe(&self, input: &Value) -> Result<Value, Refusal> {
        let id = text(input, "SecretId")?;
        self.vault.read(|vault| {
            let secret = vault.find(id)?;
            Ok(json!({
                "ARN": secret.arn, "Name": secret.name, "VersionIdsToStages": stages(secret),
                "CreatedDate": seconds(secret.created), "LastChangedDate": seconds(last_changed(secret)),
            }))
        })
    }

    fn put(&self, input: &Value, now: Time) -> Result<Value, Refusal> {
        let (id, value) = (text(input, "SecretId")?, text(input, "SecretString")?);
        let version = version_id(input)?;
        let stages = match input["VersionStages"].as_array() {
            Some(stages) => stages
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            None => vec![CURRENT.to_owned()],
        };
        self.vault.change(|vault| {
            let secret = vault.find_mut(id)?;
            secret.put(&version, value, &stages, now)?;
            let stages = secret.version(&version).map(|version| &version.stages);
            Ok(json!({"ARN": secret.arn, "Name": secret.name, "VersionId": version, "VersionStages": stages}))
        })
    }

    fn move_stage(&self, input: &Value) -> Result<Value, Refusal> {
        let (id, stage) = (text(input, "SecretId")?, text(input, "VersionStage")?);
        let (from, to) = (
            input["RemoveFromVersionId"].as_str(),
            input["MoveToVersionId"].as_str(),
        );
        self.vault.change(|vault| {
            let secret = vault.find_mut(id)?;
            secret.move_stage(stage, from, to)?;
            Ok(json!({"ARN": secret.arn, "Name": secret.name}))
        })
    }
}

/// The version that a read means: by id, where a stage must be right too, or by stage.
fn staged<'a>(
    secret: &'a Secret,
    id: Option<&str>,
    stage: Option<&str>,
) -> Result<&'a Version, Refusal> {
    let Some(id) = id else {
        let stage = stage.unwrap_or(CURRENT);
        let text = format!(
            "Secrets Manager can't find the specified secret value for staging label: {stage}"
        );
        return secret.staged(stage).ok_or_else(|| not_found(text));
    };
    let version = secret.version(id).ok_or_else(|| no_version(id))?;
    if stage.is_some_and(|stage| !version.stages.contains(stage)) {
        let text = "You provided a VersionStage that is not associated to the provided VersionId.";
        return Err(Refusal::new("InvalidRequestException", text));
    }
    Ok(version)
}

fn new(name: &str, now: Time) -> Result<Secret, getrandom::Error> {
    let suffix = password::generated(6)?;
    Ok(Secret {
        name: name.to_owned(),
        arn: format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-{suffix}"),
        created: now.millis(),
        versions: Vec::new(),
    })
}

fn random_id() -> String {
    Uuid::new_v4().to_string()
}

/// The id of a new version: the token that SDKs send so that a repeat changes nothing.
fn version_id(input: &Value) -> Result<String, Refusal> {
    match input["ClientRequestToken"].as_str() {
        None => Ok(random_id()),
        Some(token) if (32..=64).contains(&token.len()) => Ok(token.to_owned()),
        Some(_) => Err(Refusal::new(
            "InvalidParameterException",
            "ClientRequestToken must be 32-64 characters long.",
        )),
    }
}

fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    input[name].as_str().ok_or_else(|| {
        let text = format!("You must provide a value for the {name} parameter.");
        Refusal::new("InvalidParameterException", text)
    })
}

fn not_found(text: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new("ResourceNotFoundException", text)
}

fn no_secret() -> Refusal {
    not_found("Secrets Manager can't find the specified secret.")
}

fn no_version(id: &str) -> Refusal {
    not_found(format!(
        "Secrets Manager can't find the specified secret value for VersionId: {id}"
    ))
}

fn no_chance(error: getrandom::Error) -> Refusal {
    Refusal::new("InternalServiceError", error.to_string()).with_status(500)
}

/// Epoch seconds as a number with milliseconds, as AWS writes a moment in JSON.
fn seconds(millis: u64) -> f64 {
    std::time::Duration::from_millis(millis).as_secs_f64()
}

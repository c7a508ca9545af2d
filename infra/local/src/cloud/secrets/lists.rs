//! The calls that list secrets and their versions.

use super::secret::Secret;
use super::{Secrets, seconds, text};
use crate::cloud::answer::Refusal;
use serde_json::{Map, Value, json};

/// The most secrets that a page has.
const PAGE: u64 = 100;

impl Secrets {
    pub(super) fn list(&self, input: &Value) -> Result<Value, Refusal> {
        let most = match &input["MaxResults"] {
            Value::Null => PAGE,
            most => most
                .as_u64()
                .filter(|most| (1..=PAGE).contains(most))
                .ok_or_else(|| invalid(format!("MaxResults must be from 1 to {PAGE}.")))?,
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let prefixes = name_prefixes(input)?;
        let after = input["NextToken"].as_str().unwrap_or_default();
        self.vault.read(|vault| {
            let mut secrets = vault.secrets.values().filter(|secret| {
                secret.name.as_str() > after && prefixes.iter().all(|any| has_prefix(secret, any))
            });
            let page: Vec<_> = secrets.by_ref().take(most).collect();
            let shown = page.iter().map(|secret| {
                json!({
                    "ARN": secret.arn, "Name": secret.name, "SecretVersionsToStages": stages(secret),
                    "CreatedDate": seconds(secret.created), "LastChangedDate": seconds(last_changed(secret)),
                })
            });
            let mut output = json!({"SecretList": shown.collect::<Vec<_>>()});
            if let (Some(last), Some(_)) = (page.last(), secrets.next()) {
                output["NextToken"] = json!(last.name);
            }
            Ok(output)
        })
    }

    /// The versions of a secret, without those that have no stage unless `IncludeDeprecated` asks for them.
    pub(super) fn list_versions(&self, input: &Value) -> Result<Value, Refusal> {
        let id = text(input, "SecretId")?;
        let all = input["IncludeDeprecated"] == true;
        self.vault.read(|vault| {
            let secret = vault.find(id)?;
            let versions = secret.versions.iter();
            let versions = versions.filter(|version| all || !version.stages.is_empty());
            let shown = versions.map(|version| {
                json!({
                    "VersionId": version.id, "VersionStages": version.stages,
                    "CreatedDate": seconds(version.created),
                })
            });
            Ok(json!({"ARN": secret.arn, "Name": secret.name, "Versions": shown.collect::<Vec<_>>()}))
        })
    }
}

/// The values of each filter, of which a name begins with one.
fn name_prefixes(input: &Value) -> Result<Vec<Vec<&str>>, Refusal> {
    let filters = input["Filters"].as_array().into_iter().flatten();
    let prefixes = filters.map(|filter| match &filter["Key"] {
        Value::String(key) if key == "name" => {
            let values = filter["Values"].as_array().into_iter().flatten();
            Ok(values.filter_map(Value::as_str).collect())
        }
        key => Err(invalid(format!(
            "The filter {key} is not served here; the key must be name."
        ))),
    });
    prefixes.collect()
}

/// Whether the name begins with one of these; with `!` before it, whether it does not.
fn has_prefix(secret: &Secret, any: &[&str]) -> bool {
    any.iter().any(|value| match value.strip_prefix('!') {
        Some(other) => !secret.name.starts_with(other),
        None => secret.name.starts_with(value),
    })
}

/// The stages of each version that has any.
pub(super) fn stages(secret: &Secret) -> Map<String, Value> {
    let versions = secret.versions.iter();
    versions
        .filter(|version| !version.stages.is_empty())
        .map(|version| (version.id.clone(), json!(version.stages)))
        .collect()
}

/// When the newest version was made, in milliseconds.
pub(super) fn last_changed(secret: &Secret) -> u64 {
    let versions = secret.versions.iter();
    let newest = versions.map(|version| version.created).max();
    newest.unwrap_or(secret.created)
}

fn invalid(text: String) -> Refusal {
    Refusal::new("InvalidParameterException", text)
}

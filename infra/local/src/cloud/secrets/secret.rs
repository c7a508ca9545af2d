//! One secret, its versions, and how their stages move.

use super::super::answer::Refusal;
use push::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The stage of the version in use.
pub const CURRENT: &str = "AWSCURRENT";

/// The stage of the version that was in use before.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// A version without a stage is on its way out; this many are kept.
const KEPT_VERSIONS: usize = 100;

/// A secret.
#[derive(Serialize, Deserialize)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made, in milliseconds.
    pub created: u64,
    /// Its versions, the oldest first.
    pub versions: Vec<Version>,
}

/// A version of a secret.
#[derive(Serialize, Deserialize)]
pub struct Version {
    /// A UUID, or what the caller chose.
    pub id: String,
    /// The secret itself.
    pub value: String,
    /// When it was made, in milliseconds.
    pub created: u64,
    /// Its stages.
    pub stages: BTreeSet<String>,
}

impl Secret {
    /// Whether it goes by this name or ARN. AWS also takes the ARN without the six characters at its end.
    pub fn is(&self, id: &str) -> bool {
        let partial = self.arn.rsplit_once('-').map(|(partial, _)| partial);
        self.name == id || self.arn == id || partial == Some(id)
    }

    /// The version with this stage.
    pub fn staged(&self, stage: &str) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.stages.contains(stage))
    }

    /// The version with this id.
    pub fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// A new version, with stages that leave the versions that had them. The same id with the same value again changes
    /// nothing.
    ///
    /// # Errors
    /// The id is taken by another value.
    pub fn put(
        &mut self,
        id: &str,
        value: &str,
        stages: &[String],
        now: Time,
    ) -> Result<(), Refusal> {
        match self.version(id) {
            Some(there) if there.value == value => return Ok(()),
            Some(_) => {
                let text = "You can't modify an existing version, you can only create new ones.";
                return Err(Refusal::new("ResourceExistsException", text));
            }
            None => {}
        }
        self.versions.push(Version {
            id: id.to_owned(),
            value: value.to_owned(),
            created: now.millis(),
            stages: BTreeSet::new(),
        });
        for stage in stages {
            self.give(stage, Some(id));
        }
        if self.versions.len() > KEPT_VERSIONS
            && let Some(oldest) = self.versions.iter().position(|v| v.stages.is_empty())
        {
            self.versions.remove(oldest);
        }
        Ok(())
    }

    /// Moves a stage from one version to another.
    ///
    /// # Errors
    /// As Secrets Manager says it: the stage is elsewhere, a version is unknown, or AWSCURRENT would be nowhere.
    pub fn move_stage(
        &mut self,
        stage: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), Refusal> {
        let refuse = |text: String| Err(Refusal::new("InvalidParameterException", text));
        if let Some(unknown) = [from, to]
            .into_iter()
            .flatten()
            .find(|id| self.version(id).is_none())
        {
            return Err(super::no_version(unknown));
        }
        let holder = self.staged(stage).map(|version| version.id.as_str());
        match (holder, from) {
            (Some(holder), None) if to != Some(holder) => {
                return refuse(format!(
                    "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
                ));
            }
            (holder, Some(from)) if holder != Some(from) => {
                return refuse(format!(
                    "Staging label {stage} is not currently attached to version {from}."
                ));
            }
            _ => {}
        }
        if stage == CURRENT && to.is_none() {
            return refuse(format!(
                "You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
            ));
        }
        self.give(stage, to);
        Ok(())
    }

    /// The stage is with this version and no other. What was current becomes previous.
    fn give(&mut self, stage: &str, to: Option<&str>) {
        let holder = self.staged(stage).map(|version| version.id.clone());
        if holder.as_deref() == to {
            return;
        }
        for version in &mut self.versions {
            version.stages.remove(stage);
            if to == Some(&version.id) {
                version.stages.insert(stage.to_owned());
            }
        }
        if stage == CURRENT && holder.is_some() {
            self.give(PREVIOUS, holder.as_deref());
        }
    }
}

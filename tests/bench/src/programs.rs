//! Which programs are measured, and how each is started.

use crate::stub::{Authority, Beside, Stub};
use crate::world::{Failed, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tests::Recipe;

/// Where programs find AWS and whom they trust there.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The world of the stub.
    pub world: &'a World,
    /// The AWS that they call.
    pub stub: &'a Stub,
    /// Who vouches for it.
    pub authority: &'a Authority,
}

/// The profile of Cargo that functions are shipped with.
pub const SHIPPED: &str = "release";
/// The root of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Where `zip_functions` of `tests/tools.sh` puts zips.
const ZIPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/bench/zips");
/// Where `peers/build` says how peers are started.
const PEERS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../.tools/bench-peers/commands.json"
);

impl Place<'_> {
    /// A function of ours, as this profile of Cargo builds it, `release` as it is shipped. It trusts Amazon's roots, which it reads from a file with the authority of the run.
    ///
    /// # Errors
    /// It has no environment, or no certificates.
    pub fn ours_of(&self, profile: &str, name: &str) -> Result<Recipe, Failed> {
        let mut environment = self.environment(name)?;
        self.trust(&mut environment, Beside::Amazon)?;
        Ok(self.recipe(name, function(profile, name), environment))
    }

    /// A function of ours, as shipped.
    ///
    /// # Errors
    /// As [`Place::ours_of`]
    pub fn ours(&self, name: &str) -> Result<Recipe, Failed> {
        self.ours_of(SHIPPED, name)
    }

    /// Our registration with every default of the SDKs, which trusts whom the system trusts.
    ///
    /// # Errors
    /// As [`Place::ours`]
    pub fn defaults(&self) -> Result<Recipe, Failed> {
        let mut environment = self.environment("register")?;
        self.trust(&mut environment, Beside::System)?;
        let binary = built("tests/bench/defaults", "release", "defaults");
        Ok(self.recipe("defaults", binary, environment))
    }

    /// A control.
    ///
    /// # Errors
    /// As [`Place::ours`]
    pub fn control(&self, name: &str) -> Result<Recipe, Failed> {
        let ours = self.environment("register")?;
        let table = ours.get("TABLE_NAME").cloned().unwrap_or_default();
        let keys = json!(self.world.read_keys()).to_string();
        let mut environment =
            BTreeMap::from([("TABLE_NAME".to_owned(), table), ("KEYS".to_owned(), keys)]);
        self.trust(&mut environment, Beside::Amazon)?;
        let binary = built("tests/bench/controls", "release", name);
        Ok(self.recipe(name, binary, environment))
    }

    /// A program of a peer, `register` or `publish`, as `peers/build` made it.
    ///
    /// # Errors
    /// It was not built.
    pub fn peer(&self, language: &str, program: &str) -> Result<Recipe, Failed> {
        let commands = peers()?;
        let words = commands[language][program].as_array();
        let mut words = words.into_iter().flatten().filter_map(Value::as_str);
        let binary = words.next();
        let binary = binary.ok_or_else(|| format!("no {program} in {language}"))?;
        let mut environment = self.environment("register")?;
        self.trust(&mut environment, Beside::System)?;
        let name = format!("{program} in {language}");
        let mut recipe = self.recipe(&name, binary.into(), environment);
        recipe.arguments = words.map(str::to_owned).collect();
        Ok(recipe)
    }

    fn environment(&self, name: &str) -> Result<BTreeMap<String, String>, Failed> {
        let (first, rest) = name.split_at(1);
        let function = format!("{}{rest}Function", first.to_uppercase());
        self.world.environment(&function)
    }

    fn trust(
        &self,
        environment: &mut BTreeMap<String, String>,
        beside: Beside,
    ) -> Result<(), Failed> {
        let bundle = self.authority.bundle(beside)?;
        // Node adds these to those that it has built in.
        let alone = self.authority.bundle(Beside::Alone)?;
        environment.extend(
            [
                ("TLS_ROOTS", "system".to_owned()),
                ("SSL_CERT_FILE", bundle.clone()),
                ("AWS_CA_BUNDLE", bundle),
                ("NODE_EXTRA_CA_CERTS", alone),
            ]
            .into_iter()
            .chain(self.stub.elsewhere())
            .map(|(name, value)| (name.to_owned(), value)),
        );
        Ok(())
    }

    fn recipe(&self, name: &str, binary: PathBuf, environment: BTreeMap<String, String>) -> Recipe {
        Recipe {
            binary,
            arguments: Vec::new(),
            name: name.to_owned(),
            memory: 128,
            environment,
            endpoint_url: self.stub.url(),
        }
    }
}

/// How peers are started, and their versions.
///
/// # Errors
/// They were not built.
pub fn peers() -> Result<Value, Failed> {
    let text = std::fs::read_to_string(PEERS);
    let text = text.map_err(|error| format!("{PEERS}: {error}; run tests/bench/peers/build"))?;
    Ok(serde_json::from_str(&text)?)
}

/// The zip of a function, as it is uploaded.
#[must_use]
pub fn zip(function: &str) -> PathBuf {
    PathBuf::from(ZIPS).join(function).with_extension("zip")
}

/// A function of ours: as `build_functions` of `tests/tools.sh` builds it to be shipped, or by another profile of Cargo.
#[must_use]
pub fn function(profile: &str, name: &str) -> PathBuf {
    if profile == SHIPPED {
        PathBuf::from(ROOT)
            .join("target/lambda")
            .join(name)
            .join("bootstrap")
    } else {
        built(".", profile, name)
    }
}

/// A program that was built by this profile in the workspace at this path of the repository.
#[must_use]
pub fn built(workspace: &str, profile: &str, name: &str) -> PathBuf {
    let workspace = PathBuf::from(ROOT).join(workspace);
    workspace.join("target").join(profile).join(name)
}

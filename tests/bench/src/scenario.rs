//! Programs that somebody else starts: what they are started with is in a file, which `bench world` writes and the
//! measurements of instructions read.

use crate::event;
use crate::figures::Bench;
use crate::world::{Failed, USER};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::Recipe;
use tokio::net::TcpListener;

/// What `bench world` serves.
pub struct Served(Value);

/// What becomes of the first event of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// It is answered as every other.
    Answered,
    /// Its answer does not matter.
    Whatever,
}

/// How a program is started.
pub struct Start {
    /// The program.
    pub binary: PathBuf,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
}

/// Where `bench world` says what it serves.
pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/bench/world.json");
/// The function `register` where AWS is there by plain HTTP.
pub const WITHOUT_TLS: &str = "register without TLS";
/// Longer than an invocation takes under callgrind.
const PATIENCE: Duration = Duration::from_mins(2);

/// Writes the file for this bench, with our functions as `profile` of Cargo builds them; `api` is the port of the Runtime
/// API.
///
/// # Errors
/// It cannot be written.
pub fn write(bench: &Bench, profile: &str, api: u16) -> Result<(), Failed> {
    let (tls, plain) = (bench.over_tls(), bench.over_http());
    let register = event::register(&bench.world, 0);
    let send = event::send(&bench.world, USER);
    // Under callgrind handshakes take so long that some are given up and begun again: what is held has none.
    let mut without_tls = plain.ours_of(profile, "register")?;
    WITHOUT_TLS.clone_into(&mut without_tls.name);
    let programs = [
        (tls.ours_of(profile, "register")?, Some((&register, 201))),
        (without_tls, Some((&register, 201))),
        (plain.ours_of(profile, "send")?, Some((&send, 202))),
        (tls.control("hello")?, Some((&register, 201))),
        (tls.control("bare")?, Some((&register, 201))),
        (tls.defaults()?, Some((&register, 201))),
        (plain.control("sns")?, None),
        (plain.control("limit")?, None),
    ];
    let programs: Map<_, _> = programs
        .into_iter()
        .map(|(recipe, event)| (recipe.name.clone(), program(&recipe, event)))
        .collect();
    let served = json!({"api": api, "endpoint": bench.world.endpoint()?, "programs": programs});
    // In one step: who waits for the file finds all of it.
    let path = Path::new(FILE);
    let begun = path.with_extension("begun");
    std::fs::write(&begun, served.to_string())?;
    Ok(std::fs::rename(begun, path)?)
}

fn program(recipe: &Recipe, event: Option<(&Value, u16)>) -> Value {
    json!({
        "binary": recipe.binary,
        "environment": recipe.environment,
        "endpoint_url": recipe.endpoint_url,
        "event": event.map(|(event, _)| event),
        "status": event.map(|(_, status)| status),
    })
}

impl Served {
    /// What the file says.
    ///
    /// # Errors
    /// There is none.
    pub fn read() -> Result<Self, Failed> {
        let text = std::fs::read_to_string(FILE);
        let text = text.map_err(|error| format!("{FILE}: {error}; `bench world` writes it"))?;
        Ok(Self(serde_json::from_str(&text)?))
    }

    /// Where the Runtime API is.
    #[must_use]
    pub fn runtime_api(&self) -> SocketAddr {
        let port = self.0["api"].as_u64().and_then(|port| port.try_into().ok());
        (Ipv4Addr::LOCALHOST, port.unwrap_or_default()).into()
    }

    /// The endpoint to publish to.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.0["endpoint"].as_str().unwrap_or_default().to_owned()
    }

    /// How a program is started.
    #[must_use]
    pub fn recipe(&self, program: &str) -> Start {
        let program = &self.0["programs"][program];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let variables = program["environment"].as_object().into_iter().flatten();
        let given = [
            ("AWS_ENDPOINT_URL", text(&program["endpoint_url"])),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_LAMBDA_FUNCTION_NAME", "measured".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value));
        Start {
            binary: text(&program["binary"]).into(),
            environment: variables
                .map(|(name, value)| (name.clone(), text(value)))
                .chain(given)
                .collect(),
        }
    }
}

/// Is the Runtime API for a program: hands it its event so often; every answer has to have the status that it should, but
/// for one more before them where `first` says that it does not matter.
///
/// # Errors
/// Another answer, or none.
pub fn answered(program: &str, times: usize, first: First) -> Result<(), Failed> {
    let served = Served::read()?;
    let program = &served.0["programs"][program];
    let beside = usize::from(first == First::Whatever);
    let events = vec![program["event"].clone(); times + beside];
    let runtime = tokio::runtime::Runtime::new()?;
    let answers = runtime.block_on(async {
        let listener = TcpListener::bind(served.runtime_api()).await?;
        let answers = tests::feed(listener, "measured", &events, PATIENCE).await;
        answers.map_err(|failed| Failed::from(failed.to_string()))
    })?;
    match answers
        .iter()
        .skip(beside)
        .find(|answer| answer["statusCode"] != program["status"])
    {
        Some(answer) => Err(format!("an answer other than {}: {answer}", program["status"]).into()),
        None => Ok(()),
    }
}

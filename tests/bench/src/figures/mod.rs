//! The figures: our functions beside their controls, in one run.

mod publishing;
mod start;
mod wall;

use crate::gates;
use crate::instructions::Instructions;
use crate::programs::{Place, peers};
use crate::stub::{Authority, Stub};
use crate::world::{Failed, World};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The largest number of devices that a send of these figures reaches.
pub const DEVICES: usize = 1_000;

/// A world and two ways to reach it: over TLS, as AWS is, and over plain HTTP, where TLS is the same for everybody and of
/// no interest.
pub struct Bench {
    pub(crate) world: Arc<World>,
    pub(crate) authority: Authority,
    pub(crate) tls: Stub,
    pub(crate) plain: Stub,
}

impl Bench {
    /// With so many devices of the user; bundles of certificates are put into the directory.
    ///
    /// # Errors
    /// The local system does not start.
    pub async fn new(devices: usize, directory: &Path) -> Result<Self, Failed> {
        let world = Arc::new(World::with_devices(devices).await?);
        let authority = Authority::new(directory)?;
        Ok(Self {
            tls: Stub::start(Arc::clone(&world), Some(&authority)).await?,
            plain: Stub::start(Arc::clone(&world), None).await?,
            world,
            authority,
        })
    }

    pub(crate) fn over_tls(&self) -> Place<'_> {
        self.at(&self.tls)
    }

    pub(crate) fn over_http(&self) -> Place<'_> {
        self.at(&self.plain)
    }

    fn at<'a>(&'a self, stub: &'a Stub) -> Place<'a> {
        Place {
            world: &self.world,
            stub,
            authority: &self.authority,
        }
    }

    /// Every figure, by name; instructions as they were counted before.
    ///
    /// # Errors
    /// A program is missing, or does not answer as it should.
    pub async fn figures(&self) -> Result<Value, Failed> {
        let mut all = Map::from_iter([("taken".to_owned(), taken()?)]);
        let mut add = |name: &str, value: Value| {
            println!("{name}: {value:#}");
            all.insert(name.to_owned(), value);
        };
        add("start", start::start(self).await?);
        add("quota", start::under_quota(self).await?);
        add("warm", start::warm(self).await?);
        add("publishing", publishing::publishing(self).await?);
        add("wall", wall::wall(self).await?);
        add("memory_kib", json!(gates::memory(self).await?));
        add("bytes", json!(gates::sizes()?));
        add("instructions", Instructions::read()?.figures()?);
        Ok(Value::Object(all))
    }
}

/// What is measured on, with whose programs.
fn taken() -> Result<Value, Failed> {
    let about = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = about
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map(|model| model.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism()?;
    let peers = peers()?;
    let version = |language: &str| peers[language]["version"].clone();
    Ok(json!({
        "machine": format!("{cores} cores, {}", model.unwrap_or("unknown")),
        "Node": version("node"), "Python": version("python"), "Go": version("go"),
    }))
}

/// The one in the middle.
pub(crate) fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> Option<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len() / 2).copied()
}

/// A span in milliseconds.
pub(crate) fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// What these spans have in the middle, in milliseconds, with the least and the most of them.
pub(crate) fn spread(spans: &[Duration]) -> Value {
    let all: Vec<_> = spans.iter().copied().map(milliseconds).collect();
    let round = |value: f64| (value * 1e4).round() / 1e4;
    let least = all.iter().copied().fold(f64::INFINITY, f64::min);
    let most = all.iter().copied().fold(0.0, f64::max);
    json!({"median": median(all).map(round), "least": round(least), "most": round(most), "of": spans.len()})
}

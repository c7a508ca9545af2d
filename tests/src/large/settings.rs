//! How large, how disturbed, and who works it off.

use super::working::Deliver;
use std::collections::BTreeMap;
use std::time::Duration;

/// A large send.
pub struct Large {
    pub(super) devices: usize,
    pub(super) users: usize,
    /// One call of Publish in so many is throttled; 0: none.
    pub(super) throttled: u32,
    /// One in so many is never done and never answered.
    pub(super) timeouts: u32,
    /// One in so many is done, and its answer lost.
    pub(super) lost: u32,
    /// The processes that work it off; without them, the functions in this process do.
    pub(super) deliver: Option<Deliver>,
    /// Parameters of the template.
    pub(super) parameters: Vec<(String, String)>,
    /// How long the dispatch may take.
    pub(super) patience: Duration,
}

impl Large {
    /// As the variables `USERPUSH_LARGE_…` say; `tests/README.md` lists them.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the suite has settings of its own, and reads them here only"
    )]
    pub fn from_environment() -> Self {
        Self::read(|name| std::env::var(format!("USERPUSH_LARGE_{name}")).ok())
    }

    fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let number = |name: &str, default: u32| {
            let value = text(name);
            value.map_or(default, |value| {
                value
                    .parse()
                    .unwrap_or_else(|_| panic!("USERPUSH_LARGE_{name} is a number"))
            })
        };
        let count = |name: &str, default| usize::try_from(number(name, default)).unwrap();
        let seconds = |name: &str, default| Duration::from_secs(number(name, default).into());
        let devices = number("DEVICES", 2000);
        // The pace of a small region would take minutes; here the machine decides.
        let parameters = text("PARAMETERS")
            .unwrap_or_else(|| "PublishPerSecond=100000 DeliverConcurrency=8".to_owned());
        Self {
            devices: count("DEVICES", devices),
            users: count("USERS", devices.div_ceil(2)),
            throttled: number("THROTTLED", 20),
            timeouts: number("TIMEOUTS", 0),
            lost: number("LOST", 100),
            deliver: text("DELIVER").map(|binary| Deliver {
                binary: binary.into(),
                processes: count("PROCESSES", 8),
                kills: count("KILLS", 10),
                publishes: count("DEVICES", devices),
                visibility: seconds("VISIBILITY", 70),
                timeout: seconds("TIMEOUT", 120),
                environment: BTreeMap::new(),
            }),
            parameters: parameters
                .split_whitespace()
                .map(|pair| pair.split_once('=').expect("Name=Value"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            patience: seconds("PATIENCE", 900),
        }
    }
}

//! How many instructions were counted, as `instructions` of `cargo bench` has printed it.

use crate::figures::DEVICES;
use crate::world::Failed;
use serde_json::Value;
use std::collections::BTreeMap;

/// Instructions of each measurement, by its name: `register.first`.
pub struct Instructions(BTreeMap<String, f64>);

/// Where `tests/bench/instructions` keeps what was printed.
const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../.tools/bench/instructions.json"
);
/// Warm invocations after the first one.
pub const WARM: u16 = 100;
/// Publishes of the longer loop beyond those of the shorter one, and of a send.
const PUBLISHES: f64 = 1_000.0;

impl Instructions {
    /// What was counted last.
    ///
    /// # Errors
    /// Nothing was.
    pub fn read() -> Result<Self, Failed> {
        let text = std::fs::read_to_string(FILE);
        let text = text.map_err(|error| format!("{FILE}: {error}; run tests/bench/gates"))?;
        let mut counted = BTreeMap::new();
        for line in text.lines().filter(|line| line.starts_with('{')) {
            let summary: Value = serde_json::from_str(line)?;
            let name = format!(
                "{}.{}",
                text_of(&summary["function_name"]),
                text_of(&summary["id"])
            );
            let count = count(&summary).ok_or_else(|| format!("no instructions of {name}"))?;
            counted.insert(name, count);
        }
        Ok(Self(counted))
    }

    /// What must not grow.
    ///
    /// # Errors
    /// A measurement is missing.
    pub fn gates(&self) -> Result<Vec<(&'static str, f64)>, Failed> {
        Ok(vec![
            (
                "register, start and first registration without TLS",
                self.of("register.without_tls")?,
            ),
            (
                "register, each unchanged registration",
                self.each("register.first", "register.warm")?,
            ),
            (
                "send, start and first send to 1,000 devices",
                self.of("send.first")?,
            ),
            (
                "send, each publish",
                (self.of("send.warm")? - self.of("send.first")?) / PUBLISHES,
            ),
        ])
    }

    /// Everything, with what is compared.
    ///
    /// # Errors
    /// A measurement is missing.
    pub fn figures(&self) -> Result<Value, Failed> {
        let publish =
            |few: &str, many: &str| Ok::<_, Failed>((self.of(many)? - self.of(few)?) / PUBLISHES);
        Ok(serde_json::json!({
            "devices_of_a_send": DEVICES,
            "hello": {"start": self.of("control.hello_start")?},
            "register": {
                "start_and_first": self.of("register.first")?,
                "start_and_first_without_tls": self.of("register.without_tls")?,
                "warm": self.each("register.first", "register.warm")?,
            },
            "defaults": {
                "start": self.of("control.defaults_start")?,
                "start_and_first": self.of("control.defaults_first")?,
                "warm": self.each("control.defaults_first", "control.defaults_warm")?,
            },
            "bare": {"warm": self.each("control.bare_first", "control.bare_warm")?},
            "send": {"publish": publish("send.first", "send.warm")?},
            "sns": {"publish": publish("publishes.sns_1000", "publishes.sns_2000")?},
            "limit": {"publish": publish("publishes.limit_1000", "publishes.limit_2000")?},
        }))
    }

    fn of(&self, name: &str) -> Result<f64, Failed> {
        let count = self.0.get(name).copied();
        count.ok_or_else(|| format!("{name} was not measured").into())
    }

    fn each(&self, first: &str, warm: &str) -> Result<f64, Failed> {
        Ok((self.of(warm)? - self.of(first)?) / f64::from(WARM))
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The number of instructions in a summary of gungraun.
fn count(summary: &Value) -> Option<f64> {
    let callgrind = summary["profiles"].as_array()?.first()?;
    callgrind["data"]["total"]["metrics"]["Ir"]["values"]["new"].as_f64()
}

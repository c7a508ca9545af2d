//! What `tests/bench/README.md` shows, made of the results beside it: tables between marks in its text, and plots.

mod figures;
mod plots;
mod tables;

use crate::world::Failed;
use serde_json::Value;
use std::path::Path;

/// The results of all measurements, each as its command left it.
pub struct Results {
    /// `figures.json`: beside controls and peers.
    pub figures: Value,
    /// `scale.json`: by the size of the table, of a user, of a send.
    pub scale: Value,
    /// `load.json`: by the number of connections.
    pub load: Value,
    /// `profile.json`: where the instructions go.
    pub profile: Value,
}

impl Results {
    /// Those in this directory.
    ///
    /// # Errors
    /// One of them is missing.
    pub fn read(directory: &Path) -> Result<Self, Failed> {
        let read = |name: &str| {
            let path = directory.join(name).with_extension("json");
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
            Ok::<Value, Failed>(serde_json::from_str(&text)?)
        };
        Ok(Self {
            figures: read("figures")?,
            scale: read("scale")?,
            load: read("load")?,
            profile: read("profile")?,
        })
    }

    /// The text with every table in it anew: between `<!-- name -->` and `<!-- /name -->`.
    ///
    /// # Errors
    /// A mark or a result is missing.
    pub fn fill(&self, text: &str) -> Result<String, Failed> {
        let mut text = text.to_owned();
        for (name, table) in [
            ("figures", figures::table(self)?),
            ("taken", tables::taken(self)?),
            ("start", tables::start(self)?),
            ("publishing", tables::publishing(self)?),
            ("wall", tables::wall(self)?),
            ("operations", tables::operations(self)?),
            ("costs", tables::costs(self)?),
            ("size of the table", tables::table_sizes(self)?),
            ("size of a user", tables::user_sizes(self)?),
            ("sends", tables::sends(self)?),
            ("broadcasts", tables::broadcasts(self)?),
            ("load", tables::load(self)?),
            ("profile", tables::profile(self)?),
        ] {
            text = between(&text, name, &table)?;
        }
        Ok(text)
    }

    /// Draws the plots into this directory.
    ///
    /// # Errors
    /// A result is missing, or a file cannot be written.
    pub fn draw(&self, directory: &Path) -> Result<(), Failed> {
        plots::draw(self, directory)
    }
}

/// The text with this between the marks of that name.
fn between(text: &str, name: &str, table: &str) -> Result<String, Failed> {
    let [begin, end] = [format!("<!-- {name} -->\n"), format!("<!-- /{name} -->")];
    let missing = || format!("no marks of {name}");
    let (before, rest) = text.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{begin}{table}{end}{after}"))
}

/// A number in a result, by the way to it: `start/register/init_cpu_ms/median`.
fn number(value: &Value, way: &str) -> Result<f64, Failed> {
    let found = value.pointer(&format!("/{way}")).and_then(Value::as_f64);
    found.ok_or_else(|| format!("no number at {way}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_stands_between_its_marks() {
        let text = "a\n<!-- t -->\nold\n<!-- /t -->\nb\n";
        let filled = between(text, "t", "new\n").unwrap();
        assert_eq!(filled, "a\n<!-- t -->\nnew\n<!-- /t -->\nb\n");
        assert!(between(text, "other", "new\n").is_err());
    }

    #[test]
    fn the_report_says_what_was_measured() {
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        let results = Results::read(&bench.join("results")).unwrap();
        let report = std::fs::read_to_string(bench.join("README.md")).unwrap();
        assert_eq!(
            results.fill(&report).unwrap(),
            report,
            "run tests/bench/report"
        );
    }
}

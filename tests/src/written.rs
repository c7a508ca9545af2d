//! What the functions of this process log and count, searched for what may never be in it: a secret, a token, a user id.

use crate::noted::noted;
use libtest_mimic::Failed;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The log and the metrics of the functions, since [`Written::record`].
pub struct Written {
    log: Text,
    metrics: Text,
}

/// What has been written so far.
#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

/// Requests of every function with every result, and jobs: a log without one of them is not the log of all stories.
const LOGGED: [&str; 24] = [
    "\"function\":\"init\"",
    "\"function\":\"register\"",
    "\"function\":\"unregister\"",
    "\"function\":\"send\"",
    "\"function\":\"query\"",
    "\"function\":\"deliver\"",
    "webhook told",
    "webhook not told",
    "request answered",
    "request refused",
    "request failed",
    "job ended",
    "job failed",
    "binding changed",
    "SNS reported",
    "(INVALID_ARGUMENT)",
    "FPWSE0401E",
    "\"denial\":\"missing\"",
    "\"denial\":\"wrong\"",
    "\"denial\":\"expired\"",
    "\"denial\":\"other user\"",
    "\"parameter\":\"userId\"",
    "\"messageId\":\"",
    "\"snsMessageId\":\"",
];

/// What the metrics of all stories hold.
const COUNTED: [&str; 13] = [
    "\"Registrations\":",
    "\"Endings\":",
    "\"Sends\":",
    "\"Publishes\":",
    "\"Misconfigured\":",
    "\"RemovalsOverBudget\":",
    "\"Jobs\":",
    "\"MessageAge\":",
    "\"FeedbackReports\":",
    "\"WebhookEvents\":",
    "\"WebhookDeliveries\":",
    "\"Failures\":",
    "\"Refusals\":",
];

/// A word of fewer bytes would be found in any text.
const SHORTEST_WORD: usize = 8;

/// The stories use more words than that.
const FEWEST_WORDS: usize = 1000;

impl Written {
    /// Records from now on. A process can do so once.
    ///
    /// # Errors
    /// The process already writes its log elsewhere.
    pub fn record() -> Result<Self, TryInitError> {
        let (log, metrics) = (Text::default(), Text::default());
        let (logged, counted) = (log.clone(), metrics.clone());
        // The local system tells each line of metrics under this name.
        let only_metrics = Targets::new().with_target("metrics", LevelFilter::DEBUG);
        let counted = tracing_subscriber::fmt::layer().with_writer(move || counted.clone());
        tracing_subscriber::registry()
            .with(aws::log::layer(move || logged.clone()))
            .with(counted.with_filter(only_metrics))
            .try_init()?;
        Ok(Self { log, metrics })
    }

    /// Searches for each word that a story used, once all stories have ended.
    ///
    /// # Errors
    /// The line that holds one, or what shows that the text is not that of all stories.
    pub fn search(&self) -> Result<(), Failed> {
        search(&self.log.read(), &LOGGED)?;
        search(&self.metrics.read(), &COUNTED)
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Text {
    fn read(&self) -> String {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn search(text: &str, signs: &[&str]) -> Result<(), Failed> {
    for sign in signs {
        if !text.contains(sign) {
            return Err(format!("what was written does not hold {sign}").into());
        }
    }
    let words: Vec<_> = noted()
        .into_iter()
        .filter(|word| word.len() >= SHORTEST_WORD)
        .collect();
    if words.len() < FEWEST_WORDS {
        return Err(format!("the stories noted {} words only", words.len()).into());
    }
    let escaped = words.iter().map(|word| word.escape_debug().to_string());
    let words: Vec<_> = words.iter().cloned().chain(escaped).collect();
    match find(&words, text) {
        Some((word, line)) => Err(format!("a line holds {word}: {line}").into()),
        None => Ok(()),
    }
}

/// The first of the words that is in the text, and its line. One pass over the text: both are long.
fn find<'a>(words: &'a [String], text: &'a str) -> Option<(&'a str, &'a str)> {
    let mut by_begin: HashMap<&[u8], Vec<&str>> = HashMap::new();
    for word in words {
        let begin = &word.as_bytes()[..SHORTEST_WORD];
        by_begin.entry(begin).or_default().push(word);
    }
    text.lines().find_map(|line| {
        let bytes = line.as_bytes();
        let mut windows = bytes.windows(SHORTEST_WORD).enumerate();
        windows.find_map(|(at, begin)| {
            let mut words = by_begin.get(begin)?.iter();
            let word = words.find(|word| bytes[at..].starts_with(word.as_bytes()))?;
            Some((*word, line))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_where_it_is() {
        let words = ["12345678", "a token of alice"].map(str::to_owned);
        let text = "a line\n1234567 a token of bob\nhas a token of alice in it\nlast";
        assert_eq!(
            find(&words, text),
            Some(("a token of alice", "has a token of alice in it"))
        );
        assert_eq!(find(&words[..1], text), None);
        assert_eq!(
            find(&words[..1], "x12345678"),
            Some(("12345678", "x12345678"))
        );
    }
}

//! Tells every story to local servers of this process and searches what the functions log and count meanwhile: no line
//! and no metric holds a secret, a token or a user id.

use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use tests::Place;
use tokio::runtime::Runtime;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What has been written so far.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&log).into_owned()
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = Trial::test(
        "no_log_line_and_no_metric_holds_a_secret_a_token_or_a_user_id",
        searched,
    );
    let search = Trial::test("a_word_is_found_where_it_stands", || {
        let words = ["12345678", "a token of alice"].map(str::to_owned);
        let text = "a line\n1234567 a token of bob\nhas a token of alice in it\nlast";
        assert_eq!(
            found(&words, text),
            Some(("a token of alice", "has a token of alice in it"))
        );
        assert_eq!(found(&words[..1], text), None);
        assert_eq!(
            found(&words[..1], "x12345678"),
            Some(("12345678", "x12345678"))
        );
        Ok(())
    });
    libtest_mimic::run(&arguments, vec![search, trial]).exit_code()
}

/// Signs that the search would find what is in the log: requests of every function with every result, and jobs.
const LOGGED: [&str; 15] = [
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
    "FPWSE0401E",
];

/// The same for the metrics.
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

/// Drives all stories and searches the log and the metrics.
fn searched() -> Result<(), Failed> {
    let (log, metrics) = (Log::default(), Log::default());
    let (logged, counted) = (log.clone(), metrics.clone());
    // The local system tells each line of metrics under this name.
    let only_metrics = Targets::new().with_target("metrics", LevelFilter::DEBUG);
    let counted = tracing_subscriber::fmt::layer().with_writer(move || counted.clone());
    tracing_subscriber::registry()
        .with(aws::log::layer(move || logged.clone()))
        .with(counted.with_filter(only_metrics))
        .try_init()?;
    let runtime = Runtime::new()?;
    let trials = tests::trials(Place::Here { dynamodb: None }, runtime.handle());
    let quiet = Arguments {
        quiet: true,
        test_threads: Some(8),
        ..Arguments::default()
    };
    let stories = libtest_mimic::run(&quiet, trials);
    searched_for_words(&log.text(), &LOGGED)?;
    searched_for_words(&metrics.text(), &COUNTED)?;
    if stories.has_failed() {
        return Err("a story failed: what it would have logged is not known".into());
    }
    Ok(())
}

/// Finds the signs that it is the whole text, and none of the words that a story used.
fn searched_for_words(text: &str, signs: &[&str]) -> Result<(), Failed> {
    for sign in signs {
        if !text.contains(sign) {
            return Err(format!("what was written does not hold {sign}").into());
        }
    }
    let words: Vec<_> = tests::noted()
        .into_iter()
        .filter(|word| word.len() >= SHORTEST)
        .collect();
    if words.len() < 1000 {
        return Err(format!("the stories noted {} words only", words.len()).into());
    }
    let escaped = words.iter().map(|word| word.escape_debug().to_string());
    let words: Vec<_> = words.iter().cloned().chain(escaped).collect();
    match found(&words, text) {
        Some((word, line)) => Err(format!("a line holds {word}: {line}").into()),
        None => Ok(()),
    }
}

/// A word of fewer bytes would be found in any text.
const SHORTEST: usize = 8;

/// The first of the words that stands in the text, and its line. The text is gone through once: both are long.
fn found<'a>(words: &'a [String], text: &'a str) -> Option<(&'a str, &'a str)> {
    let mut by_begin: HashMap<&[u8], Vec<&str>> = HashMap::new();
    for word in words {
        let begin = &word.as_bytes()[..SHORTEST];
        by_begin.entry(begin).or_default().push(word);
    }
    text.lines().find_map(|line| {
        let bytes = line.as_bytes();
        let mut windows = bytes.windows(SHORTEST).enumerate();
        windows.find_map(|(at, begin)| {
            let mut words = by_begin.get(begin)?.iter();
            let word = words.find(|word| bytes[at..].starts_with(word.as_bytes()))?;
            Some((*word, line))
        })
    })
}

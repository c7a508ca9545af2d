//! Tells every story to local servers of this process and searches what the functions log meanwhile: no line holds a
//! secret, a token or a user id.

use libtest_mimic::{Arguments, Failed, Trial};
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use tests::Place;
use tokio::runtime::Runtime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What has been logged so far.
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
    let trial = Trial::test("no_log_line_holds_a_secret_a_token_or_a_user_id", searched);
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

/// Drives all stories and searches the log.
fn searched() -> Result<(), Failed> {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::registry()
        .with(aws::log::layer(move || writer.clone()))
        .try_init()?;
    let runtime = Runtime::new()?;
    let trials = tests::trials(Place::Here { dynamodb: None }, runtime.handle());
    let quiet = Arguments {
        quiet: true,
        test_threads: Some(8),
        ..Arguments::default()
    };
    let stories = libtest_mimic::run(&quiet, trials);
    searched_for_words(&log.text())?;
    if stories.has_failed() {
        return Err("a story failed: what it would have logged is not known".into());
    }
    Ok(())
}

/// Finds the signs that it is the whole log, and none of the words that a story used.
fn searched_for_words(text: &str) -> Result<(), Failed> {
    // The search would find what is there: refusals of every function, and changes of state.
    for sign in [
        "\"function\":\"init\"",
        "\"function\":\"register\"",
        "\"function\":\"unregister\"",
        "\"function\":\"send\"",
        "\"function\":\"query\"",
        "request refused",
        "request failed",
        "FPWSE0401E",
    ] {
        if !text.contains(sign) {
            return Err(format!("the log does not hold {sign}").into());
        }
    }
    // A word of a few letters would be found in any text.
    let words: Vec<_> = tests::noted()
        .into_iter()
        .filter(|word| word.len() >= 8)
        .collect();
    if words.len() < 1000 {
        return Err(format!("the stories noted {} words only", words.len()).into());
    }
    for word in &words {
        let escaped = word.escape_debug().to_string();
        if let Some(line) = text
            .lines()
            .find(|line| line.contains(word.as_str()) || line.contains(&escaped))
        {
            return Err(format!("a line holds {word}: {line}").into());
        }
    }
    Ok(())
}

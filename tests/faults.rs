//! Tries every fault at every call of every operation, and holds what is seen against `tests/faults/README.md`.

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use std::{env, fs};
use tokio::runtime::Runtime;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/faults/README.md");
const SEEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/faults/README.seen.md");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = Trial::test(
        "every_fault_ends_as_the_table_says_and_a_repeat_heals",
        held,
    );
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

#[expect(clippy::disallowed_methods, reason = "the one setting of this test")]
fn held() -> Result<(), Failed> {
    let seen = Runtime::new()?.block_on(tests::faults());
    let (wrong, table) = match seen {
        Ok(table) => (Vec::new(), table),
        Err(wrong) => wrong,
    };
    if env::var("USERPUSH_FAULTS").is_ok_and(|what| what == "write") {
        fs::write(PAGE, &table)?;
    }
    if !wrong.is_empty() {
        return Err(wrong.join("\n").into());
    }
    if fs::read_to_string(PAGE).unwrap_or_default() == table {
        let _ = fs::remove_file(SEEN);
        return Ok(());
    }
    fs::write(SEEN, &table)?;
    Err(format!("what was seen is not what {PAGE} says; it is in {SEEN}").into())
}

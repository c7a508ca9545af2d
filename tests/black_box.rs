//! Tells every story to a server: a local one of this process, or the one that `USERPUSH_URL` names.

use libtest_mimic::Arguments;
use std::process::ExitCode;
use tests::Place;
use tokio::runtime::Runtime;

fn main() -> Result<ExitCode, std::io::Error> {
    let mut arguments = Arguments::from_args();
    // Stories wait more than they work.
    arguments.test_threads.get_or_insert(8);
    let runtime = Runtime::new()?;
    let trials = tests::trials(Place::from_environment(), runtime.handle());
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

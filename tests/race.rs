//! Plays random histories of racing clients to a local server of this process.

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;
use tests::{Place, Race};
use tokio::runtime::Runtime;

fn main() -> Result<ExitCode, std::io::Error> {
    let arguments = Arguments::from_args();
    let runtime = Runtime::new()?;
    let trial = Trial::test("racing_clients_break_no_promise", move || {
        let outcome = runtime.block_on(Race::from_environment().run(&Place::from_environment()))?;
        println!("no violation in {outcome}");
        Ok(())
    });
    Ok(libtest_mimic::run(&arguments, vec![trial]).exit_code())
}

//! Sends one message to very many devices, to a local server of this process: by name, by a tag, and to everybody.

use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;
use tests::{Audience, Large};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each keeps every core busy.
    arguments.test_threads = Some(1);
    let trials = [
        (
            "a_message_to_all_users_reaches_every_device",
            Audience::Users,
        ),
        (
            "a_message_to_a_tag_reaches_every_subscriber",
            Audience::Subscribers,
        ),
        ("a_broadcast_reaches_every_device", Audience::Everybody),
    ];
    let trials = trials.map(|(name, audience)| Trial::test(name, move || send(audience)));
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn send(audience: Audience) -> Result<(), Failed> {
    let report = Runtime::new()?.block_on(Large::from_environment().run(audience))?;
    println!("{audience:?}\n{report}");
    Ok(())
}

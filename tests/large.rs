//! Sends one message to very many devices, to a local server of this process: by name, by a tag, and to everybody. Then, at
//! the pace of the defaults, to 500 users, alone and while a message to everybody is on its way.

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
    let mut trials: Vec<_> = trials
        .into_iter()
        .map(|(name, audience)| Trial::test(name, move || send(audience)))
        .collect();
    let name = "a_send_to_500_users_keeps_its_time_alone_and_beside_a_broadcast";
    trials.push(Trial::test(name, in_turn));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn in_turn() -> Result<(), Failed> {
    let report = Runtime::new()?.block_on(Large::from_environment().in_turn())?;
    println!("{report}");
    Ok(())
}

fn send(audience: Audience) -> Result<(), Failed> {
    let report = Runtime::new()?.block_on(Large::from_environment().run(audience))?;
    println!("{audience:?}\n{report}");
    Ok(())
}

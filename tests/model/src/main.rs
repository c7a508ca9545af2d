//! Explores the protocol of bindings and prints what came of it: how much there was to see, and what goes wrong without
//! each of its guards.

use model::{Beyond, Guard, INVARIANTS, Report, explore, plan};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    println!("Invariants checked in every state:");
    for fault in INVARIANTS {
        println!("    not {fault}");
    }
    println!("The protocol as it is:");
    let mut good = true;
    for (name, scenarios) in [
        ("every triple of calls, each in one step", plan::triples()),
        ("pairs and some triples, step by step", plan::large()),
    ] {
        let begin = Instant::now();
        let sound = explore(&scenarios, None, None);
        println!("    {name}: {}", told(&sound, begin));
        if let Some(counterexample) = &sound.counterexample {
            println!("BROKEN:\n{counterexample}");
            good = false;
        }
    }

    for guard in Guard::ALL {
        let begin = Instant::now();
        let report = explore(&plan::guarded(), Some(guard), None);
        println!(
            "\nWithout {guard:?}, {}: {}",
            guard.left_out(),
            told(&report, begin)
        );
        good &= shown(&report);
    }
    println!("\nWhat is not promised:");
    for beyond in Beyond::ALL {
        let begin = Instant::now();
        let report = explore(&plan::beyond(beyond), None, Some(beyond));
        println!("\n{beyond:?}, {}: {}", beyond.claim(), told(&report, begin));
        good &= shown(&report);
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn told(report: &Report, begin: Instant) -> String {
    format!(
        "{} states, {} steps deep, in {} scenarios; {} of them broken; {:.1} s.",
        report.states,
        report.depth,
        report.scenarios,
        report.broken,
        begin.elapsed().as_secs_f64()
    )
}

fn shown(report: &Report) -> bool {
    match &report.counterexample {
        Some(counterexample) => print!("{counterexample}"),
        None => println!("    NOTHING FOUND"),
    }
    report.counterexample.is_some()
}

//! The table of what was seen, as Markdown.

use super::fault::Times;
use super::operation::Operation;
use super::{Case, Seen, Usual};
use std::collections::BTreeMap;
use std::fmt::Write;

const HEAD: &str = "\
# Faults

Every fault of AWS at every call of every operation: what the client is answered, what there is then, and what a repeat
of the same request by the client comes to once the fault is over. The test `faults` tries all of it on local servers,
holds it against this page, and fails where they differ; `USERPUSH_FAULTS=write cargo test --workspace --test faults`
writes the page anew.

- *once*: one call fails so, the next one works. *always*: all calls of this operation fail so, this one and those after
  it, until the function gives up. A fault without either is the same both ways.
- A call is named with its place where an operation makes it more than once. `GetSecretValue` is asked for when what a
  function knows of its secrets is older than a minute.
- *done*: as if nothing had gone wrong. *as before*: as if it had not been asked for. A 503 comes with `Retry-After`.
- *not counted*: the status of the message does not come to say that it was sent. What was told twice was told under the
  same `nid`. A request with a key that was left alone for as long as one may be under way is repeated after that time.
- `timeout`: not carried out, no answer. `disconnect`: not carried out, the connection closes. `lostAnswer`: carried out,
  the connection closes instead of an answer. `Torn`: the transaction becomes visible item by item. `Conflict`: another
  transaction is under way on an item. `Unprocessed`: a batch read leaves keys out.
";

/// The whole page.
pub(super) fn table(usual: &BTreeMap<Operation, Usual>, seen: &BTreeMap<Case, Seen>) -> String {
    let mut page = HEAD.to_owned();
    for (operation, usual) in usual {
        section(&mut page, *operation, usual, seen);
    }
    page
}

/// An operation: one row for all faults at a call that come to the same.
fn section(page: &mut String, operation: Operation, usual: &Usual, seen: &BTreeMap<Case, Seen>) {
    let before = usual.before.devices();
    let _ = write!(page, "\n## {}\n\nBefore: {before}. ", operation.title());
    let _ = writeln!(
        page,
        "Done: {}, {}.\n",
        operation.success(),
        done(operation, usual)
    );
    page.push_str("| call | fault | answer | then | repeated |\n|---|---|---|---|---|\n");
    let mut rows: Vec<(String, Vec<&Case>)> = Vec::new();
    for (case, seen) in seen.iter().filter(|(case, _)| case.operation == operation) {
        // A second request is a second message, but for one with a key that was answered.
        let same = operation.has_key() && seen.status == operation.success();
        let more = if same { 0 } else { usual.after.pushes };
        let row = format!(
            "{} | {}{} | {}, {}",
            seen.status,
            state(operation, usual, &seen.state, usual.after.pushes),
            if seen.counted { "" } else { ", not counted" },
            seen.again,
            state(operation, usual, &seen.healed, seen.state.pushes + more)
        );
        let call = &case.call;
        let same = rows.iter_mut().find(|(of, cases)| {
            *of == row && cases.first().is_some_and(|first| first.call == *call)
        });
        match same {
            Some((_, cases)) => cases.push(case),
            None => rows.push((row, vec![case])),
        }
    }
    for (row, cases) in rows {
        let call = cases.first().map(|case| case.call.title());
        let _ = writeln!(
            page,
            "| {} | {} | {row} |",
            call.unwrap_or_default(),
            names(&cases)
        );
    }
}

/// The names of faults; those that are there both once and always have one name.
fn names(cases: &[&Case]) -> String {
    let mut names = Vec::new();
    for case in cases {
        let title = case.fault.title();
        let both = cases
            .iter()
            .any(|other| other.fault == case.fault && other.times != case.times);
        if !both {
            names.push(format!("{title} {}", case.times.title()));
        } else if case.times == Times::Once {
            names.push(title.to_owned());
        }
    }
    names.join(", ")
}

fn done(operation: Operation, usual: &Usual) -> String {
    let told = match (operation.sends(), usual.after.pushes) {
        (false, _) => return usual.after.devices(),
        (true, 0) => "not told",
        (true, _) => "told once",
    };
    format!("{told}, {}", usual.after.devices())
}

/// What there is, in words; `pushes` are those that there should be.
fn state(operation: Operation, usual: &Usual, state: &super::State, pushes: usize) -> String {
    let devices = state.devices();
    let devices = if devices == usual.after.devices() {
        "done".to_owned()
    } else if devices == usual.before.devices() {
        "as before".to_owned()
    } else {
        devices
    };
    if !operation.sends() || state.pushes == pushes {
        return devices;
    }
    match (state.pushes, pushes) {
        (0, _) => format!("{devices}, not told"),
        (times, _) if times > pushes => format!("{devices}, told twice"),
        (_, _) => format!("{devices}, not told again"),
    }
}

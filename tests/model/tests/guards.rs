//! Each guard is needed: without it the model finds a way to break what it guards. A model that finds nothing proves
//! nothing.

use model::{Beyond, Fault, Guard, explore, plan};

/// What breaks first without each guard.
const BREAKS: [(Guard, Fault); Guard::ALL.len()] = [
    (Guard::RandomVersion, Fault::NoOwner),
    (Guard::Arrived, Fault::WrongOwner),
    (Guard::Tombstone, Fault::WrongOwner),
    (Guard::LogoutMarker, Fault::WrongOwner),
    (Guard::LogoutKeepsPlace, Fault::NoOwner),
    (Guard::RemovalKeepsPlace, Fault::NoOwner),
    (Guard::EnabledFirst, Fault::RemovedUntried),
    (Guard::AskingClears, Fault::RemovedUntried),
    (Guard::OvertakenEnds, Fault::WrongOwner),
    (Guard::OvertakenLeavesPlace, Fault::WrongOwner),
    (Guard::TokenPlace, Fault::WrongOwner),
    (Guard::TokenCondition, Fault::TokenShared),
    (Guard::HolderCheck, Fault::TokenShared),
    (Guard::ErasureCheck, Fault::WrongOwner),
    (Guard::ErasurePassesOver, Fault::NoOwner),
    (Guard::ErasureWaits, Fault::WrongOwner),
    (Guard::LastWord, Fault::NotTheirs),
    (Guard::ExpiredIsAbsent, Fault::NotTheirs),
    (Guard::Patience, Fault::WrongOwner),
    (Guard::SameWords, Fault::PushAfterLogout),
    (Guard::OrderOfArrival, Fault::NoOwner),
];

#[test]
fn with_all_guards_nothing_breaks() {
    assert_eq!(explore(&plan::guarded(), None, None).fault(), None);
}

#[test]
fn without_a_guard_what_it_guards_breaks() {
    let found = BREAKS.map(|(guard, _)| {
        let report = explore(&plan::guarded(), Some(guard), None);
        (guard, report.fault())
    });
    let expected = BREAKS.map(|(guard, fault)| (guard, Some(fault)));
    assert_eq!(found, expected);
}

#[test]
fn every_guard_is_left_out_once() {
    assert_eq!(BREAKS.map(|(guard, _)| guard), Guard::ALL);
}

#[test]
fn a_registration_that_changed_nothing_overtakes_nobody() {
    let beyond = Beyond::Unchanged;
    let report = explore(&plan::beyond(beyond), None, Some(beyond));
    assert_eq!(report.fault(), Some(Fault::WrongOwner));
}

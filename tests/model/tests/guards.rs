//! Each guard is needed: without it the model finds a way to break what it guards. A model that finds nothing proves
//! nothing.

use model::{Beyond, Fault, Guard, explore, plan};

/// What breaks first without the guard, by a way that the plan for guards has.
fn breaks(guard: Guard) -> Option<Fault> {
    explore(&plan::guarded(), Some(guard), None).fault()
}

fn is_not_so(beyond: Beyond) -> Option<Fault> {
    explore(&plan::beyond(beyond), None, Some(beyond)).fault()
}

#[test]
fn with_all_guards_nothing_breaks() {
    assert_eq!(explore(&plan::guarded(), None, None).fault(), None);
}

#[test]
fn a_version_that_is_counted_lets_a_late_call_overwrite_a_logout() {
    assert_eq!(breaks(Guard::RandomVersion), Some(Fault::BoundAfterLogout));
}

#[test]
fn without_arrived_an_earlier_call_binds_after_a_logout() {
    assert_eq!(breaks(Guard::Arrived), Some(Fault::BoundAfterLogout));
}

#[test]
fn without_a_tombstone_an_earlier_call_binds_after_a_logout() {
    assert_eq!(breaks(Guard::Tombstone), Some(Fault::BoundAfterLogout));
}

#[test]
fn without_a_trace_of_a_logout_answered_404_an_earlier_call_binds_after_it() {
    assert_eq!(breaks(Guard::Departure), Some(Fault::BoundAfterLogout));
}

#[test]
fn without_the_tokens_condition_two_devices_share_it() {
    assert_eq!(breaks(Guard::TokenCondition), Some(Fault::TokenShared));
}

#[test]
fn without_the_devices_last_word_a_push_reaches_another() {
    assert_eq!(breaks(Guard::LastWord), Some(Fault::NotTheirs));
}

#[test]
fn where_expired_counts_a_push_reaches_a_device_whose_lease_is_over() {
    assert_eq!(breaks(Guard::ExpiredIsAbsent), Some(Fault::NotTheirs));
}

#[test]
fn calls_that_never_give_up_outlive_the_tombstone_that_holds_them_off() {
    assert_eq!(breaks(Guard::Patience), Some(Fault::BoundAfterLogout));
}

#[test]
fn a_token_that_keeps_no_time_is_taken_back_by_an_earlier_call() {
    assert_eq!(breaks(Guard::TokenArrived), Some(Fault::PushAfterLogout));
}

#[test]
fn a_look_for_a_half_visible_transaction_answers_too_early() {
    assert_eq!(breaks(Guard::SameWords), Some(Fault::PushAfterLogout));
}

#[test]
fn a_registration_that_changed_nothing_holds_off_nobody() {
    assert_eq!(is_not_so(Beyond::Unchanged), Some(Fault::UnchangedUndone));
}

//! The ledger against the execution of calls one by one, and against the states after races that were told wrong.

use super::Ledger;
use crate::race::event::{Event, Record};
use crate::race::judge::{IN_FLIGHT, LEASE};
use crate::race::plan::{Op, Proof};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
/// The devices and the tokens.
const D: usize = 0;
const E: usize = 1;
const S: usize = 0;
const T: usize = 1;

/// Who has which device, with which token.
type State = BTreeMap<usize, (Option<usize>, usize)>;

const fn logout(device: usize, proof: Proof) -> Op {
    Op::Unregister { device, proof }
}

/// A call that arrived then, and was answered so a second later.
fn call(arrived: u64, op: Op, status: u16) -> Event {
    Event {
        round: 0,
        op,
        begun: arrived,
        answered: arrived + 1000,
        id: String::new(),
        arrived,
        unchanged: false,
        status,
        body: Value::Null,
    }
}

/// The calls as they arrived, all of them made.
fn in_order(ops: impl IntoIterator<Item = Op>) -> Vec<Event> {
    let made = |(op, arrived)| {
        let status = match op {
            Op::Register { .. } => 201,
            _ => 204,
        };
        call(arrived, op, status)
    };
    ops.into_iter().zip(1..).map(made).collect()
}

fn record(events: Vec<Event>) -> Record {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Record {
        users: names(&["alice", "bob", "carol"]),
        devices: names(&["D", "E"]),
        tokens: names(&["S", "T"]),
        events,
        landed: Vec::new(),
        quiets: Vec::new(),
    }
}

/// What is wrong with the state after these calls, long after the last was answered.
fn wrong(events: Vec<Event>, state: &State) -> Option<&'static str> {
    let record = record(events);
    let seen = |device| state.get(&device).copied();
    let found = Ledger::of(&record).contradiction(seen, 10_000);
    found.map(|(promise, ..)| promise)
}

fn holds<const N: usize>(state: [(usize, usize, usize); N]) -> State {
    let held = |(device, user, token)| (device, (Some(user), token));
    state.into_iter().map(held).collect()
}

/// What a call does when nothing else is under way.
fn execute(state: &mut State, op: &Op) {
    match *op {
        Op::Register {
            device,
            token,
            user,
            ..
        } => {
            state.retain(|_, (_, held)| *held != token);
            state.insert(device, (user, token));
        }
        Op::Unregister { device, proof } => {
            let own = |owner: &Option<usize>| match (proof, owner) {
                (Proof::Own(user), Some(owner)) => user == *owner,
                _ => true,
            };
            if state.get(&device).is_some_and(|(owner, _)| own(owner)) {
                state.remove(&device);
            }
        }
        Op::Erase { user } => state.retain(|_, (owner, _)| *owner != Some(user)),
        _ => {}
    }
}

#[test]
fn the_ledger_is_what_executing_the_calls_one_by_one_gives() {
    let mut calls = vec![Op::Erase { user: ALICE }];
    for device in [D, E] {
        for user in [ALICE, BOB] {
            calls.push(logout(device, Proof::Own(user)));
            calls.extend([S, T].map(|token| Op::login(device, user, token)));
        }
        calls.push(logout(device, Proof::Provisioned));
    }
    let count = calls.len();
    let states = [
        State::new(),
        holds([(D, ALICE, S)]),
        holds([(D, BOB, T)]),
        holds([(E, ALICE, S)]),
        holds([(D, ALICE, S), (E, BOB, T)]),
    ];
    for n in 0..count.pow(4) {
        let digits = [1, count, count.pow(2), count.pow(3)];
        let ops = digits.map(|digit| calls[n / digit % count].clone());
        let mut state = State::new();
        for op in &ops {
            execute(&mut state, op);
        }
        assert_eq!(
            wrong(in_order(ops.clone()), &state),
            None,
            "{ops:?} {state:?}"
        );
        for other in states.iter().filter(|other| **other != state) {
            assert!(
                wrong(in_order(ops.clone()), other).is_some(),
                "{ops:?} {other:?}"
            );
        }
    }
}

#[test]
fn an_overtaken_login_takes_the_phone_from_whom_it_had() {
    let early = Op::login(D, ALICE, S);
    for (promise, before, login, overtaking, stays) in [
        (
            "bob's logout does not leave the device to alice",
            early.clone(),
            Op::login(D, BOB, T),
            logout(D, Proof::Own(BOB)),
            (D, ALICE, S),
        ),
        (
            "nor the old installation of the app",
            Op::login(E, ALICE, T),
            Op::login(D, BOB, T),
            logout(D, Proof::Own(BOB)),
            (E, ALICE, T),
        ),
        (
            "the device ended though its token went elsewhere",
            early,
            Op::login(D, BOB, T),
            Op::login(E, CAROL, T),
            (D, ALICE, S),
        ),
        (
            "whoever held the token has lost it though the device got another",
            Op::login(E, ALICE, T),
            Op::login(D, BOB, T),
            Op::login(D, CAROL, S),
            (E, ALICE, T),
        ),
    ] {
        let events = in_order([before, login, overtaking.clone()]);
        let mut state = State::new();
        if matches!(overtaking, Op::Register { .. }) {
            execute(&mut state, &overtaking);
        }
        assert_eq!(wrong(events.clone(), &state), None, "{promise}");
        let (device, user, token) = stays;
        state.insert(device, (Some(user), token));
        assert!(wrong(events, &state).is_some(), "{promise}");
    }
}

#[test]
fn a_logout_ends_nothing_of_another_user() {
    let ops = [
        Op::login(D, ALICE, S),
        Op::login(D, BOB, S),
        logout(D, Proof::Own(ALICE)),
    ];
    assert_eq!(wrong(in_order(ops.clone()), &holds([(D, BOB, S)])), None);
    assert!(wrong(in_order(ops), &State::new()).is_some());
}

#[test]
fn ten_logouts_do_not_hide_the_first_one() {
    let mut events = in_order([Op::login(D, BOB, S)]);
    let logouts = std::iter::once(BOB).chain(3..13);
    events.extend(logouts.map(|user| call(2, logout(D, Proof::Own(user)), 404)));
    assert_eq!(wrong(events.clone(), &State::new()), None);
    assert!(wrong(events, &holds([(D, BOB, S)])).is_some());
}

#[test]
fn refused_calls_count_as_not_made() {
    let first = in_order([Op::login(D, ALICE, S)]);
    for (op, status) in [
        (Op::login(D, BOB, S), 401),
        (Op::login(D, BOB, S), 404),
        (logout(D, Proof::Nothing), 401),
    ] {
        let events = [first.clone(), vec![call(2, op, status)]].concat();
        assert_eq!(wrong(events.clone(), &holds([(D, ALICE, S)])), None);
        assert!(wrong(events, &State::new()).is_some());
    }
}

#[test]
fn what_may_have_been_made_allows_either() {
    let first = in_order([Op::login(D, ALICE, S)]);
    let events = [first, vec![call(2, Op::login(D, BOB, S), 503)]].concat();
    for state in [holds([(D, ALICE, S)]), holds([(D, BOB, S)])] {
        assert_eq!(wrong(events.clone(), &state), None);
    }
}

#[test]
fn calls_of_one_millisecond_came_in_either_order() {
    let both = [Op::login(D, ALICE, S), Op::login(D, BOB, S)];
    let events: Vec<_> = both.map(|op| call(1, op, 201)).into();
    for state in [holds([(D, ALICE, S)]), holds([(D, BOB, S)])] {
        assert_eq!(wrong(events.clone(), &state), None);
    }
    assert!(wrong(events, &holds([(D, CAROL, S)])).is_some());
}

#[test]
fn a_registration_that_wrote_nothing_overtakes_nobody() {
    let mut events = in_order([
        Op::login(D, ALICE, S),
        Op::login(D, BOB, S),
        Op::login(D, ALICE, S),
    ]);
    events[2].unchanged = true;
    assert_eq!(wrong(events.clone(), &holds([(D, BOB, S)])), None);
    assert!(wrong(events, &holds([(D, ALICE, S)])).is_some());
}

#[test]
fn a_push_may_land_for_a_while_after_the_end_was_answered_and_not_if_asked_for_later() {
    let login = call(1000, Op::login(D, ALICE, S), 201);
    let logout = call(5000, logout(D, Proof::Own(ALICE)), 404);
    let answered = logout.answered;
    let record = record(vec![login, logout]);
    let ledger = Ledger::of(&record);
    let explains = |asked, at| ledger.bindings[0].explains(asked, at);
    assert!(!explains(0, 999));
    assert!(explains(0, 1000));
    assert!(explains(answered, answered + IN_FLIGHT));
    assert!(!explains(answered, answered + IN_FLIGHT + 1));
    assert!(!explains(answered + 1, answered + 1));
}

#[test]
fn a_read_by_the_owner_past_half_of_the_lease_may_have_renewed_it() {
    let login = call(0, Op::login(D, ALICE, S), 201);
    let read = |proof, seconds| Event {
        body: json!({"token": "S", "lastUpdatedTime": "1970-01-01T00:00:00Z"}),
        ..call(seconds * 1000, Op::Read { device: D, proof }, 200)
    };
    let later = (LEASE + LEASE / 4) * 1000;
    for (read, renews) in [
        (read(Proof::Own(ALICE), LEASE / 2), true),
        (read(Proof::Own(ALICE), LEASE / 4), false),
        (read(Proof::Provisioned, LEASE / 2), false),
        (read(Proof::Own(BOB), LEASE / 2), false),
    ] {
        let record = record(vec![login.clone(), read.clone()]);
        let ledger = Ledger::of(&record);
        assert_eq!(ledger.bindings[0].stood(later, later), renews, "{read:?}");
        // Whether it did is not known.
        assert_eq!(ledger.sure(later, later).count(), 0);
        assert!(ledger.bindings[0].was_known(later, later));
    }
}

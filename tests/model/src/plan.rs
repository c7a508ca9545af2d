//! Which scenarios are explored, on tables as they can stand: every triple of calls, each carried out in one step; every pair
//! of calls, and triples of those that get into each other's way, step by step, with and without time that passes.
//! Scenarios that differ in names only are one.

use crate::judge::Beyond;
use crate::names::{Device, Token, User};
use crate::scenario::{Age, By, Grain, Order, Scenario, Stand};
use push::Span;
use std::collections::BTreeSet;

const A: Device = Device::A;
const B: Device = Device::B;
const ONE: Token = Token::One;
const TWO: Token = Token::Two;
const ALICE: User = User::Alice;
const BOB: User = User::Bob;
const CAROL: User = User::Carol;

/// Every call that can be made of two devices, two tokens and three users.
fn every_order() -> Vec<Order> {
    let mut orders = Vec::new();
    for device in Device::ALL {
        for token in Token::ALL {
            let users = [Some(ALICE), Some(BOB), Some(CAROL), None];
            orders.extend(users.map(|user| Order::Register(device, token, user)));
            orders.push(Order::Remove(device, token));
        }
        orders.extend(User::ALL.map(|user| Order::Unregister(device, By::User(user))));
        orders.extend([By::Provisioned, By::Nobody].map(|by| Order::Unregister(device, by)));
    }
    orders.extend(User::ALL.map(Order::Erase));
    orders.extend(User::ALL.map(Order::Send));
    orders
}

/// The calls that get into each other's way most: about one phone, under one or two ids.
const CLOSE: [Order; 9] = [
    Order::Register(A, ONE, Some(ALICE)),
    Order::Register(A, ONE, Some(BOB)),
    Order::Register(A, TWO, Some(ALICE)),
    Order::Register(B, ONE, Some(BOB)),
    Order::Unregister(A, By::User(ALICE)),
    Order::Unregister(A, By::Provisioned),
    Order::Remove(A, ONE),
    Order::Erase(ALICE),
    Order::Send(ALICE),
];

/// The same without the rarer ones.
const CLOSER: [Order; 6] = [
    Order::Register(A, ONE, Some(ALICE)),
    Order::Register(A, ONE, Some(BOB)),
    Order::Register(A, TWO, Some(ALICE)),
    Order::Register(B, ONE, Some(BOB)),
    Order::Unregister(A, By::User(ALICE)),
    Order::Send(ALICE),
];

/// A login, a reinstall by another user, a logout and a push.
const CLOSEST: [Order; 4] = [
    Order::Register(A, ONE, Some(ALICE)),
    Order::Register(B, ONE, Some(BOB)),
    Order::Unregister(A, By::User(ALICE)),
    Order::Send(ALICE),
];

/// Logins and logouts of two users on one phone, which overtake each other.
const PARTING: [Order; 5] = [
    Order::Register(A, TWO, Some(ALICE)),
    Order::Register(A, ONE, Some(BOB)),
    Order::Register(B, ONE, Some(ALICE)),
    Order::Unregister(A, By::User(ALICE)),
    Order::Unregister(A, By::User(BOB)),
];

/// Calls of three users that overtake each other.
const RACING: [Order; 10] = [
    Order::Register(A, ONE, Some(ALICE)),
    Order::Register(A, ONE, Some(BOB)),
    Order::Register(A, TWO, Some(BOB)),
    Order::Register(B, ONE, Some(BOB)),
    Order::Register(B, ONE, Some(CAROL)),
    Order::Unregister(A, By::User(ALICE)),
    Order::Unregister(A, By::User(BOB)),
    Order::Unregister(A, By::Provisioned),
    Order::Erase(ALICE),
    Order::Remove(A, ONE),
];

/// An erasure, and what it may meet.
const ERASING: [Order; 4] = [
    Order::Erase(ALICE),
    Order::Register(A, ONE, Some(ALICE)),
    Order::Register(B, ONE, Some(BOB)),
    Order::Unregister(A, By::User(ALICE)),
];

/// A removal, and the logins that it may meet.
const REMOVING: [Order; 4] = [
    Order::Remove(A, ONE),
    Order::Register(A, ONE, Some(BOB)),
    Order::Register(A, TWO, Some(ALICE)),
    Order::Register(B, ONE, Some(BOB)),
];

/// A disabled endpoint, and what it may meet.
const FINDING: [Order; 5] = [
    Order::Find(A, ONE),
    Order::Register(A, ONE, Some(ALICE)),
    Order::Register(A, TWO, Some(ALICE)),
    Order::Register(A, ONE, Some(BOB)),
    Order::Unregister(A, By::User(ALICE)),
];

/// Tombstones have expired.
const TOMBSTONE_OVER: Span = Span::from_seconds(25 * 3600);
/// Leases have.
const LEASE_OVER: Span = Span::from_days(11);
/// Everything has.
const ALL_OVER: Span = Span::from_days(41);

/// Devices as they stand.
type Stands = [Option<Stand>; 2];

const NOTHING: Stands = [None, None];

fn live() -> Stand {
    Stand::live(ONE, Some(ALICE))
}

/// Only alice's device, as old as that.
fn alices(age: Age) -> Stands {
    [Some(live().aged(age)), None]
}

/// Nothing, a device of alice, one of bob besides, an anonymous one, one that ended.
fn fresh() -> [Stands; 5] {
    [
        NOTHING,
        alices(Age::Fresh),
        [Some(live()), Some(Stand::live(TWO, Some(BOB)))],
        [Some(Stand::live(ONE, None)), None],
        [Some(Stand::ended(Some(ALICE))), None],
    ]
}

/// The same, and further tables on which every triple of calls is carried out: both devices of one user, one of them
/// anonymous, both anonymous, one with the other's former token.
fn full() -> Vec<Stands> {
    let mut all = fresh().to_vec();
    let second = |user| Some(Stand::live(TWO, user));
    all.push([Some(live()), second(Some(ALICE))]);
    all.push([Some(live()), second(None)]);
    all.push([Some(Stand::live(ONE, None)), second(None)]);
    all.push([Some(live()), Some(Stand::ended(Some(BOB)))]);
    all
}

/// What is explored in little time: every pair of calls, and some triples.
#[must_use]
pub fn small() -> Vec<Scenario> {
    let soon = [Span::from_seconds(11)];
    let young = [NOTHING, alices(Age::Fresh)];
    let mut all = pairs(&young);
    all.extend(scenarios(&young, &CLOSE, 2, &soon));
    all.extend(scenarios(
        &[alices(Age::Lapsed), alices(Age::Expired)],
        &CLOSE,
        2,
        &[],
    ));
    all.extend(distinct(scenarios(&[alices(Age::Fresh)], &CLOSEST, 3, &[])));
    all.extend(races(&[alices(Age::Fresh)]));
    all.extend(scenarios(&[alices(Age::Fresh)], &FINDING, 2, &[]));
    all.insert(reinstalled_and_gone());
    all.into_iter().collect()
}

/// Every triple of calls on every table, each call in one step.
#[must_use]
pub fn triples() -> Vec<Scenario> {
    races(&full()).into_iter().collect()
}

/// What is explored step by step in a few minutes: besides, more tables, time that passes, and more triples.
#[must_use]
pub fn large() -> Vec<Scenario> {
    let mut all: BTreeSet<_> = small().into_iter().collect();
    let young = [NOTHING, alices(Age::Fresh)];
    all.extend(pairs(&fresh()));
    all.extend(pairs(&[alices(Age::Lapsed), alices(Age::Expired)]));
    all.extend(scenarios(&fresh(), &CLOSE, 2, &[TOMBSTONE_OVER]));
    all.extend(scenarios(&fresh(), &CLOSE, 2, &[LEASE_OVER]));
    all.extend(scenarios(&young, &CLOSE, 2, &[ALL_OVER]));
    let both = [Some(live()), Some(Stand::live(TWO, Some(BOB)))];
    all.extend(distinct(scenarios(&young, &CLOSER, 3, &[])));
    all.extend(distinct(scenarios(&[both], &CLOSER, 3, &[])));
    all.extend(distinct(scenarios(&[alices(Age::Fresh)], &PARTING, 3, &[])));
    all.extend(distinct(scenarios(&[alices(Age::Fresh)], &ERASING, 3, &[])));
    all.insert(found_again());
    all.extend(distinct(scenarios(&[alices(Age::Fresh)], &FINDING, 3, &[])));
    all.extend(distinct(scenarios(
        &[alices(Age::Fresh)],
        &REMOVING,
        3,
        &[],
    )));
    all.extend(distinct(scenarios(
        &[alices(Age::Expired)],
        &CLOSEST,
        3,
        &[],
    )));
    all.into_iter().collect()
}

/// What suffices to show what each guard is for.
#[must_use]
pub fn guarded() -> Vec<Scenario> {
    let young = [NOTHING, alices(Age::Fresh)];
    let mut all = scenarios(&young, &CLOSER, 2, &[TOMBSTONE_OVER]);
    all.extend(scenarios(&[alices(Age::Expired)], &CLOSER, 2, &[]));
    all.extend(scenarios(&young, &ERASING, 2, &[]));
    all.extend(scenarios(&young, &REMOVING, 2, &[]));
    all.extend(scenarios(&[alices(Age::Fresh)], &FINDING, 2, &[]));
    all.insert(found_again());
    all.extend(distinct(scenarios(&[alices(Age::Fresh)], &CLOSEST, 3, &[])));
    all.extend(distinct(plans(&young, &RACING, 3, (&[], Grain::Calls))));
    all.insert(reinstalled_and_gone());
    all.into_iter().collect()
}

/// Every pair of calls, step by step.
fn pairs(stands: &[Stands]) -> BTreeSet<Scenario> {
    scenarios(stands, &every_order(), 2, &[])
}

/// Every triple of calls but pushes, each carried out in one step.
fn races(stands: &[Stands]) -> BTreeSet<Scenario> {
    let mut menu = every_order();
    menu.retain(|order| !matches!(order, Order::Send(_)));
    plans(stands, &menu, 3, (&[], Grain::Calls))
}

/// A login that takes long, a reinstall by another user meanwhile, who logs out again, and a push.
fn reinstalled_and_gone() -> Scenario {
    Scenario {
        stands: NOTHING,
        orders: vec![
            Order::Register(A, ONE, Some(ALICE)),
            Order::Register(B, ONE, Some(BOB)),
            Order::Unregister(B, By::User(BOB)),
            Order::Send(ALICE),
        ],
        leaps: Vec::new(),
        grain: Grain::Items,
    }
}

/// An endpoint that is found disabled before and after a registration.
fn found_again() -> Scenario {
    Scenario {
        stands: alices(Age::Fresh),
        orders: vec![
            Order::Find(A, ONE),
            Order::Register(A, ONE, Some(ALICE)),
            Order::Find(A, ONE),
        ],
        leaps: Vec::new(),
        grain: Grain::Items,
    }
}

/// What shows that this is not promised.
#[must_use]
pub fn beyond(beyond: Beyond) -> Vec<Scenario> {
    let Beyond::Unchanged = beyond;
    vec![Scenario {
        stands: alices(Age::Fresh),
        orders: vec![
            Order::Register(A, ONE, Some(BOB)),
            Order::Register(A, ONE, Some(ALICE)),
        ],
        leaps: Vec::new(),
        grain: Grain::Items,
    }]
}

/// All orders of so many calls. A send comes last: what arrives after it has nothing to do with it but being in its way,
/// and that it is from any place.
fn sequences(menu: &[Order], calls: usize) -> Vec<Vec<Order>> {
    (1..=calls).fold(vec![Vec::new()], |all, place| {
        let longer = |orders: &Vec<Order>| -> Vec<Vec<Order>> {
            let fits = |order: &&Order| place == calls || !matches!(order, Order::Send(_));
            let with = |order: &Order| orders.iter().copied().chain([*order]).collect();
            menu.iter().filter(fits).map(with).collect()
        };
        all.iter().flat_map(longer).collect()
    })
}

fn scenarios(
    stands: &[Stands],
    menu: &[Order],
    calls: usize,
    leaps: &[Span],
) -> BTreeSet<Scenario> {
    plans(stands, menu, calls, (leaps, Grain::Items))
}

fn plans(
    stands: &[Stands],
    menu: &[Order],
    calls: usize,
    (leaps, grain): (&[Span], Grain),
) -> BTreeSet<Scenario> {
    let orders = sequences(menu, calls);
    let of = |stands: &Stands| -> Vec<Scenario> {
        let scenario = |orders: &Vec<Order>| Scenario {
            stands: *stands,
            orders: orders.clone(),
            leaps: leaps.to_vec(),
            grain,
        };
        orders
            .iter()
            .map(|orders| scenario(orders).representative())
            .collect()
    };
    stands.iter().flat_map(of).collect()
}

/// Those in which no call is made twice.
fn distinct(scenarios: BTreeSet<Scenario>) -> impl Iterator<Item = Scenario> {
    let twice = |orders: &[Order]| orders.iter().collect::<BTreeSet<_>>().len() < orders.len();
    scenarios
        .into_iter()
        .filter(move |scenario| !twice(&scenario.orders))
}

//! Which scenarios are explored: pairs of all calls and triples of those that get into each other's way, on tables as they
//! can stand, young and old, with and without time that passes. Scenarios that differ in names only are one.

use crate::judge::Beyond;
use crate::names::{Device, Token, User};
use crate::scenario::{Age, By, Order, Scenario, Stand};
use push::Span;
use std::collections::BTreeSet;

const A: Device = Device::A;
const B: Device = Device::B;
const ONE: Token = Token::One;
const TWO: Token = Token::Two;
const ALICE: User = User::Alice;
const BOB: User = User::Bob;

/// Every call that can be made of two devices, two tokens and two users.
fn every_order() -> Vec<Order> {
    let mut orders = Vec::new();
    for device in Device::ALL {
        for token in Token::ALL {
            let users = [Some(ALICE), Some(BOB), None];
            orders.extend(users.map(|user| Order::Register(device, token, user)));
            orders.push(Order::Remove(device, token));
        }
        let callers = [By::User(ALICE), By::User(BOB), By::Provisioned, By::Nobody];
        orders.extend(callers.map(|by| Order::Unregister(device, by)));
    }
    orders.extend(User::ALL.map(Order::Send));
    orders
}

/// The calls that get into each other's way most: about one phone, under one or two ids.
const CLOSE: [Order; 8] = [
    Order::Register(A, ONE, Some(ALICE)),
    Order::Register(A, ONE, Some(BOB)),
    Order::Register(A, TWO, Some(ALICE)),
    Order::Register(B, ONE, Some(BOB)),
    Order::Unregister(A, By::User(ALICE)),
    Order::Unregister(A, By::Provisioned),
    Order::Remove(A, ONE),
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

/// What is explored in little time: every pair of calls, and some triples.
#[must_use]
pub fn small() -> Vec<Scenario> {
    let soon = [Span::from_seconds(11)];
    let mut all: BTreeSet<_> = scenarios(&fresh(), &every_order(), 2, &[]);
    all.extend(scenarios(&fresh(), &CLOSE, 2, &soon));
    all.extend(scenarios(
        &[alices(Age::Lapsed), alices(Age::Expired)],
        &CLOSE,
        2,
        &[],
    ));
    all.extend(distinct(scenarios(&[alices(Age::Fresh)], &CLOSEST, 3, &[])));
    all.extend(distinct(scenarios(&[alices(Age::Fresh)], &PARTING, 3, &[])));
    all.insert(reinstalled_and_gone());
    all.into_iter().collect()
}

/// What is explored in a few minutes: besides, time that passes, and more triples.
#[must_use]
pub fn large() -> Vec<Scenario> {
    let mut all: BTreeSet<_> = small().into_iter().collect();
    let two = [NOTHING, alices(Age::Fresh)];
    all.extend(scenarios(&fresh(), &CLOSE, 2, &[TOMBSTONE_OVER]));
    all.extend(scenarios(&fresh(), &CLOSE, 2, &[LEASE_OVER]));
    all.extend(scenarios(&two, &CLOSE, 2, &[ALL_OVER]));
    all.extend(scenarios(
        &[alices(Age::Lapsed), alices(Age::Expired)],
        &every_order(),
        2,
        &[],
    ));
    all.extend(scenarios(&[NOTHING], &CLOSE, 3, &[]));
    all.extend(distinct(scenarios(&[alices(Age::Fresh)], &CLOSER, 3, &[])));
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
    let mut all = scenarios(
        &[NOTHING, alices(Age::Fresh)],
        &CLOSER,
        2,
        &[TOMBSTONE_OVER],
    );
    all.extend(scenarios(&[alices(Age::Expired)], &CLOSER, 2, &[]));
    all.insert(reinstalled_and_gone());
    all.into_iter().collect()
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
    let orders = sequences(menu, calls);
    let of = |stands: &Stands| -> Vec<Scenario> {
        let scenario = |orders: &Vec<Order>| Scenario {
            stands: *stands,
            orders: orders.clone(),
            leaps: leaps.to_vec(),
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

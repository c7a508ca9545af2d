//! The order of arrival: whoever is slow, each device belongs in the end to whom the calls give it when they are executed one
//! by one in the order in which the gateway took them. Each story is told in every order of commit.

use super::feedback::report;
use super::late_logouts::{HELD, LOOK, WRITE, held_for};
use super::subscriptions::{entries, made, subscribe, tags_of};
use crate::answer::{Answer, NOT_FOUND, UNAUTHORIZED, UNAVAILABLE};
use crate::api::{Api, Request};
use crate::phone::{Phone, user};
use crate::story::{Story, own, shared};
use reqwest::Method;
use serde_json::json;

const WATCHES: &str = "it watches the calls to hold one of them";
const CLOCK: &str = "it moves the clock";
const DAY: u64 = 86_400;

/// Longer than the logouts of forty users take, and shorter than the 10 s after which no transaction starts.
const CROWDED: u64 = 6000;

pub(super) fn stories() -> Vec<Story> {
    vec![
        own(
            WATCHES,
            &[],
            a_login_and_its_logout_end_the_binding_before_them,
        ),
        own(
            WATCHES,
            &[],
            a_reinstall_and_its_logout_end_the_device_before_them,
        ),
        own(
            WATCHES,
            &[],
            a_device_whose_new_token_goes_to_another_device_ends,
        ),
        own(
            WATCHES,
            &[],
            a_device_whose_token_went_through_another_device_ends,
        ),
        own(
            WATCHES,
            &[],
            a_logout_stops_no_login_of_another_that_came_before_it,
        ),
        own(WATCHES, &[], a_login_outlives_the_removal_by_a_send),
        own(WATCHES, &[], a_login_outlives_the_removal_by_a_report),
        own(WATCHES, &[], ten_logouts_are_remembered),
        own(
            WATCHES,
            &[],
            beyond_the_remembered_logouts_a_login_is_asked_to_repeat,
        ),
        shared(a_secret_from_before_the_erasure_registers_nothing),
        own(CLOCK, &[], a_secret_from_after_the_erasure_registers),
        own(WATCHES, &[], a_login_from_before_the_erasure_binds_nothing),
        own(WATCHES, &[], an_erasure_passes_over_later_registrations),
        own(WATCHES, &[], a_trusted_logout_stops_every_login_before_it),
        own(WATCHES, &[], a_logout_without_a_secret_stops_no_login),
        own(
            CLOCK,
            &[],
            subscriptions_wait_for_their_owner_past_the_lease,
        ),
    ]
}

/// Where the early call is held until the later one has been answered. Where there is nothing, they commit as they arrived.
type Hold = Option<(&'static str, &'static str)>;

const ORDERS: [Hold; 3] = [None, Some(LOOK), Some(WRITE)];
const QUERY: (&str, &str) = ("dynamodb", "Query");

/// Makes the early call and then the later ones; gives the answer of the early one.
async fn in_turn(api: &Api, hold: Hold, early: Request, later: impl Future<Output = ()>) -> Answer {
    in_turn_for(api, hold, HELD, early, later).await
}

/// The same, where the later calls take so many milliseconds at most.
async fn in_turn_for(
    api: &Api,
    hold: Hold,
    milliseconds: u64,
    early: Request,
    later: impl Future<Output = ()>,
) -> Answer {
    let Some(call) = hold else {
        let answer = early.send().await;
        later.await;
        return answer;
    };
    let slow = held_for(api, call, milliseconds, early.send()).await;
    later.await;
    assert!(!slow.is_finished());
    slow.await.unwrap()
}

/// A user, and the secret that `init` handed out.
struct User {
    id: String,
    secret: String,
}

impl User {
    async fn new(api: &Api, name: &str) -> Self {
        let id = user(name);
        let secret = api.secret(&id).await;
        Self { id, secret }
    }

    async fn two(api: &Api) -> [Self; 2] {
        [Self::new(api, "alice").await, Self::new(api, "bob").await]
    }

    async fn three(api: &Api) -> [Self; 3] {
        let [alice, bob] = Self::two(api).await;
        [alice, bob, Self::new(api, "carol").await]
    }

    /// POST `/devices` with the user's secret.
    fn login(&self, api: &Api, phone: &Phone) -> Request {
        let login = api.call(Method::POST, "/devices");
        login
            .secret(Some(&self.secret))
            .json(&phone.body(Some(&self.id)))
    }

    /// A new phone that is the user's.
    async fn phone(&self, api: &Api) -> Phone {
        let phone = Phone::android();
        self.login(api, &phone).send().await.ok(201);
        phone
    }

    /// DELETE `/devices/{deviceId}` with the user's secret; `mine` says whether the device is known as the user's.
    async fn logs_out(&self, api: &Api, phone: &Phone, mine: bool) {
        let answer = api.unregister(phone, Some(&self.secret)).await;
        if mine {
            answer.empty(204);
        } else {
            answer.refused(NOT_FOUND);
        }
    }
}

/// How many devices of each user a push reaches.
async fn reached<const N: usize>(api: &Api, users: [&User; N]) -> [u64; N] {
    let ids = users.map(|user| user.id.as_str());
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": ids.as_slice()}});
    let sent = api.send(&message).await.ok(202);
    ids.map(|id| sent["recipients"][id].as_u64().unwrap())
}

async fn is_gone(api: &Api, phone: &Phone) {
    let read = api.read(phone, Some(api.client_secret())).await;
    read.refused(NOT_FOUND);
}

async fn erase(api: &Api, user: &User) {
    erasure(api, user).send().await.empty(204);
}

fn erasure(api: &Api, user: &User) -> Request {
    let route = format!("/users/{}", user.id);
    api.call(Method::DELETE, &route).backend(api)
}

async fn a_login_and_its_logout_end_the_binding_before_them(api: Api) {
    let [alice, bob] = User::two(&api).await;
    for hold in ORDERS {
        let phone = alice.phone(&api).await;
        let later = bob.logs_out(&api, &phone, hold.is_none());
        let login = in_turn(&api, hold, bob.login(&api, &phone), later).await;
        login.ok(201);
        is_gone(&api, &phone).await;
        assert_eq!(reached(&api, [&alice, &bob]).await, [0, 0], "{hold:?}");
    }
}

async fn a_reinstall_and_its_logout_end_the_device_before_them(api: Api) {
    let [alice, bob] = User::two(&api).await;
    for hold in ORDERS {
        let old = alice.phone(&api).await;
        let new = old.reinstalled();
        let later = bob.logs_out(&api, &new, hold.is_none());
        let login = in_turn(&api, hold, bob.login(&api, &new), later).await;
        login.ok(201);
        is_gone(&api, &old).await;
        is_gone(&api, &new).await;
        assert_eq!(reached(&api, [&alice, &bob]).await, [0, 0], "{hold:?}");
    }
}

async fn a_device_whose_new_token_goes_to_another_device_ends(api: Api) {
    let devices = |phone: &Phone| {
        let refreshed = phone.refreshed();
        let other = refreshed.reinstalled();
        (refreshed, other)
    };
    a_third_user_logs_in_later(&api, devices).await;
}

async fn a_device_whose_token_went_through_another_device_ends(api: Api) {
    let devices = |phone: &Phone| {
        let new = phone.reinstalled();
        let refreshed = new.refreshed();
        (new, refreshed)
    };
    a_third_user_logs_in_later(&api, devices).await;
}

/// Alice has a phone. Bob's login is for the first of the devices, carol's later one for the second. Only carol's stays.
async fn a_third_user_logs_in_later(api: &Api, devices: impl Fn(&Phone) -> (Phone, Phone)) {
    let [alice, bob, carol] = User::three(api).await;
    for hold in ORDERS {
        let phone = alice.phone(api).await;
        let (bobs, carols) = devices(&phone);
        let later = async {
            carol.login(api, &carols).send().await.ok(201);
        };
        let login = in_turn(api, hold, bob.login(api, &bobs), later).await;
        login.ok(201);
        is_gone(api, &phone).await;
        api.holds(&carols, Some(&carol.id)).await;
        let reached = reached(api, [&alice, &bob, &carol]).await;
        assert_eq!(reached, [0, 0, 1], "{hold:?}");
        carol.logs_out(api, &carols, true).await;
    }
}

async fn a_logout_stops_no_login_of_another_that_came_before_it(api: Api) {
    let [alice, bob, carol] = User::three(&api).await;
    for hold in ORDERS {
        // Alice's logout ends her binding, and bob's logout ends nothing.
        for (leaver, hers) in [(&alice, hold.is_some()), (&bob, false)] {
            let phone = alice.phone(&api).await;
            let later = leaver.logs_out(&api, &phone, hers);
            let login = in_turn(&api, hold, carol.login(&api, &phone), later).await;
            login.ok(201);
            api.holds(&phone, Some(&carol.id)).await;
            let reached = reached(&api, [&alice, &bob, &carol]).await;
            assert_eq!(reached, [0, 0, 1], "{hold:?}");
            carol.logs_out(&api, &phone, true).await;
        }
    }
}

/// Where a login is held that takes a phone over, and whether it brings a new token. With the same token it is not held at
/// its transaction: SNS would have been asked about the endpoint before that dies.
const TAKEOVERS: [(Hold, bool); 4] = [
    (None, true),
    (Some(LOOK), true),
    (Some(WRITE), true),
    (Some(LOOK), false),
];

fn coming(phone: &Phone, refreshed: bool) -> Phone {
    if refreshed {
        phone.refreshed()
    } else {
        phone.clone()
    }
}

async fn a_login_outlives_the_removal_by_a_send(api: Api) {
    let [alice, bob] = User::two(&api).await;
    for (hold, refreshed) in TAKEOVERS {
        let phone = alice.phone(&api).await;
        let coming = coming(&phone, refreshed);
        let later = async {
            api.kill(&phone).await;
            assert_eq!(reached(&api, [&alice]).await, [0]);
            if hold.is_some() {
                is_gone(&api, &phone).await;
            }
        };
        let login = in_turn(&api, hold, bob.login(&api, &coming), later).await;
        login.ok(201);
        api.holds(&coming, Some(&bob.id)).await;
        assert_eq!(reached(&api, [&alice, &bob]).await, [0, 1], "{hold:?}");
        bob.logs_out(&api, &coming, true).await;
    }
}

async fn a_login_outlives_the_removal_by_a_report(api: Api) {
    let [alice, bob] = User::two(&api).await;
    for (hold, refreshed) in TAKEOVERS {
        let phone = alice.phone(&api).await;
        // Reports tell the time in whole seconds.
        api.advance(1).await;
        let coming = coming(&phone, refreshed);
        let later = async {
            report(&api, &phone, "InvalidPlatformToken", json!({})).await;
            if hold.is_some() {
                is_gone(&api, &phone).await;
            }
        };
        let login = in_turn(&api, hold, bob.login(&api, &coming), later).await;
        login.ok(201);
        api.holds(&coming, Some(&bob.id)).await;
        assert_eq!(reached(&api, [&alice, &bob]).await, [0, 1], "{hold:?}");
        bob.logs_out(&api, &coming, true).await;
    }
}

/// So many users log out of one phone after the first one's login, or while it is slow; gives what that is answered.
async fn crowd_logs_out(api: &Api, count: usize, hold: Hold) -> Answer {
    let (first, phone) = (User::new(api, "first").await, Phone::android());
    let mut others = Vec::new();
    for _ in 1..count {
        others.push(User::new(api, "another").await);
    }
    let later = async {
        first.logs_out(api, &phone, hold.is_none()).await;
        for user in &others {
            user.logs_out(api, &phone, false).await;
        }
    };
    let login = in_turn_for(api, hold, CROWDED, first.login(api, &phone), later).await;
    is_gone(api, &phone).await;
    assert_eq!(reached(api, [&first]).await, [0], "{hold:?}");
    // The next login binds.
    first.login(api, &phone).send().await.ok(201);
    assert_eq!(reached(api, [&first]).await, [1], "{hold:?}");
    login
}

async fn ten_logouts_are_remembered(api: Api) {
    for hold in ORDERS {
        crowd_logs_out(&api, 10, hold).await.ok(201);
    }
}

async fn beyond_the_remembered_logouts_a_login_is_asked_to_repeat(api: Api) {
    for hold in ORDERS {
        let login = crowd_logs_out(&api, 34, hold).await;
        if hold.is_none() {
            login.ok(201);
        } else {
            login.refused(UNAVAILABLE);
        }
    }
}

async fn a_secret_from_before_the_erasure_registers_nothing(api: Api) {
    let alice = User::new(&api, "alice").await;
    let phone = alice.phone(&api).await;
    let tablet = Phone::iphone();
    erase(&api, &alice).await;
    for device in [&phone, &tablet, &phone.refreshed(), &phone.reinstalled()] {
        alice.login(&api, device).send().await.refused(UNAUTHORIZED);
        is_gone(&api, device).await;
    }
    api.holds_no_item_of(&[&alice.id]).await;
    assert_eq!(reached(&api, [&alice]).await, [0]);
    // Whoever is trusted says that she is here again.
    let trusted = api.register(&phone, Some(&alice.id), Some(api.client_secret()));
    trusted.await.ok(201);
    let backend = api.call(Method::POST, "/devices").backend(&api);
    let backend = backend.json(&tablet.body(Some(&alice.id)));
    backend.send().await.ok(201);
    assert_eq!(reached(&api, [&alice]).await, [2]);
}

async fn a_secret_from_after_the_erasure_registers(api: Api) {
    let mut alice = User::new(&api, "alice").await;
    let phone = alice.phone(&api).await;
    erase(&api, &alice).await;
    api.advance(7).await;
    alice.login(&api, &phone).send().await.refused(UNAUTHORIZED);
    alice.secret = api.secret(&alice.id).await;
    alice.login(&api, &phone).send().await.ok(201);
    assert_eq!(reached(&api, [&alice]).await, [1]);
}

async fn a_login_from_before_the_erasure_binds_nothing(api: Api) {
    for hold in ORDERS {
        let (alice, phone) = (User::new(&api, "alice").await, Phone::android());
        let login = alice.login(&api, &phone);
        let login = in_turn(&api, hold, login, erase(&api, &alice)).await;
        login.ok(201);
        is_gone(&api, &phone).await;
        api.holds_no_item_of(&[&alice.id]).await;
        assert_eq!(reached(&api, [&alice]).await, [0], "{hold:?}");
    }
}

async fn an_erasure_passes_over_later_registrations(api: Api) {
    for hold in [None, Some(QUERY), Some(WRITE)] {
        let alice = User::new(&api, "alice").await;
        let (left, stays) = (alice.phone(&api).await, alice.phone(&api).await);
        let (stays, new) = (stays.refreshed(), Phone::android());
        let later = async {
            for phone in [&stays, &new] {
                let login = api.register(phone, Some(&alice.id), Some(api.client_secret()));
                login.await.ok(201);
            }
        };
        let erased = in_turn(&api, hold, erasure(&api, &alice), later).await;
        erased.empty(204);
        is_gone(&api, &left).await;
        for phone in [&stays, &new] {
            api.holds(phone, Some(&alice.id)).await;
        }
        assert_eq!(reached(&api, [&alice]).await, [2], "{hold:?}");
    }
}

async fn a_trusted_logout_stops_every_login_before_it(api: Api) {
    let alice = User::new(&api, "alice").await;
    for hold in ORDERS {
        for backend in [false, true] {
            for anonymous in [false, true] {
                let phone = Phone::android();
                let login = if anonymous {
                    let login = api.call(Method::POST, "/devices");
                    login.json(&phone.body(None))
                } else {
                    alice.login(&api, &phone)
                };
                let logout = if backend {
                    api.device(Method::DELETE, &phone, None).backend(&api)
                } else {
                    api.device(Method::DELETE, &phone, Some(api.client_secret()))
                };
                let later = async {
                    let answer = logout.send().await;
                    if hold.is_none() {
                        answer.empty(204);
                    } else {
                        answer.refused(NOT_FOUND);
                    }
                };
                in_turn(&api, hold, login, later).await.ok(201);
                is_gone(&api, &phone).await;
                assert_eq!(reached(&api, [&alice]).await, [0], "{hold:?}");
            }
        }
    }
}

async fn a_logout_without_a_secret_stops_no_login(api: Api) {
    let alice = User::new(&api, "alice").await;
    for hold in ORDERS {
        let phone = Phone::android();
        api.register(&phone, None, None).await.ok(201);
        let later = async {
            let logout = api.unregister(&phone, None).await;
            if hold.is_none() {
                logout.refused(UNAUTHORIZED);
            } else {
                logout.empty(204);
            }
        };
        let login = in_turn(&api, hold, alice.login(&api, &phone), later).await;
        login.ok(201);
        api.holds(&phone, Some(&alice.id)).await;
        assert_eq!(reached(&api, [&alice]).await, [1], "{hold:?}");
        alice.logs_out(&api, &phone, true).await;
    }
}

async fn subscriptions_wait_for_their_owner_past_the_lease(api: Api) {
    let (alice, bob) = (user("alice"), user("bob"));
    for (next, stays) in [(&alice, true), (&bob, false)] {
        let (tag, phone) = (made(&api).await, Phone::android());
        let trusted = Some(api.client_secret());
        api.register(&phone, Some(&alice), trusted).await.ok(201);
        subscribe(&api, &phone, &tag, trusted).await.ok(201);
        api.advance(271 * DAY).await;
        api.holds(&phone, None).await;
        api.register(&phone, Some(next), trusted).await.ok(201);
        let expected: &[&str] = if stays { &[&tag] } else { &[] };
        assert_eq!(tags_of(&api, &phone).await, expected);
        assert_eq!(entries(&api, &phone).await, expected.len());
        let message = json!({"message": {"alert": "Hi"}, "target": {"tagNames": [tag]}});
        let sent = api.send(&message).await.ok(202);
        let counts = api.settled(sent["messageId"].as_str().unwrap()).await;
        assert_eq!(counts["accepted"], expected.len());
    }
}

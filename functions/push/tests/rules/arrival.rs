//! The order of arrival, rule by rule: what an overtaken registration ends, what it leaves, and what overtakes it.

use crate::table::Table;
use crate::{device, registered, token, user};
use push::change::{Case, Change};
use push::device::{GRACE, Policy, Version};
use push::erasure::Erasure;
use push::logout::UserHash;
use push::registration::{Further, IfAbsent, Missing, Registration, Snapshot, renew};
use push::removal::{DeadEndpoint, Evidence, remove};
use push::unregistration::{Found, TokenSeen, unregister};
use push::{Caller, Denial, Refusal, Span, Time, UserId};

const NOW: Time = Time::from_seconds(1_800_000_000);
const DAY: Span = Span::from_days(1);

fn policy() -> Policy {
    crate::policy(Span::from_days(10))
}

/// So many milliseconds after the beginning.
fn at(millis: u64) -> Time {
    NOW + Span::from_millis(millis)
}

fn login(id: &str, letter: &str, owner: &str, place: u64) -> Registration {
    Registration {
        device: device(id),
        user: Some(user(owner)),
        token: token(letter),
        arrived: at(place),
        issued: None,
        if_absent: IfAbsent::Create,
    }
}

/// A table in which calls are carried out in the order in which they are written down here, whenever they arrived.
#[derive(Default)]
struct World {
    table: Table,
    versions: u8,
}

impl World {
    fn version(&mut self) -> Version {
        self.versions += 1;
        Version([self.versions; 16])
    }

    /// What the registration came to: its case, or nothing where it wrote nothing. The erasure of its user is read after a
    /// conflict only.
    fn register(&mut self, wanted: &Registration) -> Result<Option<Case>, Refusal> {
        let first = self.table.snapshot(wanted);
        let change = self.decide(&first, wanted)?;
        let Some(change) = change else {
            return Ok(None);
        };
        if self.table.apply(&change) {
            return Ok(Some(change.case));
        }
        let hash = wanted.user.as_ref().map(UserHash::of).unwrap();
        let second = Snapshot {
            erasure: self.table.erasures.get(&hash).copied(),
            ..first
        };
        let change = self.decide(&second, wanted)?;
        assert!(change.iter().all(|change| self.table.apply(change)));
        Ok(change.map(|change| change.case))
    }

    fn decide(
        &mut self,
        found: &Snapshot,
        wanted: &Registration,
    ) -> Result<Option<Change>, Refusal> {
        let version = self.version();
        let read = |missing: Missing| {
            let holder = missing.holder.and_then(|id| self.table.devices.get(&id));
            let former = missing.former.and_then(|key| self.table.tokens.get(&key));
            Further {
                holder: holder.cloned(),
                former: former.cloned(),
            }
        };
        registered(at(1000), found, wanted, version, &policy(), read)
    }

    /// The user is erased by a call that arrived then; what they have is not looked at.
    fn note_erasure(&mut self, owner: &str, arrived: u64) {
        let erasure = Erasure::new(NOW, at(arrived), DAY);
        let hash = UserHash::of(&user(owner));
        self.table.erasures.insert(hash, erasure);
    }

    /// A logout of a user, or of everybody.
    fn unregister(&mut self, id: &str, owner: Option<&str>, arrived: u64) -> Result<(), Refusal> {
        let caller = owner.map_or(Caller::Provisioned, |owner| Caller::User {
            user: user(owner),
            issued: NOW,
            expires: NOW,
        });
        let (id, version) = (device(id), self.version());
        let found = Found {
            id: &id,
            record: self.table.devices.get(&id),
            token: TokenSeen::NotRead,
        };
        let done = unregister(at(1000), found, &caller, at(arrived), version, &policy())?;
        if let Some(change) = done.change {
            assert!(self.table.apply(&change));
        }
        done.answer
    }

    /// Who has the device, with which token.
    fn owner(&self, id: &str) -> Option<(&str, &str)> {
        let device = self.table.devices.get(&device(id))?.live(at(1000))?;
        let owner = policy();
        let owner = owner
            .owner(device, at(1000))
            .map_or("nobody", UserId::as_str);
        Some((owner, &device.token.expose()[..1]))
    }

    fn place(&self, id: &str) -> Time {
        self.table.devices[&device(id)].place
    }
}

#[test]
fn a_login_that_its_own_logout_has_overtaken_ends_the_device_of_the_owner_before() {
    let mut world = World::default();
    world.register(&login("D", "t", "alice", 1)).unwrap();
    assert_eq!(
        world.unregister("D", Some("bob"), 3),
        Err(Refusal::NotFound)
    );
    let case = world.register(&login("D", "t", "bob", 2)).unwrap();
    assert_eq!(case, Some(Case::Overtaken));
    assert_eq!(world.owner("D"), None);
    assert_eq!(world.place("D"), at(2));
    // To bob it is as if his logout had come after his login.
    assert_eq!(world.unregister("D", Some("bob"), 4), Ok(()));
}

#[test]
fn it_ends_the_device_that_has_its_token_under_an_older_id() {
    let mut world = World::default();
    world.register(&login("old", "t", "alice", 1)).unwrap();
    assert!(world.unregister("new", Some("bob"), 3).is_err());
    world.register(&login("new", "t", "bob", 2)).unwrap();
    assert_eq!((world.owner("old"), world.owner("new")), (None, None));
    // The token has its place, too: what came before does not take it.
    let earlier = Registration {
        arrived: NOW,
        ..login("E", "t", "carol", 0)
    };
    assert_eq!(world.register(&earlier), Ok(Some(Case::Overtaken)));
    assert_eq!(world.owner("E"), None);
}

#[test]
fn of_two_logins_in_one_millisecond_the_overtaken_one_frees_the_token_of_the_other() {
    let mut world = World::default();
    world.register(&login("H", "t", "alice", 2)).unwrap();
    assert!(world.unregister("D", Some("bob"), 3).is_err());
    world.register(&login("D", "t", "bob", 2)).unwrap();
    assert_eq!((world.owner("H"), world.owner("D")), (None, None));
    let item = &world.table.tokens[&token("t").key()];
    assert_eq!(item.place, at(2));
    assert!(item.expires <= NOW + DAY + DAY, "{item:?}");
}

#[test]
fn a_login_whose_token_went_elsewhere_ends_its_device() {
    let mut world = World::default();
    world.register(&login("D", "s", "alice", 1)).unwrap();
    world.register(&login("E", "t", "carol", 3)).unwrap();
    world.register(&login("D", "t", "bob", 2)).unwrap();
    assert_eq!(world.owner("D"), None);
    assert_eq!(world.owner("E"), Some(("carol", "t")));
    // D has let go of its token, which keeps its place.
    let key = token("s").key();
    assert_eq!(world.table.tokens[&key].place, at(1));
    assert!(world.table.tokens[&key].expires < NOW + DAY + DAY);
}

#[test]
fn a_login_whose_device_took_another_token_later_frees_its_own_token() {
    let mut world = World::default();
    world.register(&login("H", "t", "alice", 1)).unwrap();
    world.register(&login("D", "s", "carol", 3)).unwrap();
    world.register(&login("D", "t", "bob", 2)).unwrap();
    assert_eq!(world.owner("H"), None);
    assert_eq!(world.owner("D"), Some(("carol", "s")));
}

#[test]
fn a_logout_of_the_owner_before_does_not_stop_the_login_of_another() {
    let mut world = World::default();
    world.register(&login("D", "t", "alice", 1)).unwrap();
    assert_eq!(world.unregister("D", Some("alice"), 3), Ok(()));
    world.register(&login("D", "t", "bob", 2)).unwrap();
    assert_eq!(world.owner("D"), Some(("bob", "t")));
}

#[test]
fn a_logout_of_everybody_stops_every_earlier_login() {
    let mut world = World::default();
    assert!(world.unregister("D", None, 3).is_err());
    world.register(&login("D", "t", "bob", 2)).unwrap();
    assert_eq!(world.owner("D"), None);
    world.register(&login("D", "t", "bob", 4)).unwrap();
    assert_eq!(world.owner("D"), Some(("bob", "t")));
}

#[test]
fn a_logout_that_arrived_before_the_binding_does_not_end_it() {
    let mut world = World::default();
    world.register(&login("D", "t", "alice", 2)).unwrap();
    assert_eq!(world.unregister("D", Some("alice"), 1), Ok(()));
    assert_eq!(world.unregister("D", None, 1), Ok(()));
    assert_eq!(world.owner("D"), Some(("alice", "t")));
}

#[test]
fn a_logout_without_a_secret_leaves_no_marker() {
    let mut world = World::default();
    let anonymous = Registration {
        user: None,
        ..login("D", "t", "nobody", 1)
    };
    world.register(&anonymous).unwrap();
    let (id, version) = (device("D"), world.version());
    let found = Found {
        id: &id,
        record: world.table.devices.get(&id),
        token: TokenSeen::NotRead,
    };
    let done = unregister(at(9), found, &Caller::Nobody, at(3), version, &policy()).unwrap();
    assert!(world.table.apply(&done.change.unwrap()));
    world.register(&login("D", "t", "alice", 2)).unwrap();
    assert_eq!(world.owner("D"), Some(("alice", "t")));
}

#[test]
fn a_registration_that_is_overtaken_twice_writes_nothing_more() {
    let mut world = World::default();
    assert!(world.unregister("D", Some("bob"), 3).is_err());
    let overtaken = login("D", "t", "bob", 2);
    assert_eq!(world.register(&overtaken), Ok(Some(Case::Overtaken)));
    assert_eq!(world.register(&overtaken), Ok(None));
}

#[test]
fn a_removal_leaves_the_registration_that_is_under_way_alone() {
    let mut world = World::default();
    world.register(&login("D", "t", "alice", 1)).unwrap();
    let (id, version) = (device("D"), world.version());
    let found = Found {
        id: &id,
        record: world.table.devices.get(&id),
        token: TokenSeen::NotRead,
    };
    let dead = DeadEndpoint {
        arn: "arn:new".to_owned(),
        at: at(2000),
        evidence: Evidence::Reported,
    };
    let change = remove(at(2000), found, &dead, version).unwrap();
    assert!(world.table.apply(&change));
    assert_eq!((world.owner("D"), world.place("D")), (None, at(1)));
    world.register(&login("D", "t", "bob", 2)).unwrap();
    assert_eq!(world.owner("D"), Some(("bob", "t")));
}

#[test]
fn with_more_logouts_than_are_remembered_earlier_logins_are_turned_away() {
    let mut world = World::default();
    for n in 0..33 {
        let name = format!("user{n}");
        assert!(world.unregister("D", Some(&name), 10 + n).is_err());
    }
    let before = world.register(&login("D", "t", "somebody", 9));
    assert_eq!(before, Err(Refusal::TooManyLogouts));
    // It arrived after the one that was forgotten.
    let after = world.register(&login("D", "t", "somebody", 10));
    assert_eq!(after, Ok(Some(Case::New)));
}

#[test]
fn an_erasure_overtakes_logins_that_arrived_before_and_refuses_secrets_that_were_made_before() {
    let mut world = World::default();
    world.register(&login("D", "t", "carol", 1)).unwrap();
    world.note_erasure("alice", 3);
    let seconds = |seconds| Some(NOW + Span::from_seconds(seconds));
    let with = |issued, place| Registration {
        issued,
        ..login("D", "t", "alice", place)
    };
    let refused = world.register(&with(seconds(5), 4));
    assert_eq!(refused, Err(Refusal::Unauthorized(Denial::Erased)));
    assert_eq!(world.owner("D"), Some(("carol", "t")));
    assert_eq!(
        world.register(&with(seconds(0), 2)),
        Ok(Some(Case::Overtaken))
    );
    assert_eq!(world.owner("D"), None);
    assert_eq!(world.register(&with(seconds(6), 5)), Ok(Some(Case::New)));
    assert_eq!(world.register(&with(None, 6)), Ok(None));
}

#[test]
fn an_older_secret_does_not_move_a_device_that_is_the_users_again() {
    let mut world = World::default();
    world.note_erasure("alice", 3);
    let seconds = |seconds| Some(NOW + Span::from_seconds(seconds));
    let with = |issued, letter, place| Registration {
        issued,
        ..login("D", letter, "alice", place)
    };
    world.register(&with(seconds(6), "t", 4)).unwrap();
    let moved = world.register(&with(seconds(0), "s", 5));
    assert_eq!(moved, Err(Refusal::Unauthorized(Denial::Erased)));
    assert_eq!(world.owner("D"), Some(("alice", "t")));
    let moved = world.register(&with(seconds(6), "s", 6));
    assert_eq!(moved, Ok(Some(Case::TokenRefresh)));
}

#[test]
fn an_older_secret_ends_nothing_where_its_registration_is_overtaken() {
    let mut world = World::default();
    world.note_erasure("bob", 1);
    world.register(&login("D", "t", "alice", 2)).unwrap();
    assert!(world.unregister("D", Some("bob"), 4).is_err());
    let slow = Registration {
        issued: Some(NOW),
        ..login("D", "s", "bob", 3)
    };
    assert_eq!(
        world.register(&slow),
        Err(Refusal::Unauthorized(Denial::Erased))
    );
    assert_eq!(world.owner("D"), Some(("alice", "t")));
}

#[test]
fn an_older_secret_does_not_renew_a_device_that_the_erasure_has_not_come_to() {
    let mut world = World::default();
    world.register(&login("D", "t", "alice", 1)).unwrap();
    world.note_erasure("alice", 3);
    let moved = Registration {
        issued: Some(NOW),
        ..login("D", "s", "alice", 4)
    };
    assert_eq!(
        world.register(&moved),
        Err(Refusal::Unauthorized(Denial::Erased))
    );
    assert_eq!(world.place("D"), at(1), "the erasure ends it");
}

#[test]
fn a_renewal_by_a_reading_keeps_the_place() {
    let mut world = World::default();
    let alice = login("D", "t", "alice", 1);
    world.register(&alice).unwrap();
    let now = at(1000) + Span::from_days(6);
    let found = world.table.snapshot(&alice);
    let (id, endpoint) = (device("D"), ("arn:new", at(1)));
    let change = renew(now, &id, &found, endpoint, Version([9; 16]), &policy()).unwrap();
    assert!(world.table.apply(&change));
    let record = &world.table.devices[&device("D")];
    assert_eq!(record.place, at(1));
    assert_eq!(record.expires, policy().lease_end(now) + GRACE);
    let item = &world.table.tokens[&token("t").key()];
    assert_eq!((item.place, item.expires), (at(1), record.expires));
}

#[test]
fn an_update_of_a_device_that_only_logouts_know_is_refused() {
    let mut world = World::default();
    world.register(&login("H", "t", "alice", 1)).unwrap();
    assert!(world.unregister("D", Some("bob"), 3).is_err());
    let update = Registration {
        if_absent: IfAbsent::NotFound,
        ..login("D", "t", "bob", 2)
    };
    assert_eq!(world.register(&update), Err(Refusal::NotFound));
    assert_eq!(world.owner("H"), Some(("alice", "t")));
}

#[test]
fn an_update_of_a_device_that_is_not_registered_is_refused() {
    let mut world = World::default();
    let update = Registration {
        if_absent: IfAbsent::NotFound,
        ..login("D", "t", "alice", 2)
    };
    assert_eq!(world.register(&update), Err(Refusal::NotFound));
    world.register(&login("D", "t", "alice", 1)).unwrap();
    assert_eq!(world.unregister("D", Some("alice"), 3), Ok(()));
    // When it arrived the device was registered.
    assert_eq!(world.register(&update), Ok(Some(Case::Overtaken)));
    let later = Registration {
        arrived: at(4),
        ..update
    };
    assert_eq!(world.register(&later), Err(Refusal::NotFound));
}

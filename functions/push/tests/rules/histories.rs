//! Random histories of overlapping calls against a table in memory: the invariants hold after every write, and when no
//! call is under way each device belongs to whom the calls give it in the order of their arrival.

use crate::table::Table;
use proptest::prelude::*;
use push::device::{Policy, Record, Version};
use push::registration::{
    Assessment, Further, IfAbsent, Look, Missing, Registration, Snapshot, bind, overtaken,
};
use push::subscription::{Tags, Way, Wish};
use push::unregistration::{Found, TokenSeen};
use push::{Caller, DeviceId, Platform, Span, TagId, TagName, Time, Token, UserId};
use std::collections::BTreeMap;

/// One thing that happens. Calls take effect in two steps, so that others get in between.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A registration reads what stands.
    Register {
        device: u8,
        token: u8,
        user: Option<u8>,
    },
    /// A logout reads what stands.
    Unregister { device: u8, caller: Option<u8> },
    /// A call that subscribes, or unsubscribes, reads what stands.
    Subscribe {
        device: u8,
        caller: Option<u8>,
        tag: u8,
        way: Way,
    },
    /// One of the calls under way decides, and writes if what it read still holds; else it reads again.
    Proceed(u8),
    /// Time passes: seconds, or so many days that leases run out.
    Pass(u32),
    /// TTL deletes one of the expired items.
    Sweep(u8),
}

#[expect(clippy::large_enum_variant, reason = "there are a handful of them")]
#[derive(Clone, Debug)]
enum Call {
    Register {
        wanted: Registration,
        caller: Caller,
        found: Snapshot,
        further: Option<Further>,
    },
    Unregister {
        device: DeviceId,
        caller: Caller,
        arrived: Time,
        read_token: bool,
        table: Table,
    },
    Subscribe {
        device: DeviceId,
        caller: Caller,
        arrived: Time,
        name: TagName,
        way: Way,
        found: Option<Record>,
    },
}

fn device(n: u8) -> DeviceId {
    DeviceId::parse(&format!("device{n}")).unwrap()
}

fn user(n: u8) -> UserId {
    UserId::parse(&format!("user{n}")).unwrap()
}

fn token(n: u8) -> Token {
    Token::parse(Platform::Fcm, &format!("token{n}").repeat(8)).unwrap()
}

fn tag(n: u8) -> TagName {
    TagName::parse(&format!("tag{n}")).unwrap()
}

/// The tags that there are.
fn tags() -> Tags {
    (0..2u8).map(|n| (tag(n), TagId([n; 16]))).collect()
}

fn policy() -> Policy {
    crate::policy(Span::from_days(10))
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..3u8, 0..3u8, proptest::option::of(0..3u8))
            .prop_map(|(device, token, user)| Event::Register { device, token, user }),
        3 => (0..3u8, proptest::option::of(0..3u8)).prop_map(|(device, caller)| Event::Unregister { device, caller }),
        3 => (0..3u8, proptest::option::of(0..3u8), 0..2u8, any::<bool>()).prop_map(|(device, caller, tag, on)| {
            Event::Subscribe { device, caller, tag, way: if on { Way::On } else { Way::Off } }
        }),
        10 => any::<u8>().prop_map(Event::Proceed),
        1 => prop_oneof![1..9u32, Just(86_400 * 6), Just(86_400 * 45)].prop_map(Event::Pass),
        1 => any::<u8>().prop_map(Event::Sweep),
    ]
}

/// A registration that was answered.
struct Registered {
    wanted: Registration,
    /// The end of the lease that it was granted, or would have been.
    lease: Time,
}

/// The world, and what was promised to whom.
struct World {
    now: Time,
    table: Table,
    calls: Vec<Call>,
    versions: u128,
    /// The registrations that were answered, but for those that found everything as they wanted it.
    registrations: Vec<Registered>,
    /// The logouts that were answered: of a user, or of everybody.
    logouts: Vec<(DeviceId, Option<UserId>, Time)>,
    /// Whose a device was when it subscribed.
    subscribed: BTreeMap<(DeviceId, TagName), Option<UserId>>,
    /// When the last call arrived that unsubscribed a device, of those that were answered; by when the device had come to
    /// whom it belonged to.
    unsubscribed: BTreeMap<(DeviceId, TagName, Time), Time>,
}

impl World {
    fn new() -> Self {
        let now = Time::from_seconds(1_700_000_000);
        Self {
            now,
            table: Table::default(),
            calls: Vec::new(),
            versions: 0,
            registrations: Vec::new(),
            logouts: Vec::new(),
            subscribed: BTreeMap::new(),
            unsubscribed: BTreeMap::new(),
        }
    }

    fn caller(&self, user_number: Option<u8>) -> Caller {
        user_number.map_or(Caller::Provisioned, |n| Caller::User {
            user: user(n),
            issued: self.now,
            expires: self.now + Span::from_days(1),
        })
    }

    fn happen(&mut self, event: Event) {
        self.now = self.now + Span::from_millis(1);
        match event {
            Event::Register {
                device: d,
                token: t,
                user: u,
            } => {
                let wanted = Registration {
                    device: device(d),
                    user: u.map(user),
                    token: token(t),
                    arrived: self.now,
                    issued: None,
                    if_absent: IfAbsent::Create,
                };
                let found = self.table.snapshot(&wanted);
                self.calls.push(Call::Register {
                    wanted,
                    caller: self.caller(u),
                    found,
                    further: None,
                });
            }
            Event::Unregister { device: d, caller } => self.calls.push(Call::Unregister {
                device: device(d),
                caller: self.caller(caller),
                arrived: self.now,
                read_token: false,
                table: self.table.clone(),
            }),
            Event::Subscribe {
                device: d,
                caller,
                tag: t,
                way,
            } => self.calls.push(Call::Subscribe {
                device: device(d),
                caller: self.caller(caller),
                arrived: self.now,
                name: tag(t),
                way,
                found: self.table.devices.get(&device(d)).cloned(),
            }),
            Event::Proceed(n) if !self.calls.is_empty() => {
                let call = self.calls.remove(usize::from(n) % self.calls.len());
                if let Some(call) = self.proceed(call) {
                    self.calls.push(call);
                }
                self.adopt();
                self.check();
            }
            Event::Pass(seconds) => {
                // No transaction starts later than ten seconds after its call arrived: what is under way gives up.
                if seconds >= 9 {
                    self.calls.clear();
                }
                self.now = self.now + Span::from_seconds(u64::from(seconds));
            }
            Event::Sweep(n) => self.table.sweep(self.now, usize::from(n)),
            Event::Proceed(_) => {}
        }
    }

    fn version(&mut self) -> Version {
        self.versions += 1;
        Version(self.versions.to_be_bytes())
    }

    /// One step of a call; it comes back where it is not over.
    fn proceed(&mut self, call: Call) -> Option<Call> {
        match call {
            Call::Register {
                wanted,
                caller,
                found,
                further,
            } => self.register(wanted, caller, found, further),
            Call::Unregister {
                device,
                caller,
                arrived,
                read_token,
                table,
            } => {
                let version = self.version();
                let record = table.devices.get(&device);
                let key = record
                    .and_then(|record| record.device())
                    .map(|device| device.token.key());
                let token = if read_token {
                    TokenSeen::Read(key.and_then(|key| table.tokens.get(&key)))
                } else {
                    TokenSeen::NotRead
                };
                let found = Found {
                    id: &device,
                    record,
                    token,
                };
                let policy = policy();
                let done = push::unregistration::unregister(
                    self.now, found, &caller, arrived, version, &policy,
                )
                .ok()?;
                if done.change.is_some_and(|change| !self.table.apply(&change)) {
                    let table = self.table.clone();
                    return Some(Call::Unregister {
                        device,
                        caller,
                        arrived,
                        read_token: true,
                        table,
                    });
                }
                let who = match caller {
                    Caller::User { user, .. } => Some(user),
                    _ => None,
                };
                self.logouts.push((device, who, arrived));
                None
            }
            Call::Subscribe { .. } => self.subscribe(call),
        }
    }

    fn subscribe(&mut self, call: Call) -> Option<Call> {
        let Call::Subscribe {
            ref device,
            ref caller,
            arrived,
            ref name,
            way,
            ref found,
        } = call
        else {
            return None;
        };
        let names = std::slice::from_ref(name);
        let wish = Wish {
            way,
            names,
            caller,
            arrived,
        };
        let (version, policy) = (self.version(), policy());
        let found = (device, found.as_ref());
        let outcome =
            push::subscription::decide(self.now, found, wish, &tags(), version, &policy).ok()?;
        if let Some(change) = &outcome.change {
            if !self.table.apply(change) {
                let again = self.table.devices.get(device).cloned();
                let mut call = call;
                if let Call::Subscribe { found, .. } = &mut call {
                    *found = again;
                }
                return Some(call);
            }
            let now = self.table.devices.get(device)?.live(self.now)?;
            if let Some(own) = now.subscriptions.on.get(name) {
                let owner = policy.owner(now, self.now).cloned();
                let before = (device.clone(), name.clone(), now.since);
                let left = self.unsubscribed.get(&before);
                assert!(
                    own.arrived != arrived || left.is_none_or(|left| *left <= arrived),
                    "I5: subscribed after it was unsubscribed: {change:?}"
                );
                self.subscribed
                    .insert((device.clone(), name.clone()), owner);
            }
        }
        if way == Way::Off
            && let Some(now) = self.table.devices.get(device)?.live(self.now)
        {
            let key = (device.clone(), name.clone(), now.since);
            let last = self.unsubscribed.entry(key).or_default();
            *last = arrived.max(*last);
        }
        None
    }

    fn register(
        &mut self,
        wanted: Registration,
        caller: Caller,
        found: Snapshot,
        further: Option<Further>,
    ) -> Option<Call> {
        let policy = policy();
        let assessment = push::registration::assess(self.now, &found, &wanted, &caller, &policy);
        let (missing, look) = match assessment.unwrap() {
            Assessment::Unchanged(_) => return None,
            Assessment::Overtaken(missing) => (missing, None),
            Assessment::Binds { missing, look } => (missing, Some(look)),
        };
        let Some(further) = further else {
            // What else is needed is read at another moment than what it was needed for.
            let further = Some(self.further(&missing));
            return Some(Call::Register {
                wanted,
                caller,
                found,
                further,
            });
        };
        let version = self.version();
        let change = match look {
            None => overtaken(self.now, &found, &further, &wanted, version, &policy).0,
            Some(look) => {
                let endpoint = match look {
                    Look::Kept { endpoint, .. } => endpoint,
                    Look::Needed => format!("arn:{}", wanted.token.key().as_str()),
                };
                let endpoint = (endpoint.as_str(), self.now);
                let bound = bind(
                    self.now, &found, &further, &wanted, endpoint, version, &policy,
                );
                Some(bound.0)
            }
        };
        if change.is_none_or(|change| self.table.apply(&change)) {
            let lease = policy.lease_end(self.now);
            self.registrations.push(Registered { wanted, lease });
            return None;
        }
        let found = self.table.snapshot(&wanted);
        Some(Call::Register {
            wanted,
            caller,
            found,
            further: None,
        })
    }

    /// Whose the device is by the order of arrival: the last registration that names it gives it to its user, if it is
    /// also the last one that names its token, and if no logout of that user or of everybody came later.
    fn expected(&self, id: &DeviceId) -> Option<(&UserId, &Token)> {
        let latest = |names: &dyn Fn(&Registration) -> bool| {
            let naming = self.registrations.iter().filter(|r| names(&r.wanted));
            naming.max_by_key(|r| r.wanted.arrived)
        };
        let last = latest(&|wanted| wanted.device == *id)?;
        let wanted = &last.wanted;
        let user = wanted.user.as_ref()?;
        let of_token = latest(&|other| other.token == wanted.token)?;
        let left = self.logouts.iter().any(|(device, who, arrived)| {
            device == id && who.as_ref().is_none_or(|who| who == user) && *arrived > wanted.arrived
        });
        (of_token.wanted == *wanted && !left && last.lease > self.now)
            .then_some((user, &wanted.token))
    }

    /// No call is under way.
    fn check_order(&self) {
        let policy = policy();
        let anonymous = (self.registrations.iter()).any(|r| r.wanted.user.is_none());
        for id in (0..3).map(device) {
            let live = self.table.devices.get(&id);
            let live = live.and_then(|record| record.live(self.now));
            let owner =
                live.and_then(|device| Some((policy.owner(device, self.now)?, &device.token)));
            let expected = self.expected(&id);
            // An anonymous registration may be refused one by one, and not in a race: then nobody is in somebody's place.
            if owner.is_some() || !anonymous {
                assert_eq!(
                    owner, expected,
                    "the owner of {id:?} by the order of arrival"
                );
            }
        }
    }

    /// All calls that are under way come to their end.
    fn settle(&mut self) {
        while !self.calls.is_empty() {
            self.happen(Event::Proceed(0));
        }
        self.check_order();
    }

    fn further(&self, missing: &Missing) -> Further {
        Further {
            holder: missing
                .holder
                .as_ref()
                .and_then(|id| self.table.devices.get(id))
                .cloned(),
            former: missing
                .former
                .as_ref()
                .and_then(|key| self.table.tokens.get(key))
                .cloned(),
        }
    }

    /// What a device of nobody subscribed to belongs to its first user from now on.
    fn adopt(&mut self) {
        let policy = policy();
        for ((id, _), whose) in &mut self.subscribed {
            let record = self.table.devices.get(id);
            let device = record.and_then(|record| record.live(self.now));
            if whose.is_none() {
                *whose = device
                    .and_then(|device| policy.owner(device, self.now))
                    .cloned();
            }
        }
    }

    fn check(&self) {
        let policy = policy();
        let live: Vec<_> = self
            .table
            .devices
            .iter()
            .filter_map(|(id, record)| Some((id, record.live(self.now)?, record)))
            .collect();
        for &(id, device, record) in &live {
            let key = device.token.key();
            let holders = live
                .iter()
                .filter(|(_, other, _)| other.token.key() == key)
                .count();
            assert_eq!(holders, 1, "I2: a token has several devices");
            // TTL may have taken an expired item before the other, never one that has not expired.
            let item = self.table.tokens.get(&key).unwrap();
            assert_eq!(item.device, *id, "I2: the token's item names its device");
            assert_eq!(
                (item.expires, item.place),
                (record.expires, record.place),
                "the token's item goes with its device's"
            );
            if let Some(owner) = policy.owner(device, self.now) {
                let link = self.table.links.get(&(owner.clone(), id.clone()));
                assert!(
                    link.is_some_and(|expires| *expires > self.now),
                    "I1: the owner's index lacks the device"
                );
            }
            for name in device.subscriptions.on.keys() {
                let indexed = self.table.subscriptions.get(&(name.clone(), id.clone()));
                assert_eq!(
                    indexed,
                    Some(&record.expires),
                    "the tag's index lacks the device"
                );
                if policy.subscribed(device, self.now).is_some() {
                    let owner = self.subscribed.get(&(id.clone(), name.clone()));
                    assert_eq!(
                        owner.unwrap().as_ref(),
                        policy.owner(device, self.now),
                        "a subscription outlived whom the device belonged to"
                    );
                }
            }
        }
        for ((user, id), expires) in &self.table.links {
            let owner = live
                .iter()
                .find(|(other, ..)| *other == id)
                .and_then(|(_, device, _)| policy.owner(*device, self.now));
            assert!(
                *expires <= self.now || owner == Some(user),
                "I1: an index has a device of another"
            );
        }
        for ((name, id), expires) in &self.table.subscriptions {
            let device = live.iter().find(|(other, ..)| *other == id);
            assert!(
                *expires <= self.now
                    || device
                        .is_some_and(|(_, device, _)| device.subscriptions.on.contains_key(name)),
                "the index of a tag has a device that does not subscribe to it"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn bindings_hold_whatever_gets_in_between(events in proptest::collection::vec(event(), 1..60)) {
        let mut world = World::new();
        for event in events {
            world.happen(event);
        }
        world.settle();
    }
}

//! Why a user may be told something on a token: the registrations, and what surely ended them.

use super::doubt::{before, renews, wrote_nothing};
use super::event::{Event, Record};
use super::judge::{IN_FLIGHT, LEASE};
use super::plan::{Op, Proof};
use std::collections::{BTreeMap, BTreeSet};

/// A registration of a user, as far as clients know of it.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) device: usize,
    pub(super) token: usize,
    pub(super) user: usize,
    /// When it was asked for.
    begun: u64,
    /// When its end was answered, if it surely has ended: a later registration, a logout, or its lease.
    ended: u64,
    /// When its lease ends, at the latest.
    lease: u64,
    /// The event that asked for it.
    event: usize,
}

/// All of them.
pub(super) struct Reasons<'a> {
    pub(super) events: &'a [Event],
    pub(super) bindings: Vec<Binding>,
    /// The tokens that each device came with, sooner or later.
    pub(super) tokens: BTreeMap<usize, BTreeSet<usize>>,
}

impl Binding {
    /// Whether it may have stood at some moment of a request.
    pub(super) const fn stood(&self, begun: u64, answered: u64) -> bool {
        self.begun <= answered && self.ended >= begun
    }

    /// Whether a push that was asked for then, and landed at `at`, may be because of it.
    pub(super) const fn explains(&self, asked: u64, at: u64) -> bool {
        self.stood(asked, at) && self.ended + IN_FLIGHT >= at
    }
}

impl<'a> Reasons<'a> {
    /// All registrations among the events, each with its end.
    pub(super) fn of(record: &'a Record) -> Self {
        let events = &record.events;
        let mut bindings = Vec::new();
        for (n, event) in events.iter().enumerate() {
            let (device, token, user) = match &event.op {
                Op::Register {
                    device,
                    token,
                    user: Some(user),
                    ..
                } if event.may_count() && !wrote_nothing(event) => (*device, *token, *user),
                _ => continue,
            };
            let lease = event.updated().unwrap_or(event.answered / 1000 + 1);
            bindings.push(Binding {
                device,
                token,
                user,
                begun: event.begun,
                ended: u64::MAX / 2,
                lease: (lease + LEASE) * 1000,
                event: n,
            });
        }
        let mut tokens: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for event in events {
            if let Op::Register { device, token, .. } = event.op {
                tokens.entry(device).or_default().insert(token);
            }
        }
        let mut reasons = Self {
            events,
            bindings,
            tokens,
        };
        for n in 0..reasons.bindings.len() {
            let ended = reasons.end(&reasons.bindings[n]);
            reasons.bindings[n].ended = ended.min(reasons.bindings[n].lease);
        }
        reasons.renew(record);
        reasons
    }

    /// Reads by the owner past half of the lease count as registrations: those that found what they renew.
    fn renew(&mut self, record: &Record) {
        let mut renewals: Vec<_> = renewals(record).collect();
        renewals.sort_by_key(|renewal| renewal.begun);
        for mut renewal in renewals {
            let answered = self.events[renewal.event].answered;
            let renewed = |of: &Binding| {
                (of.device, of.token, of.user) == (renewal.device, renewal.token, renewal.user)
                    && of.stood(renewal.begun, answered)
            };
            if self.bindings.iter().any(renewed) {
                renewal.ended = self.end(&renewal).min(renewal.lease);
                self.bindings.push(renewal);
            }
        }
    }

    /// When the end of a registration was answered by something that surely came after it.
    fn end(&self, binding: &Binding) -> u64 {
        let begun = &self.events[binding.event];
        let later = self.events.iter().filter(|end| before(begun, end));
        let ends = later.filter(|end| self.ends(end, binding, begun));
        ends.map(|end| end.answered).min().unwrap_or(u64::MAX / 2)
    }

    /// Whether the event, if it came after the registration `begun`, ends it.
    fn ends(&self, event: &Event, binding: &Binding, begun: &Event) -> bool {
        let under_way = begun.answered >= event.begun;
        match &event.op {
            Op::Unregister { device, proof } if *device == binding.device => {
                let own = matches!(proof, Proof::Own(user) | Proof::Expired(user) if *user == binding.user);
                match event.status {
                    204 => own || matches!(proof, Proof::Provisioned | Proof::Nothing),
                    404 => own || *proof == Proof::Provisioned,
                    _ => false,
                }
            }
            Op::Register {
                device,
                token,
                user,
                ..
            } if event.done() => {
                let voided = if *device == binding.device && *user != Some(binding.user) {
                    self.was_overtaken_on_its_device(event, *device, *token, *user)
                } else if *device != binding.device && *token == binding.token {
                    self.was_overtaken(event, [*device, binding.device])
                } else {
                    return false;
                };
                let voided = voided || (under_way && self.may_be_unchanged(event));
                !voided
            }
            // What is under way to a device that nobody knows is not stopped by it.
            Op::Erase { user } => *user == binding.user && event.done() && !under_way,
            _ => false,
        }
    }

    /// The bindings that surely stood from one moment to another: what was registered last, and nothing else came near.
    pub(super) fn sure(&self, from: u64, until: u64) -> impl Iterator<Item = (&Binding, &Event)> {
        let sure = move |binding: &&Binding| {
            let event = &self.events[binding.event];
            event.done()
                && matches!(event.op, Op::Register { .. })
                && event.answered < from
                && binding.lease > until + 1000
                && binding.ended > until
                && !self.is_disturbed(binding, event, until)
        };
        let bindings = self.bindings.iter().filter(sure);
        bindings.map(|binding| (binding, &self.events[binding.event]))
    }

    /// Whether anything that has to do with the device or the token may have come after the registration, or, where that
    /// may have left no trace, with it.
    fn is_disturbed(&self, binding: &Binding, event: &Event, until: u64) -> bool {
        let traceless = self.may_be_unchanged(event);
        let disturbs = |other: &&Event| {
            let after = if traceless {
                other.answered >= event.begun
            } else {
                !before(other, event)
            };
            if std::ptr::eq(*other, event) || other.begun > until || !after {
                return false;
            }
            match &other.op {
                Op::Register {
                    device,
                    token,
                    user,
                    ..
                } => {
                    let same = (*device, *token, *user)
                        == (binding.device, binding.token, Some(binding.user));
                    let taken = self.may_hold(binding.device, *token);
                    (*device == binding.device || taken) && !same && other.may_count()
                }
                Op::Unregister { device, .. } => *device == binding.device && other.status != 401,
                Op::Read { device, .. } => *device != binding.device && renews(other),
                // The device may have been theirs when a registration for another was under way: it ends all the same.
                Op::Erase { user } => *user == binding.user || other.begun <= event.answered,
                Op::Subscribe { .. } | Op::Send { .. } => false,
            }
        };
        self.events.iter().any(|other| disturbs(&other))
    }
}

/// Reads that renew, as registrations.
fn renewals(record: &Record) -> impl Iterator<Item = Binding> {
    let renewed = |(n, event): (usize, &Event)| match event.op {
        Op::Read {
            device,
            proof: Proof::Own(user),
        } if renews(event) => Some(Binding {
            device,
            token: record.token(event)?,
            user,
            begun: event.begun,
            ended: u64::MAX / 2,
            lease: event.answered + LEASE * 1000 + 1000,
            event: n,
        }),
        _ => None,
    };
    record.events.iter().enumerate().filter_map(renewed)
}

//! Who has which device when the calls are executed one by one in the order in which they arrived.
//!
//! A registration takes the device from whom it had, and the token from the other device that held it. A logout ends what
//! is its user's, one by a trusted caller whatever there is, and an erasure all that is the user's. So a device is a
//! user's with a token exactly if the last registration that names the device says so, it is the last one that names the
//! token too, and no logout by the user or by a trusted caller and no erasure of the user comes later. A test below holds
//! this against the execution itself. It needs no guess where calls arrived in the same millisecond: both orders count.
//!
//! Calls that were refused count as not made, and so does a registration that found everything as it wanted it. What was
//! answered 5xx may have been made.

use super::event::{Event, Record};
use super::judge::{IN_FLIGHT, LEASE};
use super::plan::{Op, Proof};

/// A registration that was made, and what became of it. Moments are in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) device: usize,
    pub(super) token: usize,
    /// Nobody for an anonymous one.
    pub(super) user: Option<usize>,
    /// The event that asked for it.
    pub(super) event: usize,
    arrived: u64,
    /// When a registration or a logout was answered that ends it.
    ended: u64,
    /// When an erasure was answered that ends it.
    erased: u64,
    /// When its lease ends, at the earliest and at the latest: that a read renewed it does not show.
    lease: (u64, u64),
}

/// All registrations that were made.
pub(super) struct Ledger<'a> {
    record: &'a Record,
    pub(super) bindings: Vec<Binding>,
}

/// Whether a call was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Made {
    No,
    Perhaps,
    Surely,
}

/// Later than everything.
const NEVER: u64 = u64::MAX / 2;

impl Binding {
    /// Whether a device may have been somebody's because of it at some moment from one to another.
    pub(super) fn stood(&self, from: u64, until: u64) -> bool {
        self.arrived <= until && self.end() >= from
    }

    /// Whether a push of a send that was asked for then, and landed at `at`, may be because of it.
    pub(super) fn explains(&self, asked: u64, at: u64) -> bool {
        self.stood(asked, at) && self.end() + IN_FLIGHT >= at
    }

    /// Whether a device may have been known because of it, its owner apart: whom it loses as its lease ends, it has for
    /// an erasure no more.
    pub(super) const fn was_known(&self, from: u64, until: u64) -> bool {
        self.arrived <= until && self.ended >= from
    }

    fn end(&self) -> u64 {
        self.ended.min(self.erased).min(self.lease.1)
    }
}

impl<'a> Ledger<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let bound = |(n, event): (usize, &Event)| {
            let Op::Register {
                device,
                token,
                user,
                ..
            } = event.op
            else {
                return None;
            };
            let lease = match event.updated() {
                Some(updated) => (updated, updated),
                None => (event.begun / 1000, event.answered / 1000 + 1),
            };
            (made(event) > Made::No).then(|| Binding {
                device,
                token,
                user,
                event: n,
                arrived: event.arrived,
                ended: NEVER,
                erased: NEVER,
                lease: ((lease.0 + LEASE) * 1000, (lease.1 + LEASE) * 1000),
            })
        };
        let bindings = record.events.iter().enumerate().filter_map(bound).collect();
        let mut ledger = Self { record, bindings };
        for n in 0..ledger.bindings.len() {
            let binding = &ledger.bindings[n];
            let (ended, erased) = (ledger.end(binding, false), ledger.end(binding, true));
            let lease = ledger.lease(binding);
            let binding = &mut ledger.bindings[n];
            (binding.ended, binding.erased, binding.lease) = (ended, erased, lease);
        }
        ledger
    }

    /// The bindings that surely stood from one moment to another, whatever arrived in the same millisecond.
    pub(super) fn sure(&self, from: u64, until: u64) -> impl Iterator<Item = (&Binding, usize)> {
        let events = &self.record.events;
        let disturbed = move |binding: &Binding| {
            events.iter().enumerate().any(|(n, event)| {
                n != binding.event
                    && (binding.arrived..=until).contains(&event.arrived)
                    && made(event) > Made::No
                    && ends(event, binding)
            })
        };
        let sure = move |binding: &&Binding| {
            let event = &events[binding.event];
            made(event) == Made::Surely
                && event.answered < from
                && binding.lease.0 > until + 1000
                && !disturbed(binding)
        };
        let sure = self.bindings.iter().filter(sure);
        sure.filter_map(|binding| Some((binding, binding.user?)))
    }

    /// Where devices are not whose they have to be: at a quiet moment, by who is seen to have them, and with which token.
    /// No owner stands for nobody.
    pub(super) fn contradiction(
        &self,
        seen: impl Fn(usize) -> Option<(Option<usize>, usize)>,
        at: u64,
    ) -> Option<(&'static str, usize, Option<usize>, Option<usize>)> {
        for device in 0..self.record.devices.len() {
            let Some((user, token)) = seen(device) else {
                continue;
            };
            let mut of =
                (self.bindings.iter()).filter(|of| (of.device, of.token) == (device, token));
            let (right, promise) = match user {
                Some(_) => (
                    of.any(|of| of.user == user && of.stood(at, at)),
                    "a device is whose the calls make it, one by one as they arrived (I1, I5)",
                ),
                None => (
                    of.any(|of| of.was_known(at, at)),
                    "a device that has ended is not known any more",
                ),
            };
            if !right {
                return Some((promise, device, user, Some(token)));
            }
        }
        let lost = self
            .sure(at, at)
            .find(|(binding, user)| seen(binding.device) != Some((Some(*user), binding.token)))?;
        let promise = "a device is whose it was registered for last, by arrival (I1)";
        Some((promise, lost.0.device, Some(lost.1), Some(lost.0.token)))
    }

    /// When the first call was answered that arrived later and ends the binding.
    fn end(&self, binding: &Binding, by_erasure: bool) -> u64 {
        let events = self.record.events.iter();
        let ends = events.filter(|event| {
            event.arrived > binding.arrived
                && matches!(event.op, Op::Erase { .. }) == by_erasure
                && made(event) == Made::Surely
                && ends(event, binding)
        });
        ends.map(|end| end.answered).min().unwrap_or(NEVER)
    }

    /// When the lease of the binding ends: a later registration that is the same has a lease of its own, and a read may
    /// renew it.
    fn lease(&self, binding: &Binding) -> (u64, u64) {
        let (mut earliest, mut latest) = binding.lease;
        for event in &self.record.events {
            if let Op::Register {
                device,
                token,
                user,
                ..
            } = event.op
                && (device, token, user) == (binding.device, binding.token, binding.user)
                && event.arrived >= binding.arrived
                && made(event) > Made::No
            {
                let updated = event.updated().unwrap_or(event.begun / 1000);
                earliest = earliest.min((updated + LEASE) * 1000);
            }
        }
        let mut renewals: Vec<&Event> = (self.record.events.iter())
            .filter(|event| self.renews(event, binding))
            .collect();
        renewals.sort_by_key(|event| event.begun);
        for event in renewals {
            if event.begun <= latest {
                latest = latest.max(event.answered + (LEASE + 1) * 1000);
            }
        }
        (earliest, latest)
    }

    /// Whether a read may have renewed the lease: the owner's, past half of it.
    fn renews(&self, event: &Event, binding: &Binding) -> bool {
        let Op::Read {
            device,
            proof: Proof::Own(user),
        } = event.op
        else {
            return false;
        };
        let half = |updated| updated + LEASE / 2 <= event.answered / 1000 + 1;
        (device, Some(user)) == (binding.device, binding.user)
            && event.done()
            && event.answered >= binding.arrived
            && self.record.token(event) == Some(binding.token)
            && event.updated().is_some_and(half)
    }
}

/// Whether the call counts.
fn made(event: &Event) -> Made {
    match event.op {
        Op::Register { .. } if event.unchanged => Made::No,
        // Whoever logs out is told so where the device is not theirs, or not known.
        Op::Unregister { .. } if event.status == 404 => Made::Surely,
        Op::Register { .. } | Op::Unregister { .. } | Op::Erase { .. } => match event.status {
            200..300 => Made::Surely,
            500.. => Made::Perhaps,
            _ => Made::No,
        },
        Op::Read { .. } | Op::Subscribe { .. } | Op::Send { .. } => Made::No,
    }
}

/// Whether the call, made after the binding began, ends it. Without a secret nobody logs a user out, and where somebody
/// else logs out, that ends nothing of the user's.
fn ends(event: &Event, binding: &Binding) -> bool {
    match event.op {
        Op::Register {
            device,
            token,
            user,
            ..
        } => {
            let same = (device, token, user) == (binding.device, binding.token, binding.user);
            (device == binding.device || token == binding.token) && !same
        }
        Op::Unregister { device, proof } if device == binding.device => match proof {
            Proof::Provisioned => true,
            Proof::Own(user) | Proof::Expired(user) => {
                binding.user.is_none_or(|owner| owner == user)
            }
            Proof::Nothing => false,
        },
        Op::Erase { user } => binding.user == Some(user),
        Op::Unregister { .. } | Op::Read { .. } | Op::Subscribe { .. } | Op::Send { .. } => false,
    }
}

#[cfg(test)]
mod tests;

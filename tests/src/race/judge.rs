//! Whether what was seen of a history keeps the promises, by nothing but what clients and phones saw, and the log of the
//! gateway, which tells when each request arrived. The order of arrival is the truth:
//!
//! - At a quiet moment each device belongs to whom the calls give it when they are executed one by one in the order in
//!   which they arrived ([`super::ledger`]). Refused calls count as not made. A registration that finds everything as it
//!   wants it writes nothing, and is left out: it overtakes nobody. A device without an owner is nobody's.
//! - A push to U on a token has a reason: a registration of U with this token that had arrived when the push landed, and
//!   that no later call had ended which was answered when the send was asked for; its lease ran. A send that was asked for
//!   before the end was answered may land up to [`IN_FLIGHT`] after it.
//! - A read that finds U has a reason, alike. No read finds what has expired.
//! - A send reaches every device that was surely bound when it was asked for and until it was answered.
//! - At a quiet moment the items agree with each other (I1, I2), and a send reaches just who they say (I3). No device
//!   subscribes to what only a former owner can have subscribed it to. What it subscribed to while it was nobody's stays
//!   with its first user.
//! - The secret of a user who was not erased registers.

use super::event::{Event, Landed, Quiet, Record, Violation};
use super::ledger::{Binding, Ledger};
use super::plan::{DAY, GRACE_DAYS, LEASE_DAYS, Op, Proof, Way};

/// So long after a binding has ended a push may land that was under way, in milliseconds: 2 s that a look at the device is
/// good for, and what a busy machine takes to hand a publish from one end of it to the other.
pub(super) const IN_FLIGHT: u64 = 2000 + 500;

/// So long a send is tried within its request, in milliseconds.
const HANDED_OVER: u64 = 2000;

/// How long a lease is, in seconds.
pub(super) const LEASE: u64 = LEASE_DAYS * DAY;

/// How long a device stays known after that, in seconds.
const GRACE: u64 = GRACE_DAYS * DAY;

/// The first promise that is broken, if one is.
pub(super) fn judge(record: &Record) -> Result<(), Violation> {
    let judge = Judge {
        record,
        ledger: Ledger::of(record),
    };
    (record.quiets.iter()).try_for_each(|quiet| judge.quiet(quiet))?;
    record.landed.iter().try_for_each(|push| judge.push(push))?;
    for (n, event) in record.events.iter().enumerate() {
        match &event.op {
            Op::Read { device, proof } if event.done() => judge.read(event, *device, *proof)?,
            Op::Send { .. } if event.done() => judge.send(n, event)?,
            Op::Register { .. } if event.status == 401 => judge.refusal(event)?,
            _ => {}
        }
    }
    Ok(())
}

struct Judge<'a> {
    record: &'a Record,
    ledger: Ledger<'a>,
}

impl Judge<'_> {
    fn push(&self, push: &Landed) -> Result<(), Violation> {
        let sent = &self.record.events[push.sent];
        let Op::Send { users } = &sent.op else {
            return Err(self.record.broken(
                "a push comes from a send",
                "it does not",
                sent,
                (Some(push.user), Some(push.token)),
            ));
        };
        if !users.contains(&push.user) {
            let promise = "a push goes to a user that the send names (I3)";
            return Err(self.record.broken(
                promise,
                &self.record.line(sent),
                sent,
                (Some(push.user), Some(push.token)),
            ));
        }
        if push.at < sent.begun || push.at > sent.answered + IN_FLIGHT {
            let promise = "a push lands while its send is under way, or little later";
            return Err(self.record.broken(
                promise,
                &self.record.line(sent),
                sent,
                (Some(push.user), Some(push.token)),
            ));
        }
        let reason = |of: &Binding| {
            (of.token, of.user) == (push.token, Some(push.user)) && of.explains(sent.begun, push.at)
        };
        if self.ledger.bindings.iter().any(reason) {
            return Ok(());
        }
        let how = format!(
            "a push of this send landed at {} on token {}:\n{}",
            self.record.since(push.at),
            push.token,
            self.record.line(sent)
        );
        let promise =
            "no push of a send requested after a logout or a takeover was answered (I3, I5)";
        Err(self
            .record
            .broken(promise, &how, sent, (Some(push.user), Some(push.token))))
    }

    fn read(&self, event: &Event, device: usize, proof: Proof) -> Result<(), Violation> {
        let expires = event.updated().map(|updated| updated + LEASE + GRACE);
        if expires.is_none_or(|expires| expires <= event.begun / 1000) {
            let how = self.record.line(event);
            let promise = "a read finds no device that has expired";
            return Err(self.record.broken(promise, &how, event, (None, None)));
        }
        let owner = &event.body["userId"];
        let user = self.record.users.iter().position(|user| owner == user);
        if matches!(proof, Proof::Own(own) if Some(own) != user) {
            return Err(self.record.broken(
                "a user reads own devices only",
                &self.record.line(event),
                event,
                (user, None),
            ));
        }
        let token = self.record.token(event).expect("a token of this history");
        let reason = |of: &Binding| {
            let same = (of.device, of.token) == (device, token);
            let stood = match user {
                Some(_) => of.user == user && of.stood(event.begun, event.answered),
                None => of.was_known(event.begun, event.answered),
            };
            same && stood
        };
        if self.ledger.bindings.iter().any(reason) {
            return Ok(());
        }
        let promise = "a read finds nothing whose end was answered before (I1, I5)";
        Err(self.record.broken(
            promise,
            &self.record.line(event),
            event,
            (user, Some(token)),
        ))
    }

    fn refusal(&self, event: &Event) -> Result<(), Violation> {
        let Op::Register {
            user: Some(user),
            proof: Proof::Own(own),
            ..
        } = event.op
        else {
            return Ok(());
        };
        let erased =
            |other: &Event| other.op == Op::Erase { user } && other.begun <= event.answered;
        if own != user || self.record.events.iter().any(erased) {
            return Ok(());
        }
        let promise = "the secret of a user who was not erased registers";
        let how = self.record.line(event);
        Err(self.record.broken(promise, &how, event, (Some(user), None)))
    }

    fn send(&self, sent: usize, event: &Event) -> Result<(), Violation> {
        let Op::Send { users } = &event.op else {
            return Ok(());
        };
        for (binding, user) in self.ledger.sure(event.begun, event.answered) {
            let reached =
                |push: &&Landed| (push.sent, push.token, push.user) == (sent, binding.token, user);
            if users.contains(&user) && !self.record.landed.iter().any(|push| reached(&push)) {
                let promise = "a send reaches every device that is bound all the while (I6)";
                let how = format!(
                    "device {} was not reached by\n{}",
                    binding.device,
                    self.record.line(event)
                );
                return Err(self.record.broken(
                    promise,
                    &how,
                    event,
                    (Some(user), Some(binding.token)),
                ));
            }
        }
        for user in users {
            let landed = self.record.landed.iter();
            let reached = landed
                .filter(|push| (push.sent, push.user) == (sent, *user))
                .count() as u64;
            let counted = &event.body["recipients"][&self.record.users[*user]];
            // What is not taken by then goes on on the queue, and lands uncounted.
            let handed_over = event.answered >= event.begun + HANDED_OVER
                && counted.as_u64().is_some_and(|counted| counted < reached);
            if *counted != reached && !handed_over {
                let how = format!(
                    "{counted} were counted, {reached} landed\n{}",
                    self.record.line(event)
                );
                return Err(self.record.broken(
                    "a send counts whom it reaches",
                    &how,
                    event,
                    (Some(*user), None),
                ));
            }
        }
        Ok(())
    }

    /// Whether the device can have subscribed to the tag while it was nobody's: that stays with its first user.
    fn is_of_nobody(&self, device: usize, tag: &str) -> bool {
        let events = &self.record.events;
        let registered = |user: fn(Option<usize>) -> bool| {
            events.iter().filter(move |event| {
                matches!(event.op, Op::Register { device: one, user: whose, .. }
                    if one == device && user(whose))
                    && event.done()
            })
        };
        let subscribed = events.iter().filter(|event| {
            matches!(event.op, Op::Subscribe { device: one, user, way: Way::On }
                if one == device && self.record.users[user] == tag)
                && event.done()
        });
        subscribed.into_iter().any(|subscribed| {
            let lapsed = !registered(|user| user.is_some()).any(|login| {
                login.arrived < subscribed.answered
                    && login.answered + (LEASE - 1) * 1000 > subscribed.arrived
            });
            let freed = registered(|user| user.is_none()).any(|freed| {
                freed.arrived <= subscribed.answered
                    && !registered(|user| user.is_some()).any(|login| {
                        freed.answered < login.arrived && login.answered < subscribed.arrived
                    })
            });
            lapsed || freed
        })
    }

    fn quiet(&self, quiet: &Quiet) -> Result<(), Violation> {
        let (since, until) = (quiet.since / 1000, quiet.until / 1000);
        let sent = &self.record.events[quiet.sent];
        if let Some(how) = quiet.table.contradictions(since, until).first() {
            let how = format!(
                "at {}: {how}\n{:#?}",
                self.record.since(quiet.since),
                quiet.table
            );
            return Err(self.record.broken(
                "the items agree with each other (I1, I2)",
                &how,
                sent,
                (None, None),
            ));
        }
        let live = |device: usize, now| {
            let (owner, token) = quiet.table.live(&self.record.devices[device], now)?;
            let number = |names: &[String], name: &str| names.iter().position(|it| it == name);
            let user = owner.and_then(|owner| number(&self.record.users, owner));
            Some((user, number(&self.record.tokens, token)?))
        };
        // A lease may end while the table is read.
        let same = |device: &usize| live(*device, since) == live(*device, until);
        let steady = (0..self.record.devices.len()).all(|device| same(&device));
        if steady && let Some(found) = self.ledger.contradiction(|n| live(n, since), quiet.since) {
            let (promise, device, user, token) = found;
            let how = format!(
                "at {}: {}",
                self.record.since(quiet.since),
                self.record.devices[device]
            );
            return Err(self.record.broken(promise, &how, sent, (user, token)));
        }
        let mut bound = vec![0; self.record.users.len()];
        let mut least = bound.clone();
        for (device, id) in self.record.devices.iter().enumerate() {
            if let Some((Some(user), _)) = live(device, sent.begun / 1000) {
                bound[user] += 1;
            }
            if let Some((Some(user), _)) = live(device, until) {
                least[user] += 1;
                let own = &self.record.users[user];
                if quiet
                    .table
                    .tags(id)
                    .any(|tag| tag != own && !self.is_of_nobody(device, tag))
                {
                    let promise = "a device subscribes for nobody but its owner";
                    let how = format!("at {}: {id}", self.record.since(quiet.since));
                    return Err(self.record.broken(promise, &how, sent, (Some(user), None)));
                }
            }
        }
        for (user, name) in self.record.users.iter().enumerate() {
            let reached = sent.body["recipients"][name].as_u64();
            if sent.done()
                && !reached.is_some_and(|reached| (least[user]..=bound[user]).contains(&reached))
            {
                let how = format!(
                    "{reached:?} were reached of {}\n{:#?}",
                    bound[user], quiet.table
                );
                return Err(self.record.broken(
                    "a send reaches just who the table says (I3)",
                    &how,
                    sent,
                    (Some(user), None),
                ));
            }
        }
        Ok(())
    }
}

//! What clients cannot know: which of two requests came first, and whether one that was answered did anything.

use super::event::Event;
use super::judge::{ARRIVES, LEASE};
use super::plan::{Op, Proof};
use super::reason::Reasons;

/// Whether one request surely reached the gateway before another.
pub(super) fn before(one: &Event, other: &Event) -> bool {
    one.answered < other.begun || one.begun + ARRIVES < other.begun
}

/// Whether a request may have reached the gateway after another, and before that one had read for the last time.
fn may_supersede(one: &Event, other: &Event) -> bool {
    !std::ptr::eq(one, other) && one.begun <= other.answered && !before(one, other)
}

/// Whether the answer shows that a registration had nothing to write: the device was registered some time before.
pub(super) fn wrote_nothing(event: &Event) -> bool {
    let registers = matches!(event.op, Op::Register { .. });
    registers
        && event
            .updated()
            .is_some_and(|updated| updated < event.begun / 1000)
}

/// Whether the answer to a read shows that it renewed the lease, or tried to: half of it was over.
pub(super) fn renews(event: &Event) -> bool {
    let own = matches!(
        event.op,
        Op::Read {
            proof: Proof::Own(_),
            ..
        }
    );
    let updated = event.updated().filter(|_| own && event.done());
    updated.is_some_and(|updated| updated + LEASE / 2 <= event.answered / 1000 + 1)
}

impl Reasons<'_> {
    /// Whether a registration of a device for another user may have been answered without doing anything, though what
    /// overtook it left the former owner where he was: the logout of its own user from a device that was not theirs yet,
    /// or a later registration of the other device that has its token.
    pub(super) fn was_overtaken_on_its_device(
        &self,
        event: &Event,
        device: usize,
        token: usize,
        user: Option<usize>,
    ) -> bool {
        let overtakes = |other: &&Event| match &other.op {
            Op::Unregister { device: of, proof } => {
                *of == device
                    && matches!(proof, Proof::Own(own) | Proof::Expired(own) if Some(*own) == user)
                    && other.status != 401
            }
            Op::Register {
                device: of,
                token: with,
                ..
            } => *of != device && *with == token && other.may_count(),
            Op::Read { device: of, .. } => *of != device && renews(other),
            Op::Subscribe { .. } | Op::Send { .. } | Op::Erase { .. } => false,
        };
        let mut others = self
            .events
            .iter()
            .filter(|other| may_supersede(other, event));
        others.any(|other| overtakes(&other))
    }

    /// Whether anything may have overtaken a registration on one of the devices.
    pub(super) fn was_overtaken(&self, event: &Event, devices: [usize; 2]) -> bool {
        let mut others = self
            .events
            .iter()
            .filter(|other| may_supersede(other, event));
        others.any(|other| devices.iter().any(|device| self.touches(other, *device)))
    }

    /// Whether a registration may have found everything as it should be: it writes nothing then, and what came before it
    /// and is still under way does not learn of it.
    pub(super) fn may_be_unchanged(&self, event: &Event) -> bool {
        if wrote_nothing(event) {
            return true;
        }
        let Op::Register {
            device,
            token,
            user,
            ..
        } = &event.op
        else {
            return false;
        };
        self.events.iter().any(|other| {
            let same = matches!(&other.op, Op::Register { device: d, token: t, user: u, .. } if (d, t, u) == (device, token, user))
                || matches!(&other.op, Op::Read { device: d, .. } if d == device && renews(other));
            // Times in answers are whole seconds: an older one would show.
            same && !std::ptr::eq(other, event)
                && other.may_count()
                && other.begun <= event.answered
                && other.answered + 2000 > event.begun
        })
    }

    /// Whether an event may have changed the device: as its own, or by taking a token that it may have had.
    fn touches(&self, event: &Event, device: usize) -> bool {
        match &event.op {
            Op::Register {
                device: of, token, ..
            } => event.may_count() && (*of == device || self.may_hold(device, *token)),
            Op::Unregister { device: of, .. } => *of == device && event.status != 401,
            Op::Read { device: of, .. } => *of == device && renews(event),
            // Which ones the user had is not known.
            Op::Erase { .. } => true,
            Op::Subscribe { .. } | Op::Send { .. } => false,
        }
    }

    pub(super) fn may_hold(&self, device: usize, token: usize) -> bool {
        let tokens = self.tokens.get(&device);
        tokens.is_some_and(|tokens| tokens.contains(&token))
    }
}

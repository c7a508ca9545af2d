//! A history that has not happened yet: what each of many clients will ask for, and what happens between the rounds.

use std::fmt;

/// A random history. Users, devices and tokens are numbers here; each time that it runs they get names of their own.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// What it was made from.
    pub(super) seed: u64,
    /// How many users there are, strangers apart: those have the numbers that follow.
    pub(super) users: usize,
    /// How many phones there are: each has two installations of the app after another, and two tokens after another.
    pub(super) phones: usize,
    /// What happens, round by round. Every step can be left out of it.
    pub(super) steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The round. A round begins when the one before it is over and everybody is quiet.
    pub(super) round: usize,
    /// What happens.
    pub(super) what: What,
}

/// What happens.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A client asks for something, when it has been answered what it asked for before.
    Asked { client: usize, op: Op },
    /// Something befalls the cloud while the clients go on; a client sees to it in its turn.
    Befalls { client: usize, trouble: Trouble },
    /// A client does nothing for so many milliseconds.
    Pauses { client: usize, long: u64 },
    /// A client waits for all others that come to this meeting in this round.
    Meets { client: usize, meeting: usize },
    /// Before the round, time passes.
    Passes(Passing),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Register {
        door: Door,
        device: usize,
        token: usize,
        user: Option<usize>,
        proof: Proof,
    },
    Read {
        device: usize,
        proof: Proof,
    },
    Unregister {
        device: usize,
        proof: Proof,
    },
    /// A user subscribes a device to the tag that is this user's alone, or unsubscribes it.
    Subscribe {
        device: usize,
        user: usize,
        way: Way,
    },
    Send {
        users: Vec<usize>,
    },
    Erase {
        user: usize,
    },
}

impl Op {
    /// A user registers a device with the user's own secret.
    pub(super) const fn login(device: usize, user: usize, token: usize) -> Self {
        Self::Register {
            door: Door::Post,
            device,
            token,
            user: Some(user),
            proof: Proof::Own(user),
        }
    }

    /// The device that it is about.
    pub(super) const fn device(&self) -> Option<usize> {
        match self {
            Self::Register { device, .. }
            | Self::Read { device, .. }
            | Self::Unregister { device, .. }
            | Self::Subscribe { device, .. } => Some(*device),
            Self::Send { .. } | Self::Erase { .. } => None,
        }
    }
}

/// Whether a device is to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    On,
    Off,
}

/// How a device registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Post,
    Put,
}

/// The secret that a request comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Nothing,
    Provisioned,
    Own(usize),
    Expired(usize),
}

/// What the cloud does to one of the next calls, or to what has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The next look for the endpoint of this token takes so many milliseconds.
    SlowEndpoint(usize, u64),
    /// The next transaction waits so long before it begins.
    SlowTransaction(u64),
    /// The next push to this token is so long under way.
    SlowPublish(usize, u64),
    /// The next push to this token is refused for now.
    ThrottledPublish(usize),
    /// The next push to this token finds no endpoint: it has to be made again, after a new look at the device.
    LostEndpoint(usize),
    /// SNS disables the endpoint of this token: a send has to enable it, after a new look at the device.
    DisabledEndpoint(usize),
    /// The next transaction becomes visible item by item, with so many milliseconds in between.
    Torn(u64),
    /// The next transaction meets another.
    Conflict,
    /// The next transaction is made, and its answer is lost.
    LostAnswer,
    /// The next batch read leaves keys out.
    Unprocessed,
    /// So many of a hundred expired items are deleted.
    Sweep(u64, usize),
}

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    /// So many seconds.
    Seconds(u64),
    /// As long as it takes until the leases that were granted in the round before run out one after the other.
    UntilLeasesEnd,
    /// As long as it takes until the items that were written in the round before expire one after the other.
    UntilItemsExpire,
}

/// Users who do nothing but log out of devices that are not theirs.
pub(super) const STRANGERS: usize = 10;
/// How many clients there are.
pub(super) const CLIENTS: usize = 16;
/// How long a lease is, in days: the server is started so.
pub(super) const LEASE_DAYS: u64 = 2;
/// How long a device stays known after its lease, in days.
pub(super) const GRACE_DAYS: u64 = 30;
pub(super) const HOUR: u64 = 3600;
pub(super) const DAY: u64 = 24 * HOUR;

impl Plan {
    /// How many requests it makes.
    pub(super) fn requests(&self) -> usize {
        let asked = |step: &&Step| matches!(step.what, What::Asked { .. });
        self.steps.iter().filter(asked).count()
    }

    /// How many devices there are.
    pub(super) const fn devices(&self) -> usize {
        self.phones * 2
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "the history of seed {} with {} users and {} phones, {} requests:",
            self.seed,
            self.users,
            self.phones,
            self.requests()
        )?;
        for Step { round, what } in &self.steps {
            match what {
                What::Asked { client, op } => writeln!(f, "  {round}.{client:<2} {op:?}")?,
                What::Befalls { client, trouble } => {
                    writeln!(f, "  {round}.{client:<2}   {trouble:?}")?;
                }
                What::Pauses { client, long } => {
                    writeln!(f, "  {round}.{client:<2}   pauses {long} ms")?;
                }
                What::Meets { client, meeting } => {
                    writeln!(f, "  {round}.{client:<2}   meets {meeting}")?;
                }
                What::Passes(passing) => writeln!(f, "  {round}    {passing:?}")?,
            }
        }
        Ok(())
    }
}

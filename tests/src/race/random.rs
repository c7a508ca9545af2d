//! Random histories.

use super::chance::Chance;
use super::plan::{
    CLIENTS, DAY, Door, GRACE_DAYS, HOUR, LEASE_DAYS, Op, Passing, Plan, Proof, STRANGERS, Step,
    Trouble, Way, What,
};

/// Requests of one client in a crowd.
const REQUESTS: usize = 30;
/// Slow things happen early in a crowd: the others should have something to do meanwhile.
const BUSY: usize = 15;

/// The ways of racing: each shows something that is lost in the others.
#[derive(Clone, Copy)]
enum Race {
    /// Everybody does anything.
    Crowd,
    /// Some clients do one thing each to the same phone at the same moment.
    Burst,
    /// A registration is overtaken by a logout, a login or an erasure; nobody else cares.
    Contest,
}

/// The rounds of a history.
const ROUNDS: [Race; 14] = [
    Race::Crowd,
    Race::Burst,
    Race::Burst,
    Race::Burst,
    Race::Burst,
    Race::Contest,
    Race::Contest,
    Race::Crowd,
    Race::Burst,
    Race::Burst,
    Race::Burst,
    Race::Burst,
    Race::Contest,
    Race::Contest,
];

impl Plan {
    /// The history of a seed.
    pub(super) fn random(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut plan = Self {
            seed,
            users: chance.between(2, 4),
            phones: chance.between(2, 4),
            steps: Vec::new(),
        };
        for (round, race) in ROUNDS.into_iter().enumerate() {
            let passes = match race {
                Race::Crowd => 100,
                Race::Burst => 10,
                Race::Contest => 30,
            };
            if round > 0 && chance.percent(passes) {
                let passing = passing(&mut chance);
                plan.add(round, What::Passes(passing));
            }
            match race {
                Race::Crowd => {
                    (0..CLIENTS).for_each(|client| plan.turn(&mut chance, round, client));
                }
                Race::Burst => {
                    (0..plan.phones).for_each(|phone| plan.burst(&mut chance, round, phone));
                }
                Race::Contest => {
                    (0..plan.phones).for_each(|phone| plan.contest(&mut chance, round, phone));
                }
            }
        }
        plan
    }

    /// What a client does in a crowd.
    fn turn(&mut self, chance: &mut Chance, round: usize, client: usize) {
        let mut last = None;
        for n in 0..REQUESTS {
            if chance.percent(8) {
                let long = chance.between(50, 400) as u64;
                self.add(round, What::Pauses { client, long });
            }
            if chance.percent(if n < BUSY { 9 } else { 2 }) {
                let token = chance.below(2 * self.phones);
                let trouble = trouble(chance, token, n < BUSY);
                self.add(round, What::Befalls { client, trouble });
            }
            let op = match last.take() {
                // Whoever is not sure says it again.
                Some(op @ Op::Unregister { .. }) if chance.percent(20) => op,
                _ => {
                    let (device, token) = self.device(chance);
                    self.op(chance, device, token)
                }
            };
            last = Some(op.clone());
            self.add(round, What::Asked { client, op });
        }
    }

    /// The clients of a phone, each in turn.
    fn clients(&self, phone: usize) -> impl Iterator<Item = usize> + use<> {
        (phone..CLIENTS).step_by(self.phones)
    }

    /// One client puts the phone into some state; then all of its clients do something to it at once.
    fn burst(&mut self, chance: &mut Chance, round: usize, phone: usize) {
        let (first, meeting) = (phone, phone);
        self.prepare(chance, round, phone, first);
        if chance.percent(40) {
            let token = 2 * phone + chance.below(2);
            let trouble = match chance.below(5) {
                0 => useless(chance, token),
                1 => Trouble::Torn(chance.between(3, 15) as u64),
                2 | 3 => Trouble::SlowTransaction(chance.between(20, 150) as u64),
                _ => Trouble::SlowEndpoint(token, chance.between(20, 150) as u64),
            };
            let client = first;
            self.add(round, What::Befalls { client, trouble });
        }
        for client in self.clients(phone) {
            self.add(round, What::Meets { client, meeting });
            let (device, token) = (
                2 * phone + chance.below(2),
                2 * phone + usize::from(chance.percent(25)),
            );
            let op = self.op(chance, device, token);
            self.add(round, What::Asked { client, op });
        }
    }

    /// A login by one client; by another what comes later and may be answered before it; sends by a third all the while.
    /// The login is slow, or the other follows at its heels.
    fn contest(&mut self, chance: &mut Chance, round: usize, phone: usize) {
        let mut clients = self.clients(phone);
        let (Some(client), Some(later), Some(sender)) =
            (clients.next(), clients.next(), clients.next())
        else {
            return;
        };
        let (device, token) = (2 * phone + chance.below(2), 2 * phone + chance.below(2));
        let (user, other) = (chance.below(self.users), chance.below(self.users));
        for device in [2 * phone, 2 * phone + 1] {
            let proof = Proof::Provisioned;
            let op = Op::Unregister { device, proof };
            self.add(round, What::Asked { client, op });
        }
        // Another has the device, another device has the token, or both, or neither.
        let (has_device, has_token) = (chance.percent(50), chance.percent(50));
        if has_device {
            let with = token ^ usize::from(has_token || chance.percent(50));
            let op = Op::login(device, other, with);
            self.add(round, What::Asked { client, op });
        }
        if has_token {
            let op = Op::login(device ^ 1, chance.below(self.users), token);
            self.add(round, What::Asked { client, op });
        }
        let slow = chance.percent(50);
        if slow {
            let trouble = Trouble::SlowEndpoint(token, chance.between(1000, 1800) as u64);
            self.add(round, What::Befalls { client, trouble });
        }
        let meeting = phone;
        for client in [client, later, sender] {
            self.add(round, What::Meets { client, meeting });
        }
        let op = Op::login(device, user, token);
        self.add(round, What::Asked { client, op });
        let client = later;
        let long = if slow {
            chance.between(20, 600)
        } else {
            chance.between(1, 12)
        } as u64;
        self.add(round, What::Pauses { client, long });
        for op in self.overtaking(chance, (device, token), (user, other)) {
            self.add(round, What::Asked { client, op });
        }
        let client = sender;
        // A push that is under way may have to look again, at what has changed since.
        if chance.percent(30) {
            let trouble = useless(chance, token);
            self.add(round, What::Befalls { client, trouble });
        }
        for _ in 0..if slow { 6 } else { 2 } {
            let long = chance.between(200, 400) as u64;
            self.add(round, What::Pauses { client, long });
            let users = (0..self.users).collect();
            let op = Op::Send { users };
            self.add(round, What::Asked { client, op });
        }
    }

    /// What comes later than the login of a user on a device with a token, which may be another's before.
    fn overtaking(
        &self,
        chance: &mut Chance,
        (device, token): (usize, usize),
        (user, other): (usize, usize),
    ) -> Vec<Op> {
        let logout = |proof| Op::Unregister { device, proof };
        let mut ops = match chance.below(12) {
            0..3 => vec![logout(Proof::Own(user))],
            3 => vec![logout(Proof::Expired(user))],
            4 => vec![logout(Proof::Provisioned)],
            5 | 6 => vec![logout(Proof::Own(other))],
            7 => vec![Op::login(device ^ 1, other, token)],
            8 => vec![Op::login(device, other, token ^ 1)],
            9 => vec![Op::login(device, other, token)],
            10 => vec![Op::Erase { user }],
            // The user's logout, and those of so many others that it may be forgotten.
            _ => {
                let strangers = self.users..self.users + STRANGERS;
                let all = std::iter::once(user).chain(strangers);
                all.map(|user| logout(Proof::Own(user))).collect()
            }
        };
        if chance.percent(25) {
            ops.push(Op::login(device ^ 1, other, token));
        }
        ops
    }

    /// A phone that nobody has, or somebody.
    fn prepare(&mut self, chance: &mut Chance, round: usize, phone: usize, client: usize) {
        let (proof, users) = (Proof::Provisioned, self.users);
        let mut ask = |op| self.add(round, What::Asked { client, op });
        match chance.below(4) {
            0 => {}
            1 | 2 => {
                for device in [2 * phone, 2 * phone + 1] {
                    ask(Op::Unregister { device, proof });
                }
            }
            _ => ask(Op::Register {
                door: Door::Post,
                device: 2 * phone + chance.below(2),
                token: 2 * phone + chance.below(2),
                user: Some(chance.below(users)),
                proof,
            }),
        }
    }

    fn add(&mut self, round: usize, what: What) {
        let what = match what {
            // Once in a history: the second time its device may end.
            What::Befalls {
                client,
                trouble: Trouble::DisabledEndpoint(token),
            } if self.disables(token) => What::Befalls {
                client,
                trouble: Trouble::LostEndpoint(token),
            },
            what => what,
        };
        self.steps.push(Step { round, what });
    }

    fn disables(&self, token: usize) -> bool {
        let disables = |step: &Step| matches!(step.what, What::Befalls { trouble: Trouble::DisabledEndpoint(one), .. } if one == token);
        self.steps.iter().any(disables)
    }

    /// Anything that can be asked for, of a device where it concerns one.
    fn op(&self, chance: &mut Chance, device: usize, token: usize) -> Op {
        let somebody = |chance: &mut Chance| Some(chance.below(self.users));
        match chance.below(100) {
            kind @ 0..45 => {
                let user = if chance.percent(20) {
                    None
                } else {
                    somebody(chance)
                };
                let another = chance.below(self.users);
                let proof = match (user, chance.below(100)) {
                    (Some(user), 0..86) => Proof::Own(user),
                    (Some(_), 86..94) => Proof::Provisioned,
                    (Some(_), 94..97) | (None, 60..80) => Proof::Own(another),
                    (Some(user), 97..99) => Proof::Expired(user),
                    (None, 0..60) | (Some(_), _) => Proof::Nothing,
                    (None, 80..90) => Proof::Expired(another),
                    (None, _) => Proof::Provisioned,
                };
                Op::Register {
                    door: if kind < 30 { Door::Post } else { Door::Put },
                    device,
                    token,
                    user,
                    proof,
                }
            }
            45..60 => {
                let user = chance.below(self.users);
                let proof = match chance.below(100) {
                    0..55 => Proof::Own(user),
                    55..75 => Proof::Expired(user),
                    75..90 => Proof::Provisioned,
                    _ => Proof::Nothing,
                };
                Op::Unregister { device, proof }
            }
            60..72 => {
                let user = chance.below(self.users);
                let proof = match chance.below(100) {
                    0..75 => Proof::Own(user),
                    75..80 => Proof::Expired(user),
                    _ => Proof::Provisioned,
                };
                Op::Read { device, proof }
            }
            // The secrets of who was erased are refused for the rest of the round.
            72 if chance.percent(25) => Op::Erase {
                user: chance.below(self.users),
            },
            72..83 => Op::Subscribe {
                device,
                user: chance.below(self.users),
                way: if chance.percent(75) {
                    Way::On
                } else {
                    Way::Off
                },
            },
            _ => {
                let mut users: Vec<_> = (0..self.users).filter(|_| chance.percent(50)).collect();
                if users.is_empty() {
                    users.extend(somebody(chance));
                }
                Op::Send { users }
            }
        }
    }

    /// A device and the token that it has: of the same phone, but for a few that got mixed up.
    fn device(&self, chance: &mut Chance) -> (usize, usize) {
        let phone = chance.below(self.phones);
        let device = 2 * phone + usize::from(chance.percent(30));
        let phone = if chance.percent(6) {
            chance.below(self.phones)
        } else {
            phone
        };
        (device, 2 * phone + usize::from(chance.percent(25)))
    }
}

/// The endpoint of the token is of no use to the next push.
fn useless(chance: &mut Chance, token: usize) -> Trouble {
    if chance.percent(50) {
        Trouble::DisabledEndpoint(token)
    } else {
        Trouble::LostEndpoint(token)
    }
}

fn trouble(chance: &mut Chance, token: usize, early: bool) -> Trouble {
    let mut long = |least, most| {
        let most = if early { most } else { least };
        chance.between(least, most) as u64
    };
    let endpoint = long(200, 1500);
    let transaction = long(100, 1000);
    let publish = long(100, 1000);
    let pause = long(4, 25);
    match chance.below(20) {
        0..4 => Trouble::SlowEndpoint(token, endpoint),
        4..6 => Trouble::SlowTransaction(transaction),
        6..8 => Trouble::SlowPublish(token, publish),
        8 => Trouble::ThrottledPublish(token),
        9 => useless(chance, token),
        10..13 => Trouble::Torn(pause),
        13..15 => Trouble::Conflict,
        15 => Trouble::LostAnswer,
        16..18 => Trouble::Unprocessed,
        _ => Trouble::Sweep(chance.below(1000) as u64, chance.between(20, 100)),
    }
}

fn passing(chance: &mut Chance) -> Passing {
    match chance.below(10) {
        0 => Passing::Seconds(0),
        1 => Passing::Seconds(LEASE_DAYS * DAY / 2 + HOUR),
        2 => Passing::Seconds(DAY + HOUR),
        3 => Passing::Seconds(LEASE_DAYS * DAY + HOUR),
        4 => Passing::Seconds(8 * DAY),
        5 => Passing::Seconds((LEASE_DAYS + GRACE_DAYS + 1) * DAY),
        6 => Passing::UntilItemsExpire,
        _ => Passing::UntilLeasesEnd,
    }
}

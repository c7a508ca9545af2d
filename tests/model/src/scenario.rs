//! What the exploration begins with: what stands in the table, which calls arrive in which order, how time may pass.

use crate::names::{Device, Token, User};
use crate::table::{Cell, Is, Item, Key, Table, TokenCell};
use push::device::{GRACE, Policy, TOMBSTONE};
use push::{Caller, ClientSecretMode, RequireClientSecret, Span, Time};

/// Devices as they stand, calls in the order in which they arrive, and the moments to which time may leap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scenario {
    /// Device A and device B, where they are known.
    pub stands: [Option<Stand>; 2],
    /// The calls.
    pub orders: Vec<Order>,
    /// How long after the beginning time may leap, one after the other.
    pub leaps: Vec<Span>,
    /// How finely the calls are interleaved.
    pub grain: Grain,
}

/// How finely calls are interleaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    /// Each call is carried out in one step, in any order.
    Calls,
    /// Each read of an item, each answer and each item that becomes visible is a step. Calls die and answers are lost.
    Items,
}

/// A device as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stand {
    /// Its token, where it is registered; where not, it has ended.
    pub token: Option<Token>,
    /// Whose it is or was.
    pub user: Option<User>,
    /// How long ago.
    pub age: Age,
}

/// How long ago something was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// An hour.
    Fresh,
    /// Its lease is over, and the device not forgotten.
    Lapsed,
    /// It has expired.
    Expired,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Nobody in particular.
    Nobody,
    /// A holder of the provisioned secret.
    Provisioned,
    /// A user, with a secret of theirs.
    User(User),
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Register the device with the token, for the user, who makes the call, or for nobody.
    Register(Device, Token, Option<User>),
    /// Unregister the device.
    Unregister(Device, By),
    /// The endpoint of the token was found dead: remove the device that was found to have it.
    Remove(Device, Token),
    /// A publish has found the endpoint of the token disabled: enable it, or remove the device that was found to have it.
    Find(Device, Token),
    /// Erase the user.
    Erase(User),
    /// Push to the user's devices.
    Send(User),
}

/// When the exploration begins.
pub const BEGIN: Time = Time::from_seconds(1_700_000_000);
/// How long a lease is.
pub const LEASE: Span = Span::from_days(10);

/// The rules' parameters.
pub const POLICY: Policy = Policy {
    lease: LEASE,
    bindings_not_before: Time::from_millis(0),
    require_client_secret: RequireClientSecret::Users,
    client_secret_mode: ClientSecretMode::PerUser,
};

impl Order {
    /// The device that the call is about.
    #[must_use]
    pub fn device(self) -> Option<Device> {
        match self {
            Self::Register(device, ..)
            | Self::Unregister(device, _)
            | Self::Remove(device, _)
            | Self::Find(device, _) => Some(device),
            Self::Send(_) | Self::Erase(_) => None,
        }
    }

    /// Whether the moment of the call's arrival says more than its place in the order.
    #[must_use]
    pub fn is_noted(self) -> bool {
        matches!(self, Self::Send(_)) || self.is_told()
    }

    /// Whether it is no call, but what was found out about an endpoint.
    #[must_use]
    pub fn is_told(self) -> bool {
        matches!(self, Self::Remove(..) | Self::Find(..))
    }

    /// The caller as the rules take it. A logout comes with a secret that has expired: that has to do.
    #[must_use]
    pub fn caller(self) -> Caller {
        match self {
            Self::Register(_, _, Some(user)) => Caller::User {
                user: user.id().clone(),
                issued: BEGIN,
                expires: BEGIN + Span::from_days(1000),
            },
            Self::Unregister(_, By::User(user)) => Caller::User {
                user: user.id().clone(),
                issued: BEGIN,
                expires: BEGIN,
            },
            Self::Unregister(_, By::Provisioned) => Caller::Provisioned,
            Self::Register(..)
            | Self::Unregister(..)
            | Self::Remove(..)
            | Self::Find(..)
            | Self::Erase(_)
            | Self::Send(_) => Caller::Nobody,
        }
    }

    fn renamed(self, names: Renaming) -> Self {
        match self {
            Self::Register(device, token, user) => Self::Register(
                names.device(device),
                names.token(token),
                user.map(|user| names.user(user)),
            ),
            Self::Unregister(device, by) => Self::Unregister(
                names.device(device),
                match by {
                    By::User(user) => By::User(names.user(user)),
                    By::Nobody | By::Provisioned => by,
                },
            ),
            Self::Remove(device, token) => Self::Remove(names.device(device), names.token(token)),
            Self::Find(device, token) => Self::Find(names.device(device), names.token(token)),
            Self::Erase(user) => Self::Erase(names.user(user)),
            Self::Send(user) => Self::Send(names.user(user)),
        }
    }
}

/// Devices, tokens or users that swap names.
#[derive(Clone, Copy)]
struct Renaming {
    devices: bool,
    tokens: bool,
    users: [User; 3],
}

impl Renaming {
    fn all() -> impl Iterator<Item = Self> {
        let [a, b, c] = User::ALL;
        let users = [
            [a, b, c],
            [a, c, b],
            [b, a, c],
            [b, c, a],
            [c, a, b],
            [c, b, a],
        ];
        users.into_iter().flat_map(|users| {
            (0..4u8).map(move |n| Self {
                devices: n & 1 != 0,
                tokens: n & 2 != 0,
                users,
            })
        })
    }

    fn device(self, device: Device) -> Device {
        if self.devices { device.other() } else { device }
    }

    fn token(self, token: Token) -> Token {
        if self.tokens { token.other() } else { token }
    }

    fn user(self, user: User) -> User {
        let [a, b, c] = self.users;
        match user {
            User::Alice => a,
            User::Bob => b,
            User::Carol => c,
        }
    }
}

impl Scenario {
    /// The one that stands for all that differ from this one only in names: nothing depends on those.
    #[must_use]
    pub fn representative(&self) -> Self {
        Renaming::all()
            .map(|names| self.renamed(names))
            .min()
            .unwrap_or_else(|| self.clone())
    }

    fn renamed(&self, names: Renaming) -> Self {
        let [a, b] = self.stands.map(|stand| {
            stand.map(|stand| Stand {
                token: stand.token.map(|token| names.token(token)),
                user: stand.user.map(|user| names.user(user)),
                age: stand.age,
            })
        });
        Self {
            stands: if names.devices { [b, a] } else { [a, b] },
            orders: self
                .orders
                .iter()
                .map(|order| order.renamed(names))
                .collect(),
            leaps: self.leaps.clone(),
            grain: self.grain,
        }
    }

    /// Whether an anonymous registration or device takes part.
    #[must_use]
    pub fn has_anonymous(&self) -> bool {
        let registers = |order: &Order| matches!(order, Order::Register(_, _, None));
        let stands = |stand: &Stand| stand.token.is_some() && stand.user.is_none();
        self.orders.iter().any(registers) || self.stands.iter().flatten().any(stands)
    }

    /// The table that the devices stand in.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::default();
        for (device, stand) in Device::ALL.into_iter().zip(self.stands) {
            if let Some(stand) = stand {
                stand.fill(device, &mut table);
            }
        }
        table
    }
}

impl Stand {
    /// Registered an hour ago.
    #[must_use]
    pub fn live(token: Token, user: Option<User>) -> Self {
        Self {
            token: Some(token),
            user,
            age: Age::Fresh,
        }
    }

    /// Ended an hour ago.
    #[must_use]
    pub fn ended(user: Option<User>) -> Self {
        Self {
            token: None,
            user,
            age: Age::Fresh,
        }
    }

    /// The same, longer ago.
    #[must_use]
    pub fn aged(self, age: Age) -> Self {
        Self { age, ..self }
    }

    /// When it was registered.
    fn place(self) -> Time {
        BEGIN
            - match self.age {
                Age::Fresh => Span::from_seconds(3600),
                Age::Lapsed => Span::from_days(11),
                Age::Expired => Span::from_days(41),
            }
    }

    /// When its lease ends.
    #[must_use]
    pub fn lease(self) -> Time {
        self.place() + LEASE
    }

    fn fill(self, device: Device, table: &mut Table) {
        let place = self.place();
        let lease = self.lease();
        let (is, expires) = match self.token {
            Some(token) => {
                let is = Is::Live {
                    binding: self.user.map(|user| (user, lease)),
                    token,
                    checked: place,
                    revived: None,
                };
                (is, lease + GRACE)
            }
            None => (Is::Ended(self.user), place + TOMBSTONE),
        };
        let item = Item {
            version: 1,
            place,
            expires,
            logouts: [None; 4],
            is,
            by: None,
        };
        table.set(Key::Device(device), Some(Cell::Device(item)));
        if let Some(token) = self.token {
            table.set(
                Key::Token(token),
                Some(Cell::Token(TokenCell {
                    version: 1,
                    device,
                    place,
                    expires,
                })),
            );
            if let Some(user) = self.user {
                table.set(Key::Link(user, device), Some(Cell::Link(lease)));
            }
        }
    }
}

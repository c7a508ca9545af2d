//! The cast: two devices, two tokens, three users, and what the rules call them.

use push::logout::UserHash;
use push::{DeviceId, Platform, TokenKey, UserId};
use std::fmt;
use std::sync::LazyLock;

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Device {
    /// One of them.
    A,
    /// The other one.
    B,
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// One of them.
    One,
    /// The other one.
    Two,
}

/// A user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum User {
    /// One of them.
    Alice,
    /// Another one.
    Bob,
    /// The third one.
    Carol,
}

struct Names {
    devices: [DeviceId; 2],
    tokens: [(push::Token, TokenKey); 2],
    users: [(UserId, UserHash); 3],
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    devices: ["A", "B"].map(|id| valid(DeviceId::parse(id))),
    tokens: ["1", "2"].map(|digit| {
        let token = valid(push::Token::parse(Platform::Fcm, &digit.repeat(32)));
        let key = token.key();
        (token, key)
    }),
    users: ["alice", "bob", "carol"].map(|name| {
        let user = valid(UserId::parse(name));
        let hash = UserHash::of(&user);
        (user, hash)
    }),
});

#[expect(clippy::expect_used, reason = "the names stand above")]
fn valid<T>(name: Result<T, push::Invalid>) -> T {
    name.expect("a name of the model is valid")
}

impl Device {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// Its id.
    #[must_use]
    pub fn id(self) -> &'static DeviceId {
        let [a, b] = &NAMES.devices;
        match self {
            Self::A => a,
            Self::B => b,
        }
    }

    /// The device with this id.
    #[must_use]
    pub fn of(id: &DeviceId) -> Self {
        if id == Self::A.id() { Self::A } else { Self::B }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl Token {
    /// Both.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];

    fn names(self) -> &'static (push::Token, TokenKey) {
        let [one, two] = &NAMES.tokens;
        match self {
            Self::One => one,
            Self::Two => two,
        }
    }

    /// The token itself.
    #[must_use]
    pub fn token(self) -> &'static push::Token {
        &self.names().0
    }

    /// Its name in the table.
    #[must_use]
    pub fn key(self) -> &'static TokenKey {
        &self.names().1
    }

    /// Its endpoint: the same token always gets the same one.
    #[must_use]
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::One => "endpoint of token 1",
            Self::Two => "endpoint of token 2",
        }
    }

    /// The token with this name in the table.
    #[must_use]
    pub fn of(key: &TokenKey) -> Self {
        if key == Self::One.key() {
            Self::One
        } else {
            Self::Two
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two => Self::One,
        }
    }
}

impl User {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Alice, Self::Bob, Self::Carol];

    fn names(self) -> &'static (UserId, UserHash) {
        let [alice, bob, carol] = &NAMES.users;
        match self {
            Self::Alice => alice,
            Self::Bob => bob,
            Self::Carol => carol,
        }
    }

    /// Their id.
    #[must_use]
    pub fn id(self) -> &'static UserId {
        &self.names().0
    }

    /// The hash of their id.
    #[must_use]
    pub fn hash(self) -> &'static UserHash {
        &self.names().1
    }

    /// The user with this id.
    #[must_use]
    pub fn of(id: &UserId) -> Self {
        let named = |user: &Self| user.id() == id;
        Self::ALL.into_iter().find(named).unwrap_or(Self::Alice)
    }

    /// The user with this hash.
    #[must_use]
    pub fn hashed(hash: &UserHash) -> Self {
        let named = |user: &Self| user.hash() == hash;
        Self::ALL.into_iter().find(named).unwrap_or(Self::Alice)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "device A",
            Self::B => "device B",
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "token 1",
            Self::Two => "token 2",
        })
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
            Self::Carol => "carol",
        })
    }
}

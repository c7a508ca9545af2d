//! Who calls, as far as the secret in the request proves it.

use crate::logout::{LoggedOut, UserHash};
use crate::{Denial, Refusal, Time, UserId};

/// What the secrets of a request prove. A malformed or forged secret proves nothing and never becomes a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No secret, or the literal `anonymous`, which the mobile SDKs send where they have none.
    Nobody,
    /// The provisioned client secret.
    Provisioned,
    /// The app secret: a backend.
    Backend,
    /// A secret made for one user.
    User {
        /// The user it was made for.
        user: UserId,
        /// When it was made; whole seconds.
        issued: Time,
        /// Until when it speaks for that user in everything. Past it, it still logs out and reports.
        expires: Time,
    },
}

/// Which calls of devices need a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequireClientSecret {
    /// Those that concern a user.
    Users,
    /// All of them.
    Always,
}

/// What `init` hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientSecretMode {
    /// A secret signed for one user, which dies by itself.
    PerUser,
    /// The provisioned secret itself, as the original service did.
    Shared,
}

impl Caller {
    /// Holds a provisioned secret: may act for everybody.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Provisioned | Self::Backend)
    }

    /// May bind devices to this user.
    #[must_use]
    pub fn speaks_for(&self, user: &UserId, now: Time) -> bool {
        self.is_trusted() || self.is(user, now)
    }

    /// Proves now to be this user.
    #[must_use]
    pub fn is(&self, user: &UserId, now: Time) -> bool {
        matches!(self, Self::User { user: own, expires, .. } if own == user && now < *expires)
    }

    /// Proves to be or to have been this user: enough to log out, and to report what became of a message.
    #[must_use]
    pub fn was(&self, user: &UserId) -> bool {
        matches!(self, Self::User { user: own, .. } if own == user)
    }

    /// Why it does not speak for this user.
    #[must_use]
    pub fn denial(&self, user: &UserId) -> Denial {
        match self {
            Self::Nobody => Denial::Missing,
            Self::User { .. } if self.was(user) => Denial::Expired,
            Self::User { .. } => Denial::OtherUser,
            Self::Provisioned | Self::Backend => Denial::Wrong,
        }
    }

    /// Whom its logout concerns. Without a secret, nobody.
    #[must_use]
    pub fn logs_out(&self) -> Option<LoggedOut> {
        match self {
            Self::User { user, .. } => Some(LoggedOut::User(UserHash::of(user))),
            Self::Provisioned | Self::Backend => Some(LoggedOut::Everybody),
            Self::Nobody => None,
        }
    }

    /// When its secret was made, where it was made for one user.
    #[must_use]
    pub fn issued(&self) -> Option<Time> {
        match self {
            Self::User { issued, .. } => Some(*issued),
            Self::Nobody | Self::Provisioned | Self::Backend => None,
        }
    }

    /// Whether a call of a device may go on at all.
    ///
    /// # Errors
    /// [`Refusal::Unauthorized`] for a caller without a secret where all calls need one.
    pub fn admit(&self, require: RequireClientSecret) -> Result<(), Refusal> {
        match (self, require) {
            (Self::Nobody, RequireClientSecret::Always) => {
                Err(Refusal::Unauthorized(Denial::Missing))
            }
            _ => Ok(()),
        }
    }
}

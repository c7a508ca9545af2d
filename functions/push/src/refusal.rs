//! What a rule answers when the caller may not.

/// Why a rule refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing, or it is not the caller's.
    NotFound,
    /// The caller did not prove its right.
    Unauthorized(Denial),
    /// So many users logged out of the device within two minutes that some are forgotten. Whether one of them was this user,
    /// and came after the call, is not known.
    TooManyLogouts,
}

/// Why a caller did not prove its right: for the log alone. All of them have one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The call has no secret.
    Missing,
    /// The secret was not handed out for this application.
    Wrong,
    /// The secret was made for the right user and has expired.
    Expired,
    /// The secret was made for another user.
    OtherUser,
    /// The user was erased after the secret was made.
    Erased,
}

impl Denial {
    /// The word of the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Wrong => "wrong",
            Self::Expired => "expired",
            Self::OtherUser => "other user",
            Self::Erased => "erased",
        }
    }
}

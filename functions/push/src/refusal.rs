//! What a rule answers when the caller may not.

/// Why a rule refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing, or it is not the caller's.
    NotFound,
    /// The caller did not prove its right.
    Unauthorized,
    /// So many users logged out of the device within two minutes that some are forgotten. Whether one of them was this user,
    /// and came after the call, is not known.
    TooManyLogouts,
}

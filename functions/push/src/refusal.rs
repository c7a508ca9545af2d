//! What a rule answers when the caller may not.

/// Why a rule refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing, or it is not the caller's.
    NotFound,
    /// The caller did not prove its right.
    Unauthorized,
    /// More logouts arrived at once than are remembered: whether one of them came after the call is not known.
    TooManyLogouts,
}

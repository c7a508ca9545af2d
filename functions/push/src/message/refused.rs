//! Why a message is not taken.

use crate::Invalid;
use std::fmt;

/// Why a message is not taken. Nothing of it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A parameter breaks a rule.
    Invalid(Invalid),
    /// It names more users, devices or tags than one request may.
    TooLarge,
}

impl Refused {
    /// The same, found inside of the parameter `outer`.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        match self {
            Self::Invalid(invalid) => Self::Invalid(invalid.within(outer)),
            Self::TooLarge => Self::TooLarge,
        }
    }
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::TooLarge => write!(
                f,
                "A message names at most {} users or devices, or {} tags.",
                super::MOST_TARGETS,
                super::MOST_TAGS
            ),
        }
    }
}

impl std::error::Error for Refused {}

//! A value that breaks a rule of the contract.

use std::fmt;

/// Which parameter is wrong, and what would be right. It never repeats the value itself, which may be a secret, a
/// token or a user id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    parameter: String,
    rule: String,
}

impl Invalid {
    /// The parameter by its path in the request (`target.userIds`), and the rule that it has to keep, as a sentence.
    #[must_use]
    pub fn new(parameter: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            parameter: parameter.into(),
            rule: rule.into(),
        }
    }

    /// The path of the parameter in the request.
    #[must_use]
    pub fn parameter(&self) -> &str {
        &self.parameter
    }

    /// The same fault under the name that the value has where it was found: `userId` becomes `userIds[3]`.
    #[must_use]
    pub fn at(self, parameter: impl Into<String>) -> Self {
        Self {
            parameter: parameter.into(),
            rule: self.rule,
        }
    }

    /// The same fault, found inside of the parameter `outer`: `[3]` in `messages` becomes `messages[3]`.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        let dot = if self.parameter.is_empty() || self.parameter.starts_with('[') {
            ""
        } else {
            "."
        };
        Self {
            parameter: format!("{outer}{dot}{}", self.parameter),
            rule: self.rule,
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Invalid value was provided. Check the '{}' parameter value. {}",
            self.parameter, self.rule
        )
    }
}

impl std::error::Error for Invalid {}

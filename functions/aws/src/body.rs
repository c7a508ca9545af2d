//! The JSON object that a caller sends, read by name. What is not known is ignored, null counts as absent.

use crate::{Call, Failure};
use push::Invalid;
use serde_json::Value;

/// A JSON object.
pub struct Body(Value);

/// The largest one, in bytes; messages have a limit of their own.
const LARGEST: usize = 1024 * 1024;

impl Body {
    /// The body of the call.
    ///
    /// # Errors
    /// As [`Call::json`]; [`Failure::Invalid`] names `body` where it is no object.
    pub fn of(call: &Call) -> Result<Self, Failure> {
        let body = call.json(LARGEST)?;
        if body.is_object() {
            Ok(Self(body))
        } else {
            Err(Invalid::new("body", "It is an object.").into())
        }
    }

    /// The value of this name, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The string of this name, if there is one.
    ///
    /// # Errors
    /// [`Invalid`] names it where it is no string.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Invalid> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Invalid::new(name, "It is a string.")),
        }
    }

    /// The string of this name.
    ///
    /// # Errors
    /// [`Invalid`] names it where there is none.
    pub fn needed(&self, name: &str) -> Result<&str, Invalid> {
        self.text(name)?.ok_or_else(|| missing(name))
    }
}

/// The contract's answer to a parameter that is not there.
#[must_use]
pub fn missing(parameter: &str) -> Invalid {
    Invalid::new(parameter, "It is required.")
}

//! The body of a registration. What is not known is ignored, null counts as absent.

use aws::Failure;
use push::{DeviceId, Invalid, Platform, Token, UserId};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A JSON value, read by name.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Body(Value);

/// The contract's answer to a parameter that is not there.
pub fn missing(parameter: &str) -> Failure {
    Invalid::new(parameter, "It is required.").into()
}

impl Body {
    /// The id of the device to register.
    pub fn device_id(&self) -> Result<DeviceId, Failure> {
        let text = self.text("deviceId")?.ok_or_else(|| missing("deviceId"))?;
        Ok(DeviceId::parse(text)?)
    }

    /// The id in the path, which one in the body has to equal.
    pub fn same_device_id(&self, path: DeviceId) -> Result<DeviceId, Failure> {
        match self.text("deviceId")? {
            Some(text) if text != path.as_str() => {
                Err(Invalid::new("deviceId", "It has to equal the one in the path.").into())
            }
            _ => Ok(path),
        }
    }

    /// The user to register for; nobody where it is empty.
    pub fn user_id(&self) -> Result<Option<UserId>, Failure> {
        match self.text("userId")? {
            None | Some("") => Ok(None),
            Some(text) => Ok(Some(UserId::parse(text)?)),
        }
    }

    /// The platform, where it is given.
    pub fn platform(&self) -> Result<Option<Platform>, Failure> {
        Ok(self.text("platform")?.map(Platform::parse).transpose()?)
    }

    /// The token, of this platform.
    pub fn token(&self, platform: Platform) -> Result<Token, Failure> {
        let text = self.text("token")?.ok_or_else(|| missing("token"))?;
        Ok(Token::parse(platform, text)?)
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.object()?.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Invalid::new(name, "It is a string.").into()),
        }
    }

    fn object(&self) -> Result<&Map<String, Value>, Failure> {
        self.0
            .as_object()
            .ok_or_else(|| Invalid::new("body", "It is an object.").into())
    }
}

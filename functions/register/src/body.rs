//! The body of a registration.

use aws::{Call, Failure};
use push::{DeviceId, Invalid, Platform, Token, UserId};

/// A body, by what it says.
pub struct Body(aws::Body);

impl Body {
    /// The body of the call.
    pub fn of(call: &Call) -> Result<Self, Failure> {
        aws::Body::of(call).map(Self)
    }

    /// The id of the device to register.
    pub fn device_id(&self) -> Result<DeviceId, Invalid> {
        DeviceId::parse(self.0.needed("deviceId")?)
    }

    /// The id in the path, which one in the body has to equal.
    pub fn same_device_id(&self, path: DeviceId) -> Result<DeviceId, Invalid> {
        match self.0.text("deviceId")? {
            Some(text) if text != path.as_str() => Err(Invalid::new(
                "deviceId",
                "It has to equal the one in the path.",
            )),
            _ => Ok(path),
        }
    }

    /// The user to register for; nobody where it is empty.
    pub fn user_id(&self) -> Result<Option<UserId>, Invalid> {
        match self.0.text("userId")? {
            None | Some("") => Ok(None),
            Some(text) => UserId::parse(text).map(Some),
        }
    }

    /// The platform, where it is given.
    pub fn platform(&self) -> Result<Option<Platform>, Invalid> {
        self.0.text("platform")?.map(Platform::parse).transpose()
    }

    /// The token, of this platform.
    pub fn token(&self, platform: Platform) -> Result<Token, Invalid> {
        Token::parse(platform, self.0.needed("token")?)
    }
}

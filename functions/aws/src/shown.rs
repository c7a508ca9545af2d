//! Devices and messages as answers show them.

use crate::store::Entry;
use crate::{Call, Settings};
use push::device::Device;
use push::{DeviceId, UserId};
use serde_json::{Value, json};

/// A device with its owner, as of the moment of the call. Every value is a string: the clients cast.
#[must_use]
pub fn device(settings: &Settings, call: &Call, id: &DeviceId, device: &Device) -> Value {
    let policy = settings.policy();
    let user = policy.owner(device, call.now);
    json!({
        "deviceId": id.as_str(),
        "userId": user.map_or(UserId::ANONYMOUS, UserId::as_str),
        "token": device.token.expose(),
        "platform": device.token.platform().letter(),
        "createdTime": device.created.to_string(),
        "lastUpdatedTime": device.updated.to_string(),
        "createdMode": "API",
        "href": settings.href(call, &format!("/devices/{}", id.as_str())),
    })
}

/// A message in a list.
#[must_use]
pub fn entry(settings: &Settings, call: &Call, entry: &Entry) -> Value {
    json!({
        "messageId": entry.id.as_str(),
        "alert": entry.alert,
        "href": settings.href(call, &format!("/messages/{}", entry.id.as_str())),
        "createdTime": entry.created.to_string(),
    })
}

//! Devices and messages as answers show them.

use crate::store::Entry;
use crate::{Call, Settings};
use push::device::Device;
use push::{DeviceId, UserId};
use serde::Serialize;
use serde_json::{Value, json};

/// A device with its owner. Every value is a string: the clients cast.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownDevice<'a> {
    device_id: &'a str,
    user_id: &'a str,
    token: &'a str,
    platform: &'static str,
    created_time: String,
    last_updated_time: String,
    created_mode: &'static str,
    href: String,
}

/// A device as of the moment of the call.
#[must_use]
pub fn device<'a>(
    settings: &Settings,
    call: &Call,
    id: &'a DeviceId,
    device: &'a Device,
) -> ShownDevice<'a> {
    let user = settings.policy().owner(device, call.now);
    ShownDevice {
        device_id: id.as_str(),
        user_id: user.map_or(UserId::ANONYMOUS, UserId::as_str),
        token: device.token.expose(),
        platform: device.token.platform().letter(),
        created_time: device.created.to_string(),
        last_updated_time: device.updated.to_string(),
        created_mode: "API",
        href: settings.href(call, &format!("/devices/{}", id.as_str())),
    }
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

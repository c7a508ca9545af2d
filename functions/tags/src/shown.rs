//! Tags and subscriptions as answers show them. Every value is a string: the clients cast.

use aws::{Call, Settings};
use form_urlencoded::{Serializer, byte_serialize};
use push::tag::Tag;
use push::{DeviceId, TagName, UserId, subscription};
use serde_json::{Value, json};

/// A tag as everybody may see it.
pub(crate) fn tag(settings: &Settings, call: &Call, name: &TagName, tag: &Tag) -> Value {
    // In a path a plus is a plus.
    let segment: String = byte_serialize(name.as_str().as_bytes()).collect();
    let href = settings.href(call, &format!("/tags/{}", segment.replace('+', "%20")));
    json!({
        "uri": href,
        "name": name.as_str(),
        "createdTime": tag.created.to_string(),
        "lastUpdatedTime": tag.updated.to_string(),
        "createdMode": "API",
        "href": href,
    })
}

/// A tag as backends see it, with what they say of it.
pub(crate) fn described(settings: &Settings, call: &Call, name: &TagName, own: &Tag) -> Value {
    let mut shown = tag(settings, call, name, own);
    shown["description"] = own.description.as_str().into();
    shown
}

/// The subscription of a device to a tag.
pub(crate) fn subscription(
    settings: &Settings,
    call: &Call,
    device: &DeviceId,
    tag: &TagName,
) -> Value {
    let mut query = Serializer::new(String::new());
    query.append_pair("deviceId", device.as_str());
    query.append_pair("tagName", tag.as_str());
    json!({
        "tagName": tag.as_str(),
        "subscriptionId": subscription::id(device, tag),
        "deviceId": device.as_str(),
        "href": settings.href(call, &format!("/subscriptions?{}", query.finish())),
    })
}

/// The same, with whose the device is.
pub(crate) fn owned(
    settings: &Settings,
    call: &Call,
    device: &DeviceId,
    tag: &TagName,
    owner: Option<&UserId>,
) -> Value {
    let mut shown = subscription(settings, call, device, tag);
    shown["userId"] = owner.map_or(UserId::ANONYMOUS, UserId::as_str).into();
    shown
}

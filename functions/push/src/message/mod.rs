//! A message as a backend asks for it: checked whole before anything is sent, and rendered for each device.

mod apns;
mod dismissal;
mod fcm;
mod fields;
mod look;
#[cfg(test)]
mod properties;
mod refused;
mod rendered;
mod target;
mod template;
#[cfg(test)]
mod tests;

pub use refused::Refused;
pub use rendered::Rendered;
pub use target::{MOST_ECHOED, MOST_TAGS, MOST_TARGETS, Target};

use crate::{DeviceId, Invalid, MessageId, Platform, Span, UserId};
use apns::Apns;
use dismissal::Dismissal;
use fcm::Fcm;
use fields::Fields;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use target::Addressed;

/// One message: what to show, to whom and how, with everything checked that can be checked without a device.
#[derive(Clone, PartialEq)]
pub struct Message {
    content: Content,
    target: Target,
    narrowed: Option<BTreeSet<Platform>>,
    echo: Value,
}

/// What a message does on a phone.
#[derive(Clone, PartialEq)]
enum Content {
    Notification(Box<Notification>),
    Dismissal(Dismissal),
}

#[derive(Clone, PartialEq)]
struct Notification {
    alert: String,
    apns: Apns,
    fcm: Fcm,
}

/// How many messages one bulk request may hold.
const MOST_IN_BULK: usize = 100;

/// The limit of both platforms on a notification, in bytes.
const LARGEST: usize = 4096;

/// The limit on `message` and `settings` as they are kept, in bytes: several times what could be rendered, and with the
/// first targets well below what one item of the table may hold.
const LARGEST_KEPT: usize = 32_768;

/// Ids of the length that every message id, and every `uid`, has.
const SOME_NID: &str = "00000000";
const SOME_UID: &str = "0000000000000000";

impl Message {
    /// The body of POST `/messages`. Keys and enumerated values are compared without letter case. Nulls and unknown keys are
    /// ignored, Web settings too: not in the target, nor beside it where it names nobody.
    ///
    /// # Errors
    /// [`Refused::Invalid`] names the parameter by its path, or `message` where the rendered message is too large for a
    /// platform that it can reach; [`Refused::TooLarge`] where it names too many users or devices.
    pub fn parse(value: &Value) -> Result<Self, Refused> {
        Self::read(Fields::of(value).unwrap_or_default())
    }

    fn read(fields: Fields) -> Result<Self, Refused> {
        fields.flag("validate")?;
        let message = fields.object("message")?;
        let message =
            message.ok_or_else(|| Invalid::new("message", "It is required: an object."))?;
        let within = |invalid: Invalid| invalid.within("message");
        let alert = message.text("alert").map_err(within)?.unwrap_or_default();
        let url = message.text("url").map_err(within)?;
        if alert.is_empty() {
            let rule = "It is required: a string of at least one character.";
            return Err(Invalid::new("message.alert", rule).into());
        }

        let settings = fields.object("settings")?.unwrap_or_default();
        let (apns, fcm) = platform_settings(settings, alert, url)
            .map_err(|invalid| invalid.within("settings"))?;
        let addressed = Addressed::of(fields)?;

        let alert = alert.to_owned();
        let mut message = Self {
            content: Content::Notification(Box::new(Notification { alert, apns, fcm })),
            target: addressed.target,
            narrowed: addressed.narrowed,
            echo: Value::Null,
        };
        if !fields.are_accepted() {
            message.refuse_too_large()?;
        }
        let mut echo = kept(fields)?;
        if fields.get("target").is_some() {
            echo.insert("target".into(), addressed.echo.into());
        }
        message.echo = echo.into();
        Ok(message)
    }

    /// A message that takes `nid` away from the other Android phones of its reader, who has opened it on `device`.
    #[must_use]
    pub fn dismissal(nid: MessageId, reader: UserId, device: DeviceId) -> Self {
        let dismissal = Dismissal { nid, device };
        Self {
            echo: dismissal.kept(&reader),
            content: Content::Dismissal(dismissal),
            target: Target::Users(vec![reader]),
            narrowed: Some(BTreeSet::from([Platform::Fcm])),
        }
    }

    /// A message as it is kept: what [`echo`](Self::echo) gave, maybe in another release. No limit is judged again: neither its
    /// size, nor how many it names, nor the range of a number or the length of a text.
    ///
    /// # Errors
    /// [`Refused::Invalid`] names the parameter that is of no known kind.
    pub fn read_back(kept: &Value) -> Result<Self, Refused> {
        match Dismissal::read_back(kept) {
            Some((Dismissal { nid, device }, reader)) => Ok(Self::dismissal(nid, reader, device)),
            None => Self::read(Fields::of_accepted(kept).unwrap_or_default()),
        }
    }

    /// What is shown, if something is.
    #[must_use]
    pub fn alert(&self) -> Option<&str> {
        match &self.content {
            Content::Notification(notification) => Some(&notification.alert),
            Content::Dismissal(_) => None,
        }
    }

    /// Whether it is to go away on all Android phones of its reader once it was opened on one device: `settings.gcm.sync`.
    #[must_use]
    pub fn syncs(&self) -> bool {
        match &self.content {
            Content::Notification(notification) => notification.fcm.syncs(),
            Content::Dismissal(_) => false,
        }
    }

    /// Whether this device is left out, though it is one of the target's.
    #[must_use]
    pub fn spares(&self, device: &DeviceId) -> bool {
        match &self.content {
            Content::Notification(_) => false,
            Content::Dismissal(dismissal) => dismissal.device == *device,
        }
    }

    /// Whom it is for.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether a device of this platform may receive it: not where the target names other platforms only.
    #[must_use]
    pub fn reaches(&self, platform: Platform) -> bool {
        let named = match &self.target {
            Target::Platforms(platforms) => platforms.contains(&platform),
            Target::Everybody | Target::Users(_) | Target::Devices(_) | Target::Tags(_) => true,
        };
        let narrowed = self.narrowed.as_ref();
        named && narrowed.is_none_or(|platforms| platforms.contains(&platform))
    }

    /// `{"message":…,"settings":…,"target":…}` as it was asked for, with the first [`MOST_ECHOED`] targets: the answer, and
    /// what is kept. Read back, with these or with the rest of the targets, it is the same message.
    #[must_use]
    pub fn echo(&self) -> &Value {
        &self.echo
    }

    /// How many bytes it takes on each platform that it can reach, of at most 4,096.
    #[must_use]
    pub fn sizes(&self) -> BTreeMap<Platform, usize> {
        let uid = matches!(self.target, Target::Users(_)).then_some(SOME_UID);
        let size = |platform| match (&self.content, platform) {
            (Content::Notification(shown), Platform::Apns) => shown.apns.size(SOME_NID, uid),
            (Content::Notification(shown), Platform::Fcm) => shown.fcm.size(SOME_NID, uid),
            (Content::Dismissal(dismissal), _) => dismissal.size(),
        };
        let reached = Platform::ALL.into_iter().filter(|p| self.reaches(*p));
        reached.map(|platform| (platform, size(platform))).collect()
    }

    /// The message for one device of this platform, so long after it was accepted, or nothing where its time to live is
    /// over. `uid` is the mark of the user that it is for, in a send to users.
    #[must_use]
    pub fn render(
        &self,
        platform: Platform,
        nid: &MessageId,
        uid: Option<&str>,
        age: Span,
    ) -> Option<Rendered> {
        match (&self.content, platform) {
            (Content::Notification(shown), Platform::Apns) => {
                shown.apns.render(nid.as_str(), uid, age)
            }
            (Content::Notification(shown), Platform::Fcm) => {
                shown.fcm.render(nid.as_str(), uid, age)
            }
            (Content::Dismissal(dismissal), _) => Some(dismissal.render()),
        }
    }

    fn refuse_too_large(&self) -> Result<(), Invalid> {
        let sizes = self.sizes();
        let Some((platform, size)) = sizes.into_iter().find(|(_, size)| *size > LARGEST) else {
            return Ok(());
        };
        let rule = format!("Rendered for {platform} it has {size} bytes, of at most {LARGEST}.");
        Err(Invalid::new("message", rule))
    }
}

/// The body of POST `/messages/bulk`: a list of 1 to 100 messages.
///
/// # Errors
/// As [`Message::parse`], with the index in front (`[3].target.userIds`); `messages` where it is no such list.
pub fn parse_bulk(value: &Value) -> Result<Vec<Message>, Refused> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if !(1..=MOST_IN_BULK).contains(&list.len()) {
        let rule = format!("The body is a list of 1 to {MOST_IN_BULK} messages.");
        return Err(Invalid::new("messages", rule).into());
    }
    let one = |(n, value)| {
        Message::parse(value).map_err(|refused: Refused| refused.within(&format!("[{n}]")))
    };
    list.iter().enumerate().map(one).collect()
}

/// The settings of each platform; FCM's under its name of old or of today.
fn platform_settings(
    settings: Fields,
    alert: &str,
    url: Option<&str>,
) -> Result<(Apns, Fcm), Invalid> {
    let apns = settings.object("apns")?.unwrap_or_default();
    let apns = Apns::parse(apns, alert, url).map_err(|invalid| invalid.within("apns"))?;
    let (gcm, fcm) = (settings.object("gcm")?, settings.object("fcm")?);
    if gcm.is_some() && fcm.is_some() {
        return Err(Invalid::new("", "It has 'gcm' or 'fcm', not both."));
    }
    let name = if fcm.is_some() { "fcm" } else { "gcm" };
    let fcm = Fcm::parse(gcm.or(fcm).unwrap_or_default(), alert, url)
        .map_err(|invalid| invalid.within(name))?;
    Ok((apns, fcm))
}

/// `message` and `settings` as they were asked for.
fn kept(fields: Fields) -> Result<Map<String, Value>, Invalid> {
    let asked = ["message", "settings"].into_iter();
    let asked = asked.filter_map(|name| Some((name.to_owned(), fields.get(name)?.clone())));
    let kept: Map<String, Value> = asked.collect();
    let size: usize = kept.values().map(|value| value.to_string().len()).sum();
    if fields.are_accepted() || size <= LARGEST_KEPT {
        Ok(kept)
    } else {
        let rule = format!("With 'settings' it has at most {LARGEST_KEPT} bytes.");
        Err(Invalid::new("message", rule))
    }
}

/// Redacted: what it shows concerns its reader alone.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message(…)")
    }
}

//! ARNs and attributes as SNS takes and gives them.

use super::super::answer::Refusal;
use super::form::{Form, invalid};
use super::registry::{Application, Endpoint, Wanted};
use super::xml;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Attributes of an application that SNS takes and never shows.
const CREDENTIALS: [&str; 4] = [
    "PlatformCredential",
    "PlatformPrincipal",
    "ApplePlatformTeamID",
    "ApplePlatformBundleID",
];

/// A parameter that holds an ARN.
///
/// # Errors
/// It is missing, or no ARN.
pub fn arn<'a>(form: &'a Form, name: &str) -> Result<&'a str, Refusal> {
    let arn = form.required(name)?;
    let parts = arn.split(':').count();
    if parts < 6 {
        let reason = format!("{name} Reason: An ARN must have at least 6 elements, not {parts}");
        return Err(invalid(reason));
    }
    Ok(arn)
}

/// What the attributes of an endpoint ask for, its token left out.
///
/// # Errors
/// An attribute is unknown, or `Enabled` is no truth value.
pub fn wanted<'a>(attributes: &BTreeMap<&'a str, &'a str>) -> Result<Wanted<'a>, Refusal> {
    if let Some(unknown) = attributes
        .keys()
        .find(|name| !["CustomUserData", "Enabled", "Token"].contains(name))
    {
        let reason = format!("Attributes Reason: Invalid attribute name: {unknown}");
        return Err(invalid(reason));
    }
    let enabled = attributes.get("Enabled").map(|value| truth(value));
    Ok(Wanted {
        user_data: attributes.get("CustomUserData").copied(),
        enabled: enabled.transpose()?,
    })
}

fn truth(value: &str) -> Result<bool, Refusal> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid("Enabled Reason: Must be true or false")),
    }
}

/// Sets what is given of an application; credentials are not kept.
///
/// # Errors
/// `Enabled` is no truth value.
pub fn set_attributes(application: &mut Application, form: &Form) -> Result<(), Refusal> {
    for (name, value) in form.attributes() {
        if name == "Enabled" {
            application.disabled = !truth(value)?;
        } else if !CREDENTIALS.contains(&name) {
            application
                .attributes
                .insert(name.to_owned(), value.to_owned());
        }
    }
    Ok(())
}

/// The attributes of an application, as XML.
pub fn attributes_of_application(application: &Application) -> String {
    let enabled = (!application.disabled).to_string();
    let set = application.attributes.iter();
    let set = set.map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str())));
    xml::map(set.chain([("Enabled", Cow::Owned(enabled))]))
}

/// The attributes of an endpoint, as XML.
pub fn attributes_of(endpoint: &Endpoint) -> String {
    let enabled = if endpoint.enabled { "true" } else { "false" };
    let data = endpoint.user_data.as_deref();
    let data = data.map(|data| ("CustomUserData", Cow::Borrowed(data)));
    let known = [
        ("Enabled", Cow::Borrowed(enabled)),
        ("Token", Cow::Borrowed(endpoint.token.as_str())),
    ];
    xml::map(known.into_iter().chain(data))
}

//! The calls about applications as such: what there is, page by page, and how an application begins and ends.

use super::form::{Form, invalid};
use super::parameters::{arn, attributes_of, attributes_of_application, set_attributes};
use super::registry::{Platform, no_application};
use super::{Outcome, Sns, xml};
use std::fmt::Write;

/// How many entries a page of a list has.
const PAGE: usize = 100;

impl Sns {
    pub(super) fn create_application(&self, form: &Form) -> Outcome {
        let (name, platform) = (form.required("Name")?, form.required("Platform")?);
        let platform = Platform::parse(platform)
            .ok_or_else(|| invalid(format!("Platform Reason: Invalid platform {platform}")))?;
        check_credentials(platform, form)?;
        let arn = format!(
            "arn:aws:sns:us-east-1:000000000000:app/{}/{name}",
            platform.name()
        );
        self.registry.change(|registry| {
            let application = registry.applications.entry(arn.clone()).or_default();
            set_attributes(application, form)
        })?;
        Ok(Some(xml::element("PlatformApplicationArn", &arn)))
    }

    /// Ends an application with its endpoints; that it never was is no error.
    pub(super) fn delete_application(&self, form: &Form) -> Outcome {
        let arn = arn(form, "PlatformApplicationArn")?;
        self.registry
            .update(|registry| registry.delete_application(arn))?;
        Ok(None)
    }

    pub(super) fn list_applications(&self, form: &Form) -> Outcome {
        self.registry.read(|registry| {
            let rows = registry.applications.iter().map(|(arn, application)| {
                let shown = attributes_of_application(application);
                let row = xml::element("PlatformApplicationArn", arn) + &shown;
                (arn.as_str(), row)
            });
            Ok(Some(page("PlatformApplications", rows, form)))
        })
    }

    pub(super) fn list_endpoints(&self, form: &Form) -> Outcome {
        let application = arn(form, "PlatformApplicationArn")?;
        self.registry.read(|registry| {
            if !registry.applications.contains_key(application) {
                return Err(no_application());
            }
            let endpoints = registry.endpoints.iter();
            let rows = endpoints
                .filter(|(_, endpoint)| endpoint.application == application)
                .map(|(arn, endpoint)| {
                    let row = xml::element("EndpointArn", arn) + &attributes_of(endpoint);
                    (arn.as_str(), row)
                });
            Ok(Some(page("Endpoints", rows, form)))
        })
    }
}

/// The rows after `NextToken`, which come in the order of their ARNs.
fn page<'a>(name: &str, rows: impl Iterator<Item = (&'a str, String)>, form: &Form) -> String {
    let after = form.optional("NextToken").unwrap_or_default();
    let mut rows = rows.filter(|(arn, _)| *arn > after);
    let mut xml = format!("<{name}>");
    let mut end = "";
    for (arn, row) in rows.by_ref().take(PAGE) {
        // Writing to a String cannot fail.
        let _ = write!(xml, "<member>{row}</member>");
        end = arn;
    }
    let _ = write!(xml, "</{name}>");
    if rows.next().is_some() {
        xml.push_str(&xml::element("NextToken", end));
    }
    xml
}

/// That an application has what SNS needs to reach its platform; whether the platform takes it is not known here.
fn check_credentials(platform: Platform, form: &Form) -> Result<(), super::Refusal> {
    let attributes = form.attributes();
    let refused = |reason: String| Err(invalid(format!("Attributes Reason: {reason}")));
    let [credential, principal] =
        ["PlatformCredential", "PlatformPrincipal"].map(|name| (name, attributes.get(name)));
    for (name, value) in [credential, principal] {
        if value.is_some_and(|value| value.is_empty()) {
            return refused(format!(
                "Invalid value for attribute: {name}: cannot be empty"
            ));
        }
    }
    match (credential.1, principal.1) {
        (None, None) => refused("PlatformCredential attribute required".to_owned()),
        (None, Some(_)) => {
            refused("PlatformPrincipal attribute provided without PlatformCredential".to_owned())
        }
        (Some(_), None) if platform != Platform::Gcm => {
            refused("PlatformCredential attribute provided without PlatformPrincipal".to_owned())
        }
        (Some(_), _) => Ok(()),
    }
}

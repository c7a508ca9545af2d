//! SNS mobile push: applications, endpoints and publishing, with AWS's texts.

mod form;
mod lists;
mod message;
mod parameters;
mod registry;
mod reports;
mod script;
pub mod xml;

pub use form::Form;
pub use registry::Platform;

use super::answer::{Answer, Refusal, Service};
use super::kept::Kept;
use super::phones::{Phones, Push};
use form::invalid;
use message::Message;
use parameters::{arn, attributes_of, attributes_of_application, set_attributes, wanted};
use push::Time;
use registry::{Registry, is_of, no_application, no_endpoint};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Mutex;
use uuid::Uuid;

/// The emulated service.
pub struct Sns {
    registry: Kept<Registry>,
    /// The applications of the template: the functions may publish to these, be they there or not.
    granted: Vec<String>,
    /// The names of the queues that what SNS reports goes to.
    subscribers: Mutex<Vec<String>>,
}

/// What an action gives: the XML of its result, or nothing.
type Outcome = Result<Option<String>, Refusal>;

impl Sns {
    /// With these applications, and the endpoints that the file holds.
    ///
    /// # Errors
    /// The file cannot be read or written, or an ARN is not that of an FCM or APNs application.
    pub fn open(
        file: Option<PathBuf>,
        applications: &[String],
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let registry = Kept::<Registry>::open(file)?;
        if let Some(arn) = applications
            .iter()
            .find(|arn| Platform::of_application(arn).is_none())
        {
            return Err(format!("not the ARN of a platform application: {arn}").into());
        }
        registry.update(|registry| {
            for arn in applications {
                registry.applications.entry(arn.clone()).or_default();
            }
        })?;
        Ok(Self {
            registry,
            granted: applications.to_vec(),
            subscribers: Mutex::default(),
        })
    }

    /// Answers a call.
    pub fn answer(&self, form: &Form, phones: &Phones, now: Time) -> Answer {
        let action = form.action();
        let outcome = match action {
            "CreatePlatformApplication" => self.create_application(form),
            "CreatePlatformEndpoint" => self.create_endpoint(form),
            "DeleteEndpoint" => self.delete_endpoint(form),
            "DeletePlatformApplication" => self.delete_application(form),
            "GetEndpointAttributes" => self.endpoint_attributes(form),
            "GetPlatformApplicationAttributes" => self.application_attributes(form),
            "ListEndpointsByPlatformApplication" => self.list_endpoints(form),
            "ListPlatformApplications" => self.list_applications(form),
            "Publish" => self.publish(form, phones, now),
            "SetEndpointAttributes" => self.set_endpoint(form),
            "SetPlatformApplicationAttributes" => self.set_application(form),
            "" => Err(Refusal::new(
                "MissingAction",
                "The request must contain the parameter Action.",
            )),
            _ => Err(Refusal::new(
                "InvalidAction",
                format!("The action {action} is not valid for this web service."),
            )),
        };
        match outcome {
            Ok(result) => Answer::xml(action, result.as_deref()),
            Err(refusal) => refusal.answer(Service::Sns),
        }
    }

    fn application_attributes(&self, form: &Form) -> Outcome {
        let arn = arn(form, "PlatformApplicationArn")?;
        self.registry.read(|registry| {
            let application = registry.applications.get(arn).ok_or_else(no_application)?;
            Ok(Some(attributes_of_application(application)))
        })
    }

    fn set_application(&self, form: &Form) -> Outcome {
        let arn = arn(form, "PlatformApplicationArn")?;
        self.registry.change(|registry| {
            let application = registry.applications.get_mut(arn);
            set_attributes(application.ok_or_else(no_application)?, form)
        })?;
        Ok(None)
    }

    fn create_endpoint(&self, form: &Form) -> Outcome {
        let application = arn(form, "PlatformApplicationArn")?;
        let token = form.required("Token")?;
        let attributes = form.attributes();
        let mut wanted = wanted(&attributes)?;
        wanted.user_data = form
            .optional("CustomUserData")
            .or(wanted.user_data)
            .filter(|data| !data.is_empty());
        let arn = self
            .registry
            .change(|registry| registry.create(application, token, &wanted))?;
        Ok(Some(xml::element("EndpointArn", &arn)))
    }

    fn endpoint_attributes(&self, form: &Form) -> Outcome {
        let arn = arn(form, "EndpointArn")?;
        self.registry.read(|registry| {
            let endpoint = registry.endpoints.get(arn).ok_or_else(no_endpoint)?;
            Ok(Some(attributes_of(endpoint)))
        })
    }

    fn set_endpoint(&self, form: &Form) -> Outcome {
        let arn = arn(form, "EndpointArn")?;
        let attributes = form.attributes();
        let wanted = wanted(&attributes)?;
        let token = attributes.get("Token").copied();
        self.registry
            .change(|registry| registry.set(arn, token, &wanted))?;
        Ok(None)
    }

    fn delete_endpoint(&self, form: &Form) -> Outcome {
        let arn = arn(form, "EndpointArn")?;
        self.registry.update(|registry| registry.delete(arn))?;
        Ok(None)
    }

    fn publish(&self, form: &Form, phones: &Phones, now: Time) -> Outcome {
        let message = Message::read(form)?;
        if form.optional("TargetArn").is_none() {
            let reason = "TopicArn or TargetArn Reason: no value for required parameter";
            return Err(invalid(reason));
        }
        let arn = arn(form, "TargetArn")?;
        // The roles of the functions name the endpoints of the applications of the template, and the role is looked at first.
        let may = self.registry.read(|registry| {
            let mut applications = registry.applications.keys().chain(&self.granted);
            applications.any(|application| is_of(application, arn))
        });
        if !may {
            let text = "User is not authorized to perform: SNS:Publish on this resource";
            return Err(Refusal::new("AuthorizationError", text).with_status(403));
        }
        let (endpoint, enabled) = self
            .registry
            .read(|registry| {
                let endpoint = registry.endpoints.get(arn)?;
                let application = registry.applications.get(&endpoint.application)?;
                Some((endpoint.clone(), !application.disabled))
            })
            .ok_or_else(|| {
                invalid("TargetArn Reason: No endpoint found for the target arn specified")
            })?;
        let platform = endpoint.platform().ok_or_else(no_endpoint)?;
        if !enabled {
            let text = "Platform application is disabled";
            return Err(Refusal::new("PlatformApplicationDisabled", text));
        }
        if !endpoint.enabled {
            return Err(Refusal::new("EndpointDisabled", "Endpoint is disabled"));
        }
        let payload = message.payload(platform)?;
        let publish_id = Uuid::new_v4().to_string();
        phones.receive(&Push {
            token: &endpoint.token,
            platform: platform.letter(),
            endpoint: arn,
            publish_id: &publish_id,
            at: now,
            payload,
            attributes: message.into_attributes(),
        });
        Ok(Some(xml::element("MessageId", &publish_id)))
    }
}

//! Platform applications and endpoints.

use super::super::answer::Refusal;
use super::form::invalid;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A push service, as SNS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// FCM; the name is older than FCM.
    Gcm,
    /// Apple's.
    Apns,
    /// Apple's for development.
    ApnsSandbox,
}

impl Platform {
    /// The platform of an application's ARN.
    pub fn of_application(arn: &str) -> Option<Self> {
        let (_, rest) = arn.split_once(":app/")?;
        let (platform, _) = rest.split_once('/')?;
        Self::parse(platform)
    }

    /// By its name in ARNs.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Gcm, Self::Apns, Self::ApnsSandbox]
            .into_iter()
            .find(|platform| platform.name() == name)
    }

    /// The name in ARNs, and of the platform's part of a message.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gcm => "GCM",
            Self::Apns => "APNS",
            Self::ApnsSandbox => "APNS_SANDBOX",
        }
    }

    /// The letter that the API uses.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Gcm => "G",
            Self::Apns | Self::ApnsSandbox => "A",
        }
    }

    /// # Errors
    /// SNS takes no such token for this platform.
    pub fn check_token(self, token: &str) -> Result<(), Refusal> {
        let wrong = match self {
            _ if token.is_empty() => "cannot be empty",
            Self::Gcm if token.len() > 8192 => "must be at most 8192 bytes long in UTF-8 encoding",
            Self::Apns | Self::ApnsSandbox
                if token.len() > 400 || !token.bytes().all(|b| b.is_ascii_hexdigit()) =>
            {
                "iOS device tokens must be no more than 400 hexadecimal characters"
            }
            _ => return Ok(()),
        };
        Err(invalid(format!("Token Reason: {wrong}")))
    }
}

/// An application and its attributes.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Application {
    /// Whether anything can be published to it.
    pub disabled: bool,
    /// What was set, the credentials left out.
    pub attributes: BTreeMap<String, String>,
}

/// A phone, as SNS knows it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// The ARN of its application.
    pub application: String,
    /// Its token.
    pub token: String,
    /// Whether anything can be published to it.
    pub enabled: bool,
    /// What the creator stored with it.
    pub user_data: Option<String>,
}

impl Endpoint {
    /// Its platform; that of its application.
    pub fn platform(&self) -> Option<Platform> {
        Platform::of_application(&self.application)
    }
}

/// All of them, by ARN.
#[derive(Default, Serialize, Deserialize)]
pub struct Registry {
    /// Applications by ARN.
    pub applications: BTreeMap<String, Application>,
    /// Endpoints by ARN.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Endpoints whose token was changed, so that their ARN no longer tells it.
    moved: BTreeSet<String>,
}

/// The ARN of an endpoint: decided by application and token, so that the same token has the same one after a deletion.
pub fn endpoint_arn(application: &str, token: &str) -> String {
    let name = Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("{application}\n{token}").as_bytes(),
    );
    format!("{}/{name}", application.replace(":app/", ":endpoint/"))
}

/// Whether an endpoint with this ARN, be there one or not, would belong to an application.
pub fn is_of(application: &str, endpoint: &str) -> bool {
    let prefix = format!("{}/", application.replace(":app/", ":endpoint/"));
    endpoint.starts_with(&prefix)
}

/// The refusal of an application that is not there.
pub fn no_application() -> Refusal {
    Refusal::new("NotFound", "PlatformApplication does not exist").with_status(404)
}

/// The refusal of an endpoint that is not there.
pub fn no_endpoint() -> Refusal {
    Refusal::new("NotFound", "Endpoint does not exist").with_status(404)
}

/// What the caller wants of a new endpoint besides its token.
#[derive(Default)]
pub struct Wanted<'a> {
    /// `CustomUserData`.
    pub user_data: Option<&'a str>,
    /// The attribute `Enabled`.
    pub enabled: Option<bool>,
}

impl Registry {
    /// The endpoint of a token: made, or the one that is there if nothing else is wanted of it.
    ///
    /// # Errors
    /// As SNS says it.
    pub fn create(
        &mut self,
        application: &str,
        token: &str,
        wanted: &Wanted<'_>,
    ) -> Result<String, Refusal> {
        if !self.applications.contains_key(application) {
            return Err(no_application());
        }
        let platform = Platform::of_application(application).ok_or_else(no_application)?;
        platform.check_token(token)?;
        if let Some((arn, there)) = self.holding(application, token) {
            // A disabled endpoint stays disabled, and is only another one to those who ask for a state.
            let same = there.user_data.as_deref() == wanted.user_data
                && wanted
                    .enabled
                    .is_none_or(|enabled| enabled == there.enabled);
            return if same {
                Ok(arn.to_owned())
            } else {
                Err(with_other_attributes(arn))
            };
        }
        let arn = endpoint_arn(application, token);
        if self.endpoints.contains_key(&arn) {
            return Err(invalid(
                "This endpoint is already registered with a different token.",
            ));
        }
        let endpoint = Endpoint {
            application: application.to_owned(),
            token: token.to_owned(),
            enabled: wanted.enabled.unwrap_or(true),
            user_data: wanted.user_data.map(str::to_owned),
        };
        self.endpoints.insert(arn.clone(), endpoint);
        Ok(arn)
    }

    /// Changes what is given of an endpoint.
    ///
    /// # Errors
    /// As SNS says it; nothing is changed then.
    pub fn set(
        &mut self,
        arn: &str,
        token: Option<&str>,
        wanted: &Wanted<'_>,
    ) -> Result<(), Refusal> {
        let there = self.endpoints.get(arn).ok_or_else(no_endpoint)?;
        if let Some(token) = token.filter(|token| *token != there.token) {
            there
                .platform()
                .ok_or_else(no_endpoint)?
                .check_token(token)?;
            if let Some((other, _)) = self.holding(&there.application, token) {
                return Err(with_other_attributes(other));
            }
            self.moved.insert(arn.to_owned());
        }
        if let Some(there) = self.endpoints.get_mut(arn) {
            there.token = token.unwrap_or(&there.token).to_owned();
            there.enabled = wanted.enabled.unwrap_or(there.enabled);
            if let Some(data) = wanted.user_data {
                there.user_data = Some(data.to_owned()).filter(|data| !data.is_empty());
            }
        }
        Ok(())
    }

    /// The endpoint is gone; that it never was is no error.
    pub fn delete(&mut self, arn: &str) {
        self.endpoints.remove(arn);
        self.moved.remove(arn);
    }

    /// The application is gone, and its endpoints; that it never was is no error.
    pub fn delete_application(&mut self, arn: &str) {
        self.applications.remove(arn);
        self.endpoints
            .retain(|_, endpoint| endpoint.application != arn);
        self.moved.retain(|endpoint| !is_of(arn, endpoint));
    }

    /// The endpoints of a token in all applications.
    pub fn of_token(&self, token: &str) -> Vec<String> {
        let applications = self.applications.keys();
        applications
            .filter_map(|application| Some(self.holding(application, token)?.0.to_owned()))
            .collect()
    }

    /// The endpoint that holds a token.
    fn holding(&self, application: &str, token: &str) -> Option<(&str, &Endpoint)> {
        let usual = endpoint_arn(application, token);
        std::iter::once(&usual)
            .chain(&self.moved)
            .filter_map(|arn| self.endpoints.get_key_value(arn))
            .find(|(_, endpoint)| endpoint.application == application && endpoint.token == token)
            .map(|(arn, endpoint)| (arn.as_str(), endpoint))
    }
}

fn with_other_attributes(arn: &str) -> Refusal {
    invalid(format!(
        "Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
    ))
}

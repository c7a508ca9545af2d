//! The configuration of a function: the only reader of the environment.

use crate::sns::Application;
use push::device::Policy;
use push::{ApplicationId, ClientSecretMode, Platform, RequireClientSecret, Span, Time};
use std::fmt;
use std::str::FromStr;

/// Everything that an operator can choose. `template.yaml` sets the variables from its parameters; all functions get
/// all of them, what each may do is decided by its role.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `TABLE_NAME`: the one DynamoDB table.
    pub table: String,
    /// `APPLICATION_ID`: this installation's name in every path.
    pub application: ApplicationId,
    /// `CLIENT_SECRET_ID`: ARN or name of the secret for devices in Secrets Manager.
    pub client_secret: String,
    /// `APP_SECRET_ID`: ARN or name of the secret for backends in Secrets Manager.
    pub app_secret: String,
    /// `CLIENT_SECRET_MODE`: `per-user` (default) or `shared`.
    pub client_secret_mode: ClientSecretMode,
    /// `CLIENT_SECRET_HOURS`: how long a user's client secret lasts, in hours (default 24).
    pub client_secret_life: Span,
    /// `REQUIRE_CLIENT_SECRET`: `users` (default) or `always`.
    pub require_client_secret: RequireClientSecret,
    /// `USER_ID_CLAIM`: the claim of the identity token that holds the user id (default `sub`).
    pub user_id_claim: String,
    /// `FCM_APPLICATION_ARN`: the SNS platform application for Android; absent or empty: none.
    pub fcm_application: Option<Application>,
    /// `APNS_APPLICATION_ARN`: the SNS platform application for iOS; absent or empty: none.
    pub apns_application: Option<Application>,
    /// `FCM_SENDER_ID`: the sender id that Android apps ask for; absent or empty: none.
    pub fcm_sender_id: Option<String>,
    /// `BINDING_LEASE_DAYS`: how long a binding lasts without a sign of the app, in days (default 270).
    pub binding_lease: Span,
    /// `BINDINGS_NOT_BEFORE`: owners that registered before this moment (epoch seconds) count as anonymous (default 0).
    pub bindings_not_before: Time,
    /// `MAX_DEVICES_PER_USER`: how many devices a person can have; beyond it the oldest end (default 100).
    pub max_devices_per_user: usize,
    /// `MAX_REMOVALS_PER_HOUR`: how many devices of a platform dead endpoints may remove in an hour (default 1,000).
    pub max_removals_per_hour: u32,
    /// `MESSAGE_RETENTION_DAYS`: how long a message and its counts are kept, in days (default 90).
    pub message_retention: Span,
    /// `ALLOW_BROADCAST`: whether a message without a target goes to every device (default `false`).
    pub allow_broadcast: Broadcast,
    /// `PUBLISH_CONCURRENCY`: publishes in flight in one function (default 32), and so the most connections to SNS.
    pub publish_concurrency: usize,
    /// `JOB_QUEUE_URL`: the queue of the jobs of large sends; absent or empty: everything is sent at once.
    pub job_queue: Option<String>,
    /// `NAMED_JOB_QUEUE_URL`: the queue of those jobs that name users or devices; absent or empty: `JOB_QUEUE_URL`.
    pub named_job_queue: Option<String>,
    /// `WEBHOOK_QUEUE_URL`: the queue of what webhooks are told; absent or empty: there are no webhooks.
    pub webhook_queue: Option<String>,
    /// `PUBLISH_PER_SECOND`: how many publishes a second all jobs make together (default 240).
    pub publish_per_second: u32,
    /// `REGISTER_PER_SECOND`: how many registrations a second the gateway lets in (default 25).
    pub register_per_second: u32,
    /// `PUBLIC_URL`: where clients reach the API, without a path, for every `href`; absent or empty: as the caller did.
    pub public_url: Option<String>,
    /// `TLS_ROOTS`: `amazon` (default: the embedded roots of Amazon Trust Services) or `system`.
    pub tls_roots: TlsRoots,
}

/// What a message without a target means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broadcast {
    /// A mistake.
    Refused,
    /// Every device.
    Allowed,
}

/// Whose certificates the functions trust when they call AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsRoots {
    /// The embedded roots of Amazon Trust Services: a tenth of the cost of the system's at start.
    Amazon,
    /// The system's store: for private certificate authorities and proxies.
    System,
}

/// A variable that keeps the function from starting.
#[derive(Debug)]
pub struct BadSetting {
    name: &'static str,
    /// What the value must be; nothing where there is no value.
    rule: Option<String>,
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(rule) => write!(f, "parameter {} {rule}", parameter(self.name)),
            None => write!(f, "environment variable {} must be set", self.name),
        }
    }
}

impl std::error::Error for BadSetting {}

impl BadSetting {
    pub(crate) fn missing(name: &'static str) -> Self {
        Self { name, rule: None }
    }

    fn wrong(name: &'static str, rule: String) -> Self {
        Self {
            name,
            rule: Some(rule),
        }
    }
}

/// The parameter of the template that gives a variable its value: `TableName` for `TABLE_NAME`.
fn parameter(variable: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{first}{}", rest.to_ascii_lowercase())
    };
    variable.split('_').map(word).collect()
}

/// A variable of the environment of this process.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Settings {
    /// The settings in the environment of this process.
    ///
    /// # Errors
    /// [`BadSetting`] names the first variable that is missing or wrong.
    pub fn from_environment() -> Result<Self, BadSetting> {
        Self::read(variable)
    }

    /// The settings that `lookup` knows; an empty value counts as absent, as CloudFormation cannot leave one out.
    ///
    /// # Errors
    /// [`BadSetting`] names the first variable that is missing or wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, BadSetting> {
        let of = Lookup(&|name| lookup(name).filter(|value| !value.is_empty()));
        let application = of.needed("APPLICATION_ID")?;
        Ok(Self {
            table: of.needed("TABLE_NAME")?,
            application: ApplicationId::parse(&application).map_err(|invalid| {
                BadSetting::wrong("APPLICATION_ID", format!("is wrong: {invalid}"))
            })?,
            client_secret: of.needed("CLIENT_SECRET_ID")?,
            app_secret: of.needed("APP_SECRET_ID")?,
            client_secret_mode: of.choice(
                "CLIENT_SECRET_MODE",
                [
                    ("per-user", ClientSecretMode::PerUser),
                    ("shared", ClientSecretMode::Shared),
                ],
            )?,
            client_secret_life: Span::from_seconds(
                of.number("CLIENT_SECRET_HOURS", 24, 1..=8760)? * 3600,
            ),
            require_client_secret: of.choice(
                "REQUIRE_CLIENT_SECRET",
                [
                    ("users", RequireClientSecret::Users),
                    ("always", RequireClientSecret::Always),
                ],
            )?,
            user_id_claim: of
                .optional("USER_ID_CLAIM")
                .unwrap_or_else(|| "sub".to_owned()),
            fcm_application: of.application(Platform::Fcm)?,
            apns_application: of.application(Platform::Apns)?,
            fcm_sender_id: of.optional("FCM_SENDER_ID"),
            binding_lease: Span::from_days(of.number("BINDING_LEASE_DAYS", 270, 1..=3650)?),
            bindings_not_before: Time::from_seconds(of.number(
                "BINDINGS_NOT_BEFORE",
                0,
                0..=u64::from(u32::MAX),
            )?),
            max_devices_per_user: of.number("MAX_DEVICES_PER_USER", 100, 1..=10_000)?,
            max_removals_per_hour: of.number("MAX_REMOVALS_PER_HOUR", 1000, 0..=u32::MAX)?,
            message_retention: Span::from_days(of.number(
                "MESSAGE_RETENTION_DAYS",
                90,
                1..=3650,
            )?),
            allow_broadcast: of.choice(
                "ALLOW_BROADCAST",
                [("false", Broadcast::Refused), ("true", Broadcast::Allowed)],
            )?,
            publish_concurrency: of.number("PUBLISH_CONCURRENCY", 32, 1..=256)?,
            job_queue: of.optional("JOB_QUEUE_URL"),
            named_job_queue: of.optional("NAMED_JOB_QUEUE_URL"),
            webhook_queue: of.optional("WEBHOOK_QUEUE_URL"),
            publish_per_second: of.number("PUBLISH_PER_SECOND", 240, 1..=1_000_000)?,
            register_per_second: of.number("REGISTER_PER_SECOND", 25, 1..=10_000)?,
            public_url: of
                .optional("PUBLIC_URL")
                .map(|url| url.trim_end_matches('/').to_owned()),
            tls_roots: of.choice(
                "TLS_ROOTS",
                [("amazon", TlsRoots::Amazon), ("system", TlsRoots::System)],
            )?,
        })
    }
}

impl Settings {
    /// Where clients find what is at `path` under this application.
    #[must_use]
    pub fn href(&self, call: &crate::Call, path: &str) -> String {
        let origin = self.public_url.clone().unwrap_or_else(|| call.origin());
        format!(
            "{origin}/imfpush/v1/apps/{}{path}",
            self.application.as_str()
        )
    }

    /// Platform applications are reached in the region of the function alone.
    pub(crate) fn expect_region(&self, region: &str) -> Result<(), BadSetting> {
        for (platform, application) in [
            (Platform::Fcm, &self.fcm_application),
            (Platform::Apns, &self.apns_application),
        ] {
            let other = application.as_ref().map(Application::region);
            if let Some(other) = other.filter(|other| *other != region) {
                let rule = format!("must name an application of {region}, not of {other}");
                return Err(BadSetting::wrong(application_variable(platform), rule));
            }
        }
        Ok(())
    }

    /// The parameters of the rules.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            lease: self.binding_lease,
            bindings_not_before: self.bindings_not_before,
            require_client_secret: self.require_client_secret,
            client_secret_mode: self.client_secret_mode,
        }
    }
}

/// The variable with the ARN of a platform's application.
const fn application_variable(platform: Platform) -> &'static str {
    match platform {
        Platform::Apns => "APNS_APPLICATION_ARN",
        Platform::Fcm => "FCM_APPLICATION_ARN",
    }
}

struct Lookup<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Lookup<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }

    fn needed(&self, name: &'static str) -> Result<String, BadSetting> {
        self.optional(name).ok_or_else(|| BadSetting::missing(name))
    }

    /// The platform's application; nothing where its variable is absent.
    fn application(&self, platform: Platform) -> Result<Option<Application>, BadSetting> {
        let variable = application_variable(platform);
        let Some(arn) = self.optional(variable) else {
            return Ok(None);
        };
        let application = Application::parse(platform, &arn);
        application.map(Some).ok_or_else(|| {
            let rule = format!("must be the ARN of an SNS platform application for {platform}");
            BadSetting::wrong(variable, rule)
        })
    }

    /// One of the words; the first where the variable is absent.
    fn choice<T: Copy, const N: usize>(
        &self,
        name: &'static str,
        words: [(&str, T); N],
    ) -> Result<T, BadSetting> {
        let value = self.optional(name);
        let found = words
            .iter()
            .find(|(word, _)| value.as_deref().is_none_or(|value| value == *word));
        let all = || {
            words
                .iter()
                .map(|(word, _)| *word)
                .collect::<Vec<_>>()
                .join(" or ")
        };
        found
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| BadSetting::wrong(name, format!("must be {}", all())))
    }

    fn number<T>(
        &self,
        name: &'static str,
        default: T,
        range: std::ops::RangeInclusive<T>,
    ) -> Result<T, BadSetting>
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        let Some(text) = self.optional(name) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let rule = format!("must be a number from {} to {}", range.start(), range.end());
            BadSetting::wrong(name, rule)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn least(name: &str) -> Option<String> {
        [
            "APPLICATION_ID",
            "TABLE_NAME",
            "CLIENT_SECRET_ID",
            "APP_SECRET_ID",
        ]
        .contains(&name)
        .then(|| format!("the-{name}"))
    }

    fn with(name: &'static str, value: &'static str) -> Result<Settings, BadSetting> {
        Settings::read(|asked| {
            if asked == name {
                Some(value.to_owned())
            } else {
                least(asked)
            }
        })
    }

    #[test]
    fn a_missing_variable_is_named() {
        for name in [
            "APPLICATION_ID",
            "TABLE_NAME",
            "CLIENT_SECRET_ID",
            "APP_SECRET_ID",
        ] {
            assert_eq!(
                with(name, "").unwrap_err().to_string(),
                format!("environment variable {name} must be set")
            );
        }
    }

    #[test]
    fn a_wrong_value_is_told_what_would_be_right() {
        assert_eq!(
            with("CLIENT_SECRET_MODE", "Shared")
                .unwrap_err()
                .to_string(),
            "parameter ClientSecretMode must be per-user or shared"
        );
        assert_eq!(
            with("BINDING_LEASE_DAYS", "0").unwrap_err().to_string(),
            "parameter BindingLeaseDays must be a number from 1 to 3650"
        );
        assert!(with("PUBLISH_PER_SECOND", "1").is_ok());
        assert_eq!(
            with("PUBLISH_PER_SECOND", "0").unwrap_err().to_string(),
            "parameter PublishPerSecond must be a number from 1 to 1000000"
        );
    }

    #[test]
    fn an_application_of_another_region_is_refused_by_the_name_of_its_parameter() {
        let apns = "arn:aws:sns:eu-west-1:123456789012:app/APNS/a";
        let fcm = "arn:aws:sns:eu-west-1:123456789012:app/GCM/a";
        for (variable, arn, parameter) in [
            ("APNS_APPLICATION_ARN", apns, "ApnsApplicationArn"),
            ("FCM_APPLICATION_ARN", fcm, "FcmApplicationArn"),
        ] {
            let settings = with(variable, arn).unwrap();
            assert!(settings.expect_region("eu-west-1").is_ok());
            assert_eq!(
                settings.expect_region("us-east-1").unwrap_err().to_string(),
                format!(
                    "parameter {parameter} must name an application of us-east-1, not of eu-west-1"
                )
            );
        }
        assert_eq!(
            with("FCM_APPLICATION_ARN", apns).unwrap_err().to_string(),
            "parameter FcmApplicationArn must be the ARN of an SNS platform application for FCM"
        );
        assert!(
            Settings::read(least)
                .unwrap()
                .expect_region("us-east-1")
                .is_ok()
        );
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let settings = Settings::read(least).unwrap();
        assert_eq!(settings.binding_lease, Span::from_days(270));
        assert_eq!(settings.client_secret_mode, ClientSecretMode::PerUser);
        assert_eq!(settings.fcm_application, None);
        assert_eq!(
            with("CLIENT_SECRET_MODE", "shared")
                .unwrap()
                .client_secret_mode,
            ClientSecretMode::Shared
        );
    }
}

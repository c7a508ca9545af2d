//! The platform applications of this installation, and which endpoints are theirs.

use crate::Settings;
use push::Platform;

/// A platform application of SNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    arn: String,
    region: String,
    /// What the ARNs of its endpoints begin with.
    endpoints: String,
}

impl Application {
    /// The application with this ARN: `arn:aws:sns:REGION:ACCOUNT:app/GCM/NAME`, or with `APNS` or `APNS_SANDBOX`. Nothing
    /// where it is no such ARN, or one of another platform.
    #[must_use]
    pub fn parse(platform: Platform, arn: &str) -> Option<Self> {
        let parts: Vec<_> = arn.split(':').collect();
        let ["arn", partition, "sns", region, account, resource] = parts[..] else {
            return None;
        };
        let (kind, name) = resource.strip_prefix("app/")?.split_once('/')?;
        let right = match platform {
            Platform::Apns => matches!(kind, "APNS" | "APNS_SANDBOX"),
            Platform::Fcm => kind == "GCM",
        };
        let whole = [partition, region, account, name]
            .iter()
            .all(|part| !part.is_empty());
        (right && whole && !name.contains('/')).then(|| Self {
            arn: arn.to_owned(),
            region: region.to_owned(),
            endpoints: format!("arn:{partition}:sns:{region}:{account}:endpoint/{kind}/{name}/"),
        })
    }

    /// The ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The region that it is in, as all of its endpoints are.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    fn has(&self, endpoint: &str) -> bool {
        endpoint.starts_with(&self.endpoints)
    }
}

/// The platform applications of this installation.
#[derive(Clone, Debug)]
pub struct Applications {
    apns: Option<Application>,
    fcm: Option<Application>,
}

impl Applications {
    /// Those that the settings name.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            apns: settings.apns_application.clone(),
            fcm: settings.fcm_application.clone(),
        }
    }

    /// The ARN of the platform's application, if there is one.
    #[must_use]
    pub fn arn(&self, platform: Platform) -> Option<&str> {
        self.of(platform).map(Application::arn)
    }

    /// Whether an endpoint belongs to the platform's application. One of an application before, or of another account or
    /// region, cannot be published to.
    #[must_use]
    pub fn have(&self, platform: Platform, endpoint: &str) -> bool {
        self.of(platform).is_some_and(|of| of.has(endpoint))
    }

    fn of(&self, platform: Platform) -> Option<&Application> {
        match platform {
            Platform::Apns => self.apns.as_ref(),
            Platform::Fcm => self.fcm.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GCM: &str = "arn:aws:sns:eu-central-1:123456789012:app/GCM/userpush";

    #[test]
    fn an_application_is_one_of_its_platform() {
        let fcm = Application::parse(Platform::Fcm, GCM).unwrap();
        assert_eq!((fcm.arn(), fcm.region()), (GCM, "eu-central-1"));
        for kind in ["APNS", "APNS_SANDBOX"] {
            let arn = GCM.replace("GCM", kind);
            assert!(Application::parse(Platform::Apns, &arn).is_some());
            assert!(Application::parse(Platform::Fcm, &arn).is_none());
        }
        assert!(Application::parse(Platform::Apns, GCM).is_none());
        for bad in [
            "",
            "userpush",
            "arn:aws:sns:eu-central-1:123456789012:userpush",
            "arn:aws:sns:eu-central-1:123456789012:app/GCM",
            "arn:aws:sns:eu-central-1:123456789012:app/GCM/",
            "arn:aws:sns:eu-central-1:123456789012:app/GCM/a/b",
            "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/userpush/1",
            "arn:aws:sns::123456789012:app/GCM/userpush",
            "arn:aws:sqs:eu-central-1:123456789012:app/GCM/userpush",
        ] {
            assert_eq!(Application::parse(Platform::Fcm, bad), None, "{bad}");
        }
    }

    #[test]
    fn an_endpoint_belongs_to_one_application() {
        let applications = Applications {
            apns: None,
            fcm: Application::parse(Platform::Fcm, GCM),
        };
        let own = "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/userpush/1";
        assert!(applications.have(Platform::Fcm, own));
        assert!(!applications.have(Platform::Apns, own));
        for (part, other) in [
            (":aws:", ":aws-cn:"),
            ("eu-central-1", "eu-west-1"),
            ("123456789012", "123456789013"),
            ("GCM", "APNS"),
            ("userpush/", "userpush2/"),
            ("userpush/", "user/"),
        ] {
            let foreign = own.replacen(part, other, 1);
            assert!(!applications.have(Platform::Fcm, &foreign), "{foreign}");
        }
        assert!(!applications.have(Platform::Fcm, ""));
    }
}

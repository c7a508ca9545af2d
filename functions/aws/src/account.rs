//! Where AWS is, and who a function is there: what Lambda tells it in the environment, and nothing else. The SDK's own search
//! looks for profiles, metadata services and roles to assume as well, which a function never has: it costs each start a
//! millisecond, and each function a tenth of its size.

use crate::settings::BadSetting;
use aws_sdk_dynamodb::config::{Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use aws_types::sdk_config::Builder;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

/// Reads one variable of the environment.
type Lookup = fn(&str) -> Option<String>;

/// The account that the environment names: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
/// `AWS_SESSION_TOKEN`, as Lambda sets them; `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`, where AWS is elsewhere.
///
/// # Errors
/// [`BadSetting`] names the variable that is missing.
pub(crate) fn read(lookup: Lookup) -> Result<Builder, BadSetting> {
    let given = |name: &str| lookup(name).filter(|value| !value.is_empty());
    let needed = |name| given(name).ok_or_else(|| BadSetting::missing(name));
    let region = Region::new(needed("AWS_REGION")?);
    // Of the role of the function: they outlive the environment.
    let credentials = Credentials::new(
        needed("AWS_ACCESS_KEY_ID")?,
        needed("AWS_SECRET_ACCESS_KEY")?,
        given("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let mut account = SdkConfig::builder()
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(Endpoints(lookup));
    account.set_endpoint_url(given("AWS_ENDPOINT_URL"));
    Ok(account)
}

/// Where single services are.
#[derive(Debug)]
struct Endpoints(Lookup);

impl LoadServiceConfig for Endpoints {
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER` for the endpoint of Secrets Manager.
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace(' ', "_");
        self.0(&format!("{}_{service}", key.env())).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::config::ProvideCredentials;

    fn lambda(name: &str) -> Option<String> {
        let value = match name {
            "AWS_REGION" => "eu-central-1",
            "AWS_ACCESS_KEY_ID" => "key",
            "AWS_SECRET_ACCESS_KEY" => "secret",
            "AWS_SESSION_TOKEN" => "token",
            "AWS_ENDPOINT_URL" => "http://localhost:1",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER" => "http://localhost:2",
            "AWS_ENDPOINT_URL_SNS" => "",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[tokio::test]
    async fn the_account_is_that_of_the_environment() {
        let account = read(lambda).unwrap().build();
        assert_eq!(account.region(), Some(&Region::from_static("eu-central-1")));
        assert_eq!(account.endpoint_url(), Some("http://localhost:1"));
        let provider = account.credentials_provider().unwrap();
        let credentials = provider.provide_credentials().await.unwrap();
        assert_eq!(credentials.access_key_id(), "key");
        assert_eq!(credentials.secret_access_key(), "secret");
        assert_eq!(credentials.session_token(), Some("token"));
    }

    #[test]
    fn a_service_can_be_elsewhere() {
        let account = read(lambda).unwrap().build();
        let of = |service| {
            let key = ServiceConfigKey::builder()
                .service_id(service)
                .profile("endpoint_url")
                .env("AWS_ENDPOINT_URL");
            account
                .service_config()
                .unwrap()
                .load_config(key.build().unwrap())
        };
        assert_eq!(of("Secrets Manager").as_deref(), Some("http://localhost:2"));
        assert_eq!(of("SNS"), None);
        assert_eq!(of("DynamoDB"), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let without = |name: &str| (name != "AWS_ACCESS_KEY_ID").then(|| lambda(name))?;
        let missing = read(without).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "environment variable AWS_ACCESS_KEY_ID must be set"
        );
    }
}

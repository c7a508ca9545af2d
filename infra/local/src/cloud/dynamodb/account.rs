//! Who calls the DynamoDB behind the endpoint: nobody in particular, or on AWS whoever the environment says.

use super::super::clock::machine;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use std::error::Error;

type Failure = Box<dyn Error + Send + Sync>;

/// The signature of calls to a DynamoDB that checks none. One key and region: emulators keep a database for each.
const UNCHECKED: &str = "AWS4-HMAC-SHA256 Credential=local/20200101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0";

/// The account that calls are made with.
pub enum Account {
    /// An emulator's, where anyone may call.
    Anyone,
    /// One of AWS.
    Signed {
        /// Where the keys come from.
        credentials: SharedCredentialsProvider,
        /// The region in the host's name.
        region: String,
    },
}

impl Account {
    /// The account for a URL. `https://dynamodb.REGION.amazonaws.com` is AWS; the keys are those of the environment.
    ///
    /// # Errors
    /// The environment has no credentials.
    pub async fn at(url: &str) -> Result<Self, Failure> {
        let Some(region) = region(url) else {
            return Ok(Self::Anyone);
        };
        let environment = aws_config::from_env().region(aws_config::Region::new(region.to_owned()));
        let environment = environment.load().await;
        let credentials = environment.credentials_provider();
        Ok(Self::Signed {
            credentials: credentials.ok_or("AWS needs credentials")?,
            region: region.to_owned(),
        })
    }

    /// The headers that sign a call.
    ///
    /// # Errors
    /// There are no keys at the moment.
    pub async fn sign(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: &str,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let (credentials, region) = match self {
            Self::Anyone => {
                return Ok(vec![
                    ("authorization", UNCHECKED.to_owned()),
                    ("x-amz-date", "20200101T000000Z".to_owned()),
                ]);
            }
            Self::Signed {
                credentials,
                region,
            } => (credentials, region),
        };
        let identity = credentials.provide_credentials().await?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("dynamodb")
            .time(machine())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let body = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new("POST", url, headers, body)?;
        let (signature, _) = sign(request, &parameters)?.into_parts();
        let (headers, _) = signature.into_parts();
        let headers = headers.iter();
        Ok(headers
            .map(|header| (header.name(), header.value().to_owned()))
            .collect())
    }
}

fn region(url: &str) -> Option<&str> {
    let (region, rest) = url.strip_prefix("https://dynamodb.")?.split_once('.')?;
    rest.starts_with("amazonaws.com").then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;

    const URL: &str = "https://dynamodb.eu-west-1.amazonaws.com";

    #[test]
    fn only_aws_wants_signatures() {
        assert_eq!(region(URL), Some("eu-west-1"));
        assert_eq!(region("http://127.0.0.1:8000"), None);
        assert_eq!(region("https://dynamodb.example"), None);
    }

    #[tokio::test]
    async fn a_call_to_aws_is_signed_for_its_region() {
        let account = Account::Signed {
            credentials: SharedCredentialsProvider::new(Credentials::new(
                "AKID",
                "secret",
                Some("session".to_owned()),
                None,
                "test",
            )),
            region: "eu-west-1".to_owned(),
        };
        let target = [("x-amz-target", "DynamoDB_20120810.GetItem".to_owned())];
        let headers = account.sign(URL, &target, "{}").await.unwrap();
        let value = |name| &headers.iter().find(|(of, _)| *of == name).unwrap().1;
        let authorization = value("authorization");
        assert!(
            authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"),
            "{authorization}"
        );
        assert!(
            authorization.contains(
                "/eu-west-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target, Signature="
            ),
            "{authorization}"
        );
        assert_eq!(value("x-amz-security-token"), "session");
    }
}

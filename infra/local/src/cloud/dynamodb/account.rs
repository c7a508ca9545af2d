//! Who calls the DynamoDB behind the endpoint: nobody in particular, or on AWS whoever the environment says.

use super::super::clock::machine;
use aws_credential_types::Credentials;
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
        /// The keys.
        credentials: Credentials,
        /// The region in the host's name.
        region: String,
    },
}

impl Account {
    /// The account for a URL. `https://dynamodb.REGION.amazonaws.com` is AWS; its keys are `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY` and, where they are temporary, `AWS_SESSION_TOKEN`.
    ///
    /// # Errors
    /// AWS needs a key that `lookup` does not find.
    pub fn at(url: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let Some(region) = region(url) else {
            return Ok(Self::Anyone);
        };
        let needed = |name: &str| {
            lookup(name).ok_or_else(|| {
                format!(
                    "DynamoDB on AWS needs {name} in the environment \
                     (`aws configure export-credentials --format env` prints the keys of a profile)"
                )
            })
        };
        Ok(Self::Signed {
            credentials: Credentials::new(
                needed("AWS_ACCESS_KEY_ID")?,
                needed("AWS_SECRET_ACCESS_KEY")?,
                lookup("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            region: region.to_owned(),
        })
    }

    /// The headers that sign a call.
    ///
    /// # Errors
    /// The call has a header that cannot be signed.
    pub fn sign(
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
        let identity = credentials.clone().into();
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

    const URL: &str = "https://dynamodb.eu-west-1.amazonaws.com";

    #[test]
    fn only_aws_wants_signatures() {
        assert_eq!(region(URL), Some("eu-west-1"));
        assert_eq!(region("http://127.0.0.1:8000"), None);
        assert_eq!(region("https://dynamodb.example"), None);
    }

    fn environment(name: &str) -> Option<String> {
        let value = match name {
            "AWS_ACCESS_KEY_ID" => "AKID",
            "AWS_SECRET_ACCESS_KEY" => "secret",
            "AWS_SESSION_TOKEN" => "session",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn aws_needs_keys_and_an_emulator_none() {
        let without =
            |missing: &'static str| move |name: &str| environment(name).filter(|_| name != missing);
        for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            let error = Account::at(URL, without(key)).err().unwrap();
            let begin = format!("DynamoDB on AWS needs {key} in the environment");
            assert!(error.to_string().starts_with(&begin), "{error}");
        }
        assert!(Account::at(URL, without("AWS_SESSION_TOKEN")).is_ok());
        assert!(Account::at("http://127.0.0.1:8000", |_| None).is_ok());
    }

    #[test]
    fn a_call_to_aws_is_signed_for_its_region() {
        let account = Account::at(URL, environment).unwrap();
        let target = [("x-amz-target", "DynamoDB_20120810.GetItem".to_owned())];
        let headers = account.sign(URL, &target, "{}").unwrap();
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

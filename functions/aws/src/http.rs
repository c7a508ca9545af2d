//! The one HTTP client that all AWS clients of a function share.

use crate::settings::TlsRoots;
use crate::{Failure, Settings};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The roots of Amazon Trust Services, which sign for every endpoint of AWS: <https://www.amazontrust.com/repository/>.
const AMAZON: [&str; 5] = [
    include_str!("../roots/amazon-root-ca-1.pem"),
    include_str!("../roots/amazon-root-ca-2.pem"),
    include_str!("../roots/amazon-root-ca-3.pem"),
    include_str!("../roots/amazon-root-ca-4.pem"),
    include_str!("../roots/starfield-services-root-certificate-authority-g2.pem"),
];

/// AWS closes connections that nobody used for a while, and a frozen environment does not hear of it. One that was idle for
/// so long is not used again.
const IDLE: Duration = Duration::from_secs(20);

/// A client that keeps its connections open: a new TLS connection costs as much as 10 to 20 publishes. There are no more
/// of them than calls in flight, which is what the functions bound.
///
/// # Errors
/// A TLS configuration that cannot be.
pub fn client(settings: &Settings) -> Result<SharedHttpClient, lambda_http::Error> {
    let roots = match settings.tls_roots {
        TlsRoots::System => TrustStore::default(),
        TlsRoots::Amazon => AMAZON.iter().fold(TrustStore::empty(), |roots, pem| {
            roots.with_pem_certificate(*pem)
        }),
    };
    Ok(Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(TlsContext::builder().with_trust_store(roots).build()?)
        .pool_idle_timeout(IDLE)
        .build_https())
}

/// Lets hyper see which connections closed while the environment was frozen, before a request goes out on one. Lambda's event
/// and the closings arrive together. Without this the event is handled first, on a closed connection, and hyper repeats only a
/// request that it has not sent.
pub(crate) async fn thaw() {
    // The first yield lets the driver poll, the second the tasks that it wakes.
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

/// A client of a service that most environments of a function never call: it is built when it is first used.
#[derive(Clone)]
pub(crate) struct OnDemand<C>(Arc<LazyLock<C, Box<dyn FnOnce() -> C + Send>>>);

impl<C> OnDemand<C> {
    pub fn new(build: impl FnOnce() -> C + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(build))))
    }
}

impl<C> Deref for OnDemand<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

/// The failure of a call to a service, of which `is_pressure` tells the codes by which it asks for patience. Only the code
/// becomes part of the cause: messages repeat tokens, ARNs and ids.
pub(crate) fn failure<E: ProvideErrorMetadata>(
    service: &str,
    error: &SdkError<E, HttpResponse>,
    is_pressure: impl Fn(&str) -> bool,
) -> Failure {
    let code = error.code().unwrap_or("no answer");
    let cause = format!("{service}: {code}").into();
    match error {
        SdkError::ServiceError(_) if !is_pressure(code) && !is_server_fault(error) => {
            Failure::Internal(cause)
        }
        SdkError::ConstructionFailure(_) => Failure::Internal(cause),
        _ => Failure::Unavailable(cause),
    }
}

/// Whether the service itself failed to answer, whatever name it gave to that.
pub(crate) fn is_server_fault<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error
        .raw_response()
        .is_some_and(|response| response.status().is_server_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::config::{Builder, Credentials, Region};
    use base64::Engine;
    use sha2::{Digest, Sha256};
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// The fingerprints that Amazon Trust Services publishes.
    const FINGERPRINTS: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    /// Answers one request on each connection and closes it.
    fn serve(listener: &TcpListener, connections: usize) {
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(b"{}") {
                let mut bytes = [0; 1024];
                let read = stream.read(&mut bytes).unwrap();
                heard.extend_from_slice(&bytes[..read]);
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
            stream.write_all(answer).unwrap();
        }
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_while_the_environment_was_frozen_fails_no_call() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (closed, is_closed) = std::sync::mpsc::channel();
        let server = std::thread::spawn(move || {
            serve(&listener, 1);
            closed.send(()).unwrap();
            serve(&listener, 1);
        });
        let settings = Settings::read(|name| match name {
            "TABLE_NAME" | "APPLICATION_ID" | "CLIENT_SECRET_ID" | "APP_SECRET_ID" => {
                Some("unused".to_owned())
            }
            _ => None,
        });
        let config = Builder::new()
            .behavior_version_latest()
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .endpoint_url(format!("http://{address}"))
            .http_client(client(&settings.unwrap()).unwrap())
            .retry_config(RetryConfig::disabled());
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        client.list_tables().send().await.unwrap();
        // Nothing of this thread runs meanwhile, so the pool does not hear of it.
        is_closed.recv().unwrap();
        client.list_tables().send().await.unwrap();
        server.join().unwrap();
    }

    #[test]
    fn the_embedded_roots_are_those_of_amazon() {
        for (pem, fingerprint) in AMAZON.iter().zip(FINGERPRINTS) {
            let der: String = pem
                .lines()
                .filter(|line| !line.starts_with("-----"))
                .collect();
            let der = base64::engine::general_purpose::STANDARD
                .decode(der)
                .unwrap();
            let digits = Sha256::digest(der)
                .into_iter()
                .flat_map(|byte| [byte >> 4, byte & 15]);
            let digest: String = digits
                .filter_map(|digit| char::from_digit(digit.into(), 16))
                .collect();
            assert_eq!(digest, fingerprint);
        }
    }
}

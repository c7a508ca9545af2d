//! How servers outside of this process are called.

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use std::time::Duration;

/// Calls over http and https. An answer begins within this time.
pub fn connector(answer_within: Duration) -> Connector {
    let patience = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(answer_within)
        .build();
    Connector::builder()
        .connector_settings(patience)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build()
}

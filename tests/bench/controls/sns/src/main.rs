//! `sns ENDPOINT COUNT IN_FLIGHT`: publishes so often, so many at once, with the bare SDK.

use aws_sdk_sns::Client;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::error::Error;

/// As a send to an Android device has it.
const MESSAGE: &str = include_str!("../../message.json");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [endpoint, count, in_flight] = arguments.as_slice() else {
        return Err("sns ENDPOINT COUNT IN_FLIGHT".into());
    };
    let (count, in_flight): (usize, usize) = (count.parse()?, in_flight.parse()?);
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let client = Client::new(&aws_config::from_env().http_client(http).load().await);
    let publish = |_| {
        let call = client.publish().target_arn(endpoint);
        call.message_structure("json").message(MESSAGE).send()
    };
    let published = stream::iter(0..count).map(publish).buffer_unordered(in_flight);
    published.try_for_each(|_| async { Ok(()) }).await?;
    Ok(())
}

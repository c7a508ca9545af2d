//! A function that makes one bare call of the SDK, the read of an unchanged registration, and answers without a look at
//! what came. What ours takes on top of it is our own code.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_sdk_dynamodb::Client;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use lambda_http::{Body, Error, Request, Response, service_fn};
use std::collections::HashMap;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let client = Client::new(&aws_config::from_env().http_client(http).load().await);
    let table = std::env::var("TABLE_NAME")?;
    let keys: Vec<HashMap<String, String>> = serde_json::from_str(&std::env::var("KEYS")?)?;
    let (client, table, keys) = (&client, &table, &keys);
    lambda_http::run(service_fn(|_: Request| async move {
        let key = |key: &HashMap<String, String>| {
            let part = |(name, value): (&String, &String)| {
                (name.clone(), AttributeValue::S(value.clone()))
            };
            key.iter().map(part).collect()
        };
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(key).collect()))
            .consistent_read(true)
            .build()?;
        let read = client.batch_get_item().request_items(table, wanted);
        let found = read.send().await?.responses.unwrap_or_default();
        if found.values().map(Vec::len).sum::<usize>() != keys.len() {
            return Err("an item is missing".into());
        }
        Ok::<_, Error>(Response::builder().status(201).body(Body::from("{}"))?)
    }))
    .await
}

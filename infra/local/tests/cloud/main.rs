//! The local AWS held to what is known of AWS, through the unmodified SDK.

#![expect(clippy::unwrap_used, reason = "what the tests share fails like a test")]

mod control;
mod data;
mod dynamodb;
mod endpoints;
mod faults;
mod hooks;
mod lists;
mod publishing;
mod secrets;
mod sqs;
mod torn;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use local::cloud::{Cloud, CloudOptions, SecretSpec, Table};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Debug;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

const GCM: &str = "arn:aws:sns:us-east-1:000000000000:app/GCM/userpush";
const APNS: &str = "arn:aws:sns:us-east-1:000000000000:app/APNS/userpush";
const SANDBOX: &str = "arn:aws:sns:us-east-1:000000000000:app/APNS_SANDBOX/userpush";

/// A local AWS with its control surface, and SDK clients that do not repeat what fails.
struct Aws {
    cloud: Cloud,
    control: String,
    server: AbortHandle,
    sns: aws_sdk_sns::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    secrets: aws_sdk_secretsmanager::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Drop for Aws {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Aws {
    async fn start() -> Self {
        Self::with(None, None).await
    }

    /// With its state kept in a directory, or its items in another DynamoDB.
    async fn with(data: Option<PathBuf>, dynamodb: Option<String>) -> Self {
        Self::try_with(data, dynamodb).await.unwrap()
    }

    async fn try_with(
        data: Option<PathBuf>,
        dynamodb: Option<String>,
    ) -> Result<Self, local::Error> {
        let secret = |key: &str| SecretSpec {
            key: key.to_owned(),
            name: format!("userpush/{key}"),
            length: 64,
        };
        let cloud = Cloud::start(CloudOptions {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            data,
            dynamodb,
            table: Table {
                name: "userpush".to_owned(),
                create: json!({
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [
                        {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
                    "KeySchema": [
                        {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        }),
                ttl_attribute: Some("expires".to_owned()),
            },
            applications: [GCM, APNS, SANDBOX].map(str::to_owned).to_vec(),
            hosts: vec![],
            webhooks_to: None,
            secrets: ["clientSecret", "appSecret"].map(secret).into(),
        })
        .await?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let control = format!("http://{}/_local", listener.local_addr().unwrap());
        let router = cloud.control();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "test", "test", None, None, "test",
            )))
            .endpoint_url(cloud.endpoint_url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .build();
        Ok(Self {
            control,
            server: server.abort_handle(),
            sns: aws_sdk_sns::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            cloud,
        })
    }

    async fn get(&self, path: &str) -> Value {
        let response = reqwest::get(format!("{}/{path}", self.control))
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    async fn delete(&self, path: &str) {
        let url = format!("{}/{path}", self.control);
        let response = reqwest::Client::new().delete(url).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/{path}", self.control);
        let response = reqwest::Client::new().post(url).json(&body).send();
        let response = response.await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn fault(&self, fault: Value) {
        assert_eq!(self.post("faults", fault).await, (200, json!({})));
    }

    /// The endpoint of a token, which exists then.
    async fn endpoint(&self, application: &str, token: &str) -> String {
        let created = self
            .sns
            .create_platform_endpoint()
            .platform_application_arn(application)
            .token(token)
            .send()
            .await
            .unwrap();
        created.endpoint_arn.unwrap()
    }

    async fn put(&self, pk: &str, attributes: &[(&str, AttributeValue)]) {
        let mut item = key(pk);
        item.extend(
            attributes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let put = self.dynamodb.put_item().table_name("userpush");
        put.set_item(Some(item)).send().await.unwrap();
    }

    /// What the table holds, by partition key.
    async fn items(&self) -> HashMap<String, Value> {
        let shown = self.get("items").await;
        let items = shown["items"].as_array().unwrap();
        let named = items.iter().map(|item| {
            let pk = item["pk"]["S"].as_str().unwrap();
            (pk.to_owned(), item.clone())
        });
        named.collect()
    }
}

/// The key of the test's items.
fn key(pk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from(
        [("pk", pk), ("sk", "S")]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))),
    )
}

/// Status, code and text of a refusal.
#[track_caller]
fn refusal<T: Debug, E: ProvideErrorMetadata + Debug>(
    result: Result<T, SdkError<E, HttpResponse>>,
) -> (u16, String, String) {
    let error = result.unwrap_err();
    let status = error
        .raw_response()
        .map_or(0, |response| response.status().as_u16());
    (
        status,
        error.code().unwrap_or_default().to_owned(),
        error.message().unwrap_or_default().to_owned(),
    )
}

/// The same, to compare with.
fn refused(status: u16, code: &str, message: &str) -> (u16, String, String) {
    (status, code.to_owned(), message.to_owned())
}

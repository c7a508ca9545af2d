//! A table of its own for each test.

use aws::{Settings, Store};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::config::{Region, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use aws_types::SdkConfig;
use dynoxide::Database;
use std::collections::HashMap;
use tokio::net::TcpListener;

/// A table, and who reads and writes its items as they are.
pub struct Table {
    /// As the functions use it.
    pub store: Store,
    client: Client,
    name: String,
}

/// An empty table, in the DynamoDB at `USERPUSH_DYNAMODB` or in an embedded one.
pub async fn table() -> Store {
    Table::new().await.store
}

impl Table {
    /// The whole item of this key.
    pub async fn row(&self, pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
        let get = self.client.get_item().table_name(&self.name);
        let get = get
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()));
        let found = get.consistent_read(true).send().await.unwrap();
        found.item.unwrap()
    }

    /// Writes an item, whatever it is.
    pub async fn put(&self, row: HashMap<String, AttributeValue>) {
        let put = self.client.put_item().table_name(&self.name);
        put.set_item(Some(row)).send().await.unwrap();
    }

    /// An empty one.
    pub async fn new() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "where the tests run is not the functions' configuration"
        )]
        let url = match std::env::var("USERPUSH_DYNAMODB") {
            Ok(url) => url,
            Err(_) => embedded().await,
        };
        let name = format!("store-{}", aws::random::message_id().unwrap().as_str());
        let settings = Settings::read(|variable| match variable {
            "TABLE_NAME" => Some(name.clone()),
            "APPLICATION_ID" | "CLIENT_SECRET_ID" | "APP_SECRET_ID" => Some("unused".to_owned()),
            _ => None,
        })
        .unwrap();
        let credentials = Credentials::new("test", "test", None, None, "test");
        let loader = SdkConfig::builder()
            .endpoint_url(url)
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        let start =
            aws::Start::new(settings, loader, std::sync::Arc::new(push::Time::default)).unwrap();
        let key = |name: &str, kind| {
            KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(kind)
                .build()
                .unwrap()
        };
        let text = |name: &str| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .unwrap()
        };
        let client = Client::new(&start.aws);
        let table = client
            .create_table()
            .table_name(&name)
            .billing_mode(BillingMode::PayPerRequest);
        let table = table
            .key_schema(key("pk", KeyType::Hash))
            .key_schema(key("sk", KeyType::Range));
        table
            .attribute_definitions(text("pk"))
            .attribute_definitions(text("sk"))
            .send()
            .await
            .unwrap();
        Self {
            store: Store::new(&start),
            client,
            name,
        }
    }
}

async fn embedded() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(
        listener,
        Database::memory().unwrap(),
    ));
    url
}

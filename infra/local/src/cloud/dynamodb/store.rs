//! The DynamoDB behind the endpoint: the embedded one, or any other by its URL.

use super::super::Table;
use super::super::connector::connector;
use super::account::Account;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::{Value, json};
use std::error::Error;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Why there is no answer.
pub type Failure = Box<dyn Error + Send + Sync>;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Starts the embedded store on a port of its own and gives its URL.
///
/// # Errors
/// The file cannot be opened, or there is no port.
pub async fn embed(file: Option<&Path>, servers: &mut JoinSet<()>) -> Result<String, Failure> {
    let database = match file {
        Some(file) => {
            let path = file.to_str().ok_or("the path of the data is not UTF-8")?;
            dynoxide::Database::new(path)?
        }
        None => dynoxide::Database::memory()?,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    // It ends with the task, so it is never asked to shut down.
    servers.spawn(async {
        if let Err(error) =
            dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()).await
        {
            tracing::error!(error, "the embedded DynamoDB ended");
        }
    });
    Ok(url)
}

/// Calls to the DynamoDB behind the endpoint. Whoever signed the call in front, all reach the same account there.
pub struct Store {
    connector: Connector,
    account: Account,
    url: String,
}

/// What it answered.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

impl Reply {
    /// The code of an error, without its namespace.
    pub fn code(&self) -> Option<&str> {
        let code = self.body.get("__type")?.as_str()?;
        Some(code.rsplit_once('#').map_or(code, |(_, code)| code))
    }
}

impl Store {
    /// The store at a URL.
    ///
    /// # Errors
    /// It is AWS, and the environment has no keys.
    #[expect(
        clippy::disallowed_methods,
        reason = "the keys are the developer's, and no setting of a function"
    )]
    pub fn at(url: &str) -> Result<Self, Failure> {
        let account = Account::at(url, |name| std::env::var(name).ok())?;
        Ok(Self {
            connector: connector(Duration::from_mins(1)),
            account,
            url: url.to_owned(),
        })
    }

    /// One call, whatever is answered.
    ///
    /// # Errors
    /// Nothing, or no JSON, is answered.
    pub async fn call(&self, operation: &str, input: &Value) -> Result<Reply, Failure> {
        let body = input.to_string();
        let mut headers = vec![
            ("content-type", CONTENT_TYPE.to_owned()),
            ("x-amz-target", format!("DynamoDB_20120810.{operation}")),
        ];
        headers.extend(self.account.sign(&self.url, &headers, &body)?);
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri(self.url.as_str())?;
        for (name, value) in headers {
            request.headers_mut().try_insert(name, value)?;
        }
        let response = self.connector.call(request).await;
        let response = response.map_err(Unreachable)?;
        let status = response.status().as_u16();
        let body = ByteStream::new(response.into_body()).collect().await?;
        Ok(Reply {
            status,
            body: serde_json::from_slice(&body.into_bytes())?,
        })
    }

    /// One call that has to succeed.
    ///
    /// # Errors
    /// It does not.
    pub async fn must(&self, operation: &str, input: &Value) -> Result<Value, Failure> {
        let reply = self.call(operation, input).await?;
        if reply.status == 200 {
            Ok(reply.body)
        } else {
            Err(format!("DynamoDB refuses {operation}: {}", reply.body).into())
        }
    }

    /// Makes the table where it is missing, and lets its items expire.
    ///
    /// # Errors
    /// The store refuses it.
    pub async fn provide(&self, table: &Table) -> Result<(), Failure> {
        let named = json!({"TableName": table.name});
        let found = self.call("DescribeTable", &named).await?;
        if found.code() == Some("ResourceNotFoundException") {
            let mut create = table.create.clone();
            if let Some(fields) = create.as_object_mut() {
                fields.insert("TableName".to_owned(), json!(table.name));
            }
            self.must("CreateTable", &create).await?;
        }
        while self.must("DescribeTable", &named).await?["Table"]["TableStatus"] != "ACTIVE" {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let Some(attribute) = &table.ttl_attribute else {
            return Ok(());
        };
        let life = self.must("DescribeTimeToLive", &named).await?;
        if life["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED" {
            let enable = json!({"TableName": table.name,
                "TimeToLiveSpecification": {"Enabled": true, "AttributeName": attribute}});
            self.must("UpdateTimeToLive", &enable).await?;
        }
        Ok(())
    }
}

/// The store did not answer.
#[derive(Debug)]
struct Unreachable(ConnectorError);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DynamoDB does not answer")
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

//! The local AWS: DynamoDB, Secrets Manager, SNS and SQS behind one address, for any unmodified AWS SDK.

mod admission;
mod answer;
mod calls;
mod clock;
mod connector;
mod control;
mod dynamodb;
mod fault;
mod folder;
mod hooks;
mod http;
mod kept;
mod metrics;
mod phones;
mod random;
mod receiver;
mod secrets;
mod sns;
mod sqs;

pub use sqs::{QueueSpec, Redrive};
pub(crate) use sqs::{arn as queue_arn, url as queue_url};

use calls::Calls;
use clock::MovableClock;
use dynamodb::Dynamodb;
use fault::Faults;
use folder::Folder;
use hooks::Hooks;
use metrics::Metrics;
use phones::Phones;
use receiver::Receiver;
use secrets::Secrets;
use sns::Sns;
use sqs::Sqs;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// What the local AWS holds, and where.
pub struct CloudOptions {
    /// The address to listen on; port 0 is any free one.
    pub address: SocketAddr,
    /// The folder that holds the state, used by no other process; `None` keeps the state in memory.
    pub data: Option<PathBuf>,
    /// Another DynamoDB to use in place of the embedded one.
    pub dynamodb: Option<String>,
    /// The table, made where it is missing.
    pub table: Table,
    /// ARNs of the platform applications that exist: `arn:aws:sns:us-east-1:000000000000:app/GCM/userpush`.
    pub applications: Vec<String>,
    /// The secrets that exist, with generated values.
    pub secrets: Vec<SecretSpec>,
    /// Host names that are served beside those of the loopback.
    pub hosts: Vec<String>,
    /// Where the calls of webhooks are forwarded to.
    pub webhooks_to: Option<hyper::Uri>,
}

/// The table.
pub struct Table {
    /// Its name.
    pub name: String,
    /// The request that makes it, as `CreateTable` takes it.
    pub create: serde_json::Value,
    /// The attribute that holds the end of an item's life, in epoch seconds.
    pub ttl_attribute: Option<String>,
}

/// A secret.
pub struct SecretSpec {
    /// What the control surface calls it: `clientSecret`.
    pub key: String,
    /// Its name in Secrets Manager.
    pub name: String,
    /// How many characters its generated value has.
    pub length: usize,
}

/// Where functions write lines of metrics, each with the id of the request that it is about, if there is one.
pub type MetricsLog = Arc<dyn Fn(&str, Option<&str>) + Send + Sync>;

/// The running local AWS. It ends with its last clone.
#[derive(Clone)]
pub struct Cloud(Arc<Running>);

struct Running {
    state: Arc<State>,
    url: String,
    /// Where everybody outside is.
    outside: SocketAddr,
    /// Dropped, it ends the servers.
    _servers: JoinSet<()>,
    /// Dropped, it lets another process use the folder.
    _folder: Option<Folder>,
}

struct State {
    clock: MovableClock,
    calls: Calls,
    faults: Faults,
    phones: Phones,
    hooks: Hooks,
    receiver: Option<Receiver>,
    hosts: Vec<String>,
    metrics: Metrics,
    dynamodb: Dynamodb,
    secrets: Secrets,
    sns: Sns,
    sqs: Sqs,
    /// Told, each connection ends as soon as nothing is under way on it.
    connections: Notify,
}

impl Cloud {
    /// Starts it on the present runtime. When it returns, the table exists and the endpoint accepts calls.
    ///
    /// # Errors
    /// The address is taken, another process uses the folder, a file in it cannot be read or written, or the given DynamoDB
    /// refuses the table.
    pub async fn start(options: CloudOptions) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let folder = options.data.map(Folder::lock).transpose()?;
        let file = |name: &str| folder.as_ref().map(|folder| folder.file(name));
        let clock = MovableClock::open(file("clock.json"))?;
        let mut servers = JoinSet::new();
        let dynamodb = match options.dynamodb {
            Some(url) => Dynamodb::open(&url, options.table).await?,
            None => dynamodb::embed(file("dynamodb.sqlite"), options.table, &mut servers).await?,
        };
        let state = Arc::new(State {
            dynamodb,
            secrets: Secrets::open(file("secrets.json"), &options.secrets, clock.now())?,
            sns: Sns::open(file("sns.json"), &options.applications)?,
            sqs: Sqs::open(file("sqs.json"))?,
            calls: Calls::default(),
            faults: Faults::default(),
            phones: Phones::default(),
            hooks: Hooks::default(),
            receiver: options.webhooks_to.map(Receiver::at),
            hosts: options.hosts,
            metrics: Metrics::default(),
            connections: Notify::new(),
            clock,
        });
        let listener = TcpListener::bind(options.address)
            .await
            .map_err(|error| format!("cannot listen on {}: {error}", options.address))?;
        let mut address = listener.local_addr()?;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        servers.spawn(http::serve(listener, Arc::clone(&state)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let outside = listener.local_addr()?;
        servers.spawn(hooks::serve(listener, Arc::clone(&state)));
        Ok(Self(Arc::new(Running {
            state,
            url: format!("http://{address}"),
            outside,
            _servers: servers,
            _folder: folder,
        })))
    }

    /// Where SDKs reach every service.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        self.0.url.clone()
    }

    /// Whom functions call outside of AWS, whatever the URL: nobody else.
    #[must_use]
    pub fn outside(&self) -> aws::outside::Outside {
        aws::outside::Outside::StandIn(self.0.outside)
    }

    /// Makes a queue; one that was kept has its messages still.
    ///
    /// # Errors
    /// The queue could not be saved.
    pub fn create_queue(&self, spec: QueueSpec) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.0.state.sqs.create(spec)?)
    }

    /// From here on what SNS reports goes to this queue too.
    pub fn subscribe(&self, queue: String) {
        self.0.state.sns.subscribe(queue);
    }

    /// Waits for messages of a queue and takes up to so many, as `ReceiveMessage` gives them, but not as a call that
    /// counts or can be made to fail; nothing where there is no such queue.
    pub(crate) async fn poll(&self, queue: &str, most: usize) -> Option<Vec<serde_json::Value>> {
        self.0
            .state
            .sqs
            .poll(queue, most, &self.0.state.clock)
            .await
    }

    /// Deletes a message that [`Self::poll`] gave.
    pub(crate) fn delete(&self, queue: &str, handle: &serde_json::Value) {
        self.0.state.sqs.done_with(queue, handle);
    }

    /// The control surface, paths `/_local/…`.
    pub fn control(&self) -> axum::Router {
        control::router(Arc::clone(&self.0.state))
    }

    /// The time of the system, which the control surface moves.
    #[must_use]
    pub fn clock(&self) -> aws::Clock {
        self.0.state.clock.shared()
    }

    /// Where functions write their metrics, as Lambda's log would take them.
    #[must_use]
    pub fn metrics(&self) -> MetricsLog {
        let state = Arc::clone(&self.0.state);
        Arc::new(move |line, request| state.metrics.keep(line, request))
    }

    /// The current value of a secret.
    #[must_use]
    pub fn secret_value(&self, key: &str) -> Option<String> {
        self.0.state.secrets.value(key)
    }

    /// The ARN of a secret.
    #[must_use]
    pub fn secret_id(&self, key: &str) -> Option<String> {
        self.0.state.secrets.arn(key)
    }
}

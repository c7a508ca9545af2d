//! The AWS that functions are measured against: it answers at once, or after a delay, over HTTP or TLS, from a [`World`]
//! that no call changes; it counts calls and connections, takes their time, and throttles where it is asked to.

mod answers;
mod tls;

pub use tls::{Authority, Beside};

use crate::world::{Failed, World};
use answers::{Answer, answer};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// The call that goes to a device.
const PUBLISH: &str = "sns.Publish";

/// A running stub; it ends when this is dropped.
pub struct Stub {
    shared: Arc<Shared>,
    scheme: &'static str,
    ports: [u16; 3],
    _server: JoinSet<()>,
}

struct Shared {
    world: Arc<World>,
    state: Mutex<State>,
    remembered: answers::Remembered,
}

#[derive(Default)]
struct State {
    delay: Duration,
    /// One of so many publishes is throttled; 0: none.
    throttled: u64,
    publishes: u64,
    seen: Seen,
}

/// What was asked of a stub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Calls by service and operation: `dynamodb.BatchGetItem`.
    pub calls: BTreeMap<String, u64>,
    /// Connections over which something was published for the first time.
    pub publishing: u64,
    /// How long all calls took together, from the end of the request to the answer.
    pub took: Duration,
}

impl Seen {
    /// How many calls there were of this operation.
    #[must_use]
    pub fn of(&self, operation: &str) -> u64 {
        self.calls.get(operation).copied().unwrap_or_default()
    }

    /// How long a call took: what was asked for as a delay, and what timers and answers add.
    #[must_use]
    pub fn each(&self) -> Duration {
        let calls = u32::try_from(self.calls.values().sum::<u64>()).unwrap_or(u32::MAX);
        self.took.checked_div(calls).unwrap_or_default()
    }
}

impl Stub {
    /// Serves a world on free ports of the loopback interface, over TLS where there is an authority to vouch for it.
    ///
    /// # Errors
    /// There are no ports.
    pub async fn start(world: Arc<World>, tls: Option<&Authority>) -> Result<Self, Failed> {
        let shared = Arc::new(Shared {
            world,
            state: Mutex::default(),
            remembered: answers::Remembered::default(),
        });
        let mut server = JoinSet::new();
        let mut ports = [0; 3];
        for port in &mut ports {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            *port = listener.local_addr()?.port();
            let acceptor = tls.map(Authority::acceptor).transpose()?;
            server.spawn(serve(listener, acceptor, Arc::clone(&shared)));
        }
        Ok(Self {
            shared,
            scheme: if tls.is_some() { "https" } else { "http" },
            ports,
            _server: server,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        self.at(self.ports[0])
    }

    /// Where services are by themselves, as at AWS: nobody gets by with one connection for two of them.
    #[must_use]
    pub fn elsewhere(&self) -> [(&'static str, String); 2] {
        let [_, secrets, sns] = self.ports;
        [
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.at(secrets)),
            ("AWS_ENDPOINT_URL_SNS", self.at(sns)),
        ]
    }

    fn at(&self, port: u16) -> String {
        format!("{}://localhost:{port}", self.scheme)
    }

    /// Every answer takes so long from here on.
    pub fn delay(&self, delay: Duration) {
        self.shared.state().delay = delay;
    }

    /// One of so many publishes is throttled from here on; 0: none.
    pub fn throttle(&self, one_in: u64) {
        self.shared.state().throttled = one_in;
    }

    /// What was asked since the last look.
    #[must_use]
    pub fn seen(&self) -> Seen {
        std::mem::take(&mut self.shared.state().seen)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; gives how long it takes, and whether it is throttled.
    fn count(&self, operation: &str) -> (Duration, bool) {
        let mut state = self.state();
        let counted = state.seen.calls.get_mut(operation);
        match counted {
            Some(count) => *count += 1,
            None => drop(state.seen.calls.insert(operation.to_owned(), 1)),
        }
        let mut throttled = false;
        if operation == PUBLISH && state.throttled > 0 {
            state.publishes += 1;
            throttled = state.publishes.is_multiple_of(state.throttled);
        }
        (state.delay, throttled)
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        connections.spawn(async move { connection(stream, tls, shared).await });
        while connections.try_join_next().is_some() {}
    }
}

/// An error is a client that went away.
async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    match tls {
        None => converse(stream, shared).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(stream, shared).await;
            }
        }
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let published = Arc::new(AtomicBool::new(false));
    let service = service_fn(move |request| {
        let (shared, published) = (Arc::clone(&shared), Arc::clone(&published));
        async move {
            let (response, operation, took) = respond(request, &shared).await;
            let first = operation == PUBLISH && !published.swap(true, Ordering::Relaxed);
            let seen = &mut shared.state().seen;
            seen.took += took;
            seen.publishing += u64::from(first);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.await;
}

/// The answer, to which operation it is, and how long it took.
async fn respond(
    request: Request<Incoming>,
    shared: &Shared,
) -> (Response<Full<Bytes>>, String, Duration) {
    let target = request.headers().get("x-amz-target");
    let target = target
        .and_then(|target| target.to_str().ok())
        .map(str::to_owned);
    let body = request.into_body().collect().await;
    let body = body
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let begun = Instant::now();
    let call = answers::Call::read(target.as_deref(), &body);
    let operation = call.name();
    let (delay, throttled) = shared.count(&operation);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let Answer { status, kind, body } = if throttled {
        Answer::throttled()
    } else {
        answer(&call, &body, &shared.world, &shared.remembered).await
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let kind = hyper::header::HeaderValue::from_static(kind);
    response.headers_mut().insert("content-type", kind);
    (response, operation, begun.elapsed())
}

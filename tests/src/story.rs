//! A story: one promise, told to a server that others use too, or to one of its own.

use crate::api::Api;
use crate::stories;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use libtest_mimic::{Completion, Failed, Trial};
use std::any::type_name;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::RwLock;

/// One story and the server that it needs.
pub(crate) struct Story {
    name: String,
    server: Server,
    tell: Box<dyn FnOnce(Api) -> BoxFuture<'static, ()> + Send>,
}

/// The server that a story is told to.
enum Server {
    /// Any one: the story uses ids of its own and limits what it breaks to its own tokens.
    Shared,
    /// Any one, as long as it is told no other story meanwhile.
    Quiet,
    /// One that nobody else uses, with these parameters, for this reason.
    Own {
        parameters: &'static [&'static str],
        reason: &'static str,
        store: Store,
    },
}

/// The store under a server of a story's own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Store {
    /// The one that the suite was told to use, in which each story keeps to its own items.
    Given,
    /// An embedded one.
    Embedded,
}

/// A story that leaves others alone. Its name is that of the function.
pub(crate) fn shared<F, T>(tell: F) -> Story
where
    F: FnOnce(Api) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    story(tell, Server::Shared)
}

/// A story that no other one may be told beside: to a server of its own, or to one elsewhere while that is told nothing
/// else. It leaves that server as it found it.
pub(crate) fn quiet<F, T>(tell: F) -> Story
where
    F: FnOnce(Api) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    story(tell, Server::Quiet)
}

/// A story that needs a server of its own: `reason` says why, `parameters` are `Name=Value`.
pub(crate) fn own<F, T>(reason: &'static str, parameters: &'static [&'static str], tell: F) -> Story
where
    F: FnOnce(Api) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let store = Store::Given;
    story(
        tell,
        Server::Own {
            parameters,
            reason,
            store,
        },
    )
}

/// A story that needs even a table of its own.
pub(crate) fn alone<F, T>(
    reason: &'static str,
    parameters: &'static [&'static str],
    tell: F,
) -> Story
where
    F: FnOnce(Api) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let store = Store::Embedded;
    story(
        tell,
        Server::Own {
            parameters,
            reason,
            store,
        },
    )
}

fn story<F, T>(tell: F, server: Server) -> Story
where
    F: FnOnce(Api) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    // tests::stories::mission::alice_gets_her_push
    let path: Vec<&str> = type_name::<F>().rsplit("::").take(2).collect();
    Story {
        name: path.into_iter().rev().collect::<Vec<_>>().join("::"),
        server,
        tell: Box::new(move |api| tell(api).boxed()),
    }
}

/// Where the stories are told.
pub enum Place {
    /// To local servers in this process, on a DynamoDB elsewhere or on their own.
    Here {
        /// The URL of that DynamoDB.
        dynamodb: Option<String>,
    },
    /// To a server elsewhere.
    There {
        /// Where its API is reached, without `/imfpush`.
        url: String,
        /// The local system that plays AWS for it.
        control: String,
    },
}

impl Place {
    /// `USERPUSH_URL` and `USERPUSH_CONTROL` name a server elsewhere, `USERPUSH_DYNAMODB` a DynamoDB for our own.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the suite has settings of its own, and reads them here only"
    )]
    pub fn from_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match set("USERPUSH_URL") {
            Some(url) => Self::There {
                control: set("USERPUSH_CONTROL").unwrap_or_else(|| url.clone()),
                url,
            },
            None => Self::Here {
                dynamodb: set("USERPUSH_DYNAMODB"),
            },
        }
    }

    /// Whether the servers are of this process.
    #[must_use]
    pub const fn is_here(&self) -> bool {
        matches!(self, Self::Here { .. })
    }

    /// Whether our own servers use a DynamoDB elsewhere.
    pub(crate) const fn has_dynamodb(&self) -> bool {
        matches!(self, Self::Here { dynamodb: Some(_) })
    }

    /// A local server that nobody else uses, with these parameters of the template, `Name=Value`; on the given DynamoDB,
    /// if there is one.
    pub(crate) async fn own(&self, parameters: &[&str]) -> Api {
        let place = match self {
            Self::Here { dynamodb } => Self::Here {
                dynamodb: dynamodb.clone(),
            },
            Self::There { .. } => Self::Here { dynamodb: None },
        };
        place.open(parameters, Store::Given).await
    }

    async fn open(&self, parameters: &[&str], store: Store) -> Api {
        match self {
            Self::There { url, control } => Api::at(url, control, None).await,
            Self::Here { dynamodb } => {
                let options = local::Options {
                    port: 0,
                    dynamodb: dynamodb.clone().filter(|_| store == Store::Given),
                    parameter_overrides: parameters.iter().map(|pair| parameter(pair)).collect(),
                    ..local::Options::default()
                };
                let server = local::Local::start(options)
                    .await
                    .unwrap_or_else(|error| panic!("the local server does not start: {error}"));
                let url = server.base_url().to_string();
                Api::at(&url, &url, Some(server)).await
            }
        }
    }
}

/// A parameter of the template, as `Name=Value`.
fn parameter(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').expect("Name=Value");
    (name.to_owned(), value.to_owned())
}

/// All stories as tests. One server is opened now for those that share it.
#[must_use]
pub fn trials(place: Place, runtime: &Handle) -> Vec<Trial> {
    let shared = runtime.block_on(place.open(&[], Store::Given));
    let place = Arc::new(place);
    // A quiet story that is told to the shared server holds this alone, each other one together with the others.
    let quiet = Arc::new(RwLock::new(()));
    let trial = |story: Story| {
        let (shared, place, runtime) = (shared.clone(), Arc::clone(&place), runtime.clone());
        let quiet = Arc::clone(&quiet);
        Trial::ignorable_test(story.name, move || {
            runtime.block_on(async {
                let (_alone, _together);
                let api = match (story.server, place.as_ref()) {
                    (Server::Shared, _) => {
                        _together = quiet.read().await;
                        shared
                    }
                    (Server::Quiet, Place::There { .. }) => {
                        _alone = quiet.write().await;
                        shared
                    }
                    (Server::Quiet, Place::Here { .. }) => place.open(&[], Store::Given).await,
                    (Server::Own { reason, .. }, Place::There { .. }) => {
                        return Ok::<_, Failed>(Completion::ignored_with(reason));
                    }
                    (
                        Server::Own {
                            parameters, store, ..
                        },
                        Place::Here { .. },
                    ) => place.open(parameters, store).await,
                };
                (story.tell)(api).await;
                Ok(Completion::Completed)
            })
        })
    };
    stories::all().into_iter().map(trial).collect()
}

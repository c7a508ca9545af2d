//! Lambda's environments. Each has a thread of its own, holds one started function and serves one call at a time. What
//! a function leaves running when it answers never completes: on Lambda it would freeze.

mod code;

use crate::Error;
use crate::cloud::MetricsLog;
use aws::outside::Outside;
use aws::{Clock, Function, Settings, Start, Worker};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::region::Region;
use code::{Behind, Called, Code};
use lambda_http::Context;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// What every environment of a function is given.
pub struct Recipe {
    /// The name in the template, for the log.
    pub name: String,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// How long a call may take.
    pub timeout: Duration,
    /// Where AWS is.
    pub endpoint_url: String,
    /// How everybody else is reached.
    pub outside: Outside,
    /// The time.
    pub clock: Clock,
    /// Where lines of metrics go.
    pub metrics: MetricsLog,
}

/// The environments of one function. They end, once idle, when this is dropped.
pub struct Environments(Arc<Shared>);

struct Shared {
    recipe: Recipe,
    live: fn(&Shared, oneshot::Sender<Result<(), Error>>),
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    calls: VecDeque<Invocation>,
    environments: usize,
    idle: usize,
    closed: bool,
}

/// One call and where its answer goes.
struct Invocation {
    event: String,
    /// The request behind it, if there is one.
    request: Option<String>,
    answer: oneshot::Sender<String>,
}

/// How many calls a function serves at once; more wait.
pub const MOST: usize = 64;

impl Environments {
    /// Starts the first environment of a function behind the API.
    ///
    /// # Errors
    /// What keeps the function from starting.
    pub async fn serve<F: Function>(recipe: Recipe) -> Result<Self, Error> {
        Self::start(recipe, live::<Behind<F>>).await
    }

    /// Starts the first environment of a function that no client calls.
    ///
    /// # Errors
    /// What keeps the function from starting.
    pub async fn work<W: Worker>(recipe: Recipe) -> Result<Self, Error> {
        Self::start(recipe, live::<Called<W>>).await
    }

    async fn start(
        recipe: Recipe,
        live: fn(&Shared, oneshot::Sender<Result<(), Error>>),
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            recipe,
            live,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let started = {
            let mut state = shared.state();
            shared.add(&mut state)?
        };
        // Should the start fail, dropping this is what tells later environments.
        let environments = Self(shared);
        started.await??;
        Ok(environments)
    }

    /// Calls the function with an event and gives its answer, both JSON; nothing where it fails: it says so, ended its
    /// process, or took too long. The call goes on when nobody waits for it any more. Metrics that it writes bear the id of
    /// the `request`.
    pub async fn invoke(&self, event: String, request: Option<&str>) -> Option<String> {
        let (answer, answered) = oneshot::channel();
        self.0.enqueue(Invocation {
            event,
            request: request.map(str::to_owned),
            answer,
        });
        answered.await.ok()
    }
}

impl Drop for Environments {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(self: &Arc<Self>, call: Invocation) {
        let mut state = self.state();
        state.calls.push_back(call);
        self.staff(&mut state);
        self.changed.notify_one();
    }

    /// As many environments as there are calls that none is free for, up to the limit.
    fn staff(self: &Arc<Self>, state: &mut State) {
        if state.calls.len() > state.idle && state.environments < MOST && self.add(state).is_err() {
            tracing::error!(function = self.recipe.name, "no thread for an environment");
        }
    }

    fn add(
        self: &Arc<Self>,
        state: &mut State,
    ) -> Result<oneshot::Receiver<Result<(), Error>>, Error> {
        let (started, starts) = oneshot::channel();
        let shared = Arc::clone(self);
        std::thread::Builder::new()
            .name(self.recipe.name.clone())
            .spawn(move || {
                (shared.live)(&shared, started);
                shared.leave();
            })?;
        state.environments += 1;
        Ok(starts)
    }

    fn leave(self: &Arc<Self>) {
        let mut state = self.state();
        state.environments -= 1;
        self.staff(&mut state);
    }

    /// The next call, once there is one; nothing when no more will come.
    fn next(&self) -> Option<Invocation> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(call) = state.calls.pop_front() {
                state.idle -= 1;
                return Some(call);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The life of an environment.
fn live<C: Code>(shared: &Shared, started: oneshot::Sender<Result<(), Error>>) {
    let recipe = &shared.recipe;
    let served = Arc::new(Mutex::new(None));
    let boot = || -> Result<(Runtime, C), Error> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let function = runtime.block_on(async { C::start(&recipe.start(&served)?).await })?;
        Ok((runtime, function))
    };
    let (mut runtime, function) = match boot() {
        Ok(booted) => booted,
        Err(error) => {
            tracing::error!(function = recipe.name, %error, "an environment did not start");
            // The call that it was meant for fails, as on Lambda.
            shared.state().calls.pop_front();
            let _ = started.send(Err(error));
            return;
        }
    };
    shared.state().idle += 1;
    let _ = started.send(Ok(()));
    while let Some(Invocation {
        event,
        request,
        answer,
    }) = shared.next()
    {
        *served.lock().unwrap_or_else(PoisonError::into_inner) = request;
        let work = async {
            let work = function.run(&event, recipe.context(), &recipe.clock);
            tokio::time::timeout(recipe.timeout, work).await
        };
        let Ok(Ok(done)) = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work))) else {
            tracing::error!(function = recipe.name, "an environment died");
            return;
        };
        runtime.shutdown_background();
        runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(fresh) => fresh,
            Err(error) => {
                tracing::error!(function = recipe.name, %error, "an environment died");
                return;
            }
        };
        // Free first, answer second: a caller that calls again at once meets this environment and no new one.
        shared.state().idle += 1;
        match done {
            Ok(done) => drop(answer.send(done)),
            Err(error) => tracing::error!(function = recipe.name, %error, "an invocation failed"),
        }
    }
}

impl Recipe {
    /// What a function starts with whose environment serves the request `served`.
    fn start(&self, served: &Arc<Mutex<Option<String>>>) -> Result<Start, Error> {
        let settings = Settings::read(|name| self.environment.get(name).cloned())?;
        let credentials = Credentials::new("local", "local", None, None, "local");
        let aws = SdkConfig::builder()
            .region(Region::from_static(crate::template::REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&self.endpoint_url);
        let start = Start::new(settings, aws, Arc::clone(&self.clock))?;
        let start = start.with_outside(self.outside);
        let (log, served) = (Arc::clone(&self.metrics), Arc::clone(served));
        Ok(start.with_metrics(Arc::new(move |line| {
            let request = served.lock().unwrap_or_else(PoisonError::into_inner);
            log(line, request.as_deref());
        })))
    }

    fn context(&self) -> Context {
        let timeout = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        let mut context = Context::default();
        context.request_id = uuid::Uuid::new_v4().to_string();
        context.deadline = (self.clock)().millis().saturating_add(timeout);
        context.invoked_function_arn = format!(
            "arn:aws:lambda:{}:{}:function:{}",
            crate::template::REGION,
            crate::template::ACCOUNT,
            self.name
        );
        context
    }
}

#[cfg(test)]
mod tests;

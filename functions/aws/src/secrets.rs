//! The provisioned secrets, cached, and what the secrets of a request prove by them.

use crate::agent::Agent;
use crate::{Call, Cause, Clock, Failure, Start};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use push::webhook::{SigningKey, WebhookId};
use push::{ApplicationId, Caller, Denial, Secret, Span, Time, UserId, UserSecret, Verified};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// Both secrets, each with its current and its previous version.
pub struct Secrets {
    client: Client,
    clock: Clock,
    application: ApplicationId,
    for_devices: Cached,
    for_backends: Cached,
}

struct Cached {
    id: String,
    state: Mutex<State>,
    /// When Secrets Manager was last asked because of a secret that fitted no version.
    looked: tokio::sync::Mutex<Time>,
}

#[derive(Clone, Default)]
struct State {
    versions: Option<Arc<Versions>>,
    /// When they were last fetched, with or without success.
    fetched: Time,
}

struct Versions {
    current: Secret,
    since: Time,
    /// Fetched when it is needed, which is seldom; missing before the first rotation.
    previous: OnceCell<Option<Secret>>,
    /// What it is likely to be, by what was known before, if anything was.
    likely: Option<Secret>,
}

/// So long what was fetched is used without asking again: a rotation is seen within a minute.
const FRESH: Span = Span::from_seconds(60);
/// A secret that fits no version may be newer than what is cached. An environment looks at most once in this time: wrong
/// secrets, however many, cost half a call a second.
const LOOK: Span = Span::from_seconds(2);
/// A version signs user secrets only when every cache must have seen it.
const SETTLED: Span = Span::from_seconds(120);

/// The start of a function waits no longer for what only makes its first call quick. What is given up has to be begun again
/// by that call, which has less of the processor: so it is given up only where nothing answers at all.
pub(crate) const WARM: Duration = Duration::from_secs(3);

impl Secrets {
    /// Nothing is fetched yet.
    #[must_use]
    pub fn new(start: &Start) -> Self {
        // A minute's cache stands in for an answer that does not come: it is not worth a long wait.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(1))
            .operation_timeout(Duration::from_secs(2))
            .build();
        let cached = |id: &String| Cached {
            id: id.clone(),
            state: Mutex::default(),
            looked: tokio::sync::Mutex::default(),
        };
        let config = Builder::from(&start.aws)
            .timeout_config(timeouts)
            .interceptor(Agent);
        Self {
            client: Client::from_conf(config.build()),
            clock: start.clock.clone(),
            application: start.settings.application.clone(),
            for_devices: cached(&start.settings.client_secret),
            for_backends: cached(&start.settings.app_secret),
        }
    }

    /// Fetches the client secret, so that the first call finds it. What fails now is tried again then.
    ///
    /// # Errors
    /// A provisioned secret that is too short to be safe.
    pub async fn warm_for_devices(&self) -> Result<(), lambda_http::Error> {
        self.warm(&self.for_devices).await
    }

    /// The same for the app secret.
    ///
    /// # Errors
    /// A provisioned secret that is too short to be safe.
    pub async fn warm_for_backends(&self) -> Result<(), lambda_http::Error> {
        self.warm(&self.for_backends).await
    }

    /// Who calls, as a device or as a backend that acts for one.
    ///
    /// # Errors
    /// [`Failure::Unauthorized`] where a secret is given and wrong; [`Failure::Unavailable`] where no secret can be had to
    /// compare with.
    pub async fn caller(&self, call: &Call) -> Result<Caller, Failure> {
        if call.has_header("appSecret") && call.header("appSecret").is_none() {
            return Err(Failure::Unauthorized(Denial::Wrong));
        }
        if let Some(secret) = call.header("appSecret").filter(|secret| !secret.is_empty()) {
            return if self.is_for_backends(secret).await? {
                Ok(Caller::Backend)
            } else {
                Err(Failure::Unauthorized(Denial::Wrong))
            };
        }
        if self.has_backends_bearer(call).await? {
            return Ok(Caller::Backend);
        }
        match call.header("clientSecret") {
            None if call.has_header("clientSecret") => Err(Failure::Unauthorized(Denial::Wrong)),
            None | Some("" | "anonymous") => Ok(Caller::Nobody),
            Some(secret) => self.device(secret).await,
        }
    }

    /// That a backend calls.
    ///
    /// # Errors
    /// [`Failure::Unauthorized`] where it does not; [`Failure::Unavailable`] where no secret can be had to compare with.
    pub async fn backend(&self, call: &Call) -> Result<(), Failure> {
        let mut denial = Denial::Missing;
        for secret in [call.header("appSecret"), bearer(call)]
            .into_iter()
            .flatten()
        {
            if self.is_for_backends(secret).await? {
                return Ok(());
            }
            denial = Denial::Wrong;
        }
        Err(Failure::Unauthorized(denial))
    }

    /// Whether a backend calls a route that is open to everybody: `false` also where no secret can be had to compare with.
    pub async fn is_backend(&self, call: &Call) -> bool {
        let secret = call.header("appSecret").filter(|secret| !secret.is_empty());
        let known = match secret {
            Some(secret) => self.is_for_backends(secret).await,
            None => self.has_backends_bearer(call).await,
        };
        known.unwrap_or(false)
    }

    /// A client secret for `user` that lasts for `life`, signed with a version that every cache knows by now.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where there is no key to be had.
    pub async fn sign(&self, user: &UserId, life: Span) -> Result<(UserSecret, String), Failure> {
        let versions = self.versions(&self.for_devices).await?;
        let key = self.settled(&self.for_devices, &versions).await?;
        let now = (self.clock)();
        Ok(UserSecret::sign(key, &self.application, user, now, life))
    }

    /// The key of a webhook, for who verifies: by a version of the app secret that every cache knows by now.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where there is no secret to be had.
    pub async fn signing_key(&self, webhook: WebhookId) -> Result<SigningKey, Failure> {
        let versions = self.versions(&self.for_backends).await?;
        let secret = self.settled(&self.for_backends, &versions).await?;
        Ok(SigningKey::of(secret, &self.application, webhook))
    }

    /// The keys of a webhook by every version of the app secret that counts, for who signs.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where there is no secret to be had.
    pub async fn signing_keys(&self, webhook: WebhookId) -> Result<Vec<SigningKey>, Failure> {
        let versions = self.versions(&self.for_backends).await?;
        let previous = self.previous(&self.for_backends, &versions).await?;
        let key = |secret| SigningKey::of(secret, &self.application, webhook);
        let secrets = std::iter::once(&versions.current).chain(previous);
        Ok(secrets.map(key).collect())
    }

    /// The provisioned client secret, for the mode in which apps hold it.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where it cannot be had.
    pub async fn provisioned(&self) -> Result<Secret, Failure> {
        Ok(self.versions(&self.for_devices).await?.current.clone())
    }

    /// Whether the bearer token of the call is the app secret. Apps send bearer tokens of their own, with every call: one
    /// that cannot be a version of the app secret is no reason to look for a newer one.
    async fn has_backends_bearer(&self, call: &Call) -> Result<bool, Failure> {
        let Some(bearer) = bearer(call) else {
            return Ok(false);
        };
        let versions = self.versions(&self.for_backends).await?;
        if bearer.len() == versions.current.expose().len() {
            return self.is_for_backends(bearer).await;
        }
        self.matches(&self.for_backends, &versions, bearer).await
    }

    async fn device(&self, presented: &str) -> Result<Caller, Failure> {
        let cached = &self.for_devices;
        let mut versions = self.versions(cached).await?;
        loop {
            if let Some(caller) = self.proved(&versions.current, presented) {
                return Ok(caller);
            }
            let previous = self.previous(cached, &versions).await?;
            if let Some(caller) = previous.and_then(|key| self.proved(key, presented)) {
                return Ok(caller);
            }
            let newer = self.look(cached, &versions).await;
            versions = newer.ok_or(Failure::Unauthorized(Denial::Wrong))?;
        }
    }

    /// Who presents this, by one version of the client secret.
    fn proved(&self, key: &Secret, presented: &str) -> Option<Caller> {
        if key.matches(presented) {
            return Some(Caller::Provisioned);
        }
        match UserSecret::verify(presented, [key], &self.application) {
            Verified::Genuine(UserSecret {
                user,
                issued,
                expires,
            }) => Some(Caller::User {
                user,
                issued,
                expires,
            }),
            Verified::UnknownKey | Verified::No => None,
        }
    }

    async fn is_for_backends(&self, presented: &str) -> Result<bool, Failure> {
        let cached = &self.for_backends;
        let versions = self.versions(cached).await?;
        if self.matches(cached, &versions, presented).await? {
            return Ok(true);
        }
        match self.look(cached, &versions).await {
            Some(versions) => self.matches(cached, &versions, presented).await,
            None => Ok(false),
        }
    }

    /// Whether it is one of the two versions: which of them, the time may tell.
    async fn matches(
        &self,
        cached: &Cached,
        versions: &Versions,
        presented: &str,
    ) -> Result<bool, Failure> {
        if versions.current.matches(presented) {
            return Ok(true);
        }
        let previous = self.previous(cached, versions).await?;
        Ok(previous.is_some_and(|secret| secret.matches(presented)))
    }

    /// The newest version that every cache must have seen.
    async fn settled<'a>(
        &self,
        cached: &Cached,
        versions: &'a Versions,
    ) -> Result<&'a Secret, Failure> {
        let young = (self.clock)().since(versions.since) < SETTLED;
        let previous = if young {
            self.previous(cached, versions).await?
        } else {
            None
        };
        Ok(previous.unwrap_or(&versions.current))
    }

    /// The version before the current one, fetched once for as long as these versions are used. Whoever holds it is not
    /// logged out by a failure to read it: then it is what it is likely to be, or nobody knows.
    async fn previous<'a>(
        &self,
        cached: &Cached,
        versions: &'a Versions,
    ) -> Result<Option<&'a Secret>, Failure> {
        let fetched = async || match (self.get(&cached.id, "AWSPREVIOUS").await, &versions.likely) {
            (Ok(found), _) => Ok(found.map(|(secret, _)| secret)),
            (Err(_), Some(likely)) => Ok(Some(likely.clone())),
            (Err(cause), None) => Err(Failure::Unavailable(cause)),
        };
        let previous = versions.previous.get_or_try_init(fetched).await?;
        Ok(previous.as_ref())
    }

    /// The versions, at most [`FRESH`] old while Secrets Manager answers; older ones while it does not.
    async fn versions(&self, cached: &Cached) -> Result<Arc<Versions>, Failure> {
        let state = cached.read();
        if let Some(versions) = &state.versions
            && (self.clock)().since(state.fetched) < FRESH
        {
            return Ok(Arc::clone(versions));
        }
        match self.fetch(cached).await {
            Ok(versions) => Ok(versions),
            Err(cause) => state.versions.ok_or(Failure::Unavailable(cause)),
        }
    }

    /// Versions that are newer than these, if there are any and it may be found out now. Of several calls at a time one
    /// looks, and the others wait for what it finds. What is not newer stays as fresh or old as it is.
    async fn look(&self, cached: &Cached, known: &Versions) -> Option<Arc<Versions>> {
        let is_newer = |current: &Secret| current.expose() != known.current.expose();
        let mut looked = cached.looked.lock().await;
        let found = cached.read().versions;
        if let Some(newer) = found.filter(|found| is_newer(&found.current)) {
            return Some(newer);
        }
        let now = (self.clock)();
        if now.since(*looked) < LOOK {
            return None;
        }
        *looked = now;
        let (current, since) = self.current(cached).await.ok()?;
        is_newer(&current).then(|| {
            cached.change(|state| state.fetched = now);
            cached.keep(current, since)
        })
    }

    async fn fetch(&self, cached: &Cached) -> Result<Arc<Versions>, Cause> {
        cached.change(|state| state.fetched = (self.clock)());
        let (current, since) = self.current(cached).await?;
        Ok(cached.keep(current, since))
    }

    async fn current(&self, cached: &Cached) -> Result<(Secret, Time), Cause> {
        let current = self.get(&cached.id, "AWSCURRENT").await?;
        Ok(current.ok_or("Secrets Manager: the secret has no value")?)
    }

    /// The secret at a stage and when that version was made; nothing where there is none at this stage.
    async fn get(&self, id: &str, stage: &str) -> Result<Option<(Secret, Time)>, Cause> {
        let answer = match self
            .client
            .get_secret_value()
            .secret_id(id)
            .version_stage(stage)
            .send()
            .await
        {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                return Ok(None);
            }
            Err(error) => return Err(unanswered(&error)),
        };
        let Some(text) = answer.secret_string() else {
            return Ok(None);
        };
        let since = answer
            .created_date()
            .and_then(|date| u64::try_from(date.secs()).ok())
            .map_or(Time::default(), Time::from_seconds);
        Ok(Some((Secret::parse(text)?, since)))
    }

    async fn warm(&self, cached: &Cached) -> Result<(), lambda_http::Error> {
        match timeout(WARM, self.fetch(cached)).await {
            Ok(Err(cause)) if cause.is::<push::TooShort>() => Err(cause),
            _ => Ok(()),
        }
    }
}

/// What the log reads of a call that failed: only the code, as messages can repeat what was sent.
pub fn unanswered<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Cause {
    format!("Secrets Manager: {}", error.code().unwrap_or("no answer")).into()
}

fn bearer(call: &Call) -> Option<&str> {
    let (scheme, token) = call.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Versions {
    /// What is likely to be the previous version of `current`, by these: the same as before, or the one that was current.
    fn before(&self, current: &Secret) -> Option<Secret> {
        if self.current.expose() == current.expose() {
            self.previous.get().unwrap_or(&self.likely).clone()
        } else {
            Some(self.current.clone())
        }
    }
}

impl Cached {
    fn read(&self) -> State {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// From now on these are the versions.
    fn keep(&self, current: Secret, since: Time) -> Arc<Versions> {
        let known = self.read().versions;
        let versions = Arc::new(Versions {
            likely: known.and_then(|known| known.before(&current)),
            current,
            since,
            previous: OnceCell::new(),
        });
        self.change(|state| state.versions = Some(Arc::clone(&versions)));
        versions
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests;

//! Lambda's event sources: what comes into a queue is handed to the function that the queue feeds, and deleted once the
//! function is done with it.

mod event;

use crate::answer;
use crate::cloud::Cloud;
use crate::environments::{Environments, MOST};
use crate::template::{Function, QueueEvent};
use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use lambda_http::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The sources of all functions. They end when this is dropped.
pub struct Sources {
    switches: Arc<Switches>,
    _running: JoinSet<()>,
}

/// Whether a function is fed, by its logical name.
type Switches = BTreeMap<String, watch::Sender<bool>>;

/// A queue and the function that it feeds.
struct Source {
    event: QueueEvent,
    function: Arc<Environments>,
    cloud: Cloud,
}

impl Sources {
    /// Feeds the functions from here on. Those that run go by their logical names.
    pub fn start(
        functions: &[Function],
        running: &BTreeMap<String, Arc<Environments>>,
        cloud: &Cloud,
    ) -> Self {
        let mut switches = Switches::new();
        let mut sources = JoinSet::new();
        for function in functions {
            let Some(environments) = running.get(&function.resource) else {
                continue;
            };
            for event in &function.queues {
                let source = Source {
                    event: event.clone(),
                    function: Arc::clone(environments),
                    cloud: cloud.clone(),
                };
                let switch = switches.entry(function.resource.clone());
                let on = switch.or_insert_with(|| watch::Sender::new(true));
                sources.spawn(Arc::new(source).run(on.subscribe()));
            }
        }
        Self {
            switches: Arc::new(switches),
            _running: sources,
        }
    }

    /// Where a test stops feeding a function, and begins again.
    pub fn router(&self) -> Router {
        let switches = Arc::clone(&self.switches);
        let turn = async move |body: Bytes| turn(&switches, &body);
        Router::new().route("/_local/sources", post(turn))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    function: String,
    enabled: bool,
}

fn turn(switches: &Switches, body: &[u8]) -> Response {
    let Turn { function, enabled } = match serde_json::from_slice(body) {
        Ok(turn) => turn,
        Err(error) => return answer(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let Some(switch) = switches.get(&function) else {
        return answer(StatusCode::NOT_FOUND, "no queue feeds this function");
    };
    switch.send_replace(enabled);
    Json(json!({})).into_response()
}

impl Source {
    /// Hands over what comes, as long as it is on.
    async fn run(self: Arc<Self>, mut on: watch::Receiver<bool>) {
        let most = self.event.most_at_once.unwrap_or(MOST);
        let mut under_way = JoinSet::new();
        loop {
            // As on Lambda a message is taken only when there is someone to work on it.
            while under_way.len() >= most {
                under_way.join_next().await;
            }
            if on.wait_for(|on| *on).await.is_err() {
                return;
            }
            let messages = tokio::select! {
                // Off comes before whatever is sent after it.
                biased;
                changed = on.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                messages = self.cloud.poll(&self.event.queue, self.event.batch_size) => messages,
            };
            let Some(messages) = messages else {
                tracing::error!(queue = self.event.queue, "there is no such queue");
                return;
            };
            under_way.spawn(Arc::clone(&self).hand_over(messages));
            while under_way.try_join_next().is_some() {}
        }
    }

    /// What the function is not done with shows again when its visibility time-out is over.
    async fn hand_over(self: Arc<Self>, messages: Vec<Value>) {
        let queue = &self.event.queue;
        let event = event::of(queue, &messages).to_string();
        let answer = self.function.invoke(event, None).await;
        for handle in event::done(&messages, answer.as_deref(), self.event.partial) {
            self.cloud.delete(queue, handle);
        }
    }
}

#[cfg(test)]
mod tests;

//! Whoever the webhooks of a story belong to: what was told there, and how it answers.

use crate::api::Api;
use crate::waiting::{LONG, until};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

/// A call of a webhook.
#[derive(Clone, Debug)]
pub(crate) struct Hook(Value);

impl Hook {
    pub(crate) fn url(&self) -> &str {
        self.0["url"].as_str().unwrap()
    }

    pub(crate) fn body(&self) -> &str {
        self.0["body"].as_str().unwrap()
    }

    /// The event, of which id, time and application are held and left out.
    pub(crate) fn event(&self, api: &Api) -> Value {
        let mut event: Value = serde_json::from_str(self.body()).unwrap();
        let parts = event.as_object_mut().unwrap();
        let mut part = |name: &str| parts.remove(name).unwrap().as_str().unwrap().to_owned();
        let (id, time) = (part("id"), part("time"));
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
        assert_eq!(part("applicationId"), api.application());
        event
    }

    /// The time of the event, which sorts as text.
    pub(crate) fn time(&self) -> String {
        let event: Value = serde_json::from_str(self.body()).unwrap();
        event["time"].as_str().unwrap().to_owned()
    }

    /// A header of the request.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0["headers"][name].as_str()
    }

    /// The id of the event.
    pub(crate) fn id(&self) -> String {
        let event: Value = serde_json::from_str(self.body()).unwrap();
        event["id"].as_str().unwrap().to_owned()
    }

    /// Holds how it was called, but for its signature.
    pub(crate) fn is_a_call_of_ours(&self) {
        assert_eq!(self.0["method"], "POST");
        let mut headers = self.0["headers"].clone();
        let parts = headers.as_object_mut().unwrap();
        assert!(parts.remove("userpush-signature").is_some());
        let host = self.url().strip_prefix("https://").unwrap();
        assert_eq!(
            headers,
            json!({
                "host": host.split('/').next().unwrap(),
                "content-type": "application/json",
                "user-agent": "Userpush",
                "content-length": self.body().len().to_string(),
            })
        );
    }

    /// The seconds and the signatures of the header.
    pub(crate) fn signed(&self) -> (String, Vec<String>) {
        let header = self.0["headers"]["userpush-signature"].as_str().unwrap();
        let mut parts = header.split(',');
        let seconds = parts.next().unwrap().strip_prefix("t=").unwrap();
        let signatures = parts.map(|part| part.strip_prefix("v1=").unwrap().to_owned());
        (seconds.to_owned(), signatures.collect())
    }

    /// Whether the key has signed it, as a receiver finds out.
    pub(crate) fn is_signed_with(&self, key: &str) -> bool {
        let (seconds, signatures) = self.signed();
        let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        let mac = mac.chain_update(format!("{seconds}.{}", self.body()));
        let expected = crate::phone::hex(&mac.finalize().into_bytes());
        signatures.contains(&expected)
    }
}

impl Api {
    /// The next calls, of this URL or of any, are answered with this status.
    pub(crate) async fn hooks_answer(&self, url: Option<&str>, status: u16, times: u64) {
        let mut script = json!({"status": status, "times": times});
        if let Some(url) = url {
            script["url"] = url.into();
        }
        self.control(Method::POST, "/hooks", Some(script)).await;
    }

    /// What webhooks were told since that was forgotten.
    pub(crate) async fn hooks(&self) -> Vec<Hook> {
        let hooks = self.control(Method::GET, "/hooks", None).await;
        let hooks = hooks["hooks"].as_array().unwrap();
        hooks.iter().cloned().map(Hook).collect()
    }

    /// What webhooks were told once all is told; then it is forgotten.
    pub(crate) async fn heard(&self) -> Vec<Hook> {
        self.emptied("WebhookQueue").await;
        let hooks = self.hooks().await;
        self.control(Method::DELETE, "/hooks", None).await;
        hooks
    }

    /// Waits until so many attempts have ended so, and the worker is done with them.
    pub(crate) async fn attempts_ended(&self, outcome: &str, expected: u64) {
        let counted = async || {
            let metrics = self.control(Method::GET, "/metrics", None).await;
            let lines = metrics["metrics"].as_array().unwrap().iter();
            let lines = lines.filter(|line| line["Outcome"] == outcome);
            let counts = lines.filter_map(|line| line["WebhookDeliveries"].as_u64());
            counts.sum::<u64>()
        };
        let ended = until(LONG, |count| *count >= expected, counted).await;
        assert_eq!(ended, Ok(expected), "{outcome}");
    }
}

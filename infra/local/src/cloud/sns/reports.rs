//! What SNS reports later about a push that it accepted.

use super::Sns;
use serde_json::{Value, json};
use std::sync::PoisonError;

impl Sns {
    /// What SNS reports goes to this queue too.
    pub fn subscribe(&self, queue: String) {
        let subscribers = self.subscribers.lock();
        let mut subscribers = subscribers.unwrap_or_else(PoisonError::into_inner);
        subscribers.push(queue);
    }

    /// The names of the queues that what SNS reports goes to.
    pub fn subscribers(&self) -> Vec<String> {
        let subscribers = self.subscribers.lock();
        subscribers.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The events that tell of a failed delivery, one for each endpoint of the token; `publish` is the push that failed.
    pub fn failures(
        &self,
        token: &str,
        failure_type: &str,
        publish: &str,
        time: &str,
    ) -> Vec<Value> {
        let event = |arn: String, application: &str| {
            json!({
                "DeliveryAttempts": 1,
                "EndpointArn": arn,
                "EventType": "DeliveryFailure",
                "FailureMessage": failure_message(failure_type, token),
                "FailureType": failure_type,
                "MessageId": publish,
                "Resource": application,
                "Service": "SNS",
                "Time": time,
            })
        };
        self.registry.read(|registry| {
            let arns = registry.of_token(token).into_iter();
            arns.filter_map(|arn| {
                let application = &registry.endpoints.get(&arn)?.application;
                Some(event(arn, application))
            })
            .collect()
        })
    }
}

/// What SNS writes beside the type; people read it. Of a wrong notification it repeats what FCM answered; here that names the
/// token, so that whoever logs it shows.
fn failure_message(failure_type: &str, token: &str) -> String {
    match failure_type {
        "InvalidNotification" => {
            return format!("Response from FCM: 400 (INVALID_ARGUMENT): {token} is not valid");
        }
        "InvalidPlatformToken" => "Platform token associated with the endpoint is not valid",
        "EndpointDisabled" => "Endpoint is disabled",
        "InvalidCredentials" => "Platform credentials are not valid",
        _ => "The notification was not delivered",
    }
    .to_owned()
}

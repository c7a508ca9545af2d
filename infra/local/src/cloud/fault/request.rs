//! Faults as they are asked for, and what could not happen.

use super::usual::usual;
use super::{Chance, Fate, Fault, Rule};
use crate::cloud::answer::{Refusal, Service};
use crate::cloud::random::Seeded;
use serde::Deserialize;
use std::time::Duration;

/// A request for faults, as the control surface takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    service: String,
    operation: Option<String>,
    token: Option<String>,
    fault: Option<String>,
    message: Option<String>,
    times: Option<u64>,
    one_in: Option<u32>,
    seed: Option<u64>,
    #[serde(default)]
    delay_ms: u64,
}

impl Rule {
    /// What the request asks for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(request: Request) -> Result<Self, &'static str> {
        let service = [
            Service::Dynamodb,
            Service::SecretsManager,
            Service::Sns,
            Service::Sqs,
        ]
        .into_iter()
        .find(|service| service.name() == request.service)
        .ok_or("service is sns, dynamodb, secretsmanager or sqs")?;
        if request.times == Some(0) {
            return Err("times is at least 1");
        }
        let chance = chance(request.one_in, request.seed)?;
        if request.token.is_some() && service != Service::Sns {
            return Err("token is for sns");
        }
        if request.fault.is_none() && request.delay_ms == 0 {
            return Err("give fault, delayMs or both");
        }
        let fault = request.fault.clone();
        let fault = fault.map(|name| Fault::parse(service, name, request.message));
        let fault = fault.transpose()?;
        let operation = match (&fault, request.operation) {
            (Some(Fault::Torn), None) => Some("TransactWriteItems".to_owned()),
            (Some(Fault::Unprocessed), None) => Some("BatchGetItem".to_owned()),
            (Some(Fault::PartialFailure(_)), None) => Some("SendMessageBatch".to_owned()),
            (_, operation) => operation,
        };
        match (&fault, operation.as_deref()) {
            (Some(Fault::Torn), of) if of != Some("TransactWriteItems") => {
                return Err("Torn is for TransactWriteItems");
            }
            (Some(Fault::Unprocessed), of) if of != Some("BatchGetItem") => {
                return Err("Unprocessed is for BatchGetItem");
            }
            (Some(Fault::PartialFailure(_)), of) if of != Some("SendMessageBatch") => {
                return Err("PartialFailure is for SendMessageBatch");
            }
            (Some(Fault::Conflict), None) => return Err("Conflict needs an operation"),
            _ => {}
        }
        Ok(Self {
            service,
            operation,
            token: request.token,
            fate: Fate {
                delay: Duration::from_millis(request.delay_ms),
                fault,
            },
            name: request.fault,
            // By chance it goes on, else it is the next call.
            left: request.times.or(chance.is_none().then_some(1)),
            chance,
            hits: 0,
        })
    }
}

fn chance(one_in: Option<u32>, seed: Option<u64>) -> Result<Option<Chance>, &'static str> {
    let Some(one_in) = one_in else {
        return match seed {
            Some(_) => Err("seed is for oneIn"),
            None => Ok(None),
        };
    };
    if one_in == 0 {
        return Err("oneIn is at least 1");
    }
    let seed = seed.map_or_else(getrandom::u64, Ok);
    let seed = seed.map_err(|_| "the system gives no random numbers")?;
    Ok(Some(Chance {
        one_in,
        draws: Seeded::new(seed),
    }))
}

impl Fault {
    fn parse(
        service: Service,
        name: String,
        message: Option<String>,
    ) -> Result<Self, &'static str> {
        let of_store = match name.as_str() {
            "timeout" => return Ok(Self::Timeout),
            "disconnect" => return Ok(Self::Disconnect),
            "lostAnswer" => return Ok(Self::LostAnswer),
            "Torn" => Self::Torn,
            "Conflict" => Self::Conflict,
            "Unprocessed" => Self::Unprocessed,
            "PartialFailure" if service == Service::Sqs => {
                let (status, usual) = usual(service, "InternalError");
                let message = message.unwrap_or_else(|| usual.to_owned());
                let refusal = Refusal::new("InternalError", message).with_status(status);
                return Ok(Self::PartialFailure(refusal));
            }
            "PartialFailure" => return Err("PartialFailure is for sqs"),
            code if code.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
                && !code.is_empty() =>
            {
                let (status, usual) = usual(service, code);
                let message = message.unwrap_or_else(|| usual.to_owned());
                return Ok(Self::Error(Refusal::new(name, message).with_status(status)));
            }
            _ => return Err("fault is an AWS error code, timeout, disconnect or lostAnswer"),
        };
        if service == Service::Dynamodb {
            Ok(of_store)
        } else {
            Err("Torn, Conflict and Unprocessed are for dynamodb")
        }
    }
}

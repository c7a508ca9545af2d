//! What can go wrong with a call to AWS.

use serde_json::{Value, json};

/// One call that an operation makes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    pub(super) service: String,
    pub(super) operation: String,
    /// Which of several of this operation: 0 is the first.
    pub(super) nth: u64,
}

/// How it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// What the control surface calls it.
    Named(&'static str),
    /// SNS has an endpoint of the token that was made with other attributes.
    OtherAttributes,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Times {
    Once,
    /// As long as the operation tries.
    Always,
}

/// An operation never makes so many calls.
const ALWAYS: u64 = 100_000;

impl Call {
    /// Every call of an operation, from the counts of the control surface; of many of a kind the first four.
    pub(super) fn of(calls: &Value) -> Vec<Self> {
        let counts = calls.as_object().expect("counts by name").iter();
        let calls = counts.flat_map(|(name, count)| {
            let (service, operation) = name.split_once('.').expect("service.Operation");
            (0..count.as_u64().expect("a count").min(4)).map(move |nth| Self {
                service: service.to_owned(),
                operation: operation.to_owned(),
                nth,
            })
        });
        calls.collect()
    }

    /// What can go wrong with it.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut names = vec!["timeout", "disconnect", "lostAnswer"];
        names.extend(match self.service.as_str() {
            "dynamodb" => vec![
                "ProvisionedThroughputExceededException",
                "InternalServerError",
            ],
            "sns" => vec![
                "Throttling",
                "InternalError",
                "NotFound",
                "AuthorizationError",
            ],
            "sqs" => vec!["RequestThrottled", "InternalError", "AccessDeniedException"],
            _ => vec![
                "ThrottlingException",
                "InternalServiceError",
                "ResourceNotFoundException",
                "AccessDeniedException",
            ],
        });
        names.extend(match self.operation.as_str() {
            "TransactWriteItems" => vec!["Conflict", "Torn", "TransactionInProgressException"],
            "PutItem" | "UpdateItem" => vec!["Conflict"],
            "BatchGetItem" => vec!["Unprocessed"],
            "SendMessageBatch" => vec!["PartialFailure"],
            "Publish" => vec!["PlatformApplicationDisabled", "InvalidParameter"],
            _ => vec![],
        });
        let mut faults: Vec<_> = names.into_iter().map(Fault::Named).collect();
        if self.operation == "CreatePlatformEndpoint" {
            faults.push(Fault::OtherAttributes);
        }
        faults
    }

    /// Its name in the table.
    pub(super) fn title(&self) -> String {
        let which = ["", ", the second", ", the third", ", the fourth"];
        let nth = usize::try_from(self.nth).expect("a small number");
        let which = which.get(nth).expect("not so many");
        format!("{}{which}", self.operation)
    }

    /// The requests to the control surface that make this call fail. `endpoint` is that of the token.
    pub(super) fn fail(&self, fault: Fault, times: Times, endpoint: &str) -> Vec<Value> {
        let call = json!({"service": self.service, "operation": self.operation});
        let mut asked = Vec::new();
        if self.nth > 0 {
            // Those before it are held for a moment, and nothing else.
            let mut before = call.clone();
            before["times"] = self.nth.into();
            before["delayMs"] = 1.into();
            asked.push(before);
        }
        let mut fails = call;
        fails["times"] = match times {
            Times::Once => 1,
            Times::Always => ALWAYS,
        }
        .into();
        match fault {
            Fault::Named(name) => fails["fault"] = name.into(),
            Fault::OtherAttributes => {
                fails["fault"] = "InvalidParameter".into();
                fails["message"] = format!("Invalid parameter: Token Reason: Endpoint {endpoint} already exists with the same Token, but different attributes.").into();
            }
        }
        asked.push(fails);
        asked
    }
}

impl Fault {
    /// Its name in the table.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Named(name) => name,
            Self::OtherAttributes => "already exists with different attributes",
        }
    }
}

impl Times {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Always => "always",
        }
    }
}

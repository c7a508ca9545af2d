//! What the stub answers to a call.

use crate::world::{NEW, USER, World, token};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio::sync::Mutex;

/// A call: its service, its operation and what it says.
pub(super) enum Call {
    Dynamodb(String, Value),
    Json(String),
    Sns(String),
}

/// An answer: status, content type and body.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

/// What the local system answered to calls that the copy of its table cannot answer, by target and body. Secrets do not
/// change while something is measured.
#[derive(Default)]
pub(super) struct Remembered(Mutex<HashMap<(String, Vec<u8>), Answer>>);

const DYNAMODB: &str = "DynamoDB_20120810.";

impl Call {
    pub(super) fn read(target: Option<&str>, body: &[u8]) -> Self {
        match target.map(|target| (target, target.strip_prefix(DYNAMODB))) {
            Some((_, Some(operation))) => Self::Dynamodb(
                operation.to_owned(),
                serde_json::from_slice(body).unwrap_or_default(),
            ),
            Some((target, None)) => Self::Json(target.to_owned()),
            None => {
                let mut form = form_urlencoded::parse(body);
                let action = form.find(|(name, _)| name == "Action");
                Self::Sns(
                    action
                        .map(|(_, value)| value.into_owned())
                        .unwrap_or_default(),
                )
            }
        }
    }

    /// As calls are counted: `dynamodb.BatchGetItem`.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Dynamodb(operation, _) => format!("dynamodb.{operation}"),
            Self::Json(target) => target.replace("AmazonSQS", "sqs"),
            Self::Sns(action) => format!("sns.{action}"),
        }
    }
}

impl Answer {
    fn json(body: &Value) -> Self {
        Self {
            status: 200,
            kind: "application/x-amz-json-1.0",
            body: body.to_string(),
        }
    }

    fn xml(action: &str, result: &str) -> Self {
        let body = format!(
            "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><{action}Result>{result}</{action}Result>\
             <ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></{action}Response>"
        );
        Self {
            status: 200,
            kind: "text/xml",
            body,
        }
    }

    pub(super) fn throttled() -> Self {
        let body = "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
                    <Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
        Self {
            status: 400,
            kind: "text/xml",
            body: body.to_owned(),
        }
    }
}

/// Reads are answered from the world, writes are taken and change nothing, and everything else is asked of the local
/// system once.
pub(super) async fn answer(
    call: &Call,
    body: &[u8],
    world: &World,
    remembered: &Remembered,
) -> Answer {
    match call {
        Call::Dynamodb(operation, input) => Answer::json(&dynamodb(operation, input, world)),
        Call::Json(target) if target == "AmazonSQS.SendMessage" => {
            Answer::json(&json!({"MessageId": "m", "MD5OfMessageBody": "m"}))
        }
        Call::Json(target) => remembered.ask(target, body, world).await,
        Call::Sns(action) => sns(action),
    }
}

fn dynamodb(operation: &str, input: &Value, world: &World) -> Value {
    match operation {
        "GetItem" => match world.item(&input["Key"]) {
            Some(item) => json!({"Item": item}),
            None => json!({}),
        },
        "BatchGetItem" => {
            let tables = input["RequestItems"].as_object().into_iter().flatten();
            let found: serde_json::Map<_, _> = tables
                .map(|(table, request)| {
                    let keys = request["Keys"].as_array().into_iter().flatten();
                    let items = keys.filter_map(|key| world.item(key));
                    let items: Vec<_> = items.map(|item| projected(item, request)).collect();
                    (table.clone(), json!(items))
                })
                .collect();
            json!({"Responses": found, "UnprocessedKeys": {}})
        }
        "Query" => {
            let partition = input["ExpressionAttributeValues"][":pk"]["S"].as_str();
            let items = world.partition(partition.unwrap_or_default()).iter();
            let items: Vec<_> = items.map(|item| projected(item, input)).collect();
            json!({"Items": items, "Count": items.len(), "ScannedCount": items.len()})
        }
        _ => json!({}),
    }
}

/// The attributes that a read asks for; all of them where it names none.
fn projected(item: &Value, read: &Value) -> Value {
    let Some(expression) = read["ProjectionExpression"].as_str() else {
        return item.clone();
    };
    let names = &read["ExpressionAttributeNames"];
    let attributes = expression
        .split(',')
        .map(|name| names[name].as_str().unwrap_or(name))
        .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())));
    Value::Object(attributes.collect())
}

fn sns(action: &str) -> Answer {
    let result = match action {
        "Publish" => "<MessageId>11111111-2222-3333-4444-555555555555</MessageId>".to_owned(),
        "CreatePlatformEndpoint" => {
            let arn = "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/userpush/0123";
            format!("<EndpointArn>{arn}</EndpointArn>")
        }
        // Of the endpoint that was just made for the one device that is new: nothing is to be set.
        "GetEndpointAttributes" => {
            let entry = |key: &str, value: &str| {
                format!("<entry><key>{key}</key><value>{value}</value></entry>")
            };
            let attributes = entry("Enabled", "true") + &entry("Token", &token(USER, NEW));
            format!("<Attributes>{attributes}</Attributes>")
        }
        _ => String::new(),
    };
    Answer::xml(action, &result)
}

impl Remembered {
    async fn ask(&self, target: &str, body: &[u8], world: &World) -> Answer {
        let mut known = self.0.lock().await;
        let key = (target.to_owned(), body.to_vec());
        if let Some(answer) = known.get(&key) {
            return answer.clone();
        }
        let input = serde_json::from_slice(body).unwrap_or_default();
        let answer = match world.cloud.json(target, &input).await {
            Ok(answer) => Answer::json(&answer),
            Err(said) => Answer {
                status: 400,
                kind: "application/x-amz-json-1.1",
                body: said
                    .split_once('{')
                    .map(|(_, rest)| format!("{{{rest}"))
                    .unwrap_or_default(),
            },
        };
        known.insert(key, answer.clone());
        answer
    }
}

//! The event of a queue, and what a function's answer to it means.

use crate::cloud::queue_arn;
use crate::template::REGION;
use serde_json::{Map, Value, json};

/// The event that Lambda makes of messages, which are as `ReceiveMessage` gives them.
/// (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>)
pub fn of(queue: &str, messages: &[Value]) -> Value {
    let record = |message: &Value| {
        json!({
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": attributes(&message["MessageAttributes"]),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn(queue),
            "awsRegion": REGION,
        })
    };
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}

fn attributes(sent: &Value) -> Value {
    let attribute = |(name, sent): (&String, &Value)| {
        let mut attribute = json!({
            "stringListValues": [], "binaryListValues": [], "dataType": sent["DataType"],
        });
        for (to, from) in [
            ("stringValue", "StringValue"),
            ("binaryValue", "BinaryValue"),
        ] {
            if let Some(value) = sent.get(from) {
                attribute[to] = value.clone();
            }
        }
        (name.clone(), attribute)
    };
    let sent = sent.as_object().into_iter().flatten();
    Value::Object(sent.map(attribute).collect::<Map<_, _>>())
}

/// The handles of the messages that a function is done with. No answer: the function failed. Where it tells which
/// messages failed (`partial`), an answer that does not make sense counts as a failure too.
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>)
pub fn done<'a>(messages: &'a [Value], answer: Option<&str>, partial: bool) -> Vec<&'a Value> {
    let Some(answer) = answer else {
        return Vec::new();
    };
    let failed = if partial {
        failures(messages, answer)
    } else {
        Some(Vec::new())
    };
    let Some(failed) = failed else {
        tracing::warn!("an answer does not tell which messages failed: all count as failed");
        return Vec::new();
    };
    let done = messages
        .iter()
        .filter(|message| !failed.iter().any(|id| *id == message["MessageId"]));
    done.map(|message| &message["ReceiptHandle"]).collect()
}

/// The ids of the messages that failed; nothing where the answer does not make sense.
fn failures(messages: &[Value], answer: &str) -> Option<Vec<Value>> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let failures = match &answer {
        Value::Null => &Value::Null,
        Value::Object(answer) => answer.get("batchItemFailures").unwrap_or(&Value::Null),
        _ => return None,
    };
    let failures = match failures {
        Value::Null => return Some(Vec::new()),
        Value::Array(failures) => failures,
        _ => return None,
    };
    let known = |id: &Value| messages.iter().any(|message| message["MessageId"] == *id);
    failures
        .iter()
        .map(|failure| Some(failure.get("itemIdentifier")?.clone()).filter(known))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str) -> Value {
        json!({
            "MessageId": id, "ReceiptHandle": format!("handle of {id}"), "Body": "{}",
            "MD5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
            "Attributes": {"ApproximateReceiveCount": "1"},
        })
    }

    #[test]
    fn an_event_is_what_lambda_makes_of_messages() {
        let mut with = message("b");
        with["MessageAttributes"] = json!({
            "kind": {"DataType": "String", "StringValue": "x"},
            "raw": {"DataType": "Binary", "BinaryValue": "AA=="},
        });
        let record = |id: &str, attributes: Value| {
            json!({
                "messageId": id,
                "receiptHandle": format!("handle of {id}"),
                "body": "{}",
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": attributes,
                "md5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:jobs",
                "awsRegion": "us-east-1",
            })
        };
        let attributes = json!({
            "kind": {"stringValue": "x", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "raw": {"binaryValue": "AA==", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        });
        assert_eq!(
            of("jobs", &[message("a"), with]),
            json!({"Records": [record("a", json!({})), record("b", attributes)]})
        );
    }

    #[test]
    fn what_an_answer_does_not_name_is_done() {
        let messages = ["a", "b", "c"].map(message);
        let all = ["handle of a", "handle of b", "handle of c"];
        let none: [&str; 0] = [];
        let done = |answer, partial| {
            let done = done(&messages, answer, partial).into_iter();
            done.map(|handle| handle.as_str().unwrap())
                .collect::<Vec<_>>()
        };
        for answer in [
            "null",
            "{}",
            r#"{"batchItemFailures":null}"#,
            r#"{"batchItemFailures":[]}"#,
        ] {
            assert_eq!(done(Some(answer), true), all, "{answer}");
        }
        let one = r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#;
        assert_eq!(done(Some(one), true), ["handle of a", "handle of c"]);
        assert_eq!(done(Some(one), false), all);
        for answer in [
            "",
            "[]",
            r#"{"batchItemFailures":{}}"#,
            r#"{"batchItemFailures":["b"]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"d"}]}"#,
            r#"{"batchItemFailures":[{"id":"b"}]}"#,
        ] {
            assert_eq!(done(Some(answer), true), none, "{answer}");
        }
        assert_eq!(done(Some(""), false), all);
        for partial in [true, false] {
            assert_eq!(done(None, partial), none);
        }
    }
}

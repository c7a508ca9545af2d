//! Items that another release may have written are read, and the present ones are what the newest fixtures hold.

use crate::dynamodb::Table;
use crate::fixtures::held;
use aws::store::{
    Claim, Counts, Fault, GoesOn, Holder, JOB_FORM, JobState, MESSAGE_FORM, Step, StoredMessage,
};
use aws::{Failure, Store, causes, random};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use push::device::Version;
use push::message::Message;
use push::{DeviceId, MessageId, Span, Time, UserId};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

type Row = HashMap<String, AttributeValue>;

const NOW: Time = Time::from_seconds(1_800_000_000);
const KEEP: Span = Span::from_days(3);

fn id() -> MessageId {
    MessageId::parse("1DTVa5uX").unwrap()
}

/// The item as DynamoDB's JSON has it.
fn text(row: &Row) -> String {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(text) => json!({"N": text}),
        AttributeValue::Bool(is) => json!({"BOOL": is}),
        AttributeValue::B(blob) => json!({"B": STANDARD.encode(blob.as_ref())}),
        _ => panic!("of this type no attribute is written"),
    };
    let object = row.iter().map(|(name, found)| (name.clone(), value(found)));
    Value::from(object.collect::<Map<_, _>>()).to_string()
}

fn row(text: &str) -> Row {
    let object: Map<String, Value> = serde_json::from_str(text).unwrap();
    let value = |value: &Value| {
        let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
        let text = || value.as_str().unwrap().to_owned();
        match kind.as_str() {
            "S" => AttributeValue::S(text()),
            "N" => AttributeValue::N(text()),
            "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
            "B" => AttributeValue::B(Blob::new(STANDARD.decode(text()).unwrap())),
            _ => panic!("{kind}"),
        }
    };
    object
        .iter()
        .map(|(name, found)| (name.clone(), value(found)))
        .collect()
}

fn messages() -> Vec<Message> {
    let asked = |value: Value| Message::parse(&value).unwrap();
    let device = |id| DeviceId::parse(id).unwrap();
    vec![
        asked(json!({
            "message": {"alert": "é🦀", "url": "https://app.example/1"},
            "settings": {
                "apns": {
                    "badge": 3, "sound": "s", "type": "MIXED", "payload": {"a": [1, 0.5, null, {"b": "c"}]},
                    "apnsCollapseId": "c", "timeToLive": 60, "titleLocArgs": ["a"],
                },
                "gcm": {
                    "priority": "high", "collapseKey": "k", "timeToLive": 60, "sync": true, "channelId": "x",
                    "style": {"type": "inbox_notification", "lines": ["a", "b"]},
                    "lights": {"ledArgb": "BLACK", "ledOnMs": 1, "ledOffMs": "2"},
                },
            },
            "target": {"userIds": ["alice", "zoë"], "platform": "G"},
        })),
        asked(json!({"message": {"alert": "Hi"}, "target": {"deviceIds": ["D1", "D2"]}})),
        asked(json!({"message": {"alert": "Hi"}, "target": {"tagNames": ["news", "sports"]}})),
        asked(json!({"message": {"alert": "Hi"}, "target": {"platforms": ["A", "WEB_CHROME"]}})),
        asked(json!({"message": {"alert": "Hi"}})),
        Message::dismissal(id(), UserId::parse("alice").unwrap(), device("D1")),
    ]
}

#[tokio::test]
async fn a_message_is_read_in_each_form() {
    let (messages, table) = (messages(), Table::new().await);
    let stored = |message: &Message| StoredMessage {
        asked: message.echo().clone(),
        created: NOW,
        jobs: 2,
    };
    let store = &table.store;
    let mut written = Vec::new();
    for message in &messages {
        let (stored, id) = (stored(message), random::message_id().unwrap());
        store.put_message(&id, &stored, KEEP).await.unwrap();
        let mut row = table
            .row(&format!("MESSAGE#{}", id.as_str()), "MESSAGE")
            .await;
        let pk = AttributeValue::S(format!("MESSAGE#{}", self::id().as_str()));
        row.insert("pk".to_owned(), pk);
        written.push(text(&row));
    }
    for (form, lines) in held("message", MESSAGE_FORM, &written) {
        for (line, message) in lines.iter().zip(&messages) {
            table.put(row(line)).await;
            let found = store.stored_message(&id(), NOW).await.unwrap().unwrap();
            assert_eq!(found, stored(message), "{form}");
            assert!(
                Message::read_back(&found.asked).unwrap() == *message,
                "{form}: {line}"
            );
        }
    }
}

/// One job in each of its states, and those states.
async fn jobs(store: &Store) -> Vec<JobState> {
    let id = id();
    let holder = |number| Holder {
        message: &id,
        number,
        name: Version([u8::try_from(number).unwrap(); 16]),
        expires: NOW + KEEP,
        claimed: true,
    };
    let step = |number, counts, done| {
        let step = Step {
            before: None,
            after: r#"{"after":"D1","at":7}"#.to_owned(),
            counts,
            done,
        };
        async move { store.step(holder(number), &step, NOW).await.unwrap() }
    };
    let counts = Counts {
        accepted: 1,
        dead: 2,
        refused: 3,
        retried: 4,
        misconfigured: 5,
        expired: 6,
    };
    for number in 0..4 {
        store.claim(holder(number), number == 3, NOW).await.unwrap();
    }
    step(1, counts, false).await;
    step(
        2,
        Counts {
            accepted: 9,
            ..Counts::default()
        },
        true,
    )
    .await;
    store.release(holder(3), GoesOn::Unknown).await.unwrap();
    let state = |number| JobState {
        counts: Counts::default(),
        done: false,
        holder: Some(holder(number).name),
        cursor: None,
        until: NOW + Span::from_seconds(60),
        last_try: false,
    };
    let cursor = Some(r#"{"after":"D1","at":7}"#.to_owned());
    vec![
        state(0),
        JobState {
            counts,
            cursor: cursor.clone(),
            ..state(1)
        },
        JobState {
            counts: Counts {
                accepted: 9,
                ..Counts::default()
            },
            cursor,
            done: true,
            ..state(2)
        },
        JobState {
            until: Time::default(),
            last_try: true,
            ..state(3)
        },
    ]
}

#[tokio::test]
async fn a_jobs_item_is_read_in_each_form() {
    let table = Table::new().await;
    let states = jobs(&table.store).await;
    let mut written = Vec::new();
    for number in 0..states.len() {
        let (pk, sk) = (
            format!("MESSAGE#{}", id().as_str()),
            format!("JOB#{number}"),
        );
        written.push(text(&table.row(&pk, &sk).await));
    }
    for (form, lines) in held("job-item", JOB_FORM, &written) {
        for (number, (line, state)) in (0..).zip(lines.iter().zip(&states)) {
            table.put(row(line)).await;
            let found = table.store.job_state(&id(), number).await.unwrap();
            assert_eq!(found.as_ref(), Some(state), "{form}");
        }
    }
}

/// What the log says of a fault.
fn said<T>(result: Result<T, Fault>) -> String {
    causes(&Failure::from(result.err().unwrap()))
}

#[tokio::test]
async fn an_item_of_a_newer_form_is_left_to_who_wrote_it() {
    let (table, id) = (Table::new().await, id());
    let store = &table.store;
    jobs(store).await;
    let (pk, sk) = (format!("MESSAGE#{}", id.as_str()), "JOB#3");
    let newer = |mut row: Row, form: u64| {
        row.insert("form".to_owned(), AttributeValue::N(form.to_string()));
        row.insert("more".to_owned(), AttributeValue::Bool(true));
        row
    };
    let holder = Holder {
        message: &id,
        number: 3,
        name: Version([9; 16]),
        expires: NOW + KEEP,
        claimed: true,
    };
    let row = table.row(&pk, sk).await;
    let next = newer(row.clone(), JOB_FORM.read + 1);
    table.put(next.clone()).await;
    let expected = format!(
        "a job's item is of form {}, and this release reads forms up to {}: a newer release wrote it",
        JOB_FORM.read + 1,
        JOB_FORM.read
    );
    assert_eq!(said(store.job_state(&id, 3).await), expected);
    assert_eq!(said(store.claim(holder, false, NOW).await), expected);
    assert_eq!(table.row(&pk, sk).await, next, "it is as it was");
    // What is not known in a form that is, is ignored and kept.
    table.put(newer(row, JOB_FORM.read)).await;
    let claim = store.claim(holder, false, NOW).await.unwrap();
    assert_eq!(claim, Claim::Taken(None));
    assert!(table.row(&pk, sk).await.contains_key("more"));

    let newest = |form| newer(row_of_a_message(), form);
    table.put(newest(MESSAGE_FORM.read)).await;
    assert!(store.stored_message(&id, NOW).await.unwrap().is_some());
    table.put(newest(MESSAGE_FORM.read + 1)).await;
    let said = said(store.stored_message(&id, NOW).await);
    assert!(said.starts_with("a message is of form"), "{said}");
}

/// The item of a message in the first form.
fn row_of_a_message() -> Row {
    row(include_str!("../forms/message/1.jsonl")
        .lines()
        .next()
        .unwrap())
}

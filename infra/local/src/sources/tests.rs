//! Queues that feed a worker: what it is handed, and what becomes of the messages.

use super::*;
use crate::cloud::{CloudOptions, QueueSpec, Redrive, Table};
use crate::environments::Recipe;
use aws::{Cause, Start, Worker};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use aws_types::SdkConfig;
use push::Time;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

const FUNCTION: &str = "OwnFunction";
const TABLE: &str = "table";

/// Tells the queue `seen` what it was handed, then does what the messages say.
struct Own(Client);

impl Worker for Own {
    const NAME: &'static str = "own";
    type Event = Value;
    type Answer = Value;

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        Ok(Self(Client::new(&start.aws)))
    }

    async fn work(&self, event: Value, _: Time) -> Result<Value, Cause> {
        send(&self.0, "seen", &event.to_string()).await;
        let records = event["Records"].as_array().unwrap();
        let mut failures = Vec::new();
        for record in records {
            let first = record["attributes"]["ApproximateReceiveCount"] == "1";
            match record["body"].as_str().unwrap() {
                "hang at first" if first => std::future::pending().await,
                "panic at first" if first => panic!("as told"),
                "fail at first" if first => return Err("as told".into()),
                "bad" => failures.push(json!({"itemIdentifier": record["messageId"]})),
                "wait" => drop(receive(&self.0, "gate").await),
                _ => {}
            }
        }
        Ok(json!({"batchItemFailures": failures}))
    }
}

fn url(queue: &str) -> String {
    crate::cloud::queue_url(queue)
}

async fn send(client: &Client, queue: &str, body: &str) -> String {
    let send = client.send_message().queue_url(url(queue));
    let done = send.message_body(body).send().await;
    done.unwrap().message_id.unwrap()
}

/// The next message of a queue; it is gone then.
async fn receive(client: &Client, queue: &str) -> String {
    let receive = client.receive_message().queue_url(url(queue));
    let received = receive.wait_time_seconds(20).send().await.unwrap();
    let message = received.messages.unwrap_or_default().remove(0);
    let delete = client.delete_message().queue_url(url(queue));
    let delete = delete.set_receipt_handle(message.receipt_handle);
    delete.send().await.unwrap();
    message.body.unwrap()
}

/// A local AWS whose queue `jobs` feeds the worker, and its control surface.
struct Fed {
    cloud: Cloud,
    client: Client,
    functions: BTreeMap<String, Arc<Environments>>,
    sources: Sources,
    control: String,
    server: AbortHandle,
}

impl Drop for Fed {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Fed {
    async fn start(batch_size: usize, most_at_once: Option<usize>, timeout: Duration) -> Self {
        let cloud = Cloud::start(CloudOptions {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            data: None,
            dynamodb: None,
            table: Table {
                name: TABLE.to_owned(),
                create: json!({
                    "TableName": TABLE,
                    "BillingMode": "PAY_PER_REQUEST",
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                }),
                ttl_attribute: None,
            },
            applications: vec![],
            hosts: vec![],
            webhooks_to: None,
            secrets: vec![],
        });
        let cloud = cloud.await.unwrap();
        for (name, redrive) in [
            ("jobs", Some("dead")),
            ("dead", None),
            ("seen", None),
            ("gate", None),
        ] {
            let queue = QueueSpec {
                name: name.to_owned(),
                resource: name.to_owned(),
                visibility_timeout: 60,
                retention: 10_000,
                delay: 0,
                redrive: redrive.map(|queue| Redrive {
                    queue: queue.to_owned(),
                    max_receive_count: 2,
                }),
            };
            cloud.create_queue(queue).unwrap();
        }
        let names = [
            "APPLICATION_ID",
            "CLIENT_SECRET_ID",
            "APP_SECRET_ID",
            "TABLE_NAME",
        ];
        let environment = names.map(|name| (name.to_owned(), TABLE.to_owned()));
        let environments = Environments::work::<Own>(Recipe {
            name: FUNCTION.to_owned(),
            environment: environment.clone().into(),
            timeout,
            endpoint_url: cloud.endpoint_url(),
            outside: cloud.outside(),
            clock: cloud.clock(),
            metrics: cloud.metrics(),
        });
        let environments = environments.await.unwrap();
        let functions = BTreeMap::from([(FUNCTION.to_owned(), Arc::new(environments))]);
        let function = Function {
            resource: FUNCTION.to_owned(),
            binary: Own::NAME.to_owned(),
            timeout,
            environment: environment.into(),
            queues: vec![QueueEvent {
                queue: "jobs".to_owned(),
                batch_size,
                partial: true,
                most_at_once,
            }],
        };
        let sources = Sources::start(&[function], &functions, &cloud);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let control = format!("http://{}/_local", listener.local_addr().unwrap());
        let router = cloud.control().merge(sources.router());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "test", "test", None, None, "test",
            )))
            .endpoint_url(cloud.endpoint_url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Self {
            client: Client::new(&config),
            cloud,
            functions,
            sources,
            control,
            server: server.abort_handle(),
        }
    }

    async fn send(&self, body: &str) -> String {
        send(&self.client, "jobs", body).await
    }

    /// The bodies and the receive counts of the next event that the worker was handed.
    async fn seen(&self) -> Vec<(String, String)> {
        let event = self.event().await;
        let records = event["Records"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let told = |record: &Value| {
            let count = &record["attributes"]["ApproximateReceiveCount"];
            (text(&record["body"]), text(count))
        };
        records.map(told).collect()
    }

    async fn event(&self) -> Value {
        let seen = receive(&self.client, "seen");
        let seen = tokio::time::timeout(Duration::from_secs(10), seen).await;
        serde_json::from_str(&seen.unwrap()).unwrap()
    }

    /// How many messages a queue shows, and how many it hides.
    async fn depth(&self, queue: &str) -> (String, String) {
        let (visible, hidden) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let asked = self.client.get_queue_attributes().queue_url(url(queue));
        let asked = asked.attribute_names(QueueAttributeName::All).send();
        let mut depth = asked.await.unwrap().attributes.unwrap();
        (
            depth.remove(&visible).unwrap(),
            depth.remove(&hidden).unwrap(),
        )
    }

    /// Waits until a queue shows and hides so many messages.
    async fn until(&self, queue: &str, visible: u32, hidden: u32) {
        let wanted = (visible.to_string(), hidden.to_string());
        let wait = async {
            while self.depth(queue).await != wanted {
                tokio::task::yield_now().await;
            }
        };
        let wait = tokio::time::timeout(Duration::from_secs(10), wait).await;
        assert!(wait.is_ok(), "{queue}: {:?}", self.depth(queue).await);
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/{path}", self.control);
        let response = reqwest::Client::new().post(url).json(&body).send();
        let response = response.await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn later(&self, seconds: u64) {
        let (status, _) = self.post("clock", json!({"advanceSeconds": seconds})).await;
        assert_eq!(status, 200);
    }

    async fn turn(&self, enabled: bool) {
        let body = json!({"function": FUNCTION, "enabled": enabled});
        assert_eq!(self.post("sources", body).await, (200, json!({})));
    }
}

fn told(records: &[(&str, u32)]) -> Vec<(String, String)> {
    let told = |(body, count): &(&str, u32)| ((*body).to_owned(), count.to_string());
    records.iter().map(told).collect()
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_worked_on_at_once_and_gone() {
    let fed = Fed::start(10, None, LONG).await;
    let id = fed.send("plain").await;
    let mut event = fed.event().await;
    let record = event["Records"][0].as_object_mut().unwrap();
    let handle = record.remove("receiptHandle").unwrap();
    assert!(!handle.as_str().unwrap().is_empty());
    let attributes = record.remove("attributes").unwrap();
    let names: Vec<_> = attributes.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "ApproximateFirstReceiveTimestamp",
            "ApproximateReceiveCount",
            "SenderId",
            "SentTimestamp"
        ]
    );
    assert_eq!(
        event,
        json!({"Records": [{
            "messageId": id,
            "body": "plain",
            "messageAttributes": {},
            "md5OfBody": "ac7938d40cfc2307e2bf325d28e7884e",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:jobs",
            "awsRegion": "us-east-1",
        }]})
    );
    fed.until("jobs", 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_only_what_failed_comes_again_until_it_is_a_dead_letter() {
    let fed = Fed::start(10, None, LONG).await;
    let entry = |id: &str, body: &str| {
        let entry = SendMessageBatchRequestEntry::builder().id(id);
        entry.message_body(body).build().unwrap()
    };
    let batch = fed.client.send_message_batch().queue_url(url("jobs"));
    let batch = batch.entries(entry("a", "good")).entries(entry("b", "bad"));
    batch.send().await.unwrap();
    assert_eq!(fed.seen().await, told(&[("good", 1), ("bad", 1)]));
    fed.until("jobs", 0, 1).await;
    fed.later(60).await;
    assert_eq!(fed.seen().await, told(&[("bad", 2)]));
    fed.later(60).await;
    fed.until("dead", 1, 0).await;
    fed.until("jobs", 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_the_worker_dies_or_fails() {
    // One at a time: a message comes again only when the call before is over.
    let fed = Fed::start(1, Some(1), Duration::from_secs(1)).await;
    for body in ["hang at first", "panic at first", "fail at first"] {
        fed.send(body).await;
        assert_eq!(fed.seen().await, told(&[(body, 1)]));
        fed.until("jobs", 0, 1).await;
        fed.later(60).await;
        assert_eq!(fed.seen().await, told(&[(body, 2)]));
        fed.until("jobs", 0, 0).await;
    }
    assert_eq!(fed.depth("dead").await, ("0".to_owned(), "0".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_events_are_under_way_than_there_may_be() {
    let fed = Fed::start(1, Some(2), LONG).await;
    for _ in 0..5 {
        fed.send("wait").await;
    }
    for left in (0..=3).rev() {
        fed.until("jobs", left, 2).await;
        send(&fed.client, "gate", "go").await;
    }
    fed.until("jobs", 0, 1).await;
    send(&fed.client, "gate", "go").await;
    fed.until("jobs", 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_turned_off_gets_nothing_until_it_is_on_again() {
    let fed = Fed::start(10, None, LONG).await;
    fed.turn(false).await;
    for body in ["1", "2", "3"] {
        fed.send(body).await;
    }
    fed.turn(true).await;
    assert_eq!(fed.seen().await, told(&[("1", 1), ("2", 1), ("3", 1)]));
    let other = json!({"function": "OtherFunction", "enabled": true});
    assert_eq!(
        fed.post("sources", other).await,
        (404, json!({"message": "no queue feeds this function"}))
    );
    let (status, _) = fed.post("sources", json!({"function": FUNCTION})).await;
    assert_eq!(status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_end_when_they_are_dropped() {
    let mut fed = Fed::start(10, None, LONG).await;
    let none = Sources::start(&[], &fed.functions, &fed.cloud);
    drop(std::mem::replace(&mut fed.sources, none));
    let environments = fed.functions.first_entry().unwrap().into_mut();
    let ended = async {
        while Arc::get_mut(environments).is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap();
    fed.send("plain").await;
    assert_eq!(fed.depth("jobs").await, ("1".to_owned(), "0".to_owned()));
}

//! Queues: what is sent comes until it is deleted, in time or in the dead-letter queue.

mod calls;
mod feedback;

use crate::{Aws, refusal, refused};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, SendMessageBatchRequestEntry};
use local::cloud::{QueueSpec, Redrive};
use serde_json::{Value, json};
use std::time::Duration;

const JOBS: &str = "https://sqs.us-east-1.amazonaws.com/000000000000/jobs";
const MEBIBYTE: usize = 1024 * 1024;

fn spec(name: &str, resource: &str, redrive: Option<Redrive>) -> QueueSpec {
    QueueSpec {
        name: name.to_owned(),
        resource: resource.to_owned(),
        visibility_timeout: 30,
        retention: 1000,
        delay: 0,
        redrive,
    }
}

impl Aws {
    /// With a queue and its dead-letter queue.
    pub(crate) fn queues(self) -> Self {
        let redrive = Redrive {
            queue: "dead".to_owned(),
            max_receive_count: 5,
        };
        let jobs = spec("jobs", "Jobs", Some(redrive));
        for queue in [jobs, spec("dead", "Dead", None)] {
            self.cloud.create_queue(queue).unwrap();
        }
        self
    }

    async fn push(&self, body: &str) -> String {
        let sent = self.sqs.send_message().queue_url(JOBS).message_body(body);
        sent.send().await.unwrap().message_id.unwrap()
    }

    pub(crate) async fn receive(&self, url: &str) -> Vec<Message> {
        self.take(url, 10).await
    }

    async fn take(&self, url: &str, most: i32) -> Vec<Message> {
        let asked = self.sqs.receive_message().queue_url(url);
        let asked = asked
            .max_number_of_messages(most)
            .message_system_attribute_names(MessageSystemAttributeName::All);
        asked.send().await.unwrap().messages.unwrap_or_default()
    }

    async fn later(&self, seconds: u64) {
        let (status, _) = self.post("clock", json!({"advanceSeconds": seconds})).await;
        assert_eq!(status, 200);
    }

    /// Visible, in flight and delayed.
    async fn depth(&self, queue: &str) -> Value {
        self.get("queues").await[queue].clone()
    }
}

fn depth(visible: u32, in_flight: u32, delayed: u32) -> Value {
    json!({"visible": visible, "inFlight": in_flight, "delayed": delayed})
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    let entry = SendMessageBatchRequestEntry::builder().id(id);
    entry.message_body(body).build().unwrap()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(Message::body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_hidden_while_it_is_worked_on_and_gone_once_deleted() {
    let aws = Aws::start().await.queues();
    let id = aws.push("one").await;
    let first = aws.receive(JOBS).await.remove(0);
    assert_eq!(first.message_id(), Some(id.as_str()));
    assert_eq!(
        first.md5_of_body(),
        Some("f97c5d29941bfb1b2fdab0874906ab82")
    );
    assert!(aws.receive(JOBS).await.is_empty());
    assert_eq!(aws.depth("Jobs").await, depth(0, 1, 0));
    aws.later(30).await;
    let second = aws.receive(JOBS).await.remove(0);
    let attributes = second.attributes().unwrap();
    assert_eq!(
        attributes[&MessageSystemAttributeName::ApproximateReceiveCount],
        "2"
    );
    let delete = |message: &Message| {
        let delete = aws.sqs.delete_message().queue_url(JOBS);
        delete
            .set_receipt_handle(message.receipt_handle.clone())
            .send()
    };
    delete(&first).await.unwrap();
    assert_eq!(aws.depth("Jobs").await, depth(0, 1, 0));
    delete(&second).await.unwrap();
    assert_eq!(aws.depth("Jobs").await, depth(0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_to_the_dead_letters_after_five_receives_and_back_on_request() {
    let aws = Aws::start().await.queues();
    aws.push("poison").await;
    for _ in 0..5 {
        assert_eq!(bodies(&aws.receive(JOBS).await), ["poison"]);
        aws.later(30).await;
    }
    assert_eq!(aws.depth("Dead").await, depth(0, 0, 0));
    assert!(aws.receive(JOBS).await.is_empty());
    assert_eq!(aws.depth("Dead").await, depth(1, 0, 0));
    let moved = aws.post("queues/redrive", json!({"queue": "Dead"})).await;
    assert_eq!(moved, (200, json!({"moved": 1})));
    assert_eq!(bodies(&aws.receive(JOBS).await), ["poison"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_message_shows_when_its_time_comes_and_an_old_one_is_gone() {
    let aws = Aws::start().await.queues();
    let send = |delay| {
        let send = aws.sqs.send_message().queue_url(JOBS);
        send.message_body("later").delay_seconds(delay).send()
    };
    send(900).await.unwrap();
    assert_eq!(
        refusal(send(901).await),
        refused(
            400,
            "InvalidParameterValue",
            "Value 901 for parameter DelaySeconds is invalid. Reason: Must be between 0 and 900, if provided."
        )
    );
    assert_eq!(aws.depth("Jobs").await, depth(0, 0, 1));
    assert!(aws.receive(JOBS).await.is_empty());
    aws.later(900).await;
    assert_eq!(bodies(&aws.receive(JOBS).await), ["later"]);
    aws.later(100).await;
    assert_eq!(aws.depth("Jobs").await, depth(0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_wakes_at_a_send() {
    let aws = Aws::start().await.queues();
    let poll = aws
        .sqs
        .receive_message()
        .queue_url(JOBS)
        .wait_time_seconds(20);
    let poll = tokio::spawn(poll.send());
    while aws.get("calls").await["sqs.ReceiveMessage"] != 1 {
        tokio::task::yield_now().await;
    }
    aws.push("now").await;
    let received = tokio::time::timeout(Duration::from_secs(10), poll).await;
    let received = received.unwrap().unwrap().unwrap();
    assert_eq!(bodies(received.messages()), ["now"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_fails_entry_by_entry() {
    let aws = Aws::start().await.queues();
    let post = |entries: Vec<_>| {
        let send = aws.sqs.send_message_batch().queue_url(JOBS);
        send.set_entries(Some(entries)).send()
    };
    let sent = post(vec![entry("a", "one"), entry("b", "\u{1}")])
        .await
        .unwrap();
    assert_eq!(sent.successful().len(), 1);
    assert_eq!(sent.failed()[0].id(), "b");
    assert_eq!(sent.failed()[0].code(), "InvalidMessageContents");
    aws.fault(json!({"service": "sqs", "fault": "PartialFailure"}))
        .await;
    let sent = post(vec![entry("a", "two"), entry("b", "three")])
        .await
        .unwrap();
    assert_eq!(sent.failed()[0].id(), "a");
    assert!(!sent.failed()[0].sender_fault());
    assert_eq!(bodies(&aws.receive(JOBS).await), ["one", "three"]);
    for (entries, code) in [
        (vec![], "EmptyBatchRequest"),
        (
            vec![entry("a", "1"), entry("a", "2")],
            "BatchEntryIdsNotDistinct",
        ),
        (vec![entry("a b", "1")], "InvalidBatchEntryId"),
        (
            (0..11).map(|n| entry(&n.to_string(), "x")).collect(),
            "TooManyEntriesInBatchRequest",
        ),
        (
            vec![entry("a", &"x".repeat(MEBIBYTE)), entry("b", "y")],
            "BatchRequestTooLong",
        ),
    ] {
        let (status, named, _) = refusal(post(entries).await);
        assert_eq!(
            (status, named),
            (400, format!("AWS.SimpleQueueService.{code}"))
        );
    }
    let whole = post(vec![entry("a", &"x".repeat(MEBIBYTE))]).await.unwrap();
    assert_eq!(whole.successful().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_not_there_and_a_throttled_call_are_refused_as_by_aws() {
    let aws = Aws::start().await.queues();
    let url = JOBS.replace("jobs", "none");
    let send = |url: &str| {
        aws.sqs
            .send_message()
            .queue_url(url)
            .message_body("x")
            .send()
    };
    let error = send(&url).await.unwrap_err().into_service_error();
    assert!(error.is_queue_does_not_exist());
    assert_eq!(
        refusal(send(&url).await),
        refused(
            400,
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist."
        )
    );
    aws.fault(json!({"service": "sqs", "operation": "SendMessage", "fault": "RequestThrottled"}))
        .await;
    assert!(
        send(JOBS)
            .await
            .unwrap_err()
            .into_service_error()
            .is_request_throttled()
    );
    aws.fault(json!({"service": "sqs", "operation": "SendMessage", "fault": "lostAnswer"}))
        .await;
    assert!(send(JOBS).await.is_err());
    assert_eq!(aws.depth("Jobs").await, depth(1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_in_two_messages_comes_twice_behind_the_others() {
    let aws = Aws::start().await.queues();
    assert_eq!(
        aws.post("queues/copies", json!({"oneIn": 2})).await,
        (200, json!({}))
    );
    for body in ["1", "2", "3"] {
        aws.push(body).await;
    }
    assert_eq!(bodies(&aws.take(JOBS, 2).await), ["1", "2"]);
    aws.post("queues/copies", json!({"oneIn": 0})).await;
    assert_eq!(bodies(&aws.take(JOBS, 2).await), ["3", "2"]);
    assert!(aws.receive(JOBS).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_outlive_the_process_where_the_state_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let data = || Some(directory.path().to_owned());
    let aws = Aws::with(data(), None).await.queues();
    aws.push("kept").await;
    drop(aws);
    let aws = Aws::with(data(), None).await.queues();
    assert_eq!(bodies(&aws.receive(JOBS).await), ["kept"]);
}

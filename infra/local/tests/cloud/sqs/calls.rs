//! The calls of SQS that the others do not make by the way.

use super::{JOBS, MEBIBYTE, bodies, depth, spec};
use crate::{Aws, refusal, refused};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, ChangeMessageVisibilityBatchResultEntry,
    DeleteMessageBatchRequestEntry, DeleteMessageBatchResultEntry, Message, MessageAttributeValue,
    QueueAttributeName,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DEAD: &str = "https://sqs.us-east-1.amazonaws.com/000000000000/dead";
const JOBS_ARN: &str = "arn:aws:sqs:us-east-1:000000000000:jobs";
const DEAD_ARN: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

impl Aws {
    /// One message in the dead-letter queue.
    async fn bury(&self) {
        self.push("poison").await;
        for _ in 0..5 {
            assert_eq!(bodies(&self.receive(JOBS).await), ["poison"]);
            self.later(30).await;
        }
        assert!(self.receive(JOBS).await.is_empty());
        assert_eq!(self.depth("Dead").await, depth(1, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_a_message_is_hidden_can_be_changed_while_it_is() {
    let aws = Aws::start().await.queues();
    aws.push("one").await;
    let change = |message: &Message, seconds| {
        let change = aws.sqs.change_message_visibility().queue_url(JOBS);
        let change = change.set_receipt_handle(message.receipt_handle.clone());
        change.visibility_timeout(seconds).send()
    };
    let first = aws.receive(JOBS).await.remove(0);
    change(&first, 43_200).await.unwrap();
    aws.later(30).await;
    assert!(aws.receive(JOBS).await.is_empty());
    change(&first, 0).await.unwrap();
    let second = aws.receive(JOBS).await.remove(0);
    assert_eq!(second.body(), Some("one"));
    assert_eq!(
        refusal(change(&second, 43_201).await),
        refused(
            400,
            "InvalidParameterValue",
            "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided."
        )
    );
    change(&second, 10).await.unwrap();
    aws.later(9).await;
    assert_eq!(aws.depth("Jobs").await, depth(0, 1, 0));
    aws.later(1).await;
    assert_eq!(aws.depth("Jobs").await, depth(1, 0, 0));
    let handle = second.receipt_handle.clone().unwrap();
    assert_eq!(
        refusal(change(&second, 10).await),
        refused(
            400,
            "AWS.SimpleQueueService.MessageNotInflight",
            &format!(
                "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change."
            )
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_messages_are_hidden_can_be_changed_for_several_at_once() {
    let aws = Aws::start().await.queues();
    for body in ["one", "two"] {
        aws.push(body).await;
    }
    let mut change = aws.sqs.change_message_visibility_batch().queue_url(JOBS);
    for (id, seconds) in aws.receive(JOBS).await.iter().zip([0, 43_201]) {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder();
        let entry = entry.id(id.body().unwrap()).visibility_timeout(seconds);
        let entry = entry.set_receipt_handle(id.receipt_handle.clone());
        change = change.entries(entry.build().unwrap());
    }
    let changed = change.send().await.unwrap();
    let done: Vec<_> = changed
        .successful()
        .iter()
        .map(ChangeMessageVisibilityBatchResultEntry::id)
        .collect();
    let failed = changed.failed().iter();
    let failed: Vec<_> = failed.map(|entry| (entry.id(), entry.code())).collect();
    assert_eq!(done, ["one"]);
    assert_eq!(failed, [("two", "InvalidParameterValue")]);
    assert_eq!(aws.depth("Jobs").await, depth(1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_queue_holds_nothing_hidden_or_not() {
    let aws = Aws::start().await.queues();
    aws.push("hidden").await;
    aws.receive(JOBS).await;
    aws.push("visible").await;
    let delayed = aws.sqs.send_message().queue_url(JOBS).message_body("later");
    delayed.delay_seconds(10).send().await.unwrap();
    assert_eq!(aws.depth("Jobs").await, depth(1, 1, 1));
    let purge = aws.sqs.purge_queue().queue_url(JOBS);
    purge.send().await.unwrap();
    assert_eq!(aws.depth("Jobs").await, depth(0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_tells_its_url_and_the_attributes_that_are_asked_for() {
    let aws = Aws::start().await.queues();
    let named = |name: &str| aws.sqs.get_queue_url().queue_name(name).send();
    assert_eq!(named("jobs").await.unwrap().queue_url(), Some(JOBS));
    let error = named("none").await.unwrap_err().into_service_error();
    assert!(error.is_queue_does_not_exist());
    aws.push("one").await;
    let attributes = async |name: QueueAttributeName| {
        let asked = aws.sqs.get_queue_attributes().queue_url(JOBS);
        let told = asked.attribute_names(name).send().await.unwrap();
        let told = told.attributes.unwrap_or_default().into_iter();
        told.map(|(name, value)| (name.as_str().to_owned(), value))
            .collect::<BTreeMap<_, _>>()
    };
    let mut all = attributes(QueueAttributeName::All).await;
    let policy: Value = serde_json::from_str(&all.remove("RedrivePolicy").unwrap()).unwrap();
    assert_eq!(
        policy,
        json!({"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": 5})
    );
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    assert_eq!(
        all,
        BTreeMap::from(
            [
                ("ApproximateNumberOfMessages", "1"),
                ("ApproximateNumberOfMessagesDelayed", "0"),
                ("ApproximateNumberOfMessagesNotVisible", "0"),
                ("DelaySeconds", "0"),
                ("MaximumMessageSize", "1048576"),
                ("MessageRetentionPeriod", "1000"),
                ("QueueArn", JOBS_ARN),
                ("VisibilityTimeout", "30"),
            ]
            .map(owned)
        )
    );
    assert_eq!(
        attributes(QueueAttributeName::QueueArn).await,
        BTreeMap::from([owned(("QueueArn", JOBS_ARN))])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_move_back_or_where_they_are_told_to() {
    let aws = Aws::start().await.queues();
    let other = spec("other", "Other", None);
    aws.cloud.create_queue(other).unwrap();
    let start = |from: &str, to: Option<&str>| {
        let start = aws.sqs.start_message_move_task().source_arn(from);
        start.set_destination_arn(to.map(str::to_owned)).send()
    };
    aws.bury().await;
    start(DEAD_ARN, None).await.unwrap();
    assert_eq!(aws.depth("Dead").await, depth(0, 0, 0));
    let again = aws.receive(JOBS).await;
    assert_eq!(bodies(&again), ["poison"]);
    let purge = aws.sqs.purge_queue().queue_url(JOBS);
    purge.send().await.unwrap();
    aws.bury().await;
    let other = JOBS_ARN.replace("jobs", "other");
    start(DEAD_ARN, Some(&other)).await.unwrap();
    assert_eq!(aws.depth("Dead").await, depth(0, 0, 0));
    assert_eq!(aws.depth("Other").await, depth(1, 0, 0));
    assert_eq!(
        refusal(start(JOBS_ARN, None).await),
        refused(
            400,
            "InvalidParameterValue",
            "Source queue must be configured as a Dead Letter Queue."
        )
    );
    assert_eq!(
        refusal(start(&JOBS_ARN.replace("jobs", "none"), None).await),
        refused(
            404,
            "ResourceNotFoundException",
            "The resource that you specified for the SourceArn parameter doesn't exist."
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_deletions_fails_entry_by_entry() {
    let aws = Aws::start().await.queues();
    for body in ["1", "2", "3"] {
        aws.push(body).await;
    }
    let received = aws.receive(JOBS).await;
    let handle = |n: usize| received[n].receipt_handle.clone().unwrap();
    let entry = |id: &str, handle: &str| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(id);
        entry.receipt_handle(handle).build().unwrap()
    };
    let delete = |url: &str, entries: Vec<_>| {
        let delete = aws.sqs.delete_message_batch().queue_url(url);
        delete.set_entries(Some(entries)).send()
    };
    let entries = vec![
        entry("a", &handle(0)),
        entry("b", "none"),
        entry("c", &handle(2)),
    ];
    let deleted = delete(JOBS, entries).await.unwrap();
    let successful = deleted.successful().iter();
    let ids: Vec<_> = successful.map(DeleteMessageBatchResultEntry::id).collect();
    assert_eq!(ids, ["a", "c"]);
    let failed = &deleted.failed()[0];
    assert_eq!(
        (
            failed.id(),
            failed.code(),
            failed.message(),
            failed.sender_fault()
        ),
        (
            "b",
            "ReceiptHandleIsInvalid",
            Some("The input receipt handle is invalid."),
            true
        )
    );
    let foreign = delete(DEAD, vec![entry("b", &handle(1))]).await.unwrap();
    assert_eq!(foreign.failed().len(), 1);
    aws.later(30).await;
    assert_eq!(bodies(&aws.receive(JOBS).await), ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_at_most_a_mebibyte_its_attributes_counted() {
    let aws = Aws::start().await.queues();
    // Name, type and value: 10 bytes.
    let attribute = MessageAttributeValue::builder().data_type("String");
    let attribute = attribute.string_value("ab").build().unwrap();
    let send = |length: usize, attributed: bool| {
        let send = aws.sqs.send_message().queue_url(JOBS);
        let send = send.message_body("x".repeat(length));
        if attributed {
            send.message_attributes("na", attribute.clone()).send()
        } else {
            send.send()
        }
    };
    send(MEBIBYTE, false).await.unwrap();
    send(MEBIBYTE - 10, true).await.unwrap();
    let too_long = refused(
        400,
        "InvalidParameterValue",
        "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
    );
    assert_eq!(refusal(send(MEBIBYTE + 1, false).await), too_long);
    assert_eq!(refusal(send(MEBIBYTE - 9, true).await), too_long);
    let lengths: Vec<_> = bodies(&aws.receive(JOBS).await)
        .iter()
        .map(|body| body.len())
        .collect();
    assert_eq!(lengths, [MEBIBYTE, MEBIBYTE - 10]);
}

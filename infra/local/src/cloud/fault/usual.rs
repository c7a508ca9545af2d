//! The texts of errors, as AWS gives them.

use crate::cloud::answer::Service;

/// The status and the text that a code usually comes with.
pub fn usual(service: Service, code: &str) -> (u16, &'static str) {
    match (service, code) {
        (Service::Dynamodb, "ProvisionedThroughputExceededException") => (
            400,
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.",
        ),
        (Service::Dynamodb, "ThrottlingException") => (
            400,
            "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly.",
        ),
        (Service::Dynamodb, "RequestLimitExceeded") => (
            400,
            "Throughput exceeds the current throughput limit for your account.",
        ),
        (Service::Dynamodb, "TransactionInProgressException") => (
            400,
            "The transaction with the given request token is already in progress.",
        ),
        (Service::Dynamodb, "ConditionalCheckFailedException") => {
            (400, "The conditional request failed")
        }
        (Service::Dynamodb, "ResourceNotFoundException") => (400, "Requested resource not found"),
        (Service::SecretsManager, "ResourceNotFoundException") => {
            (400, "Secrets Manager can't find the specified secret.")
        }
        (Service::Sns, "EndpointDisabled") => (400, "Endpoint is disabled"),
        (Service::Sns, "PlatformApplicationDisabled") => (400, "Platform application is disabled"),
        (Service::Sns, "NotFound") => (404, "Endpoint does not exist"),
        (Service::Sns, "AuthorizationError") => (
            403,
            "User is not authorized to perform this operation on this resource",
        ),
        (Service::Sqs, "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue") => {
            (400, "The specified queue does not exist.")
        }
        (Service::Sqs, "RequestThrottled") => (400, "Request is throttled."),
        (Service::Sqs, "OverLimit") => (
            403,
            "The maximum number of in flight messages has been reached.",
        ),
        (Service::Sns, "InvalidParameter") => (400, "Invalid parameter"),
        (_, "Throttling" | "ThrottlingException" | "Throttled") => (400, "Rate exceeded"),
        (_, "AccessDeniedException" | "AccessDenied") => (
            if matches!(service, Service::Sns) {
                403
            } else {
                400
            },
            "User is not authorized to perform this operation",
        ),
        (_, "ServiceUnavailable" | "ServiceUnavailableException") => {
            (503, "The service is unavailable. Please try again.")
        }
        (_, other) if other.starts_with("Internal") => (500, "Internal server error"),
        _ => (400, "The request was refused."),
    }
}

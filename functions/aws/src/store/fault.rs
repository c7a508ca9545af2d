//! What can go wrong between us and DynamoDB, sorted by what to do about it.

use crate::http::is_server_fault;
use crate::{Cause, Failure};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// A failed call.
#[derive(Debug)]
pub enum Fault {
    /// Something was not as it was seen, or another transaction was under way: read and decide again.
    Conflict,
    /// DynamoDB asks for patience.
    Pressure(Cause),
    /// No answer: what was asked for may stand, or not, or come to stand yet. Ask again, in the same words.
    Lost(Cause),
    /// Anything else.
    Broken(Cause),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict => Self::Unavailable("the conflict persists".into()),
            Fault::Pressure(cause) | Fault::Lost(cause) => Self::Unavailable(cause),
            Fault::Broken(cause) => Self::Internal(cause),
        }
    }
}

impl From<super::rows::BadRow> for Fault {
    fn from(row: super::rows::BadRow) -> Self {
        Self::Broken(row.into())
    }
}

impl Fault {
    /// Sorts the failure of a call. Only its code becomes part of the cause: messages can repeat keys.
    pub(crate) fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Self {
        let code = error.code().unwrap_or_default().to_owned();
        match error {
            SdkError::ServiceError(_) if code == "ConditionalCheckFailedException" => {
                Self::Conflict
            }
            SdkError::ServiceError(_) if is_pressure(&code) => {
                Self::Pressure(format!("DynamoDB: {code}").into())
            }
            SdkError::ServiceError(_) if is_server_fault(error) => {
                Self::Lost(format!("DynamoDB: {code}").into())
            }
            SdkError::ServiceError(_) => Self::Broken(format!("DynamoDB: {code}").into()),
            SdkError::ConstructionFailure(_) => {
                Self::Broken("DynamoDB: the request could not be made".into())
            }
            _ => Self::Lost("DynamoDB: no answer".into()),
        }
    }

    /// The same for a transaction, whose reasons stand apart.
    pub(crate) fn of_transaction(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> Self {
        let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            error.as_service_error()
        else {
            return match error.code() {
                Some(code @ "TransactionInProgressException") => {
                    Self::Lost(format!("DynamoDB: {code}").into())
                }
                _ => Self::of(error),
            };
        };
        let reasons = canceled
            .cancellation_reasons()
            .iter()
            .filter_map(|reason| reason.code());
        let reasons: Vec<_> = reasons.filter(|code| *code != "None").collect();
        if let Some(code) = reasons.iter().find(|code| is_pressure(code)) {
            return Self::Pressure(format!("DynamoDB: transaction cancelled: {code}").into());
        }
        match reasons
            .iter()
            .find(|code| !matches!(**code, "ConditionalCheckFailed" | "TransactionConflict"))
        {
            Some(code) => Self::Broken(format!("DynamoDB: transaction cancelled: {code}").into()),
            None => Self::Conflict,
        }
    }
}

fn is_pressure(code: &str) -> bool {
    code.contains("Throttl")
        || code.contains("ThroughputExceeded")
        || code == "RequestLimitExceeded"
        || code == "LimitExceededException"
        // A write by itself has met a transaction: no condition of its own was looked at.
        || code == "TransactionConflictException"
}

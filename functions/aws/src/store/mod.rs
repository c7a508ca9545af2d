//! The table: consistent reads of what is known, and changes as one transaction each.

mod attempts;
mod devices;
mod erasure;
mod fault;
mod jobs;
mod listing;
mod messages;
mod reports;
mod requests;
mod rows;
mod shards;
mod subscriptions;
mod tags;
mod transaction;
mod updates;
mod webhooks;

pub use attempts::Attempts;
pub use devices::{Consistency, LINKS, PAGE, ReadErasure};
pub use fault::Fault;
pub use jobs::{Claim, FORM as JOB_FORM, GoesOn, Holder, JobState, Step};
pub use listing::{ALERT, Entry};
pub use messages::{Counts, FORM as MESSAGE_FORM, StoredMessage};
pub use reports::{NewReport, Reports};
pub use requests::NewRequest;
pub use rows::BadRow;
pub use shards::Position;

use crate::agent::Agent;
use crate::{Settings, Start};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use std::time::Duration;

/// The one table.
#[derive(Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// The table that the settings name.
    #[must_use]
    pub fn new(start: &Start) -> Self {
        Self::with(&start.aws, &start.settings)
    }

    /// The same, from its parts.
    #[must_use]
    pub fn with(aws: &aws_types::SdkConfig, settings: &Settings) -> Self {
        // An answer that is this late is lost; what it would have said is found out by reading.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_secs(5))
            .build();
        let config = Builder::from(aws)
            .timeout_config(timeouts)
            .interceptor(Agent);
        Self {
            client: Client::from_conf(config.build()),
            table: settings.table.clone(),
        }
    }

    /// Opens the connection, so that the first call finds it open. A failure is left for that call to meet.
    pub async fn warm(&self) {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(rows::key("WARM", "WARM")))
            .consistent_read(true);
        let _ = tokio::time::timeout(crate::secrets::WARM, call.send()).await;
    }
}

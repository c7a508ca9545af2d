//! Hears from SNS what became of pushes after they were accepted: a device whose token is dead leaves the table.

mod report;

use aws::bindings::{Bindings, Removal};
use aws::queue_event::{QueueAnswer, QueueEvent, QueueMessage};
use aws::sns::{Applications, Endpoints};
use aws::{Cause, Failure, Metric, Metrics, Settings, Start, Worker, causes};
use push::removal::{DeadEndpoint, Evidence};
use push::{Time, Token};
use report::{Meaning, Report};
use std::sync::Arc;

/// The worker of the queue of reports.
pub struct Feedback {
    settings: Arc<Settings>,
    bindings: Bindings,
    endpoints: Endpoints,
    applications: Applications,
    metrics: Metrics,
}

impl Worker for Feedback {
    const NAME: &'static str = "feedback";
    type Event = QueueEvent;
    type Answer = QueueAnswer;

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let worker = Self {
            settings: Arc::clone(&start.settings),
            bindings: Bindings::new(start),
            endpoints: Endpoints::new(start),
            applications: Applications::new(&start.settings),
            metrics: start.metrics.clone(),
        };
        worker.bindings.store().warm().await;
        Ok(worker)
    }

    async fn work(&self, event: QueueEvent, _: Time) -> Result<QueueAnswer, Cause> {
        Ok(event.each(|message| self.done(message)).await)
    }
}

impl Feedback {
    async fn done(&self, message: &QueueMessage) -> bool {
        let done = self.one(message).await;
        if let Err(cause) = &done {
            let (cause, receives) = (causes(cause.as_ref()), message.receives());
            tracing::error!(function = Self::NAME, cause, receives, "a report failed");
        }
        done.is_ok()
    }

    async fn one(&self, message: &QueueMessage) -> Result<(), Cause> {
        let report = Report::parse(&message.body)?;
        let (event, failure) = (report.event.as_str(), report.failure.as_str());
        let (platform, reason) = (report.platform.letter(), report.reason.as_str());
        let push = report.message.as_str();
        match report.meaning() {
            Meaning::Nothing => tracing::info!(
                event,
                failure,
                platform,
                reason,
                snsMessageId = push,
                "SNS reported"
            ),
            Meaning::Misconfigured => {
                tracing::error!(
                    event,
                    failure,
                    platform,
                    reason,
                    snsMessageId = push,
                    "a platform does not work as it is configured"
                );
                self.metrics
                    .count(Metric::Misconfigured(report.platform), 1);
            }
            Meaning::Dead => {
                let removal = self.remove(&report).await?;
                tracing::info!(
                    event,
                    failure,
                    platform,
                    reason,
                    snsMessageId = push,
                    ?removal,
                    "SNS reported a dead token"
                );
                if removal == Removal::OverBudget {
                    tracing::error!(
                        "the removal budget is spent: are the platform's credentials right?"
                    );
                }
            }
        }
        self.metrics
            .count(Metric::FeedbackReports(report.platform, report.kind()), 1);
        Ok(())
    }

    /// The device that holds the endpoint has ended, if it has not registered since the report and the budget lasts. There
    /// is no index of endpoints: SNS knows the token, the token's item its device. Nothing is done about an endpoint of an
    /// application before: SNS refuses to speak of it, and its device gets another one.
    async fn remove(&self, report: &Report) -> Result<Removal, Failure> {
        if !self.applications.have(report.platform, &report.endpoint) {
            return Ok(Removal::NotNeeded);
        }
        let Some(token) = self.endpoints.token(&report.endpoint).await? else {
            return Ok(Removal::NotNeeded);
        };
        let Ok(token) = Token::parse(report.platform, &token) else {
            return Ok(Removal::NotNeeded);
        };
        let Some(holder) = self.bindings.store().token_item(&token.key()).await? else {
            return Ok(Removal::NotNeeded);
        };
        let budget = self.settings.max_removals_per_hour;
        let dead = DeadEndpoint {
            arn: report.endpoint.clone(),
            at: report.time,
            evidence: Evidence::Reported,
        };
        self.bindings.remove(&holder.device, &dead, budget).await
    }
}

//! What there are metrics of, and how CloudWatch knows it.

use push::Platform;
use push::change::Case;

/// What is counted or measured. Each has an alarm or a graph in `template.yaml`. What tells its series apart is a word of
/// a short list, never a value of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Registrations, by what they changed.
    Registrations(&'static str),
    /// Devices that ended, by the reason.
    Endings(&'static str),
    /// Messages that were accepted.
    Sends,
    /// Messages that are missing from the list of messages.
    Unlisted,
    /// Attempts to publish to a device, by what became of them.
    Publishes(Platform, &'static str),
    /// Devices that a platform does not reach as it is configured.
    Misconfigured(Platform),
    /// Devices that look dead and were kept because the budget was spent.
    RemovalsOverBudget,
    /// Jobs of large sends that were worked on, by how that ended.
    Jobs(&'static str),
    /// From the acceptance of a message to the end of one of its jobs, or to where one goes on later, in milliseconds.
    MessageAge,
    /// What SNS reported after it had accepted a push, by platform and kind.
    FeedbackReports(Platform, &'static str),
    /// Events for webhooks, by whether the queue took them.
    WebhookEvents(&'static str),
    /// Attempts to tell a webhook of an event, by how they ended.
    WebhookDeliveries(&'static str),
    /// Requests that failed for a reason of ours (5xx), by function.
    Failures(&'static str),
    /// Requests that were refused (4xx), by function.
    Refusals(&'static str),
    /// Requests that failed because the gateway's clock and the function's differ.
    ClocksDiffer,
}

impl Metric {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Registrations(_) => "Registrations",
            Self::Endings(_) => "Endings",
            Self::Sends => "Sends",
            Self::Unlisted => "Unlisted",
            Self::Publishes(..) => "Publishes",
            Self::Misconfigured(_) => "Misconfigured",
            Self::RemovalsOverBudget => "RemovalsOverBudget",
            Self::Jobs(_) => "Jobs",
            Self::MessageAge => "MessageAge",
            Self::FeedbackReports(..) => "FeedbackReports",
            Self::WebhookEvents(_) => "WebhookEvents",
            Self::WebhookDeliveries(_) => "WebhookDeliveries",
            Self::Failures(_) => "Failures",
            Self::Refusals(_) => "Refusals",
            Self::ClocksDiffer => "ClocksDiffer",
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::MessageAge => "Milliseconds",
            _ => "Count",
        }
    }

    /// Names and values beside the application.
    pub(super) fn dimensions(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Sends
            | Self::Unlisted
            | Self::RemovalsOverBudget
            | Self::MessageAge
            | Self::ClocksDiffer => vec![],
            Self::Registrations(outcome)
            | Self::Endings(outcome)
            | Self::Jobs(outcome)
            | Self::WebhookEvents(outcome)
            | Self::WebhookDeliveries(outcome) => vec![("Outcome", outcome)],
            Self::Publishes(platform, outcome) | Self::FeedbackReports(platform, outcome) => {
                vec![("Platform", platform.letter()), ("Outcome", outcome)]
            }
            Self::Misconfigured(platform) => vec![("Platform", platform.letter())],
            Self::Failures(function) | Self::Refusals(function) => vec![("Function", function)],
        }
    }

    /// As what a change of a binding counts; nothing where no device began, moved or ended.
    pub(super) fn of(case: Case) -> Option<Self> {
        Some(match case {
            Case::New => Self::Registrations("new"),
            Case::Renewal => Self::Registrations("renewal"),
            Case::TokenRefresh => Self::Registrations("tokenRefresh"),
            Case::OwnerChange => Self::Registrations("ownerChange"),
            Case::Reinstall => Self::Registrations("reinstall"),
            Case::OwnerChangeAndReinstall => Self::Registrations("ownerChangeAndReinstall"),
            Case::StaleToken => Self::Registrations("staleToken"),
            Case::AnonymousTakeover => Self::Registrations("anonymousTakeover"),
            Case::Unregister => Self::Endings("logout"),
            Case::Removal => Self::Endings("dead"),
            Case::Eviction => Self::Endings("surplus"),
            Case::Erasure => Self::Endings("erasure"),
            Case::Overtaken => Self::Registrations("overtaken"),
            Case::LogoutMarker | Case::Revival | Case::Subscription | Case::Unsubscription => {
                return None;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../../template.yaml");

    #[test]
    fn each_metric_is_in_the_dashboard_with_its_dimensions() {
        for metric in [
            Metric::Registrations("new"),
            Metric::Endings("logout"),
            Metric::Sends,
            Metric::Unlisted,
            Metric::Publishes(Platform::Apns, "accepted"),
            Metric::Misconfigured(Platform::Fcm),
            Metric::RemovalsOverBudget,
            Metric::Jobs("finished"),
            Metric::MessageAge,
            Metric::FeedbackReports(Platform::Fcm, "Throttled"),
            Metric::WebhookEvents("queued"),
            Metric::WebhookDeliveries("delivered"),
            Metric::Failures("send"),
            Metric::Refusals("send"),
            Metric::ClocksDiffer,
        ] {
            let name = metric.name();
            let dimensions = metric.dimensions();
            let graph = if dimensions.is_empty() {
                format!(r#"["Userpush", "{name}", "Application", "${{Application}}""#)
            } else {
                let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
                let names = names.join(",");
                format!(
                    r#"{{Userpush,Application,{names}}} Application=\"${{Application}}\" MetricName=\"{name}\""#
                )
            };
            assert!(TEMPLATE.contains(&graph), "{graph}");
        }
    }

    #[test]
    fn what_an_alarm_looks_at_is_counted() {
        for (metric, dimensions) in [
            (
                Metric::Misconfigured(Platform::Fcm),
                "        - { Name: Platform, Value: G }\n",
            ),
            (
                Metric::Misconfigured(Platform::Apns),
                "        - { Name: Platform, Value: A }\n",
            ),
            (Metric::RemovalsOverBudget, ""),
            (Metric::ClocksDiffer, ""),
        ] {
            let begin = format!(
                "      Namespace: Userpush\n      MetricName: {}\n      Dimensions:\n        - {{ Name: Application, Value: ",
                metric.name()
            );
            let end = format!("\n{dimensions}      Statistic: Sum\n");
            let mut alarms = TEMPLATE.split(&begin).skip(1);
            assert!(
                alarms.any(|rest| rest
                    .split_once('\n')
                    .is_some_and(|(_, rest)| format!("\n{rest}").starts_with(&end))),
                "{metric:?}"
            );
        }
    }
}

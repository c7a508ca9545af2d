//! The events of type `SQS` of a template: which queue feeds a function, and how.

use super::Template;
use crate::Error;
use serde_json::Value;
use std::ops::RangeInclusive;

const KIND: &str = "SQS";
/// What Lambda takes where there is no batching window.
const BATCH: RangeInclusive<usize> = 1..=10;
const CONCURRENCY: RangeInclusive<usize> = 2..=1000;

/// A queue that feeds a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEvent {
    /// The name of the queue.
    pub queue: String,
    /// How many messages one event has at most.
    pub batch_size: usize,
    /// Whether the function tells which messages of an event failed.
    pub partial: bool,
    /// How many events it works on at once, where that is limited.
    pub most_at_once: Option<usize>,
}

impl Template {
    /// # Errors
    /// What cannot be resolved; a number that Lambda does not take.
    pub(super) fn queue_events(&self, function: &Value) -> Result<Vec<QueueEvent>, Error> {
        let events = function["Properties"]["Events"].as_object();
        let events = events.into_iter().flatten().map(|(_, event)| event);
        events
            .filter(|event| event["Type"] == KIND)
            .map(|event| self.queue_event(&event["Properties"]))
            .collect()
    }

    /// That no queue shows a message again while a function that it feeds may still be at work: Lambda makes no such source.
    ///
    /// # Errors
    /// It names the function and the queue; what cannot be resolved.
    pub fn check_visibility(&self) -> Result<(), Error> {
        let queues = self.queues()?;
        for function in self.functions()? {
            for event in &function.queues {
                let queue = queues.iter().find(|queue| queue.name == event.queue);
                let visible = queue.map(|queue| queue.visibility_timeout);
                if visible.is_some_and(|seconds| seconds < function.timeout.as_secs()) {
                    let (function, queue) = (&function.resource, &event.queue);
                    return Err(format!(
                        "the visibility time-out of {queue} is shorter than the time-out of {function}"
                    )
                    .into());
                }
            }
        }
        Ok(())
    }

    fn queue_event(&self, event: &Value) -> Result<QueueEvent, Error> {
        let arn = self.scope.text(&event["Queue"])?;
        let types = event.get("FunctionResponseTypes");
        let types = types.map_or(Ok(Vec::new()), |types| self.scope.list(types))?;
        let scaling = &event["ScalingConfig"];
        Ok(QueueEvent {
            queue: arn.rsplit(':').next().unwrap_or_default().to_owned(),
            batch_size: self.within(event, "BatchSize", BATCH)?.unwrap_or(10),
            partial: types.iter().any(|name| name == "ReportBatchItemFailures"),
            most_at_once: self.within(scaling, "MaximumConcurrency", CONCURRENCY)?,
        })
    }

    fn within(
        &self,
        properties: &Value,
        name: &str,
        limits: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Error> {
        let Some(value) = properties.get(name) else {
            return Ok(None);
        };
        let number = self.scope.text(value)?.parse().ok();
        let number = number.filter(|number| limits.contains(number));
        let (least, most) = limits.into_inner();
        number
            .map(Some)
            .ok_or_else(|| format!("{name} is a number from {least} to {most}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
Parameters: {Most: {Type: Number, Default: 2}}
Resources:
  Jobs: {Type: 'AWS::SQS::Queue', Properties: {}}
  F:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: f}}
    Properties:
      Events:
        Other: {Type: HttpApi, Properties: {}}
        Plain: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn}}
        Whole:
          Type: SQS
          Properties:
            Queue: !GetAtt Jobs.Arn
            BatchSize: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: !Ref Most}
";

    fn events(text: &str) -> Result<Vec<QueueEvent>, String> {
        let functions = Template::read(text, &[], &[]).unwrap().functions();
        let mut functions = functions.map_err(|error| error.to_string())?;
        Ok(functions.remove(0).queues)
    }

    #[test]
    fn a_function_is_fed_as_the_template_says() {
        let event = |batch_size, partial, most_at_once| QueueEvent {
            queue: "userpush-Jobs".to_owned(),
            batch_size,
            partial,
            most_at_once,
        };
        let (plain, whole) = (event(10, false, None), event(1, true, Some(2)));
        assert_eq!(events(TEXT), Ok(vec![plain, whole]));
    }

    #[test]
    fn a_queue_that_shows_a_message_while_it_is_worked_on_is_refused() {
        let check = |timeout: u32| {
            let properties = format!("Properties:\n      Timeout: {timeout}\n      Events");
            let text = TEXT.replace("Properties:\n      Events", &properties);
            let checked = Template::read(&text, &[], &[]).unwrap().check_visibility();
            checked.map_err(|error| error.to_string())
        };
        // SQS hides a message for 30 seconds where nothing is said.
        assert_eq!(check(30), Ok(()));
        let wrong = "the visibility time-out of userpush-Jobs is shorter than the time-out of F";
        assert_eq!(check(31), Err(wrong.to_owned()));
    }

    #[test]
    fn numbers_that_lambda_does_not_take_are_refused() {
        let default = |most| TEXT.replace("Default: 2", &format!("Default: {most}"));
        let batch = |size| TEXT.replace("BatchSize: 1", &format!("BatchSize: {size}"));
        for text in [default(1000), batch(10)] {
            assert!(events(&text).is_ok(), "{text}");
        }
        let concurrency = Err("MaximumConcurrency is a number from 2 to 1000".to_owned());
        for most in [1, 1001] {
            assert_eq!(events(&default(most)), concurrency);
        }
        let size = Err("BatchSize is a number from 1 to 10".to_owned());
        for most in [0, 11] {
            assert_eq!(events(&batch(most)), size);
        }
    }
}

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
        let functions = Template::read(text, &[]).unwrap().functions();
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

//! The queues of a template, and those of them that a topic sends to.

use super::Template;
use crate::Error;
use crate::cloud::{QueueSpec, Redrive};
use serde_json::{Value, json};

pub(super) const QUEUE: &str = "AWS::SQS::Queue";
const SUBSCRIPTION: &str = "AWS::SNS::Subscription";

impl Template {
    /// The queues, with what SQS takes where nothing is said.
    ///
    /// # Errors
    /// What cannot be resolved, or is no number.
    pub fn queues(&self) -> Result<Vec<QueueSpec>, Error> {
        let queues = self.resources(QUEUE)?.into_iter();
        queues
            .map(|(name, queue)| self.queue(name, queue))
            .collect()
    }

    /// The names of the queues to which topics send.
    ///
    /// # Errors
    /// What cannot be resolved; a subscription that is no queue's or asks for an envelope.
    pub fn subscribed_queues(&self) -> Result<Vec<String>, Error> {
        let subscriptions = self.resources(SUBSCRIPTION)?.into_iter();
        let queue = |(name, subscription): (&str, &Value)| {
            let properties = &subscription["Properties"];
            if properties["Protocol"] != "sqs" || properties["RawMessageDelivery"] != true {
                return Err(format!("{name} is not for sqs with RawMessageDelivery").into());
            }
            let arn = self.scope.text(&properties["Endpoint"])?;
            Ok(arn.rsplit(':').next().unwrap_or_default().to_owned())
        };
        subscriptions.map(queue).collect()
    }

    fn queue(&self, resource: &str, queue: &Value) -> Result<QueueSpec, Error> {
        let properties = &queue["Properties"];
        let seconds = |name: &str, usual: u64| match properties.get(name) {
            Some(value) => self.scope.text(value)?.parse().map_err(Error::from),
            None => Ok(usual),
        };
        let name = self
            .scope
            .text(&json!({"Fn::GetAtt": [resource, "QueueName"]}))?;
        let redrive = properties.get("RedrivePolicy").map(|policy| {
            let target = self.scope.text(&policy["deadLetterTargetArn"])?;
            let queue = target.rsplit(':').next().unwrap_or_default().to_owned();
            let max_receive_count = self.scope.text(&policy["maxReceiveCount"])?.parse()?;
            Ok::<_, Error>(Redrive {
                queue,
                max_receive_count,
            })
        });
        Ok(QueueSpec {
            name,
            resource: resource.to_owned(),
            visibility_timeout: seconds("VisibilityTimeout", 30)?,
            retention: seconds("MessageRetentionPeriod", 345_600)?,
            delay: seconds("DelaySeconds", 0)?,
            redrive: redrive.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_queue_is_made_as_the_template_says_and_known_by_its_url() {
        let text = "
Globals: {Function: {Environment: {Variables: {JOBS: !Ref Jobs, NAME: !GetAtt Dead.QueueName}}}}
Resources:
  F: {Type: 'AWS::Serverless::Function', Metadata: {BuildProperties: {Binary: f}}}
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      DelaySeconds: 5
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
  Dead: {Type: 'AWS::SQS::Queue', Properties: {QueueName: letters, MessageRetentionPeriod: 90}}
";
        let template = Template::read(text, &[], &[]).unwrap();
        let mut queues = template.queues().unwrap();
        queues.sort_by(|one, other| one.resource.cmp(&other.resource));
        let dead = QueueSpec {
            name: "letters".to_owned(),
            resource: "Dead".to_owned(),
            visibility_timeout: 30,
            retention: 90,
            delay: 0,
            redrive: None,
        };
        let jobs = QueueSpec {
            name: "userpush-Jobs".to_owned(),
            resource: "Jobs".to_owned(),
            visibility_timeout: 60,
            retention: 345_600,
            delay: 5,
            redrive: Some(Redrive {
                queue: "letters".to_owned(),
                max_receive_count: 3,
            }),
        };
        assert_eq!(queues, [dead, jobs]);
        let url = "https://sqs.us-east-1.amazonaws.com/000000000000/userpush-Jobs";
        assert_eq!(
            template.functions().unwrap()[0].environment,
            BTreeMap::from([
                ("JOBS".to_owned(), url.to_owned()),
                ("NAME".to_owned(), "letters".to_owned()),
            ])
        );
    }

    #[test]
    fn a_topic_sends_to_the_queue_that_subscribes_to_it() {
        let text = "
Resources:
  Topic: {Type: 'AWS::SNS::Topic'}
  Reports: {Type: 'AWS::SQS::Queue', Properties: {}}
  S:
    Type: AWS::SNS::Subscription
    Properties: {Protocol: sqs, TopicArn: !Ref Topic, Endpoint: !GetAtt Reports.Arn, RawMessageDelivery: true}
";
        let subscribed = |text: &str| {
            let queues = Template::read(text, &[], &[]).unwrap().subscribed_queues();
            queues.map_err(|error| error.to_string())
        };
        assert_eq!(subscribed(text), Ok(vec!["userpush-Reports".to_owned()]));
        let refused = Err("S is not for sqs with RawMessageDelivery".to_owned());
        for (from, to) in [("sqs,", "https,"), ("true", "false")] {
            assert_eq!(subscribed(&text.replace(from, to)), refused);
        }
    }
}

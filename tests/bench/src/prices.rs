//! What calls cost in dollars: list prices of AWS in us-east-1, without free tiers.

use crate::world::Failed;
use serde_json::Value;

/// DynamoDB on demand, a million units: <https://aws.amazon.com/dynamodb/pricing/on-demand/>.
const READ_UNITS: f64 = 0.125;
const WRITE_UNITS: f64 = 0.625;
/// SNS, a million publishes to phones or other calls: <https://aws.amazon.com/sns/pricing/>.
const SNS: f64 = 0.50;
/// SQS, a million calls of a standard queue: <https://aws.amazon.com/sqs/pricing/>.
const SQS: f64 = 0.40;
/// A million requests of an HTTP API: <https://aws.amazon.com/api-gateway/pricing/>.
const API: f64 = 1.00;
/// A million invocations, the time that they take apart: <https://aws.amazon.com/lambda/pricing/>.
const LAMBDA: f64 = 0.20;

/// What a million of an operation costs at AWS, by the calls and units of one, as rows of `scale.json` have them: of each
/// service, and together. Time in Lambda is not in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Capacity units.
    pub dynamodb: f64,
    /// Publishes and calls for endpoints.
    pub sns: f64,
    /// Messages to queues.
    pub sqs: f64,
    /// The request and its invocation.
    pub request: f64,
}

impl Cost {
    /// Of a million like this one.
    ///
    /// # Errors
    /// It is no such row.
    pub fn of_a_million(row: &Value) -> Result<Self, Failed> {
        let units = |name: &str| row[name].as_f64().ok_or_else(|| format!("no {name}"));
        let calls = row["calls"].as_object().ok_or("no calls")?;
        let calls = |service: &str| {
            let of = calls.iter().filter(|(name, _)| name.starts_with(service));
            // A sum of nothing would be -0.0.
            of.filter_map(|(_, count)| count.as_f64())
                .fold(0.0, std::ops::Add::add)
        };
        Ok(Self {
            dynamodb: units("read_units")? * READ_UNITS + units("write_units")? * WRITE_UNITS,
            sns: calls("sns.") * SNS,
            sqs: calls("sqs.") * SQS,
            request: API + LAMBDA,
        })
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.dynamodb + self.sns + self.sqs + self.request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale;

    /// By the calls that are counted here and now, to a tenth of a cent.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_million_of_each_operation_costs_what_it_should() {
        let rows = scale::operations().await.unwrap();
        let cost = |name: &str| {
            let (_, row) = rows.iter().find(|(own, _)| own == name).unwrap();
            let total = Cost::of_a_million(row).unwrap().total();
            format!("{total:.3}")
        };
        // A request and its invocation cost 1.20. Beside it:
        for (operation, dollars) in [
            // 3 units of reading.
            ("registration, unchanged", "1.575"),
            // 3 units of reading, 2 calls of SNS, a transaction of three items and a check, each of which costs two units.
            ("registration, new device", "7.575"),
            // 1 unit of reading, a transaction of three items, and one message to a queue.
            ("unregistration", "5.475"),
            // 2 units of reading, the message, its entry in the list, a note, a publish. It is to stay below 3.90.
            ("send to a user with 1 device", "3.825"),
        ] {
            assert_eq!(cost(operation), dollars, "{operation}");
        }
    }
}

//! How many requests the routes of the API take.

use super::api::KIND;
use super::{Route, Template};
use crate::Error;
use serde_json::Value;
use std::collections::BTreeMap;

/// How many requests a route takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Requests a second.
    pub rate: f64,
    /// Requests at once.
    pub burst: f64,
}

impl Template {
    /// The limits of these routes: their own, else the default.
    pub(super) fn limits(
        &self,
        api: &Value,
        routes: &[Route],
    ) -> Result<BTreeMap<String, Limit>, Error> {
        let default = self.property(api, KIND, "DefaultRouteSettings");
        let default = default.map(|settings| self.limit(settings)).transpose()?;
        let mut limits: BTreeMap<_, _> = routes
            .iter()
            .filter_map(|route| Some((route.key.clone(), default.flatten()?)))
            .collect();
        let own = self.property(api, KIND, "RouteSettings");
        for (key, settings) in own.and_then(Value::as_object).into_iter().flatten() {
            if !routes.iter().any(|route| route.key == *key) {
                return Err(format!("RouteSettings: there is no route {key}").into());
            }
            limits.extend(self.limit(settings)?.map(|limit| (key.clone(), limit)));
        }
        Ok(limits)
    }

    fn limit(&self, settings: &Value) -> Result<Option<Limit>, Error> {
        let number = |name| -> Result<Option<f64>, Error> {
            let value = settings.get(name).map(|value| self.scope.text(value));
            Ok(value.transpose()?.map(|text| text.parse()).transpose()?)
        };
        let (rate, burst) = (
            number("ThrottlingRateLimit")?,
            number("ThrottlingBurstLimit")?,
        );
        Ok(rate.zip(burst).map(|(rate, burst)| Limit { rate, burst }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
Parameters:
  PerSecond: {Type: Number, Default: 100}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      DefaultRouteSettings: {ThrottlingRateLimit: !Ref PerSecond, ThrottlingBurstLimit: 200}
      RouteSettings:
        ANY /a: {ThrottlingRateLimit: 5, ThrottlingBurstLimit: 7}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        One: {Type: HttpApi, Properties: {Method: get, Path: '/a/{b}'}}
        Two: {Type: HttpApi, Properties: {Path: /a}}
        Three: {Type: HttpApi, Properties: {}}
";

    #[test]
    fn a_route_has_its_own_limit_or_the_default() {
        let api = Template::read(TEXT, &[], &[]).unwrap().api().unwrap();
        let limit = |route: &str, rate, burst| (route.to_owned(), Limit { rate, burst });
        let limits = [
            limit("$default", 100.0, 200.0),
            limit("ANY /a", 5.0, 7.0),
            limit("GET /a/{b}", 100.0, 200.0),
        ];
        assert_eq!(api.limits, limits.into());
        let text = TEXT.replace("ANY /a: ", "ANY /b: ");
        let refused = Template::read(&text, &[], &[])
            .unwrap()
            .api()
            .err()
            .unwrap();
        assert_eq!(
            refused.to_string(),
            "RouteSettings: there is no route ANY /b"
        );
    }
}

//! The API of a template: its routes, who may pass, and which web pages may call.

use super::function::FUNCTION;
use super::{Limit, Template};
use crate::Error;
use serde_json::Value;
use std::collections::BTreeMap;

const HTTP_API: &str = "AWS::Serverless::HttpApi";
pub(super) const KIND: &str = "HttpApi";
const HEADER: &str = "$request.header.";

/// What API Gateway is told.
pub struct Api {
    /// All routes, in no order.
    pub routes: Vec<Route>,
    /// The authorizers by name.
    pub authorizers: BTreeMap<String, JwtAuthorizer>,
    /// What is said about web pages; nothing: they are not served.
    pub cors: Option<Cors>,
    /// How many requests each route takes, by its key. A route that is absent takes any number.
    pub limits: BTreeMap<String, Limit>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// As API Gateway names it: `GET /a/{b}`, `ANY /a` or `$default`.
    pub key: String,
    /// The logical name of the function behind it.
    pub function: String,
    /// The name of the authorizer before it.
    pub authorizer: Option<String>,
}

/// What an authorizer asks of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtAuthorizer {
    /// The `iss` that counts.
    pub issuer: String,
    /// The `aud` that count.
    pub audience: Vec<String>,
    /// The header that holds the token.
    pub header: String,
}

/// Which web pages may call, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Origins, `*`, or `https://*`.
    pub origins: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// Headers of requests.
    pub headers: Vec<String>,
    /// Headers of answers that a page may read.
    pub exposed: Vec<String>,
    /// How long a browser keeps all this, in seconds.
    pub max_age: Option<String>,
    /// Whether cookies may be sent.
    pub credentials: bool,
}

impl Template {
    /// The one API.
    ///
    /// # Errors
    /// What cannot be resolved; a route with an authorizer that does not exist.
    pub fn api(&self) -> Result<Api, Error> {
        let [(_, api)] = self.resources(HTTP_API)?[..] else {
            return Err(format!("a template has one {HTTP_API}").into());
        };
        let auth = self.property(api, KIND, "Auth").unwrap_or(&Value::Null);
        let mut authorizers = BTreeMap::new();
        for (name, authorizer) in auth["Authorizers"].as_object().into_iter().flatten() {
            authorizers.insert(name.clone(), self.authorizer(authorizer)?);
        }
        let cors = self.property(api, KIND, "CorsConfiguration");
        let cors = cors.map(|cors| self.cors(cors)).transpose()?;
        let mut routes = Vec::new();
        for (function, resource) in self.resources(FUNCTION)? {
            let events = resource["Properties"]["Events"].as_object();
            for (_, event) in events
                .into_iter()
                .flatten()
                .filter(|(_, event)| event["Type"] == KIND)
            {
                routes.push(self.route(
                    function,
                    &event["Properties"],
                    &auth["DefaultAuthorizer"],
                )?);
            }
        }
        let unknown = |route: &&Route| {
            route
                .authorizer
                .as_ref()
                .is_some_and(|name| !authorizers.contains_key(name))
        };
        if let Some(route) = routes.iter().find(unknown) {
            return Err(format!("the authorizer of {} does not exist", route.key).into());
        }
        let limits = self.limits(api, &routes)?;
        Ok(Api {
            routes,
            authorizers,
            cors,
            limits,
        })
    }

    fn route(&self, function: &str, event: &Value, default: &Value) -> Result<Route, Error> {
        let path = event
            .get("Path")
            .map(|path| self.scope.text(path))
            .transpose()?;
        let key = match path.as_deref() {
            None | Some("$default") => "$default".to_owned(),
            Some(path) => {
                let method = event
                    .get("Method")
                    .map_or(Ok("ANY".to_owned()), |method| self.scope.text(method))?;
                format!("{} {path}", method.to_uppercase())
            }
        };
        let authorizer = event["Auth"]["Authorizer"].as_str().or(default.as_str());
        Ok(Route {
            key,
            function: function.to_owned(),
            authorizer: authorizer.filter(|name| *name != "NONE").map(str::to_owned),
        })
    }

    fn authorizer(&self, authorizer: &Value) -> Result<JwtAuthorizer, Error> {
        let source = authorizer
            .get("IdentitySource")
            .map(|source| self.scope.text(source));
        let source = source
            .transpose()?
            .unwrap_or_else(|| format!("{HEADER}Authorization"));
        let header = source
            .strip_prefix(HEADER)
            .ok_or("an identity source that is no header")?;
        Ok(JwtAuthorizer {
            issuer: self.scope.text(&authorizer["JwtConfiguration"]["issuer"])?,
            audience: self.texts(&authorizer["JwtConfiguration"]["audience"])?,
            header: header.to_owned(),
        })
    }

    fn cors(&self, cors: &Value) -> Result<Cors, Error> {
        let texts = |name| {
            cors.get(name)
                .map_or(Ok(Vec::new()), |value| self.texts(value))
        };
        Ok(Cors {
            origins: texts("AllowOrigins")?,
            methods: texts("AllowMethods")?,
            headers: texts("AllowHeaders")?,
            exposed: texts("ExposeHeaders")?,
            max_age: cors
                .get("MaxAge")
                .map(|age| self.scope.text(age))
                .transpose()?,
            credentials: cors["AllowCredentials"] == true,
        })
    }

    fn texts(&self, value: &Value) -> Result<Vec<String>, Error> {
        self.scope
            .list(value)?
            .iter()
            .map(|item| self.scope.text(item))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
Parameters:
  Audience: {Type: CommaDelimitedList, Default: 'a,b'}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth: {Authorizers: {SignIn: {JwtConfiguration: {issuer: 'https://i', audience: !Ref Audience}}}}
      CorsConfiguration: {AllowOrigins: ['*'], AllowMethods: [GET], AllowHeaders: [x], MaxAge: 600}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        One: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: '/a/{b}', Auth: {Authorizer: SignIn}}}
        Two: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /a}}
        Three: {Type: HttpApi, Properties: {ApiId: !Ref Api}}
        Four: {Type: SQS, Properties: {}}
";

    #[test]
    fn each_event_is_a_route() {
        let api = Template::read(TEXT, &[], &[]).unwrap().api().unwrap();
        let route = |key: &str, authorizer: Option<&str>| Route {
            key: key.to_owned(),
            function: "F".to_owned(),
            authorizer: authorizer.map(str::to_owned),
        };
        let wanted = [
            route("GET /a/{b}", Some("SignIn")),
            route("$default", None),
            route("ANY /a", None),
        ];
        assert_eq!(api.routes.len(), wanted.len());
        assert!(
            wanted.iter().all(|route| api.routes.contains(route)),
            "{:?}",
            api.routes
        );
    }

    #[test]
    fn the_authorizer_and_the_web_pages_are_as_the_template_says() {
        let api = Template::read(TEXT, &[], &[]).unwrap().api().unwrap();
        assert_eq!(
            api.authorizers["SignIn"],
            JwtAuthorizer {
                issuer: "https://i".to_owned(),
                audience: vec!["a".to_owned(), "b".to_owned()],
                header: "Authorization".to_owned(),
            }
        );
        assert_eq!(
            api.cors,
            Some(Cors {
                origins: vec!["*".to_owned()],
                methods: vec!["GET".to_owned()],
                headers: vec!["x".to_owned()],
                max_age: Some("600".to_owned()),
                ..Cors::default()
            })
        );
    }

    #[test]
    fn a_route_with_an_unknown_authorizer_is_refused() {
        let text = TEXT.replace("Authorizer: SignIn", "Authorizer: Other");
        let refused = Template::read(&text, &[], &[])
            .unwrap()
            .api()
            .err()
            .unwrap();
        assert_eq!(
            refused.to_string(),
            "the authorizer of GET /a/{b} does not exist"
        );
    }
}

//! What API Gateway tells browsers about other pages' calls, in every answer, its own included.

use crate::template::Cors;
use lambda_http::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use lambda_http::http::request::Parts;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Method};

const PREFIX: &str = "access-control-";

impl Cors {
    /// Whether a browser asks what it may do: the gateway answers that by itself, with 204.
    pub fn is_preflight(parts: &Parts) -> bool {
        parts.method == Method::OPTIONS
            && parts.headers.contains_key(ORIGIN)
            && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// What an answer to a page of this origin says. A function has no say in it.
    pub fn answer(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let own: Vec<_> = headers
            .keys()
            .filter(|name| name.as_str().starts_with(PREFIX))
            .cloned()
            .collect();
        for name in own {
            headers.remove(name);
        }
        let Some(allowed) = origin.and_then(|origin| self.allowed(origin)) else {
            return;
        };
        if allowed != "*" {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        set(
            headers,
            ACCESS_CONTROL_EXPOSE_HEADERS,
            &self.exposed.join(","),
        );
        if self.credentials {
            headers.insert(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
    }

    /// What the answer to a preflight says beyond that.
    pub fn answer_preflight(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        self.answer(origin, headers);
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            set(
                headers,
                ACCESS_CONTROL_ALLOW_METHODS,
                &self.methods.join(","),
            );
            set(
                headers,
                ACCESS_CONTROL_ALLOW_HEADERS,
                &self.headers.join(","),
            );
            set(
                headers,
                ACCESS_CONTROL_MAX_AGE,
                self.max_age.as_deref().unwrap_or_default(),
            );
        }
    }

    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        let text = origin.to_str().ok()?;
        let fits = |allowed: &&String| match allowed.strip_suffix('*') {
            Some(prefix) => text.starts_with(prefix),
            None => allowed.as_str() == text,
        };
        let found = self.origins.iter().find(fits)?;
        Some(if found == "*" {
            HeaderValue::from_static("*")
        } else {
            origin.clone()
        })
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Some(value) = HeaderValue::from_str(value)
        .ok()
        .filter(|value| !value.is_empty())
    {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(origins: &[&str], origin: Option<&str>) -> Vec<(String, String)> {
        let cors = Cors {
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            methods: vec!["GET".to_owned(), "PUT".to_owned()],
            headers: vec!["a".to_owned(), "b".to_owned()],
            max_age: Some("600".to_owned()),
            ..Cors::default()
        };
        let origin = origin.map(|origin| HeaderValue::from_str(origin).unwrap());
        let mut headers = HeaderMap::new();
        headers.insert(
            ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("https://function"),
        );
        cors.answer_preflight(origin.as_ref(), &mut headers);
        let own = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        let mut found: Vec<_> = headers.iter().map(own).collect();
        found.sort();
        found
    }

    #[test]
    fn a_page_of_an_allowed_origin_is_told_what_it_may_do() {
        let told = |origin: &str| {
            [
                ("access-control-allow-headers", "a,b"),
                ("access-control-allow-methods", "GET,PUT"),
                ("access-control-allow-origin", origin),
                ("access-control-max-age", "600"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        assert_eq!(answered(&["*"], Some("https://a")), told("*"));
        let mut own = told("https://a").to_vec();
        own.push(("vary".to_owned(), "origin".to_owned()));
        assert_eq!(
            answered(&["https://b", "https://a"], Some("https://a")),
            own
        );
        assert_eq!(answered(&["https://*"], Some("https://a")), own);
    }

    #[test]
    fn any_other_page_is_told_nothing() {
        for (origins, origin) in [
            (&["*"][..], None),
            (&["https://b", "http://*"], Some("https://a")),
        ] {
            assert_eq!(answered(origins, origin), []);
        }
    }
}

//! Which route a request takes: the most specific one that fits, `$default` where none does.

use crate::template::Route;
use percent_encoding::percent_decode_str;

/// The routes of an API, the most specific first.
pub struct Routes {
    routes: Vec<(Option<String>, Vec<Segment>, Route)>,
    default: Option<Route>,
}

/// A part of a route's path between two slashes.
enum Segment {
    Literal(String),
    Parameter(String),
    Greedy(String),
}

const DEFAULT: &str = "$default";
const ANY: &str = "ANY";

impl Routes {
    /// Takes routes in any order.
    pub fn new(routes: Vec<Route>) -> Self {
        let mut sorted = Vec::new();
        let mut default = None;
        for route in routes {
            match route.key.split_once(' ') {
                Some((method, path)) => {
                    let method = (method != ANY).then(|| method.to_owned());
                    sorted.push((method, path.split('/').map(segment).collect(), route));
                }
                None if route.key == DEFAULT => default = Some(route),
                None => {}
            }
        }
        sorted.sort_by_cached_key(|(method, path, _): &(_, Vec<Segment>, _)| {
            let ranks: Vec<u8> = path.iter().map(Segment::rank).collect();
            (ranks, method.is_none())
        });
        Self {
            routes: sorted,
            default,
        }
    }

    /// The route of a request and the values of its parameters; `path` is decoded. No parameter is ever empty, so that
    /// a path that ends in a slash fits no route of ours.
    pub fn find(&self, method: &str, path: &str) -> Option<(&Route, Vec<(&str, String)>)> {
        let parts: Vec<&str> = path.split('/').collect();
        let found = self.routes.iter().find_map(|(wanted, segments, route)| {
            let allowed = wanted.as_deref().is_none_or(|wanted| wanted == method);
            let parameters = allowed.then(|| parameters(segments, &parts)).flatten()?;
            Some((route, parameters))
        });
        found.or_else(|| Some((self.default.as_ref()?, Vec::new())))
    }
}

impl Segment {
    /// The more specific, the less.
    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Parameter(_) => 1,
            Self::Greedy(_) => 2,
        }
    }
}

fn segment(text: &str) -> Segment {
    let Some(name) = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
    else {
        return Segment::Literal(text.to_owned());
    };
    match name.strip_suffix('+') {
        Some(name) => Segment::Greedy(name.to_owned()),
        None => Segment::Parameter(name.to_owned()),
    }
}

fn parameters<'a>(segments: &'a [Segment], parts: &[&str]) -> Option<Vec<(&'a str, String)>> {
    let (first, segments) = match segments {
        [] => return parts.is_empty().then(Vec::new),
        [Segment::Greedy(name)] => {
            let rest = parts.join("/");
            return (!rest.is_empty()).then(|| vec![(name.as_str(), rest)]);
        }
        [first, rest @ ..] => (first, rest),
    };
    let (part, parts) = parts.split_first()?;
    let mut found = Vec::new();
    match first {
        Segment::Literal(text) if text == part => {}
        Segment::Parameter(name) if !part.is_empty() => {
            found.push((name.as_str(), (*part).to_owned()));
        }
        _ => return None,
    }
    found.extend(parameters(segments, parts)?);
    Some(found)
}

/// The path as the gateway routes it: decoded once, and cut at a `?` that the decoding brings to light. Nothing where
/// the bytes are no text.
pub fn decoded(path: &str) -> Option<String> {
    let path = percent_decode_str(path).decode_utf8().ok()?;
    Some(path.split('?').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &str, path: &str) -> Option<(String, Vec<(String, String)>)> {
        let route = |key: &str| Route {
            key: key.to_owned(),
            function: "F".to_owned(),
            authorizer: None,
        };
        let routes = Routes::new(
            [
                "$default",
                "GET /{all+}",
                "ANY /d/{id}",
                "GET /d/{id}",
                "GET /d/me",
                "GET /d/{id}/s",
                "POST /d",
            ]
            .map(route)
            .into(),
        );
        let (route, parameters) = routes.find(method, path)?;
        let own = parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Some((route.key.clone(), own.collect()))
    }

    #[test]
    fn the_most_specific_route_is_taken() {
        for (method, path, key, parameters) in [
            ("GET", "/d/me", "GET /d/me", &[][..]),
            ("GET", "/d/x", "GET /d/{id}", &[("id", "x")]),
            ("PUT", "/d/me", "ANY /d/{id}", &[("id", "me")]),
            ("GET", "/d/x/s", "GET /d/{id}/s", &[("id", "x")]),
            ("GET", "/d/x/y", "GET /{all+}", &[("all", "d/x/y")]),
            ("GET", "/d/", "GET /{all+}", &[("all", "d/")]),
            ("POST", "/d", "POST /d", &[]),
            ("POST", "/d/", "$default", &[]),
            ("PUT", "/d/", "$default", &[]),
            ("HEAD", "/d/x/s", "$default", &[]),
            ("GET", "/", "$default", &[]),
        ] {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let wanted = (key.to_owned(), parameters.iter().map(own).collect());
            assert_eq!(found(method, path), Some(wanted), "{method} {path}");
        }
    }

    #[test]
    fn without_a_default_there_may_be_no_route() {
        assert!(Routes::new(Vec::new()).find("GET", "/").is_none());
    }

    #[test]
    fn a_path_is_decoded_once_and_cut_at_a_question_mark() {
        for (path, text) in [
            ("/a%20b%2Fc", Some("/a b/c")),
            ("/a%3Fb/c", Some("/a")),
            ("/a%253F", Some("/a%3F")),
            ("/a%zz+", Some("/a%zz+")),
            ("/%C3%A9", Some("/é")),
            ("/%FF", None),
        ] {
            assert_eq!(decoded(path).as_deref(), text, "{path}");
        }
    }
}

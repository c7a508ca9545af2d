//! Who may call: only this machine, under a name that only means this machine. A web page whose name was made to point
//! here is refused, and so is a page of another site that would move the clock.

use lambda_http::http::header::{HOST, ORIGIN};
use lambda_http::http::request::Parts;
use std::net::IpAddr;

/// The names under which the system answers.
pub struct Hosts {
    listen: String,
    address: IpAddr,
}

impl Hosts {
    /// The names that go with `listen` on the command line, which means `address`.
    pub fn new(listen: &str, address: IpAddr) -> Self {
        Self {
            listen: listen.to_ascii_lowercase(),
            address,
        }
    }

    /// Whether a request came under one of the names, and, where it is meant for the control surface, from no page of
    /// another site.
    pub fn admit(&self, parts: &Parts) -> bool {
        let mut names = parts
            .headers
            .get_all(HOST)
            .iter()
            .map(|value| value.to_str().unwrap_or_default());
        let origin = parts
            .headers
            .get(ORIGIN)
            .map(|value| value.to_str().unwrap_or_default());
        let site = |origin: &str| {
            origin
                .split_once("://")
                .is_some_and(|(_, host)| self.knows(host))
        };
        parts.headers.contains_key(HOST)
            && names.all(|host| self.knows(host))
            && parts
                .uri
                .authority()
                .is_none_or(|host| self.knows(host.as_str()))
            && (!parts.uri.path().starts_with(crate::CONTROL) || origin.is_none_or(site))
    }

    fn knows(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port),
            _ => (host, ""),
        };
        let name = name.to_ascii_lowercase();
        let number = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(&name);
        let address: Option<IpAddr> = number.parse().ok();
        let loopback = match address {
            Some(address) => address.is_loopback(),
            None => name == "localhost" || name.ends_with(".localhost"),
        };
        // Where it listens on every address, each of them is a name.
        let listens = name == self.listen
            || address == Some(self.address)
            || address.is_some() && self.address.is_unspecified();
        port.bytes().all(|b| b.is_ascii_digit()) && (loopback || listens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_http::http::Request;

    fn admitted(listen: &str, address: &str, headers: &[(&str, &str)], path: &str) -> bool {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Hosts::new(listen, address.parse().unwrap()).admit(&parts)
    }

    #[test]
    fn only_loopback_names_are_admitted() {
        for (host, admits) in [
            ("localhost", true),
            ("LOCALHOST:3000", true),
            ("api.localhost:1", true),
            ("127.0.0.1:3000", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("[::1]:3000", true),
            ("", false),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("notlocalhost", false),
            ("127.0.0.1.evil.example", false),
            ("10.0.0.1:3000", false),
            ("127.0.0.1:3000@evil", false),
            ("[::2]", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(
                admitted("127.0.0.1", "127.0.0.1", &[("Host", host)], "/"),
                admits,
                "{host}"
            );
        }
        assert!(!admitted("127.0.0.1", "127.0.0.1", &[], "/"));
        let both = [("Host", "localhost"), ("Host", "evil.example")];
        assert!(!admitted("127.0.0.1", "127.0.0.1", &both, "/"));
        assert!(!admitted(
            "127.0.0.1",
            "127.0.0.1",
            &[("Host", "localhost")],
            "http://evil.example/"
        ));
    }

    #[test]
    fn the_address_that_it_listens_on_is_admitted_too() {
        let host = |host| [("Host", host)];
        assert!(admitted("Box", "10.0.0.1", &host("box:3000"), "/"));
        assert!(admitted("Box", "10.0.0.1", &host("10.0.0.1:3000"), "/"));
        assert!(!admitted("Box", "10.0.0.1", &host("10.0.0.2:3000"), "/"));
        assert!(admitted(
            "0.0.0.0",
            "0.0.0.0",
            &host("172.17.0.1:3000"),
            "/"
        ));
        assert!(!admitted("0.0.0.0", "0.0.0.0", &host("evil.example"), "/"));
    }

    #[test]
    fn pages_of_other_sites_do_not_reach_the_control_surface() {
        for (origin, path, admits) in [
            ("https://app.example", "/imfpush/v1/apps/a/devices", true),
            ("https://app.example", "/_local/clock", false),
            ("null", "/_local/clock", false),
            ("http://localhost:3000", "/_local/clock", true),
        ] {
            let headers = [("Host", "localhost"), ("Origin", origin)];
            assert_eq!(
                admitted("127.0.0.1", "127.0.0.1", &headers, path),
                admits,
                "{origin} {path}"
            );
        }
    }
}

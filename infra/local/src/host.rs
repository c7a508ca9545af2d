//! Who may call: only this machine, under a name that only means this machine, or one that the developer allows. A web page
//! whose name was made to point here is refused, and so is a page of another site that would move the clock.

use lambda_http::http::header::{HOST, ORIGIN};
use lambda_http::http::request::Parts;
use lambda_http::http::uri::Authority;
use std::net::IpAddr;

/// The names under which the system answers.
pub struct Hosts {
    listen: String,
    address: IpAddr,
    allowed: Vec<String>,
}

/// This machine, as Android's emulator and Genymotion see it.
const EMULATORS: [&str; 2] = ["10.0.2.2", "10.0.3.2"];

/// The names that are served beside those of the loopback: what emulators use, and the given ones.
pub fn allowed(given: &[String]) -> Vec<String> {
    let emulators = EMULATORS.into_iter().map(str::to_owned);
    emulators.chain(given.iter().cloned()).collect()
}

/// What a caller reads whose host name is not served.
pub fn not_served(name: Option<&str>) -> String {
    match name.filter(|name| !name.is_empty()) {
        Some(name) => format!(
            "Forbidden: the host name '{name}' is not served. Start the local system with --allow-host {name} to serve it."
        ),
        None => "Forbidden: the request must have one Host header.".to_owned(),
    }
}

impl Hosts {
    /// The names that go with `listen` on the command line, which means `address`, and those that are [`allowed`].
    pub fn new(listen: &str, address: IpAddr, allowed: Vec<String>) -> Self {
        Self {
            listen: listen.to_ascii_lowercase(),
            address,
            allowed,
        }
    }

    /// That a request came under one of the names, and, where it is meant for the control surface, from no page of
    /// another site.
    ///
    /// # Errors
    /// What the caller reads.
    pub fn admit(&self, parts: &Parts) -> Result<(), String> {
        let hosts = parts.headers.get_all(HOST).iter();
        let mut hosts: Vec<_> = hosts
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        if hosts.is_empty() {
            return Err(not_served(None));
        }
        hosts.extend(parts.uri.authority().map(Authority::as_str));
        if let Some(refused) = hosts.into_iter().find(|host| !self.knows(host)) {
            return Err(not_served(Some(split(refused).0)));
        }
        match parts.headers.get(ORIGIN) {
            Some(origin) if parts.uri.path().starts_with(crate::CONTROL) => {
                self.admit_page(origin.to_str().unwrap_or_default())
            }
            _ => Ok(()),
        }
    }

    fn admit_page(&self, origin: &str) -> Result<(), String> {
        let host = origin.split_once("://").map(|(_, host)| host);
        if host.is_some_and(|host| self.knows(host)) {
            return Ok(());
        }
        Err(format!(
            "Forbidden: a page of '{origin}' cannot call {}. Start the local system with --allow-host and the host name of the page to allow it.",
            crate::CONTROL
        ))
    }

    fn knows(&self, host: &str) -> bool {
        let (name, port) = split(host);
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
        let allowed = self.allowed.iter().any(|allowed| allowed == number);
        port.bytes().all(|b| b.is_ascii_digit()) && (loopback || listens || allowed)
    }
}

/// The name and the port; an address of IPv6 keeps its brackets.
fn split(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
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
        let allowed = allowed(&["phone.test".to_owned(), "::2:2".to_owned()]);
        let hosts = Hosts::new(listen, address.parse().unwrap(), allowed);
        hosts.admit(&parts).is_ok()
    }

    #[test]
    fn only_names_of_the_loopback_and_allowed_ones_are_admitted() {
        for (host, admits) in [
            ("localhost", true),
            ("LOCALHOST:3000", true),
            ("api.localhost:1", true),
            ("127.0.0.1:3000", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("[::1]:3000", true),
            ("10.0.2.2:3000", true),
            ("10.0.3.2", true),
            ("Phone.test:3000", true),
            ("[::2:2]:3000", true),
            ("", false),
            ("10.0.2.3", false),
            ("a.phone.test", false),
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
            ("http://phone.test", "/_local/clock", true),
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

//! Under which host names the endpoint is served.

use crate::host::not_served;
use hyper::header::{HOST, HeaderMap};
use std::net::{IpAddr, SocketAddr};

/// What Docker Desktop calls this machine in a container; it leads to the loopback interface, and to nobody else's machine.
const CONTAINERS_HOST: &str = "host.docker.internal";

/// A page in a browser can make a name of its own point at this machine: on the loopback interface only the loopback's
/// names and those that are `allowed` are served.
///
/// # Errors
/// What the caller reads.
pub fn admits(local: SocketAddr, headers: &HeaderMap, allowed: &[String]) -> Result<(), String> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    });
    let loopback = |name: &str| {
        let address = name.trim_start_matches('[').trim_end_matches(']');
        allowed
            .iter()
            .any(|name| address.eq_ignore_ascii_case(name))
            || name.eq_ignore_ascii_case("localhost")
            || name.eq_ignore_ascii_case(CONTAINERS_HOST)
            || address
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    };
    if !local.ip().to_canonical().is_loopback() || name.is_some_and(loopback) {
        Ok(())
    } else {
        Err(not_served(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn only_the_loopbacks_names_are_served_on_it() {
        let admitted = |local: &str, host: &'static str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            admits(local.parse().unwrap(), &headers, &["10.0.2.2".to_owned()])
        };
        for host in [
            "127.0.0.1:4566",
            "localhost:4566",
            "LOCALHOST",
            "[::1]:4566",
            "host.docker.internal:4566",
            "10.0.2.2:4566",
        ] {
            assert_eq!(admitted("127.0.0.1:4566", host), Ok(()), "{host}");
        }
        for name in ["userpush.example", "127.0.0.1.example", "10.0.0.1", ""] {
            let refused = format!("{name}:4566").leak();
            assert_eq!(
                admitted("127.0.0.1:4566", refused),
                Err(not_served(Some(name)))
            );
        }
        assert_eq!(
            admitted("172.17.0.1:4566", "host.docker.internal:4566"),
            Ok(())
        );
        assert_eq!(
            admits("127.0.0.1:1".parse().unwrap(), &HeaderMap::new(), &[]),
            Err(not_served(None))
        );
    }
}

//! Where a webhook is called: https, at a host of the Internet.

use super::user_info::{UserInfo, unescaped};
use crate::Invalid;
use crate::address::is_public;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// The URL of a webhook. Its path and its user info can be secrets: `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    /// The URL without its user info.
    text: String,
    user_info: Option<UserInfo>,
    host: Host,
    port: u16,
    /// Where in the text the path and the query begin.
    target: usize,
}

/// What stands for the host in a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name, in lower case; where it leads has to be looked up, and looked at.
    Name(String),
    /// A public address.
    Address(IpAddr),
}

const SCHEME: &str = "https://";
/// The longest URL, its user info included, in bytes.
const MOST: usize = 2048;
const RULE: &str = "It must be a URL of at most 2,048 characters that begins with https:// and has no fragment. Its host must be a name or an address of the Internet.";

/// Names, and ends of names, that mean something else on every machine or in every house.
const NOT_PUBLIC: [&str; 8] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "lan",
    "home.arpa",
    "onion",
];

impl WebhookUrl {
    /// # Errors
    /// [`Invalid`] names `url`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::read(text).ok_or_else(|| Invalid::new("url", RULE))
    }

    /// The URL as it was given, without its user info: what answers show.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL as it was given, with its user info: for the table only.
    #[must_use]
    pub fn expose(&self) -> String {
        match (&self.user_info, self.text.split_at_checked(SCHEME.len())) {
            (Some(user_info), Some((scheme, rest))) => {
                format!("{scheme}{}@{rest}", user_info.expose())
            }
            _ => self.text.clone(),
        }
    }

    /// The header `Authorization` of a request to the URL: its user info as Basic
    /// (<https://www.rfc-editor.org/rfc/rfc7617>). `None` if the URL has none.
    #[must_use]
    pub fn authorization(&self) -> Option<String> {
        self.user_info.as_ref().map(UserInfo::basic)
    }

    /// What it names.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port; 443 where it names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as the header `Host` has them: the port only where it is not 443.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = match &self.host {
            Host::Name(name) => name.clone(),
            Host::Address(IpAddr::V4(address)) => address.to_string(),
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
        };
        match self.port {
            443 => host,
            port => format!("{host}:{port}"),
        }
    }

    /// Path and query, as a request has them: at least `/`.
    #[must_use]
    pub fn target(&self) -> String {
        match self.text.get(self.target..) {
            Some(target) if target.starts_with('/') => target.to_owned(),
            target => format!("/{}", target.unwrap_or_default()),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_at_checked(SCHEME.len())?;
        let target = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, after) = rest.split_at_checked(target)?;
        let is_target = unescaped(after, b":@/?").is_some();
        if text.len() > MOST || !scheme.eq_ignore_ascii_case(SCHEME) || !is_target {
            return None;
        }
        // Neither user info nor a host contains another `@`.
        let (user_info, authority) = match authority.split_once('@') {
            Some((user_info, host)) => (Some(UserInfo::parse(user_info)?), host),
            None => (None, authority),
        };
        let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            (public(IpAddr::V6(address.parse().ok()?))?, port)
        } else {
            let end = authority.find(':').unwrap_or(authority.len());
            let (name, port) = authority.split_at_checked(end)?;
            (named(name)?, port)
        };
        Some(Self {
            text: format!("{scheme}{authority}{after}"),
            user_info,
            host,
            port: port_of(port)?,
            target: SCHEME.len() + authority.len(),
        })
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({:?}, …)", self.host)
    }
}

fn public(address: IpAddr) -> Option<Host> {
    is_public(address).then_some(Host::Address(address))
}

/// A name of the Internet, or an address of IPv4 in its usual form. Every other form of one, such as `127.1` and
/// `0x7f000001`, ends in a part that begins with a digit, which no name does.
fn named(text: &str) -> Option<Host> {
    let name = text.to_ascii_lowercase();
    let last = name.rsplit('.').next()?;
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        return public(IpAddr::V4(name.parse::<Ipv4Addr>().ok()?));
    }
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letter);
    let house = |end: &&str| {
        let before = name.strip_suffix(*end);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    let fits = name.len() <= 253
        && name.contains('.')
        && name.split('.').all(label)
        && !NOT_PUBLIC.iter().any(house);
    fits.then_some(Host::Name(name))
}

/// The port after the host: `:8443`, or nothing.
fn port_of(text: &str) -> Option<u16> {
    if text.is_empty() {
        return Some(443);
    }
    let digits = text.strip_prefix(':')?;
    let port = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 = port.then(|| digits.parse().ok())??;
    (port > 0).then_some(port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_url_is_taken_apart_as_a_request_needs_it() {
        for (text, authority, port, target) in [
            ("https://h.example", "h.example", 443, "/"),
            ("https://h.example/", "h.example", 443, "/"),
            ("HTTPS://H.Example:443/A?b=C", "h.example", 443, "/A?b=C"),
            ("https://h.example?a", "h.example", 443, "/?a"),
            (
                "https://h.example:8443/a%2Fb/@:",
                "h.example:8443",
                8443,
                "/a%2Fb/@:",
            ),
            ("https://8.8.8.8:1/x", "8.8.8.8:1", 1, "/x"),
            (
                "https://[2606:4700::1]:65535/",
                "[2606:4700::1]:65535",
                65535,
                "/",
            ),
            ("https://a-b_c.1.example/", "a-b_c.1.example", 443, "/"),
            (
                "https://xn--bcher-kva.example/",
                "xn--bcher-kva.example",
                443,
                "/",
            ),
        ] {
            let url = WebhookUrl::parse(text).unwrap();
            assert_eq!(url.as_str(), text);
            assert_eq!(
                (url.authority().as_str(), url.port(), url.target().as_str()),
                (authority, port, target),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_https_at_a_host_of_the_internet_is_refused() {
        for text in [
            "",
            "https://",
            "https:///x",
            "https:h.example",
            "http://h.example/",
            "ftp://h.example/",
            " https://h.example/",
            "https://h.example/ ",
            "https://h.example/#",
            "https://h.example/a#b",
            "https://h.example#b",
            "https://h.example\\@other.example/",
            "https://h.example/a\\b",
            "https://h.example/é",
            "https://bücher.example/",
            "https://h.example/%4",
            "https://h.example/%zz",
            "https://h.example/<",
            "https://h.example:/",
            "https://h.example:0/",
            "https://h.example:65536/",
            "https://h.example:+80/",
            "https://h.example:443:443/",
            "https://h.example./",
            "https://h..example/",
            "https://.example/",
            "https://h%2eexample/",
            // Names of this machine or of a house.
            "https://localhost/",
            "https://LOCALHOST:8443/",
            "https://a.localhost/",
            "https://metadata/",
            "https://printer.local/",
            "https://ip-10-0-0-1.ec2.internal/",
            "https://router.home.arpa/",
            "https://nas.lan/",
            // Addresses, in each form that anything takes for one.
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://8.8.8/",
            "https://8.8.8.8.8/",
            "https://1.2.3.256/",
            "https://h.example.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fe80::1%25eth0]/",
            "https://[fd00:ec2::254]/",
            "https://[2606:4700::1/",
            "https://[2606:4700::1]x/",
            "https://2606:4700::1/",
        ] {
            let invalid = WebhookUrl::parse(text).unwrap_err();
            assert_eq!(invalid.parameter(), "url", "{text}");
        }
    }

    #[test]
    fn user_info_becomes_basic_and_is_not_shown() {
        for (text, shown, decoded) in [
            ("https://user@h.example/x", "https://h.example/x", "user:"),
            ("https://a:b@h.example", "https://h.example", "a:b"),
            ("https://:key@h.example?q", "https://h.example?q", ":key"),
            ("https://a:b:c@h.example/", "https://h.example/", "a:b:c"),
            (
                "https://a%40b:%C3%A9%2F@h.example:8443/@",
                "https://h.example:8443/@",
                "a@b:é/",
            ),
            (
                "HTTPS://10.0.0.1@h.example/",
                "HTTPS://h.example/",
                "10.0.0.1:",
            ),
            (
                "https://127.0.0.1:443@8.8.8.8/",
                "https://8.8.8.8/",
                "127.0.0.1:443",
            ),
            (
                "https://a:b@[2606:4700::1]:1/",
                "https://[2606:4700::1]:1/",
                "a:b",
            ),
        ] {
            let url = WebhookUrl::parse(text).unwrap();
            let plain = WebhookUrl::parse(shown).unwrap();
            assert_eq!((url.as_str(), url.expose().as_str()), (shown, text));
            let basic = format!("Basic {}", STANDARD.encode(decoded));
            assert_eq!(url.authorization(), Some(basic), "{text}");
            assert_eq!(
                (plain.expose().as_str(), plain.authorization()),
                (shown, None)
            );
            assert_eq!(
                (url.authority(), url.port(), url.target()),
                (plain.authority(), plain.port(), plain.target()),
                "{text}"
            );
        }
        // As RFC 7617 has it.
        let url = WebhookUrl::parse("https://Aladdin:open%20sesame@h.example/").unwrap();
        let basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert_eq!(url.authorization().as_deref(), Some(basic));
    }

    #[test]
    fn user_info_leads_to_no_other_host_and_carries_no_header() {
        for text in [
            // The host follows the `@`, whatever precedes it.
            "https://user:pass@127.0.0.1/",
            "https://user@localhost/",
            "https://h.example@10.0.0.1/",
            "https://h.example:443@10.0.0.1/",
            "https://h.example%2F@10.0.0.1/",
            "https://h.example;@10.0.0.1/",
            "https://user@169.254.169.254/latest/meta-data/",
            "https://user@[::1]/",
            "https://user@2130706433/",
            // Programs do not agree about the host of these.
            "https://h.example@h.example@10.0.0.1/",
            "https://10.0.0.1@h.example@h.example/",
            "https://10.0.0.1\\@h.example/",
            "https://h.example#@10.0.0.1/",
            "https://10.0.0.1#@h.example/",
            "https://[::1]@h.example/",
            "https://10.0.0.1 @h.example/",
            "https://10.0.0.1\t@h.example/",
            // What Basic cannot carry.
            "https://@h.example/",
            "https://us%3Aer:password@h.example/",
            "https://user:pass%0D%0Ax-header:1@h.example/",
            "https://user:%00@h.example/",
            "https://user:%7F@h.example/",
            "https://user:é@h.example/",
            "https://user:%4@h.example/",
            "https://user:%zz@h.example/",
            "https://user:pass@",
            "https://user:pass@/",
            "https://user:pass@:443/",
        ] {
            let invalid = WebhookUrl::parse(text).unwrap_err();
            assert_eq!(invalid.parameter(), "url", "{text}");
        }
        // What follows a path or a query names no host.
        for text in [
            "https://h.example/@10.0.0.1/",
            "https://h.example?@10.0.0.1/",
        ] {
            let url = WebhookUrl::parse(text).unwrap();
            assert_eq!(
                (url.authority().as_str(), url.authorization()),
                ("h.example", None)
            );
        }
    }

    #[test]
    fn lengths_are_taken_up_to_their_limits() {
        let of = |length: usize| format!("https://h.example/{}", "a".repeat(length - 18));
        assert!(WebhookUrl::parse(&of(2048)).is_ok());
        assert!(WebhookUrl::parse(&of(2049)).is_err());
        // User info counts.
        let with_user = |length: usize| of(length - 2).replace("//", "//u@");
        assert!(WebhookUrl::parse(&with_user(2048)).is_ok());
        assert!(WebhookUrl::parse(&with_user(2049)).is_err());
        let label = |length: usize| format!("https://{}.example/", "a".repeat(length));
        assert!(WebhookUrl::parse(&label(63)).is_ok());
        assert!(WebhookUrl::parse(&label(64)).is_err());
        let name = |last: usize| {
            format!(
                "https://{}{}.example/",
                "a23456789.".repeat(24),
                "b".repeat(last)
            )
        };
        assert!(WebhookUrl::parse(&name(5)).is_ok());
        assert!(WebhookUrl::parse(&name(6)).is_err());
    }

    #[test]
    fn a_url_does_not_show_its_path_nor_its_user_info() {
        let url = WebhookUrl::parse("https://hidden:hidden@h.example/hidden?hidden").unwrap();
        assert_eq!(format!("{url:?}"), "WebhookUrl(Name(\"h.example\"), …)");
    }
}

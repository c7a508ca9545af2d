//! What the command line, or a test, chooses.

use axum::http::Uri;
use axum::http::uri::Scheme;
use clap::Parser;
use std::path::PathBuf;

/// Userpush on one machine in one process, for development and tests.
#[derive(Clone, Debug, Parser)]
#[command(version, about)]
pub struct Options {
    /// Port to listen on; 0 takes any free one
    #[arg(long, value_name = "N", default_value_t = PORT)]
    pub port: u16,
    /// Folder to keep the state in, for one process at a time; without it everything is in memory and gone at the end
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Another DynamoDB to use than the embedded one; the table is created where it is missing
    #[arg(long, value_name = "URL")]
    pub dynamodb: Option<String>,
    /// Parameters of template.yaml that differ from their defaults
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., value_parser = parameter)]
    pub parameter_overrides: Vec<(String, String)>,
    /// Address to listen on; any other than the loopback opens this system without protection to the network
    #[arg(long, value_name = "ADDR", default_value = LISTEN)]
    pub listen: String,
    /// Port of the local AWS; 0 takes any free one
    #[arg(long, value_name = "N", default_value_t = AWS_PORT)]
    pub aws_port: u16,
    /// Host name or address to answer to, beside this machine's own and those of Android emulators; can be repeated
    #[arg(long, value_name = "NAME", value_parser = host_name)]
    pub allow_host: Vec<String>,
    /// URL of a receiver that gets the calls of all webhooks, signed as on AWS; it turns webhooks on
    #[arg(long, value_name = "URL", value_parser = receiver)]
    pub webhooks_to: Option<Uri>,
    /// Refuse requests over the limits that `RegisterPerSecond`, `DeviceRequestsPerSecond` and `RequestsPerSecond` set
    #[arg(long)]
    pub limits: bool,
}

const PORT: u16 = 3000;
const AWS_PORT: u16 = 0;
const LISTEN: &str = "127.0.0.1";

/// The same as an empty command line.
impl Default for Options {
    fn default() -> Self {
        Self {
            port: PORT,
            data: None,
            dynamodb: None,
            parameter_overrides: Vec::new(),
            listen: LISTEN.to_owned(),
            aws_port: AWS_PORT,
            allow_host: Vec::new(),
            webhooks_to: None,
            limits: false,
        }
    }
}

fn parameter(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("it has the form Name=Value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// In lower case, an address of IPv6 without brackets.
fn host_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim_start_matches('[').trim_end_matches(']');
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if (is_name && !name.is_empty()) || name.parse::<std::net::Ipv6Addr>().is_ok() {
        Ok(name.to_ascii_lowercase())
    } else {
        Err("must be a host name or an address, without scheme and port")
    }
}

fn receiver(text: &str) -> Result<Uri, &'static str> {
    let url: Option<Uri> = text.parse().ok();
    let http = |url: &Uri| {
        let schemes = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)];
        schemes.contains(&url.scheme()) && url.host().is_some_and(|host| !host.is_empty())
    };
    url.filter(http)
        .ok_or("must be a URL that begins with http:// or https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_an_empty_command_line() {
        let parsed = Options::try_parse_from(["local"]).unwrap();
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Options::default()));
    }

    #[test]
    fn several_parameters_follow_one_flag() {
        let parsed = Options::try_parse_from([
            "local",
            "--parameter-overrides",
            "FcmApplicationArn=",
            "A=b=c",
            "--port",
            "0",
        ])
        .unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            parsed.parameter_overrides,
            [pair("FcmApplicationArn", ""), pair("A", "b=c")]
        );
        assert_eq!(parsed.port, 0);
        assert!(Options::try_parse_from(["local", "--parameter-overrides", "A"]).is_err());
    }

    #[test]
    fn hosts_and_receivers_are_what_they_must_be() {
        for (host, name) in [
            ("Phone.test", Some("phone.test")),
            ("10.1.1.1", Some("10.1.1.1")),
            ("[fe80::1]", Some("fe80::1")),
            ("FE80::1", Some("fe80::1")),
            ("http://phone.test", None),
            ("phone.test:3000", None),
            ("", None),
        ] {
            assert_eq!(host_name(host).ok().as_deref(), name, "{host}");
        }
        for (url, is_one) in [
            ("http://127.0.0.1:9000/hook?a=b", true),
            ("https://phone.test", true),
            ("127.0.0.1:9000", false),
            ("/hook", false),
            ("ftp://phone.test/", false),
            ("", false),
        ] {
            assert_eq!(receiver(url).is_ok(), is_one, "{url}");
        }
    }
}

//! What the command line chooses beyond parameters.

use super::{answered, raw, request};
use local::{Local, Options};
use reqwest::Method;

async fn started(options: Options) -> Local {
    let options = Options { port: 0, ..options };
    Local::start(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_served_where_it_is_an_emulators_or_allowed_and_a_refusal_says_how() {
    let local = started(Options {
        allow_host: vec!["phone.test".to_owned()],
        ..Options::default()
    })
    .await;
    let (_, info) = answered(request(&local, Method::GET, "/_local/info")).await;
    let aws = info["awsEndpointUrl"].as_str().unwrap();
    for (host, status) in [
        ("10.0.2.2:3000", 200),
        ("10.0.3.2", 200),
        ("phone.test:3000", 200),
        ("other.test:3000", 403),
    ] {
        let answer = request(&local, Method::GET, "/_local/info").header("Host", host);
        let (found, body) = answered(answer).await;
        assert_eq!(found, status, "{host}");
        if status == 403 {
            assert_eq!(
                body["message"],
                "Forbidden: the host name 'other.test' is not served. Start the local system with --allow-host other.test to serve it."
            );
        }
        let sns = reqwest::Client::new()
            .get(format!("{aws}/?Action=ListPlatformApplications"))
            .header("Host", host);
        assert_eq!(sns.send().await.unwrap().status(), status, "{host}");
    }
    let refused = raw(&local, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(
        refused.ends_with(r#"{"message":"Forbidden: the request must have one Host header."}"#),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_options_are_told() {
    let failed = |name: &str, value: &str| {
        let options = Options {
            port: 0,
            parameter_overrides: vec![(name.to_owned(), value.to_owned())],
            ..Options::default()
        };
        async move { Local::start(options).await.err().unwrap().to_string() }
    };
    assert!(
        failed("Nothing", "1")
            .await
            .starts_with("there is no parameter Nothing; there are ")
    );
    for (name, value, rule) in [
        (
            "ClientSecretMode",
            "none",
            "must be one of per-user, shared, not 'none'",
        ),
        (
            "BindingLeaseDays",
            "x",
            "must be a number from 1 to 3650, not 'x'",
        ),
        (
            "PublicUrl",
            "http://host/path",
            "must match ^(https?://[A-Za-z0-9.-]+(:[0-9]+)?/?)?$, not 'http://host/path'. It is empty or a URL without a path.",
        ),
    ] {
        let error = format!("parameter {name} {rule}");
        assert_eq!(failed(name, value).await, error);
    }
    assert_eq!(
        failed("DomainName", "push.example.com").await,
        "DomainName needs CertificateArn."
    );
    // What the template cannot say: ten jobs at once make ten publishes a second at least.
    let publishes = failed("PublishPerSecond", "5").await;
    let rule = "parameter PublishPerSecond must be a number from 10 to 1000000";
    assert!(publishes.ends_with(rule), "{publishes}");
    let issuer = failed("IssuerUrl", "https://other").await;
    assert!(issuer.starts_with("the only issuer here is http://127.0.0.1:"));
}

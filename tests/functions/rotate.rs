//! The function `rotate` against Secrets Manager's four steps: in order, twice, out of order, and with calls that fail.

use aws::{Settings, Start, Worker};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use local::cloud::{Cloud, CloudOptions, SecretSpec, Table};
use rotate::{Request, Rotate, Step};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

const STEPS: [Step; 4] = [
    Step::CreateSecret,
    Step::SetSecret,
    Step::TestSecret,
    Step::FinishSecret,
];

/// A Secrets Manager with the two secrets of an installation, and the function that rotates them.
struct Rotation {
    cloud: Cloud,
    client: Client,
    function: Rotate,
}

impl Rotation {
    async fn new() -> Self {
        let secret = |key: &str| SecretSpec {
            key: key.to_owned(),
            name: format!("stack-{key}"),
            length: 64,
        };
        let create = json!({
            "TableName": "table",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        });
        let cloud = Cloud::start(CloudOptions {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            data: None,
            dynamodb: None,
            table: Table {
                name: "table".to_owned(),
                create,
                ttl_attribute: None,
            },
            applications: vec![],
            hosts: vec![],
            webhooks_to: None,
            secrets: vec![
                secret("clientSecret"),
                secret("appSecret"),
                secret("another"),
            ],
        });
        let cloud = cloud.await.unwrap();
        let settings = Settings::read(|name| match name {
            "TABLE_NAME" | "APPLICATION_ID" => Some("unused".to_owned()),
            "CLIENT_SECRET_ID" => cloud.secret_id("clientSecret"),
            // CloudFormation gives an ARN, some emulators the name.
            "APP_SECRET_ID" => Some("stack-appSecret".to_owned()),
            _ => None,
        });
        let aws = SdkConfig::builder()
            .endpoint_url(cloud.endpoint_url())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "test", "test", None, None, "test",
            )));
        let start = Start::new(settings.unwrap(), aws, cloud.clock()).unwrap();
        let function = Rotate::start(&start).await.unwrap();
        Self {
            client: Client::new(&start.aws),
            cloud,
            function,
        }
    }

    async fn step(&self, key: &str, step: Step, token: &str) -> Result<(), String> {
        let secret_id = self.cloud.secret_id(key).unwrap();
        let client_request_token = token.to_owned();
        let request = Request {
            step,
            secret_id,
            client_request_token,
        };
        // No step looks at its deadline.
        let deadline = (self.cloud.clock())();
        let done = self.function.work(request, deadline).await;
        done.map_err(|cause| cause.to_string())
    }

    /// The app secret has a pending version with this value, which nobody made by a step.
    async fn pend(&self, value: &str, token: &str) {
        let put = self.client.put_secret_value().secret_id("stack-appSecret");
        let put = put.client_request_token(token).secret_string(value);
        put.version_stages("AWSPENDING").send().await.unwrap();
    }

    async fn at(&self, key: &str, stage: &str) -> Option<String> {
        let call = self
            .client
            .get_secret_value()
            .secret_id(self.cloud.secret_id(key).unwrap());
        call.version_stage(stage).send().await.ok()?.secret_string
    }

    /// The values at the three stages.
    async fn values(&self, key: &str) -> [Option<String>; 3] {
        [
            self.at(key, "AWSPREVIOUS").await,
            self.at(key, "AWSCURRENT").await,
            self.at(key, "AWSPENDING").await,
        ]
    }

    /// A token of the form that Secrets Manager gives, which names a version.
    fn token(n: u8) -> String {
        format!("{n:08}-0000-4000-8000-000000000000")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_steps_give_a_secret_a_new_version_and_keep_the_last_one() {
    let rotation = Rotation::new().await;
    for key in ["clientSecret", "appSecret"] {
        let first = rotation.at(key, "AWSCURRENT").await;
        for step in STEPS {
            rotation.step(key, step, &Rotation::token(1)).await.unwrap();
        }
        let [previous, current, _] = rotation.values(key).await;
        assert_eq!(previous, first);
        let current = current.unwrap();
        assert_ne!(Some(&current), first.as_ref());
        assert_eq!(current.len(), 64);
        assert!(current.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_can_be_repeated_at_any_time() {
    let rotation = Rotation::new().await;
    let (key, token) = ("clientSecret", Rotation::token(1));
    let mut pending = None;
    for (n, step) in STEPS.into_iter().enumerate() {
        rotation.step(key, step, &token).await.unwrap();
        let before = rotation.values(key).await;
        let made = pending
            .get_or_insert_with(|| before[2].clone().expect("it is pending"))
            .clone();
        for again in &STEPS[..=n] {
            rotation.step(key, *again, &token).await.unwrap();
            assert_eq!(
                rotation.values(key).await,
                before,
                "{again:?} after {step:?}"
            );
        }
        assert!(
            before.contains(&Some(made)),
            "it is the one that was made first"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_out_of_order_changes_nothing() {
    let rotation = Rotation::new().await;
    let (key, before) = ("clientSecret", rotation.values("clientSecret").await);
    for step in [Step::TestSecret, Step::FinishSecret] {
        let refused = rotation.step(key, step, &Rotation::token(1)).await;
        assert_eq!(refused.unwrap_err(), "the version is not pending");
        assert_eq!(rotation.values(key).await, before);
    }
    // A rotation that was given up leaves a pending version; the next one goes on without it.
    rotation
        .step(key, Step::CreateSecret, &Rotation::token(1))
        .await
        .unwrap();
    for step in STEPS {
        rotation.step(key, step, &Rotation::token(2)).await.unwrap();
    }
    assert_eq!(rotation.at(key, "AWSPREVIOUS").await, before[1]);
    let refused = rotation
        .step(key, Step::FinishSecret, &Rotation::token(1))
        .await;
    assert_eq!(refused.unwrap_err(), "the version is not pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_version_that_is_too_weak_does_not_become_current() {
    let rotation = Rotation::new().await;
    let (key, token) = ("appSecret", Rotation::token(1));
    for (n, weak) in [31, 1].into_iter().enumerate() {
        let token = Rotation::token(u8::try_from(n).unwrap() + 2);
        rotation.pend(&"x".repeat(weak), &token).await;
        rotation
            .step(key, Step::CreateSecret, &token)
            .await
            .unwrap();
        rotation
            .step(key, Step::TestSecret, &token)
            .await
            .unwrap_err();
    }
    rotation
        .step(key, Step::TestSecret, &token)
        .await
        .unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_set_with_a_pending_version_that_holds_the_current_value() {
    let rotation = Rotation::new().await;
    let (key, token) = ("appSecret", Rotation::token(1));
    let current = rotation.at(key, "AWSCURRENT").await.unwrap();
    rotation.pend(&current, &token).await;
    let before = rotation.values(key).await;
    assert_eq!(before[1], before[2]);
    rotation.step(key, Step::TestSecret, &token).await.unwrap();
    assert_eq!(rotation.values(key).await, before, "a try changes nothing");
    // A rotation that is asked for later makes a version of its own.
    for step in STEPS {
        rotation.step(key, step, &Rotation::token(2)).await.unwrap();
    }
    let [previous, now, _] = rotation.values(key).await;
    assert_eq!(previous.as_ref(), Some(&current));
    assert_ne!(now, Some(current));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_others_is_left_alone() {
    let rotation = Rotation::new().await;
    for step in STEPS {
        let refused = rotation.step("another", step, &Rotation::token(1)).await;
        assert_eq!(
            refused.unwrap_err(),
            "the secret is none of this installation's"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_leaves_a_step_that_can_be_repeated() {
    let rotation = Rotation::new().await;
    let (key, token) = ("clientSecret", Rotation::token(1));
    let first = rotation.at(key, "AWSCURRENT").await;
    for (step, operations) in [
        (
            Step::CreateSecret,
            ["DescribeSecret", "GetRandomPassword", "PutSecretValue"].as_slice(),
        ),
        (Step::TestSecret, &["GetSecretValue"]),
        (Step::FinishSecret, &["UpdateSecretVersionStage"]),
    ] {
        for operation in operations {
            // As often as the SDK tries by itself.
            rotation.fault(operation, 3).await;
            rotation.step(key, step, &token).await.unwrap_err();
            assert_eq!(rotation.at(key, "AWSCURRENT").await, first);
        }
        rotation.step(key, step, &token).await.unwrap();
    }
    assert_eq!(rotation.at(key, "AWSPREVIOUS").await, first);
}

impl Rotation {
    /// The next calls of this operation fail.
    async fn fault(&self, operation: &str, times: u32) {
        let fault = json!({"service": "secretsmanager", "operation": operation, "fault": "InternalServiceError", "times": times});
        self.control("faults", &fault).await;
    }

    /// Tells the control surface something.
    async fn control(&self, path: &str, body: &Value) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/_local/{path}", listener.local_addr().unwrap());
        let server = tokio::spawn(axum::serve(listener, self.cloud.control()).into_future());
        let answer = reqwest::Client::new()
            .post(url)
            .json(body)
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
        server.abort();
    }
}

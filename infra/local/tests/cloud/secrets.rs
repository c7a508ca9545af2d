//! Versions and stages of secrets.

use super::{Aws, refusal, refused};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use serde_json::json;
use std::time::{Duration, Instant};

const NAME: &str = "userpush/clientSecret";

impl Aws {
    async fn value(&self, stage: &str) -> GetSecretValueOutput {
        let get = self.secrets.get_secret_value().secret_id(NAME);
        get.version_stage(stage).send().await.unwrap()
    }

    async fn new_version(&self, value: &str, stage: Option<&str>) -> String {
        let put = self
            .secrets
            .put_secret_value()
            .secret_id(NAME)
            .secret_string(value);
        let put = put.set_version_stages(stage.map(|stage| vec![stage.to_owned()]));
        put.send().await.unwrap().version_id.unwrap()
    }

    async fn move_stage(
        &self,
        stage: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), (u16, String, String)> {
        let change = self
            .secrets
            .update_secret_version_stage()
            .secret_id(NAME)
            .version_stage(stage)
            .set_remove_from_version_id(from.map(str::to_owned))
            .set_move_to_version_id(to.map(str::to_owned));
        let result = change.send().await;
        if result.is_ok() {
            Ok(())
        } else {
            Err(refusal(result))
        }
    }

    async fn stages(&self, version: &str) -> Vec<String> {
        let described = self
            .secrets
            .describe_secret()
            .secret_id(NAME)
            .send()
            .await
            .unwrap();
        described
            .version_ids_to_stages
            .unwrap()
            .get(version)
            .cloned()
            .unwrap_or_default()
    }
}

#[tokio::test]
async fn a_secret_is_generated_and_read_by_name_or_arn() {
    let aws = Aws::start().await;
    let value = aws.cloud.secret_value("clientSecret").unwrap();
    assert_eq!(value.len(), 64);
    assert!(
        value.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{value}"
    );
    assert_ne!(aws.cloud.secret_value("appSecret").unwrap(), value);
    assert_eq!(aws.cloud.secret_value("other"), None);
    let arn = aws.cloud.secret_id("clientSecret").unwrap();
    let partial = arn.rsplit_once('-').unwrap().0;
    for id in [NAME, arn.as_str(), partial] {
        let found = aws
            .secrets
            .get_secret_value()
            .secret_id(id)
            .send()
            .await
            .unwrap();
        assert_eq!(found.secret_string(), Some(value.as_str()));
        assert_eq!(
            (found.arn(), found.name()),
            (Some(arn.as_str()), Some(NAME))
        );
        assert_eq!(found.version_stages(), ["AWSCURRENT"]);
        let by_version = aws
            .secrets
            .get_secret_value()
            .secret_id(id)
            .version_id(found.version_id.unwrap());
        assert_eq!(
            by_version.send().await.unwrap().secret_string(),
            Some(value.as_str())
        );
    }
}

#[tokio::test]
async fn what_is_missing_is_not_found() {
    let aws = Aws::start().await;
    let missing = |text: &str| refused(400, "ResourceNotFoundException", text);
    let get = aws
        .secrets
        .get_secret_value()
        .secret_id("other")
        .send()
        .await;
    assert_eq!(
        refusal(get),
        missing("Secrets Manager can't find the specified secret.")
    );
    let get = aws
        .secrets
        .get_secret_value()
        .secret_id(NAME)
        .version_stage("AWSPREVIOUS")
        .send()
        .await;
    assert_eq!(
        refusal(get),
        missing(
            "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS"
        )
    );
    let version = "00000000-0000-0000-0000-000000000000";
    let get = aws
        .secrets
        .get_secret_value()
        .secret_id(NAME)
        .version_id(version)
        .send()
        .await;
    assert_eq!(
        refusal(get),
        missing(&format!(
            "Secrets Manager can't find the specified secret value for VersionId: {version}"
        ))
    );
}

#[tokio::test]
async fn a_rotation_makes_the_current_secret_the_previous_one() {
    let aws = Aws::start().await;
    let old = aws.value("AWSCURRENT").await;
    let now = (aws.cloud.clock())().seconds().cast_signed();
    let age = now - old.created_date().unwrap().secs();
    assert!(
        (600..660).contains(&age),
        "the first version is {age} s old"
    );
    assert_eq!(
        aws.post("clock", json!({"advanceSeconds": 3600})).await.0,
        200
    );
    assert_eq!(
        aws.post("secrets/rotate", json!({"secret": "clientSecret"}))
            .await,
        (200, json!({}))
    );
    let (new, previous) = (
        aws.value("AWSCURRENT").await,
        aws.value("AWSPREVIOUS").await,
    );
    assert_eq!(previous.secret_string(), old.secret_string());
    assert_eq!(previous.created_date(), old.created_date());
    assert_eq!(
        aws.cloud.secret_value("clientSecret").as_deref(),
        new.secret_string()
    );
    assert_ne!(new.secret_string(), old.secret_string());
    let made = new.created_date().unwrap().secs() - now;
    assert!(
        (3600..3660).contains(&made),
        "the new version is made {made} s from then"
    );
    assert_eq!(
        aws.post("secrets/rotate", json!({"secret": "other"})).await,
        (400, json!({"message": "there is no such secret"}))
    );
}

#[tokio::test]
async fn a_new_version_is_current_unless_it_is_staged_otherwise() {
    let aws = Aws::start().await;
    let first = aws.value("AWSCURRENT").await.version_id.unwrap();
    let second = aws.new_version("second", None).await;
    assert_eq!(aws.stages(&first).await, ["AWSPREVIOUS"]);
    assert_eq!(aws.stages(&second).await, ["AWSCURRENT"]);
    let third = aws.new_version("third", Some("AWSPENDING")).await;
    assert_eq!(aws.stages(&second).await, ["AWSCURRENT"]);
    assert_eq!(aws.stages(&third).await, ["AWSPENDING"]);
    assert_eq!(aws.value("AWSPENDING").await.secret_string(), Some("third"));
    aws.new_version("fourth", None).await;
    assert_eq!(aws.stages(&first).await, [""; 0]);
}

#[tokio::test]
async fn the_same_version_again_changes_nothing_and_another_value_is_refused() {
    let aws = Aws::start().await;
    let token = "0123456789-0123456789-0123456789";
    let put = |value: &str| {
        aws.secrets
            .put_secret_value()
            .secret_id(NAME)
            .client_request_token(token)
            .secret_string(value)
            .send()
    };
    assert_eq!(put("second").await.unwrap().version_id(), Some(token));
    aws.new_version("third", None).await;
    assert_eq!(put("second").await.unwrap().version_id(), Some(token));
    assert_eq!(aws.value("AWSCURRENT").await.secret_string(), Some("third"));
    assert_eq!(refusal(put("other").await).1, "ResourceExistsException");
}

#[tokio::test]
async fn a_stage_moves_only_from_where_it_is() {
    let aws = Aws::start().await;
    let first = aws.value("AWSCURRENT").await.version_id.unwrap();
    let second = aws.new_version("second", Some("AWSPENDING")).await;
    let (status, code, text) = aws
        .move_stage("AWSCURRENT", None, Some(&second))
        .await
        .unwrap_err();
    assert_eq!((status, code.as_str()), (400, "InvalidParameterException"));
    assert_eq!(
        text,
        format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version {first}, so you must explicitly reference that version in RemoveFromVersionId."
        )
    );
    let wrong = aws
        .move_stage("AWSCURRENT", Some(&second), Some(&second))
        .await;
    assert_eq!(wrong.unwrap_err().1, "InvalidParameterException");
    let removed = aws.move_stage("AWSCURRENT", Some(&first), None).await;
    assert_eq!(removed.unwrap_err().1, "InvalidParameterException");
    aws.move_stage("AWSCURRENT", Some(&first), Some(&second))
        .await
        .unwrap();
    assert_eq!(aws.stages(&first).await, ["AWSPREVIOUS"]);
    assert_eq!(aws.stages(&second).await, ["AWSCURRENT", "AWSPENDING"]);
    aws.move_stage("AWSPENDING", Some(&second), None)
        .await
        .unwrap();
    assert_eq!(aws.stages(&second).await, ["AWSCURRENT"]);
    // Back again: what was current is previous.
    aws.move_stage("AWSCURRENT", Some(&second), Some(&first))
        .await
        .unwrap();
    assert_eq!(
        (aws.stages(&first).await, aws.stages(&second).await),
        (
            vec!["AWSCURRENT".to_owned()],
            vec!["AWSPREVIOUS".to_owned()]
        )
    );
}

#[tokio::test]
async fn a_password_is_what_was_asked_for() {
    let aws = Aws::start().await;
    let plain = aws
        .secrets
        .get_random_password()
        .send()
        .await
        .unwrap()
        .random_password
        .unwrap();
    assert_eq!(plain.len(), 32);
    let asked = aws
        .secrets
        .get_random_password()
        .password_length(64)
        .exclude_punctuation(true)
        .exclude_characters("abc");
    let password = asked.send().await.unwrap().random_password.unwrap();
    assert_eq!(password.len(), 64);
    assert!(
        password
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() && !b"abc".contains(&byte)),
        "{password}"
    );
    for class in [char::is_uppercase, char::is_lowercase, char::is_numeric] {
        assert!(password.contains(class), "{password}");
    }
}

#[tokio::test]
async fn a_secret_can_be_made_once() {
    let aws = Aws::start().await;
    let create = || {
        aws.secrets
            .create_secret()
            .name("other")
            .secret_string("s")
            .send()
    };
    let made = create().await.unwrap();
    let found = aws
        .secrets
        .get_secret_value()
        .secret_id(made.arn.unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (found.secret_string(), found.version_id()),
        (Some("s"), made.version_id.as_deref())
    );
    assert_eq!(
        refusal(create().await),
        refused(
            400,
            "ResourceExistsException",
            "The operation failed because the secret other already exists."
        )
    );
}

#[tokio::test]
async fn a_restart_finds_secrets_endpoints_and_items_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let data = Some(directory.path().join("data"));
    let before = Aws::with(data.clone(), None).await;
    assert_eq!(
        before
            .post("secrets/rotate", json!({"secret": "clientSecret"}))
            .await
            .0,
        200
    );
    let (secret, arn) = (
        before.cloud.secret_value("clientSecret"),
        before.endpoint(super::GCM, "T").await,
    );
    before.put("P", &[]).await;
    let url = before.cloud.endpoint_url();
    drop(before);
    let started = Instant::now();
    while tokio::net::TcpStream::connect(url.trim_start_matches("http://"))
        .await
        .is_ok()
    {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "the endpoint still listens"
        );
        tokio::task::yield_now().await;
    }
    let after = Aws::with(data, None).await;
    assert_eq!(after.cloud.secret_value("clientSecret"), secret);
    assert_eq!(
        after.get("endpoints").await["endpoints"][0]["endpointArn"],
        json!(arn)
    );
    assert_eq!(after.items().await.len(), 1);
}

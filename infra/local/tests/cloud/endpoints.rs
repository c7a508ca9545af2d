//! Platform applications and their endpoints.

use super::publishing::gcm;
use super::{APNS, Aws, GCM, SANDBOX, refusal, refused};
use aws_sdk_sns::operation::create_platform_endpoint::builders::CreatePlatformEndpointFluentBuilder;
use serde_json::json;
use std::collections::{HashMap, HashSet};

const GONE: &str =
    "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified";

impl Aws {
    fn create(&self, application: &str, token: &str) -> CreatePlatformEndpointFluentBuilder {
        let create = self.sns.create_platform_endpoint();
        create.platform_application_arn(application).token(token)
    }

    async fn attributes(&self, arn: &str) -> HashMap<String, String> {
        let attributes = self.sns.get_endpoint_attributes().endpoint_arn(arn);
        attributes.send().await.unwrap().attributes.unwrap()
    }

    async fn set(&self, arn: &str, name: &str, value: &str) {
        let set = self.sns.set_endpoint_attributes().endpoint_arn(arn);
        set.attributes(name, value).send().await.unwrap();
    }

    async fn delete_endpoint(&self, arn: &str) {
        let delete = self.sns.delete_endpoint().endpoint_arn(arn);
        delete.send().await.unwrap();
    }
}

fn map(entries: &[(&str, &str)]) -> HashMap<String, String> {
    entries
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn creating_an_endpoint_again_without_attributes_gives_the_same_one() {
    let aws = Aws::start().await;
    let arn = aws.endpoint(GCM, "T").await;
    assert!(
        arn.starts_with("arn:aws:sns:us-east-1:000000000000:endpoint/GCM/userpush/"),
        "{arn}"
    );
    assert_eq!(aws.endpoint(GCM, "T").await, arn);
    assert_eq!(
        aws.attributes(&arn).await,
        map(&[("Enabled", "true"), ("Token", "T")])
    );
    assert_ne!(aws.endpoint(GCM, "U").await, arn);
    assert_ne!(
        aws.endpoint(APNS, "ab").await,
        aws.endpoint(SANDBOX, "ab").await
    );
}

#[tokio::test]
async fn creating_an_endpoint_with_other_attributes_names_the_one_that_is_there() {
    let aws = Aws::start().await;
    let arn = aws.endpoint(GCM, "T").await;
    let exists = |arn: &str| {
        let text = format!(
            "Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
        );
        refused(400, "InvalidParameter", &text)
    };
    assert_eq!(
        refusal(aws.create(GCM, "T").custom_user_data("alice").send().await),
        exists(&arn)
    );
    assert_eq!(
        refusal(
            aws.create(GCM, "T")
                .attributes("Enabled", "false")
                .send()
                .await
        ),
        exists(&arn)
    );
    let with = aws
        .create(GCM, "U")
        .custom_user_data("alice")
        .send()
        .await
        .unwrap();
    let with = with.endpoint_arn.unwrap();
    assert_eq!(aws.attributes(&with).await["CustomUserData"], "alice");
    assert_eq!(refusal(aws.create(GCM, "U").send().await), exists(&with));
    let same = aws
        .create(GCM, "U")
        .custom_user_data("alice")
        .send()
        .await
        .unwrap();
    assert_eq!(same.endpoint_arn.unwrap(), with);
}

#[tokio::test]
async fn a_disabled_endpoint_stays_disabled_until_it_is_enabled() {
    let aws = Aws::start().await;
    let arn = aws.endpoint(GCM, "T").await;
    aws.set(&arn, "Enabled", "false").await;
    assert_eq!(aws.endpoint(GCM, "T").await, arn);
    assert_eq!(aws.attributes(&arn).await["Enabled"], "false");
    assert_eq!(
        refusal(aws.publish(&arn, &gcm(100)).send().await),
        refused(400, "EndpointDisabled", "Endpoint is disabled")
    );
    aws.set(&arn, "Enabled", "true").await;
    aws.publish(&arn, &gcm(100)).send().await.unwrap();
    assert_eq!(aws.pushes("T").await.len(), 1);
}

#[tokio::test]
async fn a_deleted_endpoint_is_gone_and_its_token_gets_the_same_arn_again() {
    let aws = Aws::start().await;
    let arn = aws.endpoint(GCM, "T").await;
    aws.delete_endpoint(&arn).await;
    aws.delete_endpoint(&arn).await;
    let unknown = refused(404, "NotFound", "Endpoint does not exist");
    let get = aws
        .sns
        .get_endpoint_attributes()
        .endpoint_arn(&arn)
        .send()
        .await;
    assert_eq!(refusal(get), unknown);
    let set = aws
        .sns
        .set_endpoint_attributes()
        .endpoint_arn(&arn)
        .attributes("Enabled", "true");
    assert_eq!(refusal(set.send().await), unknown);
    assert_eq!(
        refusal(aws.publish(&arn, &gcm(100)).send().await),
        refused(400, "InvalidParameter", GONE)
    );
    assert_eq!(aws.endpoint(GCM, "T").await, arn);
}

#[tokio::test]
async fn an_arn_that_holds_another_token_is_not_given_out() {
    let aws = Aws::start().await;
    let arn = aws.endpoint(GCM, "T").await;
    aws.set(&arn, "Token", "U").await;
    assert_eq!(aws.attributes(&arn).await["Token"], "U");
    assert_eq!(aws.endpoint(GCM, "U").await, arn);
    let text = "Invalid parameter: This endpoint is already registered with a different token.";
    assert_eq!(
        refusal(aws.create(GCM, "T").send().await),
        refused(400, "InvalidParameter", text)
    );
    let other = aws.endpoint(GCM, "V").await;
    let taken = aws
        .sns
        .set_endpoint_attributes()
        .endpoint_arn(&other)
        .attributes("Token", "U");
    let text = format!(
        "Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
    );
    assert_eq!(
        refusal(taken.send().await),
        refused(400, "InvalidParameter", &text)
    );
}

#[tokio::test]
async fn tokens_are_held_to_the_limits_of_their_platform() {
    let aws = Aws::start().await;
    aws.endpoint(GCM, &"t".repeat(8192)).await;
    aws.endpoint(APNS, &"aF".repeat(200)).await;
    let long = "Invalid parameter: Token Reason: must be at most 8192 bytes long in UTF-8 encoding";
    let hexadecimal = "Invalid parameter: Token Reason: iOS device tokens must be no more than 400 hexadecimal characters";
    for (application, token, text) in [
        (GCM, "t".repeat(8193), long),
        (GCM, "ä".repeat(4097), long),
        (APNS, "a".repeat(401), hexadecimal),
        (SANDBOX, "xyz".to_owned(), hexadecimal),
    ] {
        let created = aws.create(application, &token).send().await;
        assert_eq!(refusal(created), refused(400, "InvalidParameter", text));
    }
}

#[tokio::test]
async fn an_application_that_is_not_there_is_not_found() {
    let aws = Aws::start().await;
    let arn = "arn:aws:sns:us-east-1:000000000000:app/GCM/other";
    let unknown = refused(404, "NotFound", "PlatformApplication does not exist");
    assert_eq!(refusal(aws.create(arn, "T").send().await), unknown);
    let get = aws
        .sns
        .get_platform_application_attributes()
        .platform_application_arn(arn);
    assert_eq!(refusal(get.send().await), unknown);
    let list = aws
        .sns
        .list_endpoints_by_platform_application()
        .platform_application_arn(arn);
    assert_eq!(refusal(list.send().await), unknown);
    let no_arn = "Invalid parameter: PlatformApplicationArn Reason: An ARN must have at least 6 elements, not 1";
    assert_eq!(
        refusal(aws.create("app", "T").send().await),
        refused(400, "InvalidParameter", no_arn)
    );
}

#[tokio::test]
async fn an_application_keeps_its_attributes_but_never_shows_credentials() {
    let aws = Aws::start().await;
    let create = aws
        .sns
        .create_platform_application()
        .name("new")
        .platform("GCM");
    let created = create
        .attributes("PlatformCredential", "key")
        .send()
        .await
        .unwrap();
    let arn = created.platform_application_arn.unwrap();
    let set = aws
        .sns
        .set_platform_application_attributes()
        .platform_application_arn(&arn);
    set.attributes("EventDeliveryFailure", "arn:topic")
        .send()
        .await
        .unwrap();
    let get = aws
        .sns
        .get_platform_application_attributes()
        .platform_application_arn(&arn);
    let shown = get.send().await.unwrap().attributes.unwrap();
    assert_eq!(
        shown,
        map(&[("Enabled", "true"), ("EventDeliveryFailure", "arn:topic")])
    );
}

#[tokio::test]
async fn endpoints_are_listed_page_by_page() {
    let aws = Aws::start().await;
    for n in 0..101 {
        aws.endpoint(GCM, &format!("T{n}")).await;
    }
    aws.endpoint(APNS, "ab").await;
    let list = aws
        .sns
        .list_endpoints_by_platform_application()
        .platform_application_arn(GCM);
    let first = list.clone().send().await.unwrap();
    assert_eq!(first.endpoints().len(), 100);
    let second = list
        .next_token(first.next_token().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!((second.endpoints().len(), second.next_token()), (1, None));
    let tokens: HashSet<_> = first
        .endpoints()
        .iter()
        .chain(second.endpoints())
        .map(|endpoint| endpoint.attributes().unwrap()["Token"].clone())
        .collect();
    assert_eq!(tokens.len(), 101);
}

#[tokio::test]
async fn a_call_that_is_not_known_is_said_to_be_so() {
    let aws = Aws::start().await;
    let (status, code, text) = refusal(aws.sns.list_topics().send().await);
    assert_eq!((status, code.as_str()), (400, "InvalidAction"));
    assert_eq!(
        text,
        "The action ListTopics is not valid for this web service."
    );
}

#[tokio::test]
async fn a_phone_can_be_switched_off_or_lost_by_hand() {
    let aws = Aws::start().await;
    let arn = aws.endpoint(GCM, "T").await;
    assert_eq!(
        aws.post("endpoints", json!({"token": "T", "enabled": false}))
            .await
            .0,
        200
    );
    assert_eq!(
        aws.get("endpoints").await,
        json!({"endpoints": [{"token": "T", "platform": "G", "endpointArn": arn, "enabled": false}]})
    );
    assert_eq!(
        aws.post("endpoints", json!({"token": "T", "deleted": true}))
            .await
            .0,
        200
    );
    assert_eq!(aws.get("endpoints").await, json!({"endpoints": []}));
    assert_eq!(
        aws.post("endpoints", json!({"token": "T", "deleted": true}))
            .await,
        (404, json!({"message": "no endpoint has this token"}))
    );
    assert_eq!(
        aws.post("endpoints", json!({"token": "T"})).await,
        (400, json!({"message": "give enabled, or deleted: true"}))
    );
}

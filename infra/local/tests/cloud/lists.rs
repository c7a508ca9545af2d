//! What operators and tools ask AWS for beyond what the functions do: lists, and applications that come and go.

use super::{APNS, Aws, GCM, SANDBOX, refusal, refused};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::HashMap;

impl Aws {
    async fn applications(&self) -> Vec<(String, HashMap<String, String>)> {
        let pages = self.sns.list_platform_applications().into_paginator();
        let listed = pages.items().send().collect::<Result<Vec<_>, _>>().await;
        let listed = listed.unwrap().into_iter();
        let shown = listed.map(|application| {
            let arn = application.platform_application_arn.unwrap();
            (arn, application.attributes.unwrap())
        });
        shown.collect()
    }

    /// What an application is refused for that is made with these attributes.
    async fn refused_with(
        &self,
        platform: &str,
        attributes: &[(&str, &str)],
    ) -> (u16, String, String) {
        let create = self.sns.create_platform_application();
        let mut create = create.name("new").platform(platform);
        for (name, value) in attributes {
            create = create.attributes(*name, *value);
        }
        refusal(create.send().await)
    }

    async fn post_raw(&self, headers: &[(&str, &str)], body: &'static str) -> (StatusCode, String) {
        let url = self.cloud.endpoint_url();
        let mut post = reqwest::Client::new().post(url).body(body);
        for (name, value) in headers {
            post = post.header(*name, *value);
        }
        let answer = post.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn applications_are_listed_page_by_page_with_their_attributes() {
    let aws = Aws::start().await;
    let enabled = HashMap::from([("Enabled".to_owned(), "true".to_owned())]);
    let ours = [APNS, SANDBOX, GCM].map(|arn| (arn.to_owned(), enabled.clone()));
    assert_eq!(aws.applications().await, ours);
    for n in 0..98 {
        let create = aws.sns.create_platform_application();
        let create = create.name(format!("n{n:02}")).platform("GCM");
        let create = create.attributes("PlatformCredential", "key");
        create.send().await.unwrap();
    }
    assert_eq!(aws.applications().await.len(), 101);
    let page = aws.sns.list_platform_applications().send().await.unwrap();
    assert_eq!(page.platform_applications().len(), 100);
    assert!(page.next_token().is_some());
}

#[tokio::test]
async fn an_application_goes_with_its_endpoints() {
    let aws = Aws::start().await;
    let endpoint = aws.endpoint(GCM, "T").await;
    let other = aws.endpoint(APNS, "ab").await;
    let delete = || {
        let delete = aws.sns.delete_platform_application();
        delete.platform_application_arn(GCM).send()
    };
    delete().await.unwrap();
    // That it is gone is no error.
    delete().await.unwrap();
    let listed = aws.applications().await;
    let left: Vec<_> = listed.iter().map(|(arn, _)| arn.as_str()).collect();
    assert_eq!(left, [APNS, SANDBOX]);
    let get = |arn: &str| aws.sns.get_endpoint_attributes().endpoint_arn(arn).send();
    assert_eq!(
        refusal(get(&endpoint).await),
        refused(404, "NotFound", "Endpoint does not exist")
    );
    assert!(get(&other).await.is_ok());
    // The functions may publish to the template's applications still.
    let publish = aws.sns.publish().target_arn(endpoint).message("m").send();
    assert_eq!(
        refusal(publish.await),
        refused(
            400,
            "InvalidParameter",
            "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"
        )
    );
}

#[tokio::test]
async fn an_application_needs_its_credentials() {
    let aws = Aws::start().await;
    let reason = |reason: &str| {
        let text = format!("Invalid parameter: Attributes Reason: {reason}");
        refused(400, "InvalidParameter", &text)
    };
    for attributes in [&[][..], &[("Enabled", "true")]] {
        for platform in ["GCM", "APNS"] {
            assert_eq!(
                aws.refused_with(platform, attributes).await,
                reason("PlatformCredential attribute required")
            );
        }
    }
    assert_eq!(
        aws.refused_with("GCM", &[("PlatformCredential", "")]).await,
        reason("Invalid value for attribute: PlatformCredential: cannot be empty")
    );
    assert_eq!(
        aws.refused_with("APNS", &[("PlatformCredential", "key")])
            .await,
        reason("PlatformCredential attribute provided without PlatformPrincipal")
    );
    assert_eq!(
        aws.refused_with("APNS", &[("PlatformPrincipal", "id")])
            .await,
        reason("PlatformPrincipal attribute provided without PlatformCredential")
    );
    assert_eq!(aws.applications().await.len(), 3);
}

#[tokio::test]
async fn sns_is_served_by_the_query_of_a_get_too() {
    let aws = Aws::start().await;
    let get = async |query: &str| {
        let url = format!("{}/?{query}", aws.cloud.endpoint_url());
        let answer = reqwest::get(url).await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let arn = GCM.replace(':', "%3A").replace('/', "%2F");
    let (status, xml) = get(&format!(
        "Action=CreatePlatformEndpoint&PlatformApplicationArn={arn}&Token=T&Version=2010-03-31"
    ))
    .await;
    assert_eq!(status, 200, "{xml}");
    let endpoint = aws.endpoint(GCM, "T").await;
    assert!(
        xml.contains(&format!("<EndpointArn>{endpoint}</EndpointArn>")),
        "{xml}"
    );
    let (status, xml) = get("Action=Nothing").await;
    assert_eq!(status, 400);
    let text = "<Code>InvalidAction</Code><Message>The action Nothing is not valid for this web service.</Message>";
    assert!(xml.contains(text), "{xml}");
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_are_listed_by_prefix_and_page() {
    let aws = Aws::start().await;
    let sqs = aws.sqs.clone();
    let list = |prefix: Option<&str>, most: Option<i32>| {
        let list = sqs.list_queues();
        let list = list.set_queue_name_prefix(prefix.map(str::to_owned));
        list.set_max_results(most)
    };
    let none = list(None, None).send().await.unwrap();
    assert_eq!((none.queue_urls, none.next_token), (None, None));
    let aws = aws.queues();
    let url = |name: &str| format!("https://sqs.us-east-1.amazonaws.com/000000000000/{name}");
    let both = list(None, None).send().await.unwrap();
    assert_eq!(both.queue_urls(), [url("dead"), url("jobs")]);
    let jobs = list(Some("jo"), None).send().await.unwrap();
    assert_eq!(jobs.queue_urls(), [url("jobs")]);
    let pages = list(None, Some(1)).into_paginator().items().send();
    let one_by_one: Vec<_> = pages.collect::<Result<_, _>>().await.unwrap();
    assert_eq!(one_by_one, [url("dead"), url("jobs")]);
    assert_eq!(
        refusal(list(None, Some(1001)).send().await),
        refused(
            400,
            "InvalidParameterValue",
            "Value 1001 for parameter MaxResults is invalid. Reason: Must be between 1 and 1000, if provided."
        )
    );
    let sources = |name: &str| {
        let list = aws.sqs.list_dead_letter_source_queues();
        list.queue_url(url(name)).send()
    };
    assert_eq!(sources("dead").await.unwrap().queue_urls(), [url("jobs")]);
    assert!(sources("jobs").await.unwrap().queue_urls().is_empty());
}

#[tokio::test]
async fn secrets_are_listed_by_name_and_page_and_versions_by_secret() {
    let aws = Aws::start().await;
    let names = async |filter: Option<(FilterNameStringType, &str)>, most| {
        let filter = filter.map(|(key, value)| Filter::builder().key(key).values(value).build());
        let list = aws
            .secrets
            .list_secrets()
            .set_filters(filter.map(|filter| vec![filter]));
        let pages = list.max_results(most).into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await?;
        let listed = pages.into_iter().flat_map(|page| page.secret_list.unwrap());
        let names = listed.map(|secret| secret.name.unwrap());
        Ok(names.collect::<Vec<_>>())
    };
    let (app, client) = ("userpush/appSecret", "userpush/clientSecret");
    assert_eq!(names(None, 100).await.unwrap(), [app, client]);
    assert_eq!(names(None, 1).await.unwrap(), [app, client]);
    let by_name = |value| Some((FilterNameStringType::Name, value));
    assert_eq!(names(by_name("userpush/c"), 1).await.unwrap(), [client]);
    assert_eq!(names(by_name("!userpush/c"), 1).await.unwrap(), [app]);
    assert_eq!(
        refusal(names(Some((FilterNameStringType::TagKey, "x")), 1).await),
        refused(
            400,
            "InvalidParameterException",
            r#"The filter "tag-key" is not served here; the key must be name."#
        )
    );
    assert_eq!(
        refusal(names(None, 101).await).1,
        "InvalidParameterException"
    );

    let versions = async |all| {
        let list = aws.secrets.list_secret_version_ids().secret_id(app);
        let list = list.include_deprecated(all).send().await.unwrap();
        list.versions().len()
    };
    for secret in ["1", "2"] {
        let put = aws.secrets.put_secret_value().secret_id(app);
        put.secret_string(secret).send().await.unwrap();
    }
    assert_eq!((versions(false).await, versions(true).await), (2, 3));
}

#[tokio::test]
async fn an_operation_that_is_not_served_is_named_in_the_shape_of_its_protocol() {
    let aws = Aws::start().await.queues();
    let topic = aws.sns.create_topic().name("t").send();
    assert_eq!(
        refusal(topic.await),
        refused(
            400,
            "InvalidAction",
            "The action CreateTopic is not valid for this web service."
        )
    );
    let queue = aws.sqs.create_queue().queue_name("q").send();
    assert_eq!(
        refusal(queue.await),
        refused(
            400,
            "InvalidAction",
            "The action CreateQueue is not valid for this endpoint."
        )
    );
    let secret = aws.secrets.delete_secret().secret_id("s").send();
    assert_eq!(
        refusal(secret.await),
        refused(
            400,
            "UnknownOperationException",
            "The operation DeleteSecret is not served here."
        )
    );
    let backups = aws.dynamodb.list_backups().send();
    assert_eq!(
        refusal(backups.await),
        refused(
            400,
            "UnknownOperationException",
            "The operation ListBackups is not served here."
        )
    );
    let form = ("content-type", "application/x-www-form-urlencoded");
    let (status, xml) = aws.post_raw(&[form], "Version=2010-03-31").await;
    assert_eq!(status, 400);
    assert!(xml.contains("<Code>MissingAction</Code>"), "{xml}");
    for (headers, called) in [
        (
            &[("x-amz-target", "Logs_20140328.PutLogEvents")][..],
            "Logs_20140328.PutLogEvents",
        ),
        (&[], "POST /"),
    ] {
        let (status, body) = aws.post_raw(headers, "{}").await;
        assert_eq!(status, 400);
        let body: Value = serde_json::from_str(&body).unwrap();
        let text = format!(
            "{called} is not served here, only DynamoDB, Secrets Manager, SNS and SQS are."
        );
        let kind = "com.amazon.coral.service#UnknownOperationException";
        assert_eq!(body, json!({"__type": kind, "message": text}));
    }
}

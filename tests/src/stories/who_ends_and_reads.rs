//! Who may read and end a device: the rest of the table of who may do what.

use crate::answer::{NOT_FOUND, UNAUTHORIZED};
use crate::api::Api;
use crate::cast::{Cast, EVERYONE, With};
use crate::phone::{Phone, user};
use crate::story::{Story, own, shared};
use reqwest::Method;
use serde_json::json;

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_bound_device_is_read_by_its_user),
        shared(a_device_of_nobody_is_read_by_whoever_is_trusted),
        shared(an_unknown_device_is_not_found_by_anyone),
        shared(a_device_of_nobody_is_ended_by_everyone),
        shared(a_bound_device_is_ended_by_its_user),
        shared(an_unknown_device_cannot_be_ended),
        shared(an_unknown_device_cannot_be_updated),
        own(
            "it moves the clock",
            &[],
            an_expired_secret_of_init_logs_out_and_reads_nothing,
        ),
    ]
}

const fn trusted(with: With) -> bool {
    matches!(
        with,
        With::Provisioned | With::AppSecret | With::AppSecretBesideForged
    )
}

const fn genuine(with: With) -> bool {
    !matches!(with, With::Forged | With::Malformed)
}

async fn a_bound_device_is_read_by_its_user(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    let route = format!("/devices/{}", phone.device);
    let whole = api.read(&phone, Some(cast.own())).await.ok(200);
    assert_eq!(whole["userId"], cast.alice);
    for with in EVERYONE {
        let answer = cast.call(with, Method::GET, &route).send().await;
        if trusted(with) || with == With::Own {
            answer.is(200, &whole);
        } else {
            answer.refused(NOT_FOUND);
        }
    }
}

async fn a_device_of_nobody_is_read_by_whoever_is_trusted(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_nobody().await;
    let route = format!("/devices/{}", phone.device);
    for with in EVERYONE {
        let answer = cast.call(with, Method::GET, &route).send().await;
        if trusted(with) {
            assert_eq!(answer.ok(200)["userId"], "anonymous", "{with:?}");
        } else {
            answer.refused(NOT_FOUND);
        }
    }
}

async fn an_unknown_device_is_not_found_by_anyone(api: Api) {
    let cast = Cast::new(&api).await;
    let route = format!("/devices/{}", Phone::android().device);
    for with in EVERYONE {
        let answer = cast.call(with, Method::GET, &route).send().await;
        answer.refused(NOT_FOUND);
    }
}

async fn a_device_of_nobody_is_ended_by_everyone(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let phone = cast.phone_of_nobody().await;
        let route = format!("/devices/{}", phone.device);
        let answer = cast.call(with, Method::DELETE, &route).send().await;
        if genuine(with) {
            answer.empty(204);
            api.read(&phone, Some(api.client_secret()))
                .await
                .refused(NOT_FOUND);
        } else {
            answer.refused(UNAUTHORIZED);
            api.holds(&phone, None).await;
        }
    }
}

async fn a_bound_device_is_ended_by_its_user(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let phone = cast.phone_of_alice().await;
        let route = format!("/devices/{}", phone.device);
        let answer = cast.call(with, Method::DELETE, &route).send().await;
        match with {
            With::Own
            | With::Expired
            | With::Provisioned
            | With::AppSecret
            | With::AppSecretBesideForged => {
                answer.empty(204);
                api.read(&phone, Some(api.client_secret()))
                    .await
                    .refused(NOT_FOUND);
                continue;
            }
            With::Another | With::AnotherExpired => answer.refused(NOT_FOUND),
            With::Nothing | With::TheWordAnonymous | With::Forged | With::Malformed => {
                answer.refused(UNAUTHORIZED);
            }
        }
        api.holds(&phone, Some(&cast.alice)).await;
        api.unregister(&phone, Some(cast.own())).await.empty(204);
    }
    let nobody = json!({"message": {"alert": "Hi"}, "target": {"userIds": [cast.alice]}});
    assert_eq!(
        api.send(&nobody).await.ok(202)["recipients"],
        json!({&cast.alice: 0})
    );
}

async fn an_unknown_device_cannot_be_ended(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let route = format!("/devices/{}", Phone::android().device);
        let answer = cast.call(with, Method::DELETE, &route).send().await;
        answer.refused(if genuine(with) {
            NOT_FOUND
        } else {
            UNAUTHORIZED
        });
    }
}

async fn an_unknown_device_cannot_be_updated(api: Api) {
    let cast = Cast::new(&api).await;
    for with in [With::Provisioned, With::Own, With::AppSecret] {
        let phone = Phone::android();
        let answer = cast.put(with, &phone, Some(&cast.alice)).send().await;
        answer.refused(NOT_FOUND);
        api.holds_no_trace(&[&phone.device, &phone.token]).await;
    }
    for with in EVERYONE.into_iter().filter(|with| genuine(*with)) {
        let phone = Phone::android();
        cast.put(with, &phone, None).send().await.refused(NOT_FOUND);
        api.holds_no_trace(&[&phone.device, &phone.token]).await;
    }
}

async fn an_expired_secret_of_init_logs_out_and_reads_nothing(api: Api) {
    let (alice, bob, phone) = (user("alice"), user("bob"), Phone::android());
    let (early, his) = (api.secret(&alice).await, api.secret(&bob).await);
    api.register(&phone, Some(&alice), Some(&early))
        .await
        .ok(201);
    api.advance(24 * 3600 + 1).await;
    let cast = Cast::new(&api).await.with_expired(early.clone());
    api.read(&phone, Some(&early)).await.refused(NOT_FOUND);
    api.unregister(&phone, Some(&his)).await.refused(NOT_FOUND);
    api.holds(&phone, Some(&alice)).await;
    let route = format!("/devices/{}", phone.device);
    let logout = cast.call(With::Expired, Method::DELETE, &route);
    logout.send().await.empty(204);
    api.unregister(&phone, Some(&early)).await.empty(204);
    api.register(&phone, Some(&alice), Some(&early))
        .await
        .refused(UNAUTHORIZED);
}

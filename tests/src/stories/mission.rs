//! The mission: a push reaches the devices of the person who is logged in, and nobody else's.

use crate::api::Api;
use crate::jwt::uid;
use crate::phone::{Phone, user};
use crate::story::{Story, shared};
use serde_json::json;

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_user_who_logged_in_gets_her_push),
        shared(an_iphone_gets_its_push),
        shared(a_phone_that_changed_hands_gets_only_the_new_users_pushes),
        shared(after_logout_nothing_arrives),
        shared(an_anonymous_registration_of_the_same_phone_is_a_logout),
        shared(a_reinstalled_app_takes_over_its_token),
        shared(a_reinstalled_app_of_another_user_takes_the_token_along),
        shared(two_phones_of_one_user_both_get_the_push),
        shared(a_refreshed_token_gets_the_pushes_of_the_old_one),
        shared(a_phone_goes_back_and_forth_between_two_users),
        shared(an_anonymous_device_gets_pushes_by_its_id_only),
        shared(a_user_logs_in_again_after_a_logout),
    ]
}

async fn a_user_who_logged_in_gets_her_push(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    let device = api.register(&phone, Some(&alice), Some(&secret)).await;
    let device = device.ok(201);
    let (created, href) = (&device["createdTime"], &device["href"]);
    assert_eq!(
        device,
        json!({"deviceId": phone.device, "userId": alice, "token": phone.token, "platform": "G",
            "createdTime": created, "lastUpdatedTime": created, "createdMode": "API", "href": href})
    );
    let created = created.as_str().unwrap();
    assert!(created.len() == 20 && created.ends_with('Z'), "{created}");
    let href = href.as_str().unwrap();
    assert!(href.starts_with("http"), "{href}");
    assert!(href.ends_with(&api.path(&format!("/devices/{}", phone.device))));

    let message = json!({"message": {"alert": "Hello"}, "target": {"userIds": [alice]}});
    let sent = api.send(&message).await.ok(202);
    let id = sent["messageId"].as_str().unwrap();
    assert!(
        id.len() == 8 && id.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{id}"
    );
    assert_eq!(sent["message"]["message"], message["message"]);
    assert_eq!(sent["message"]["target"], message["target"]);
    assert_eq!(sent["recipients"], json!({&alice: 1}));

    let [push] = &api.pushes(&phone).await[..] else {
        panic!("not one push: {:?}", api.pushes(&phone).await)
    };
    assert_eq!(
        push.payload(),
        json!({"nid": id, "uid": uid(api.application(), &alice)})
    );
    assert_eq!(
        push.data(),
        &json!({"alert": "Hello", "payload": push.data()["payload"], "has-template": "0"})
    );
}

async fn an_iphone_gets_its_push(api: Api) {
    let (alice, phone) = (user("alice"), Phone::iphone());
    let secret = api.secret(&alice).await;
    let device = api
        .register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    assert_eq!(device["platform"], "A");
    let id = api.tell(&[&alice], "Hello").await;

    let [push] = &api.pushes(&phone).await[..] else {
        panic!("not one push: {:?}", api.pushes(&phone).await)
    };
    assert_eq!(
        push.payload(),
        json!({"nid": id, "uid": uid(api.application(), &alice)})
    );
    assert_eq!(
        push.0["payload"]["aps"],
        json!({"alert": {"body": "Hello"}})
    );
    assert_eq!(push.0["payload"]["has-template"], 0);
    let attributes = push.0["attributes"].to_string();
    for (name, value) in [
        ("AWS.SNS.MOBILE.APNS.PUSH_TYPE", "alert"),
        ("AWS.SNS.MOBILE.APNS.PRIORITY", "10"),
        ("AWS.SNS.MOBILE.APNS.COLLAPSE_ID", id.as_str()),
    ] {
        assert_eq!(push.0["attributes"][name], value, "{attributes}");
    }
}

async fn a_phone_that_changed_hands_gets_only_the_new_users_pushes(api: Api) {
    let (alice, bob, tablet) = (user("alice"), user("bob"), Phone::android());
    let (hers, his) = (api.secret(&alice).await, api.secret(&bob).await);
    api.register(&tablet, Some(&alice), Some(&hers))
        .await
        .ok(201);
    let first = api.read(&tablet, Some(&hers)).await.ok(200);
    api.update(&tablet, Some(&bob), Some(&his)).await.ok(200);
    api.holds(&tablet, Some(&bob)).await;
    let second = api.read(&tablet, Some(&his)).await.ok(200);
    assert_eq!(first["createdTime"], second["createdTime"]);

    let sent = json!({"message": {"alert": "Hello"}, "target": {"userIds": [alice, bob]}});
    let sent = api.send(&sent).await.ok(202);
    assert_eq!(sent["recipients"], json!({&alice: 0, &bob: 1}));
    let pushes = api.pushes(&tablet).await;
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0].payload()["uid"], uid(api.application(), &bob));

    api.tell(&[&alice], "for alice alone").await;
    assert_eq!(api.shown(&tablet).await, ["Hello"]);
}

async fn after_logout_nothing_arrives(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    api.tell(&[&alice], "before").await;
    api.unregister(&phone, Some(&secret)).await.empty(204);

    let sent = json!({"message": {"alert": "after"}, "target": {"userIds": [alice]}});
    assert_eq!(
        api.send(&sent).await.ok(202)["recipients"],
        json!({&alice: 0})
    );
    let by_device = json!({"message": {"alert": "after"}, "target": {"deviceIds": [phone.device]}});
    api.send(&by_device).await.ok(202);
    assert_eq!(api.shown(&phone).await, ["before"]);
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(crate::answer::NOT_FOUND);
    // A repeated logout, whose first answer was lost, is answered as the first.
    api.unregister(&phone, Some(&secret)).await.empty(204);
}

async fn an_anonymous_registration_of_the_same_phone_is_a_logout(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let device = api.register(&phone, None, None).await.ok(201);
    assert_eq!(device["userId"], "anonymous");
    api.holds(&phone, None).await;
    api.tell(&[&alice], "after").await;
    assert_eq!(api.shown(&phone).await, [""; 0]);
}

async fn a_reinstalled_app_takes_over_its_token(api: Api) {
    let (alice, phone) = (user("alice"), Phone::iphone());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let again = phone.reinstalled();
    api.register(&again, Some(&alice), Some(&secret))
        .await
        .ok(201);
    api.holds(&again, Some(&alice)).await;
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(crate::answer::NOT_FOUND);
    api.tell(&[&alice], "once").await;
    assert_eq!(api.shown(&phone).await, ["once"]);
}

async fn a_reinstalled_app_of_another_user_takes_the_token_along(api: Api) {
    let (alice, bob, phone) = (user("alice"), user("bob"), Phone::android());
    let (hers, his) = (api.secret(&alice).await, api.secret(&bob).await);
    api.register(&phone, Some(&alice), Some(&hers))
        .await
        .ok(201);
    let again = phone.reinstalled();
    api.register(&again, Some(&bob), Some(&his)).await.ok(201);
    let sent = json!({"message": {"alert": "to both"}, "target": {"userIds": [alice, bob]}});
    let sent = api.send(&sent).await.ok(202);
    assert_eq!(sent["recipients"], json!({&alice: 0, &bob: 1}));
    assert_eq!(api.shown(&phone).await, ["to both"]);
    // The old app wakes up once more: it takes its token back, and bob's device ends.
    api.register(&phone, Some(&alice), Some(&hers))
        .await
        .ok(201);
    api.read(&again, Some(api.client_secret()))
        .await
        .refused(crate::answer::NOT_FOUND);
    api.holds(&phone, Some(&alice)).await;
}

async fn two_phones_of_one_user_both_get_the_push(api: Api) {
    let (alice, phones) = (user("alice"), [Phone::android(), Phone::iphone()]);
    let secret = api.secret(&alice).await;
    for phone in &phones {
        api.register(phone, Some(&alice), Some(&secret))
            .await
            .ok(201);
    }
    let sent = json!({"message": {"alert": "both"}, "target": {"userIds": [alice]}});
    let sent = api.send(&sent).await.ok(202);
    assert_eq!(sent["recipients"], json!({&alice: 2}));
    for phone in &phones {
        assert_eq!(api.shown(phone).await, ["both"]);
    }
    api.unregister(&phones[0], Some(&secret)).await.empty(204);
    api.tell(&[&alice], "one").await;
    assert_eq!(api.shown(&phones[0]).await, ["both"]);
    assert_eq!(api.shown(&phones[1]).await, ["both", "one"]);
}

async fn a_refreshed_token_gets_the_pushes_of_the_old_one(api: Api) {
    let (alice, phone) = (user("alice"), Phone::iphone());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let fresh = phone.refreshed();
    // iOS sends no platform.
    let body = json!({"deviceId": fresh.device, "token": fresh.token, "userId": alice});
    let put = api.device(reqwest::Method::PUT, &fresh, Some(&secret));
    let device = put.json(&body).send().await.ok(200);
    assert_eq!(
        (&device["token"], &device["platform"]),
        (&json!(fresh.token), &json!("A"))
    );
    api.tell(&[&alice], "fresh").await;
    assert_eq!(api.shown(&fresh).await, ["fresh"]);
    assert_eq!(api.shown(&phone).await, [""; 0]);
    // The old token is free: another device may come with it, and this one stays.
    let other = phone.reinstalled();
    api.register(&other, None, None).await.ok(201);
    api.holds(&fresh, Some(&alice)).await;
}

async fn a_phone_goes_back_and_forth_between_two_users(api: Api) {
    let (alice, bob, tablet) = (user("alice"), user("bob"), Phone::android());
    let (hers, his) = (api.secret(&alice).await, api.secret(&bob).await);
    let mut expected = Vec::new();
    for round in 0..3 {
        for (name, secret) in [(&alice, &hers), (&bob, &his)] {
            api.register(&tablet, Some(name), Some(secret))
                .await
                .ok(201);
            let alert = format!("{round} for {name}");
            let sent = json!({"message": {"alert": alert}, "target": {"userIds": [name]}});
            assert_eq!(
                api.send(&sent).await.ok(202)["recipients"],
                json!({name: 1})
            );
            expected.push(alert);
            let other = if *name == alice { &bob } else { &alice };
            let sent = json!({"message": {"alert": "no"}, "target": {"userIds": [other]}});
            assert_eq!(
                api.send(&sent).await.ok(202)["recipients"],
                json!({other: 0})
            );
        }
    }
    assert_eq!(api.shown(&tablet).await, expected);
}

async fn an_anonymous_device_gets_pushes_by_its_id_only(api: Api) {
    let phone = Phone::android();
    let device = api.register(&phone, None, None).await.ok(201);
    assert_eq!(device["userId"], "anonymous");
    let sent = json!({"message": {"alert": "by id"}, "target": {"deviceIds": [phone.device]}});
    let id = api.send(&sent).await.ok(202)["messageId"].clone();
    let pushes = api.pushes(&phone).await;
    assert_eq!(pushes.len(), 1);
    // A send by device id promises nothing about the owner: no `uid`.
    assert_eq!(pushes[0].payload(), json!({"nid": id}));
    api.unregister(&phone, None).await.empty(204);
    api.send(&sent).await.ok(202);
    assert_eq!(api.shown(&phone).await, ["by id"]);
}

async fn a_user_logs_in_again_after_a_logout(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    for round in ["one", "two"] {
        api.register(&phone, Some(&alice), Some(&secret))
            .await
            .ok(201);
        api.tell(&[&alice], round).await;
        api.unregister(&phone, Some(&secret)).await.empty(204);
        api.tell(&[&alice], "logged out").await;
    }
    assert_eq!(api.shown(&phone).await, ["one", "two"]);
}

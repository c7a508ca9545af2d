//! What ids and tokens may be: both sides of every limit, and nothing is changed by what is refused.

use super::registration_input::tried;
use crate::answer::NOT_FOUND;
use crate::api::Api;
use crate::noted::note;
use crate::phone::{Phone, device, random_hex, user};
use crate::story::{Story, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_device_id_is_taken_on_both_sides_of_each_limit),
        shared(a_user_id_is_taken_on_both_sides_of_each_limit),
        shared(a_user_id_is_kept_as_it_is),
        shared(a_user_id_that_is_nothing_means_nobody),
        shared(an_apns_token_is_taken_on_both_sides_of_each_limit),
        shared(an_apns_token_is_the_same_in_any_case),
        shared(an_fcm_token_is_taken_on_both_sides_of_each_limit),
    ]
}

async fn a_device_id_is_taken_on_both_sides_of_each_limit(api: Api) {
    let unique = random_hex(8);
    let long = "d".repeat(128 - unique.len());
    for good in [
        format!("{unique}{long}"),
        format!("{unique}.b_c~d:e@f+g=h,i!j$k*l(m)n'o-p"),
        format!("Null{unique}"),
    ] {
        let phone = Phone {
            device: good,
            ..Phone::android()
        };
        tried(&api, &phone.body(None), None).await;
        api.holds(&phone, None).await;
        api.unregister(&phone, None).await.empty(204);
    }
    for bad in [
        String::new(),
        format!("{unique}{long}d"),
        format!("{unique} b"),
        format!("{unique}/b"),
        format!("{unique}%b"),
        format!("{unique}%2Fb"),
        format!("{unique}%3Fb"),
        format!("{unique}?b"),
        format!("{unique}#b"),
        format!("{unique}&b"),
        format!("{unique};b"),
        format!("{unique}\"b"),
        format!("{unique}\\b"),
        format!("{unique}é"),
        format!("{unique}\n"),
        format!("{unique}\0"),
        "null".to_owned(),
        "undefined".to_owned(),
        "(null)".to_owned(),
        "report".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
    ] {
        let phone = Phone {
            device: bad.clone(),
            ..Phone::android()
        };
        tried(&api, &phone.body(None), Some(("deviceId", &bad))).await;
    }
}

async fn a_user_id_is_taken_on_both_sides_of_each_limit(api: Api) {
    let unique = user("u");
    let fill =
        |count: usize, with: &str| note(format!("{unique}{}", with.repeat(count - unique.len())));
    for good in [fill(254, "u"), fill(254, "é"), fill(254, "😀"), note("~")] {
        let phone = Phone::android();
        tried(&api, &phone.body(Some(&good)), None).await;
        api.holds(&phone, Some(&good)).await;
        api.unregister(&phone, Some(api.client_secret()))
            .await
            .empty(204);
    }
    for bad in [
        fill(255, "u"),
        fill(255, "é"),
        fill(255, "😀"),
        format!("{unique}\0"),
        format!("{unique}\n"),
        format!("{unique}\u{7f}"),
        format!("{unique}\u{85}"),
        "anonymous".to_owned(),
    ] {
        let phone = Phone::android();
        // The rule that is told holds this one word itself.
        let value = if bad == "anonymous" { "" } else { &bad };
        tried(&api, &phone.body(Some(&bad)), Some(("userId", value))).await;
        api.holds_no_trace(&[&phone.device]).await;
    }
}

async fn a_user_id_is_kept_as_it_is(api: Api) {
    let name = user("Alice");
    let alike = [
        name.clone(),
        note(name.to_lowercase()),
        note(format!(" {name}")),
        note(format!("{name} ")),
        note(format!("{name}\u{301}")),
        note(format!("{name}#/?%")),
    ];
    let mut phones = Vec::new();
    for user in &alike {
        let (phone, secret) = (Phone::android(), api.secret(user).await);
        api.register(&phone, Some(user), Some(&secret))
            .await
            .ok(201);
        api.holds(&phone, Some(user)).await;
        phones.push(phone);
    }
    for (user, phone) in alike.iter().zip(&phones) {
        let message = json!({"message": {"alert": user}, "target": {"userIds": [user]}});
        assert_eq!(
            api.send(&message).await.ok(202)["recipients"],
            json!({user: 1})
        );
        assert_eq!(api.shown(phone).await, [user.as_str()]);
    }
}

async fn a_user_id_that_is_nothing_means_nobody(api: Api) {
    for nothing in [json!(""), Value::Null] {
        let phone = Phone::android();
        let mut body = phone.body(None);
        body["userId"] = nothing;
        let post = api.call(Method::POST, "/devices").json(&body);
        assert_eq!(post.send().await.ok(201)["userId"], "anonymous");
    }
}

async fn an_apns_token_is_taken_on_both_sides_of_each_limit(api: Api) {
    let token = |length: usize| note(random_hex(length.div_ceil(2))[..length].to_owned());
    for good in [token(64), token(66), token(400)] {
        let phone = Phone {
            token: good,
            ..Phone::iphone()
        };
        tried(&api, &phone.body(None), None).await;
    }
    for bad in [
        String::new(),
        token(62),
        token(65),
        token(399),
        token(402),
        format!("{}g0", token(62)),
        format!("<{}>", token(64)),
        format!("{} {}", token(32), token(31)),
        format!("{}é", token(62)),
    ] {
        let phone = Phone {
            token: bad.clone(),
            ..Phone::iphone()
        };
        tried(&api, &phone.body(None), Some(("token", &bad))).await;
        api.holds_no_trace(&[&phone.device]).await;
    }
}

async fn an_apns_token_is_the_same_in_any_case(api: Api) {
    let phone = Phone::iphone();
    let loud = Phone {
        device: device(),
        token: note(phone.token.to_uppercase()),
        ..phone.clone()
    };
    api.register(&phone, None, None).await.ok(201);
    api.register(&loud, None, None).await.ok(201);
    // It is one token: the first device ended, and the second shows it as it was sent.
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
    api.holds(&loud, None).await;
    let message =
        json!({"message": {"alert": "Hi"}, "target": {"deviceIds": [phone.device, loud.device]}});
    api.send(&message).await.ok(202);
    let all = api.control(Method::GET, "/pushes", None).await.to_string();
    assert_eq!(
        all.to_lowercase().matches(&phone.token).count(),
        1,
        "one push"
    );
}

async fn an_fcm_token_is_taken_on_both_sides_of_each_limit(api: Api) {
    let token = |length: usize| note(random_hex(length.div_ceil(2))[..length].to_owned());
    for good in [
        token(32),
        token(4096),
        note(format!("{}:-_!\"#%&/\\~", token(32))),
    ] {
        let phone = Phone {
            token: good,
            ..Phone::android()
        };
        tried(&api, &phone.body(None), None).await;
    }
    for bad in [
        String::new(),
        token(31),
        token(4097),
        format!("{} {}", token(32), token(32)),
        format!("{}\n", token(32)),
        format!("{}\u{7f}", token(32)),
        format!("{}é", token(32)),
    ] {
        let phone = Phone {
            token: bad.clone(),
            ..Phone::android()
        };
        tried(&api, &phone.body(None), Some(("token", &bad))).await;
        api.holds_no_trace(&[&phone.device]).await;
    }
}

//! A binding whose logout never came ends by itself; an app that is alive renews it.

use crate::answer::NOT_FOUND;
use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, alone, own};
use reqwest::Method;
use serde_json::json;

const CLOCK: &str = "it moves the clock";
const DAY: u64 = 86_400;

pub(super) fn stories() -> Vec<Story> {
    vec![
        own(CLOCK, &[], past_its_lease_a_device_is_nobodys),
        own(CLOCK, &[], past_its_lease_and_a_month_a_device_is_unknown),
        own(CLOCK, &[], a_registration_past_half_of_the_lease_renews_it),
        own(CLOCK, &[], a_read_past_half_of_the_lease_renews_it),
        own(CLOCK, &[], a_read_by_a_backend_renews_nothing),
        own(
            CLOCK,
            &["BindingLeaseDays=1"],
            a_lease_is_as_long_as_its_parameter_says,
        ),
        alone(
            "it deletes what has expired",
            &["BindingLeaseDays=2"],
            what_a_sweep_deletes_is_not_missed,
        ),
        own(CLOCK, &[], a_week_later_the_endpoint_is_looked_at_again),
        own(
            "it needs a parameter",
            &["BindingsNotBefore=4000000000"],
            a_user_from_before_a_restore_does_not_count,
        ),
        own(
            "it needs a parameter",
            &["MaxDevicesPerUser=2"],
            one_device_too_many_ends_the_oldest,
        ),
        own(
            "it needs a parameter",
            &["MaxDevicesPerUser=2"],
            a_send_does_not_wait_for_the_end_of_surplus_devices,
        ),
        own(
            "it needs a parameter",
            &["MaxDevicesPerUser=2"],
            a_device_that_registers_while_it_is_one_too_many_does_not_end,
        ),
    ]
}

/// A phone of Alice's, bound now.
async fn bound(api: &Api) -> (String, Phone) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    (alice, phone)
}

async fn reached(api: &Api, user: &str) -> u64 {
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [user]}});
    let sent = api.send(&message).await.ok(202);
    sent["recipients"][user].as_u64().unwrap()
}

async fn past_its_lease_a_device_is_nobodys(api: Api) {
    let (alice, phone) = bound(&api).await;
    api.advance(270 * DAY - 60).await;
    assert_eq!(reached(&api, &alice).await, 1);
    api.advance(61).await;
    assert_eq!(reached(&api, &alice).await, 0);
    api.holds(&phone, None).await;
    let by_device = json!({"message": {"alert": "by id"}, "target": {"deviceIds": [phone.device]}});
    api.send(&by_device).await.ok(202);
    assert_eq!(api.shown(&phone).await, ["Hi", "by id"]);
    // It is nobody's: another user's login needs no right of alice's, and ends nothing.
    let bob = user("bob");
    let his = api.secret(&bob).await;
    api.update(&phone, Some(&bob), Some(&his)).await.ok(200);
    assert_eq!(
        (reached(&api, &alice).await, reached(&api, &bob).await),
        (0, 1)
    );
}

async fn past_its_lease_and_a_month_a_device_is_unknown(api: Api) {
    let (alice, phone) = bound(&api).await;
    api.advance(300 * DAY - 60).await;
    api.holds(&phone, None).await;
    api.advance(61).await;
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
    api.unregister(&phone, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    assert_eq!(reached(&api, &alice).await, 1);
}

async fn a_registration_past_half_of_the_lease_renews_it(api: Api) {
    let (alice, phone) = bound(&api).await;
    for _ in 0..3 {
        api.advance(136 * DAY).await;
        let secret = api.secret(&alice).await;
        api.register(&phone, Some(&alice), Some(&secret))
            .await
            .ok(201);
    }
    api.advance(269 * DAY).await;
    assert_eq!(reached(&api, &alice).await, 1);
    api.advance(2 * DAY).await;
    assert_eq!(reached(&api, &alice).await, 0);
}

async fn a_read_past_half_of_the_lease_renews_it(api: Api) {
    let (alice, phone) = bound(&api).await;
    api.advance(134 * DAY).await;
    let secret = api.secret(&alice).await;
    api.forget_calls().await;
    api.read(&phone, Some(&secret)).await.ok(200);
    assert_eq!(api.calls().await.get("dynamodb.TransactWriteItems"), None);
    api.advance(2 * DAY).await;
    let secret = api.secret(&alice).await;
    api.forget_calls().await;
    let device = api.read(&phone, Some(&secret)).await.ok(200);
    assert_eq!(device["userId"], alice);
    let calls = api.calls().await;
    assert_eq!(calls["dynamodb.TransactWriteItems"], 1, "{calls}");
    let sns = calls
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| name.starts_with("sns."));
    assert_eq!(sns.count(), 0, "a read makes no call to SNS: {calls}");
    api.advance(269 * DAY).await;
    assert_eq!(reached(&api, &alice).await, 1);
}

async fn a_read_by_a_backend_renews_nothing(api: Api) {
    let (alice, phone) = bound(&api).await;
    api.advance(200 * DAY).await;
    api.read(&phone, Some(api.client_secret())).await.ok(200);
    let read = api.device(Method::GET, &phone, None).backend(&api);
    read.send().await.ok(200);
    let other = api.secret(&user("bob")).await;
    api.read(&phone, Some(&other)).await.refused(NOT_FOUND);
    api.advance(71 * DAY).await;
    assert_eq!(reached(&api, &alice).await, 0);
}

async fn a_lease_is_as_long_as_its_parameter_says(api: Api) {
    let (alice, _) = bound(&api).await;
    api.advance(DAY - 60).await;
    assert_eq!(reached(&api, &alice).await, 1);
    api.advance(61).await;
    assert_eq!(reached(&api, &alice).await, 0);
}

async fn what_a_sweep_deletes_is_not_missed(api: Api) {
    let (alice, phones) = (
        user("alice"),
        [Phone::android(), Phone::iphone(), Phone::android()],
    );
    let secret = Some(api.client_secret());
    for phone in &phones {
        api.register(phone, Some(&alice), secret).await.ok(201);
    }
    for seed in 1..=4 {
        // The links have expired; of what has, a part is gone.
        api.advance(2 * DAY + 1).await;
        let sweep = json!({"fraction": 0.5, "seed": seed});
        api.control(Method::POST, "/sweep", Some(sweep)).await;
        assert_eq!(reached(&api, &alice).await, 0);
        for phone in &phones {
            api.register(phone, Some(&alice), secret).await.ok(201);
            api.holds(phone, Some(&alice)).await;
        }
        assert_eq!(reached(&api, &alice).await, 3);
        // Now devices and tokens are past their end, too.
        api.advance(33 * DAY).await;
        let sweep = json!({"fraction": 0.5, "seed": seed + 100});
        api.control(Method::POST, "/sweep", Some(sweep)).await;
        let again: Vec<_> = phones.iter().map(Phone::reinstalled).collect();
        for (old, new) in phones.iter().zip(&again) {
            api.register(new, Some(&alice), secret).await.ok(201);
            api.read(old, secret).await.refused(NOT_FOUND);
        }
        assert_eq!(reached(&api, &alice).await, 3);
        for (old, new) in phones.iter().zip(&again) {
            api.register(old, Some(&alice), secret).await.ok(201);
            api.read(new, secret).await.refused(NOT_FOUND);
        }
        assert_eq!(reached(&api, &alice).await, 3);
    }
    // Everything that expires goes in the end, and nothing of the user is left.
    api.advance(365 * DAY).await;
    api.control(
        Method::POST,
        "/sweep",
        Some(json!({"fraction": 1.0, "seed": 1})),
    )
    .await;
    api.holds_no_item_of(&[&alice, &phones[0].device]).await;
}

async fn a_week_later_the_endpoint_is_looked_at_again(api: Api) {
    let (alice, phone) = bound(&api).await;
    api.set_endpoint(&phone.token, "enabled", false).await;
    api.advance(7 * DAY - 60).await;
    let secret = api.secret(&alice).await;
    api.forget_calls().await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    assert_eq!(api.calls().await.get("sns.GetEndpointAttributes"), None);
    api.advance(61).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let calls = api.calls().await;
    assert_eq!(calls["sns.GetEndpointAttributes"], 1, "{calls}");
    assert_eq!(calls["sns.SetEndpointAttributes"], 1, "{calls}");
    assert_eq!(reached(&api, &alice).await, 1);
}

async fn a_user_from_before_a_restore_does_not_count(api: Api) {
    let (alice, phone) = bound(&api).await;
    assert_eq!(reached(&api, &alice).await, 0);
    api.holds(&phone, None).await;
}

async fn one_device_too_many_ends_the_oldest(api: Api) {
    let (alice, bob) = (user("alice"), user("bob"));
    let phones = [
        Phone::android(),
        Phone::android(),
        Phone::android(),
        Phone::android(),
    ];
    let secret = Some(api.client_secret());
    let other = Phone::android();
    api.register(&other, Some(&bob), secret).await.ok(201);
    for (n, phone) in phones.iter().enumerate() {
        api.advance(60).await;
        api.register(phone, Some(&alice), secret).await.ok(201);
        assert_eq!(reached(&api, &alice).await, (n as u64 + 1).min(2));
    }
    for phone in &phones[..2] {
        api.ended(phone).await;
    }
    for phone in &phones[2..] {
        api.holds(phone, Some(&alice)).await;
    }
    api.holds(&other, Some(&bob)).await;
}

async fn a_send_does_not_wait_for_the_end_of_surplus_devices(api: Api) {
    let (alice, secret) = (user("alice"), Some(api.client_secret()));
    let phones: Vec<_> = (0..20).map(|_| Phone::android()).collect();
    for phone in &phones {
        api.register(phone, Some(&alice), secret).await.ok(201);
        api.advance(1).await;
    }
    let fed = |enabled: bool| json!({"function": "DeliverFunction", "enabled": enabled});
    api.control(Method::POST, "/sources", Some(fed(false)))
        .await;
    api.forget_calls().await;
    assert_eq!(reached(&api, &alice).await, 2);
    let calls = api.calls().await;
    assert_eq!(calls["sqs.SendMessageBatch"], 1, "{calls}");
    assert_eq!(calls.get("dynamodb.TransactWriteItems"), None, "{calls}");
    api.control(Method::POST, "/sources", Some(fed(true))).await;
    for phone in &phones[..18] {
        api.ended(phone).await;
    }
    for phone in &phones[18..] {
        api.holds(phone, Some(&alice)).await;
    }
}

async fn a_device_that_registers_while_it_is_one_too_many_does_not_end(api: Api) {
    let alice = user("alice");
    let phones = [Phone::android(), Phone::android(), Phone::android()];
    let secret = Some(api.client_secret());
    for phone in &phones {
        api.register(phone, Some(&alice), secret).await.ok(201);
        api.advance(60).await;
    }
    // Past half of its lease a registration renews it.
    api.advance(136 * 86_400).await;
    let (oldest, newest) = (&phones[0], &phones[2]);
    api.hold("Publish", &newest.token, 1500).await;
    api.forget_calls().await;
    let (sender, to) = (api.clone(), alice.clone());
    let sent = tokio::spawn(async move { reached(&sender, &to).await });
    api.called("sns.Publish", 2).await;
    api.register(oldest, Some(&alice), secret).await.ok(201);
    assert_eq!(sent.await.unwrap(), 2);
    api.holds(oldest, Some(&alice)).await;
    // The next send finds another to be the oldest.
    assert_eq!(reached(&api, &alice).await, 2);
    api.holds(oldest, Some(&alice)).await;
    api.ended(&phones[1]).await;
}

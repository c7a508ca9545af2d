//! Who may register a device: one story a row of the table, each told for everyone who may come with a secret.

use crate::answer::UNAUTHORIZED;
use crate::api::Api;
use crate::cast::{Cast, EVERYONE, With};
use crate::phone::Phone;
use crate::story::{Story, own, shared};
use serde_json::json;

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_new_device_is_bound_by_whoever_speaks_for_the_user),
        shared(a_device_of_nobody_is_bound_by_whoever_speaks_for_the_user),
        shared(a_device_of_another_user_is_bound_by_whoever_speaks_for_the_user),
        shared(a_new_device_is_registered_for_nobody_by_everyone),
        shared(a_device_of_nobody_is_registered_again_by_everyone),
        shared(a_bound_device_with_the_same_token_is_logged_out_by_everyone),
        shared(a_bound_device_with_another_token_is_logged_out_by_its_user),
        shared(a_token_is_taken_over_for_a_user_by_whoever_speaks_for_her),
        shared(a_token_is_taken_over_for_nobody_by_everyone),
        own(
            "it moves the clock",
            &[],
            an_expired_secret_of_init_binds_nothing,
        ),
    ]
}

/// Nothing that a caller without a right can forge or find.
const fn genuine(with: With) -> bool {
    !matches!(with, With::Forged | With::Malformed)
}

/// Who speaks for Alice.
const fn speaks(with: With) -> bool {
    matches!(
        with,
        With::Provisioned | With::Own | With::AppSecret | With::AppSecretBesideForged
    )
}

async fn a_new_device_is_bound_by_whoever_speaks_for_the_user(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let phone = Phone::android();
        let answer = cast.post(with, &phone, Some(&cast.alice)).send().await;
        if speaks(with) {
            assert_eq!(answer.ok(201)["userId"], cast.alice, "{with:?}");
            api.holds(&phone, Some(&cast.alice)).await;
        } else {
            answer.refused(UNAUTHORIZED);
            api.holds_no_trace(&[&phone.device, &phone.token]).await;
        }
    }
}

async fn a_device_of_nobody_is_bound_by_whoever_speaks_for_the_user(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let phone = cast.phone_of_nobody().await;
        let answer = cast.put(with, &phone, Some(&cast.alice)).send().await;
        if speaks(with) {
            assert_eq!(answer.ok(200)["userId"], cast.alice, "{with:?}");
            api.holds(&phone, Some(&cast.alice)).await;
        } else {
            answer.refused(UNAUTHORIZED);
            api.holds(&phone, None).await;
        }
    }
    let reached = json!({"message": {"alert": "Hi"}, "target": {"userIds": [cast.alice]}});
    assert_eq!(
        api.send(&reached).await.ok(202)["recipients"],
        json!({&cast.alice: 4})
    );
}

async fn a_device_of_another_user_is_bound_by_whoever_speaks_for_the_user(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let phone = Phone::android();
        api.register(&phone, Some(&cast.bob), Some(cast.another()))
            .await
            .ok(201);
        // The token was refreshed while the phone changed hands; a refused call leaves the old one.
        let changed = phone.refreshed();
        let answer = cast.post(with, &changed, Some(&cast.alice)).send().await;
        if speaks(with) {
            assert_eq!(answer.ok(201)["userId"], cast.alice, "{with:?}");
            api.holds(&changed, Some(&cast.alice)).await;
        } else {
            answer.refused(UNAUTHORIZED);
            api.holds(&phone, Some(&cast.bob)).await;
            api.holds_no_trace(&[&changed.token]).await;
        }
    }
}

async fn a_new_device_is_registered_for_nobody_by_everyone(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let phone = Phone::android();
        let answer = cast.post(with, &phone, None).send().await;
        if genuine(with) {
            assert_eq!(answer.ok(201)["userId"], "anonymous", "{with:?}");
            api.holds(&phone, None).await;
        } else {
            answer.refused(UNAUTHORIZED);
            api.holds_no_trace(&[&phone.device, &phone.token]).await;
        }
    }
}

async fn a_device_of_nobody_is_registered_again_by_everyone(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let phone = cast.phone_of_nobody().await;
        let fresh = phone.refreshed();
        let answer = cast.put(with, &fresh, None).send().await;
        if genuine(with) {
            assert_eq!(answer.ok(200)["token"], fresh.token, "{with:?}");
            api.holds(&fresh, None).await;
        } else {
            answer.refused(UNAUTHORIZED);
            api.holds(&phone, None).await;
        }
    }
}

async fn a_bound_device_with_the_same_token_is_logged_out_by_everyone(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let phone = cast.phone_of_alice().await;
        let answer = cast.post(with, &phone, None).send().await;
        if genuine(with) {
            assert_eq!(answer.ok(201)["userId"], "anonymous", "{with:?}");
            api.holds(&phone, None).await;
        } else {
            answer.refused(UNAUTHORIZED);
            api.holds(&phone, Some(&cast.alice)).await;
        }
        api.unregister(&phone, Some(api.client_secret()))
            .await
            .empty(204);
    }
}

async fn a_bound_device_with_another_token_is_logged_out_by_its_user(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let phone = cast.phone_of_alice().await;
        let fresh = phone.refreshed();
        let answer = cast.put(with, &fresh, None).send().await;
        // A logout works with an expired secret.
        if speaks(with) || with == With::Expired {
            assert_eq!(answer.ok(200)["userId"], "anonymous", "{with:?}");
            api.holds(&fresh, None).await;
        } else {
            answer.refused(UNAUTHORIZED);
            api.holds(&phone, Some(&cast.alice)).await;
            api.holds_no_trace(&[&fresh.token]).await;
        }
    }
}

async fn a_token_is_taken_over_for_a_user_by_whoever_speaks_for_her(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let old = Phone::android();
        api.register(&old, Some(&cast.bob), Some(cast.another()))
            .await
            .ok(201);
        let new = old.reinstalled();
        let answer = cast.post(with, &new, Some(&cast.alice)).send().await;
        if speaks(with) {
            answer.ok(201);
            api.holds(&new, Some(&cast.alice)).await;
            api.read(&old, Some(api.client_secret()))
                .await
                .refused(crate::answer::NOT_FOUND);
        } else {
            answer.refused(UNAUTHORIZED);
            api.holds(&old, Some(&cast.bob)).await;
            api.holds_no_trace(&[&new.device]).await;
        }
    }
}

async fn a_token_is_taken_over_for_nobody_by_everyone(api: Api) {
    let cast = Cast::new(&api).await;
    for with in EVERYONE {
        let old = cast.phone_of_alice().await;
        let new = old.reinstalled();
        let answer = cast.post(with, &new, None).send().await;
        if genuine(with) {
            answer.ok(201);
            api.holds(&new, None).await;
            api.read(&old, Some(api.client_secret()))
                .await
                .refused(crate::answer::NOT_FOUND);
        } else {
            answer.refused(UNAUTHORIZED);
            api.holds(&old, Some(&cast.alice)).await;
            api.holds_no_trace(&[&new.device]).await;
        }
    }
}

async fn an_expired_secret_of_init_binds_nothing(api: Api) {
    let alice = crate::phone::user("alice");
    let (early, phone) = (api.secret(&alice).await, Phone::android());
    api.advance(24 * 3600 - 60).await;
    api.register(&phone, Some(&alice), Some(&early))
        .await
        .ok(201);
    api.advance(61).await;
    let other = Phone::android();
    api.register(&other, Some(&alice), Some(&early))
        .await
        .refused(UNAUTHORIZED);
    api.holds_no_trace(&[&other.device, &other.token]).await;
    // For nobody it still registers, and it still logs out.
    api.register(&other, None, Some(&early)).await.ok(201);
    let fresh = phone.refreshed();
    api.update(&fresh, None, Some(&early)).await.ok(200);
    api.holds(&fresh, None).await;
}

//! Tags: backends make, change and delete them, everybody sees which there are.

use super::subscriptions::{made, route_of};
use crate::answer::{NOT_FOUND, NOT_JSON, TAG_EXISTS, UNAUTHORIZED};
use crate::api::Api;
use crate::phone::{random_hex, user};
use crate::story::{Story, alone, own, shared};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

const LISTS_ALL: &str = "it lists all tags there are";

pub(super) fn stories() -> Vec<Story> {
    vec![
        own(
            "it moves the clock",
            &[],
            a_tag_is_made_read_changed_and_deleted,
        ),
        shared(a_tag_that_there_is_cannot_be_made),
        shared(of_racing_makers_of_a_tag_one_makes_it),
        shared(a_wrong_tag_is_named),
        shared(a_name_with_all_that_a_path_can_hold_is_found),
        shared(only_a_backend_makes_changes_and_deletes_tags),
        alone(LISTS_ALL, &[], everybody_lists_tags_without_a_secret),
        alone(LISTS_ALL, &[], the_list_of_tags_is_read_once_in_ten_seconds),
        alone(
            LISTS_ALL,
            &[],
            a_backend_lists_a_tag_at_once_whoever_has_made_it,
        ),
        alone(
            LISTS_ALL,
            &["RequireClientSecret=always"],
            where_all_calls_need_a_secret_the_list_does,
        ),
        own(
            "it breaks DynamoDB for all",
            &[],
            what_is_lost_on_the_way_is_found_done,
        ),
    ]
}

/// The names in the list.
async fn listed(api: &Api, query: &str) -> Vec<String> {
    let answer = api.call(Method::GET, &format!("/tags{query}"));
    let list = answer.send().await.ok(200);
    let tags = list["tags"].as_array().unwrap().iter();
    let name = |tag: &Value| tag["name"].as_str().unwrap().to_owned();
    tags.map(name).collect()
}

async fn a_tag_is_made_read_changed_and_deleted(api: Api) {
    let name = random_hex(8);
    let route = route_of(&name);
    let call = |method| api.call(method, &route).backend(&api);
    let make = api.call(Method::POST, "/tags").backend(&api);
    let since = api.now().await;
    let body = json!({"name": name, "description": "What is new", "more": 1});
    let tag = make.json(&body).send().await.ok(201);
    let created = tag["createdTime"].as_str().unwrap();
    assert!(*created >= *since, "{created}");
    let href = format!("{}{}", api.url(), api.path(&format!("/tags/{name}")));
    let mut expected = json!({
        "name": name, "description": "What is new", "createdTime": created, "lastUpdatedTime": created,
        "createdMode": "API", "uri": href, "href": href,
    });
    assert_eq!(tag, expected);
    call(Method::GET).send().await.is(200, &expected);

    api.advance(60).await;
    let change = call(Method::PUT).json(&json!({"name": name, "description": "Other"}));
    let changed = change.send().await.ok(200);
    let updated = changed["lastUpdatedTime"].as_str().unwrap();
    assert!(updated > created, "{updated}");
    expected["description"] = "Other".into();
    expected["lastUpdatedTime"] = updated.into();
    assert_eq!(changed, expected);
    call(Method::GET).send().await.is(200, &expected);
    let list = api.backend_get("/tags").await.ok(200);
    expected.as_object_mut().unwrap().remove("description");
    let mut tags = list["tags"].as_array().unwrap().iter();
    assert_eq!(tags.find(|tag| tag["name"] == name), Some(&expected));

    call(Method::DELETE).send().await.empty(204);
    call(Method::DELETE).send().await.refused(NOT_FOUND);
    call(Method::GET).send().await.refused(NOT_FOUND);
    let change = call(Method::PUT).json(&json!({"description": "Gone"}));
    change.send().await.refused(NOT_FOUND);
    api.holds_no_item_of(&[&name]).await;
}

async fn a_tag_that_there_is_cannot_be_made(api: Api) {
    let name = made(&api).await;
    let make = api.call(Method::POST, "/tags").backend(&api);
    let again = make.json(&json!({"name": name, "description": "again"}));
    again.send().await.refused(TAG_EXISTS);
    let read = api.backend_get(&route_of(&name)).await.ok(200);
    assert_eq!(read["description"], "");
    // Letters of another case are others.
    let make = api.call(Method::POST, "/tags").backend(&api);
    let upper = name.to_uppercase();
    make.json(&json!({"name": upper})).send().await.ok(201);
}

async fn of_racing_makers_of_a_tag_one_makes_it(api: Api) {
    let name = random_hex(8);
    let makers: Vec<_> = (0..5)
        .map(|n| {
            let make = api.call(Method::POST, "/tags").backend(&api);
            let make = make.json(&json!({"name": name, "description": n.to_string()}));
            tokio::spawn(make.send())
        })
        .collect();
    let mut descriptions = Vec::new();
    for maker in makers {
        let answer = maker.await.unwrap();
        if answer.status == 201 {
            descriptions.push(answer.ok(201)["description"].clone());
        } else {
            answer.refused(TAG_EXISTS);
        }
    }
    let read = api.backend_get(&route_of(&name)).await.ok(200);
    assert_eq!(descriptions, [read["description"].clone()]);
}

async fn a_wrong_tag_is_named(api: Api) {
    let make = || api.call(Method::POST, "/tags").backend(&api);
    let (long, wide) = ("é".repeat(255), "é".repeat(1001));
    let base = random_hex(6);
    for (body, parameter) in [
        (json!({}), "name"),
        (json!({"name": null}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": 7}), "name"),
        (json!({"name": long}), "name"),
        (json!({"name": ".."}), "name"),
        (json!({"name": format!("{base}/a")}), "name"),
        (json!({"name": format!("{base}\n")}), "name"),
        (json!({"name": base, "description": wide}), "description"),
        (json!({"name": base, "description": []}), "description"),
        (json!([]), "body"),
        (json!("tag"), "body"),
    ] {
        make().json(&body).send().await.invalid(parameter, &base);
    }
    let broken = make().body("application/json", "{");
    broken.send().await.refused(NOT_JSON);
    api.holds_no_item_of(&[&base]).await;

    let name = made(&api).await;
    let change = |body: Value| {
        let change = api.call(Method::PUT, &route_of(&name)).backend(&api);
        change.json(&body).send()
    };
    change(json!({"name": base})).await.invalid("name", &base);
    change(json!({"description": 1}))
        .await
        .invalid("description", "");
    assert_eq!(change(json!({})).await.ok(200)["description"], "");
    for unknown in ["x".repeat(300), "%2E%2E".to_owned(), random_hex(6)] {
        api.backend_get(&format!("/tags/{unknown}"))
            .await
            .refused(NOT_FOUND);
    }
}

async fn a_name_with_all_that_a_path_can_hold_is_found(api: Api) {
    for name in ["Nächste Spiele", "a.b_c~d:e@f+g=h,i!$*()'-", "🦀"] {
        let name = format!("{name} {}", random_hex(4));
        let make = api.call(Method::POST, "/tags").backend(&api);
        let tag = make.json(&json!({"name": name})).send().await.ok(201);
        let read = api.backend_get(&route_of(&name)).await;
        read.is(200, &tag);
        let path = Api::path_of(tag["href"].as_str().unwrap());
        let read = api.at_path(Method::GET, path.unwrap()).backend(&api);
        read.send().await.is(200, &tag);
        let delete = api.call(Method::DELETE, &route_of(&name)).backend(&api);
        delete.send().await.empty(204);
    }
}

async fn only_a_backend_makes_changes_and_deletes_tags(api: Api) {
    let (name, own) = (made(&api).await, api.secret(&user("alice")).await);
    let route = route_of(&name);
    for (method, route) in [
        (Method::POST, "/tags"),
        (Method::GET, &route),
        (Method::PUT, &route),
        (Method::DELETE, &route),
    ] {
        api.is_for_backends(&method, route, &own).await;
    }
    api.backend_get(&route).await.ok(200);
}

async fn everybody_lists_tags_without_a_secret(api: Api) {
    assert_eq!(listed(&api, "").await, [""; 0]);
    for name in ["b", "c", "a", "B"] {
        let make = api.call(Method::POST, "/tags").backend(&api);
        make.json(&json!({"name": name})).send().await.ok(201);
    }
    for (query, expected) in [
        ("", &["B", "a", "b", "c"][..]),
        ("?offset=0&expand=False&size=", &["B", "a", "b", "c"]),
        ("?size=2", &["B", "a"]),
        ("?offset=1&size=2", &["a", "b"]),
        ("?offset=3", &["c"]),
        ("?offset=4", &[]),
    ] {
        assert_eq!(listed(&api, query).await, expected, "{query}");
    }
    for (name, value) in [
        ("offset", "-1"),
        ("offset", "1001"),
        ("size", "0"),
        ("size", "501"),
    ] {
        let list = api.call(Method::GET, &format!("/tags?{name}={value}"));
        list.send().await.invalid(name, value);
    }
    let path = "/imfpush/v1/apps/unknown/tags";
    api.at_path(Method::GET, path)
        .send()
        .await
        .refused(NOT_FOUND);
    let forged = api.call(Method::GET, "/tags").secret(Some("forged"));
    forged.send().await.ok(200);
}

/// How often a Query reached the table since the calls were forgotten.
async fn queries(api: &Api) -> u64 {
    let calls = api.calls().await;
    calls["dynamodb.Query"].as_u64().unwrap_or(0)
}

async fn the_list_of_tags_is_read_once_in_ten_seconds(api: Api) {
    let name = made(&api).await;
    assert_eq!(listed(&api, "").await, [name.as_str()]);
    api.forget_calls().await;
    for query in ["", "?size=1", "?offset=0&size=500"] {
        assert_eq!(listed(&api, query).await, [name.as_str()], "{query}");
    }
    assert_eq!(queries(&api).await, 0);
    // More than was read.
    assert_eq!(listed(&api, "?offset=1").await, [""; 0]);
    assert_eq!(queries(&api).await, 1);
    // One environment serves calls that come one after the other: what it has changed it shows.
    let delete = api.call(Method::DELETE, &route_of(&name)).backend(&api);
    delete.send().await.empty(204);
    assert_eq!(listed(&api, "").await, [""; 0]);
    assert_eq!(queries(&api).await, 2);
    api.advance(10).await;
    assert_eq!(listed(&api, "").await, [""; 0]);
    assert_eq!(queries(&api).await, 3);
}

async fn a_backend_lists_a_tag_at_once_whoever_has_made_it(api: Api) {
    let backends = async || {
        let list = api.backend_get("/tags").await.ok(200);
        let tags = list["tags"].as_array().unwrap().iter();
        let names: Vec<_> = tags
            .map(|tag| tag["name"].as_str().unwrap().to_owned())
            .collect();
        names
    };
    // Several environments, each with a list of its own.
    let lists = (0..8).map(|_| listed(&api, ""));
    for list in join_all(lists).await {
        assert_eq!(list, [""; 0]);
    }
    let makers = (0..8).map(|_| made(&api));
    let mut names = join_all(makers).await;
    names.sort();
    for list in join_all((0..8).map(|_| backends())).await {
        assert_eq!(list, names);
    }
    // Everybody else sees them within ten seconds.
    api.advance(10).await;
    for list in join_all((0..8).map(|_| listed(&api, ""))).await {
        assert_eq!(list, names);
    }
}

async fn where_all_calls_need_a_secret_the_list_does(api: Api) {
    let list = || api.call(Method::GET, "/tags");
    list().send().await.refused(UNAUTHORIZED);
    let own = api.secret(&user("alice")).await;
    for secret in [api.client_secret(), &own] {
        list().secret(Some(secret)).send().await.ok(200);
    }
    list().backend(&api).send().await.ok(200);
}

async fn what_is_lost_on_the_way_is_found_done(api: Api) {
    for fault in ["lostAnswer", "ThrottlingException", "Conflict"] {
        let name = random_hex(8);
        let call = |method, route: &str| api.call(method, route).backend(&api);
        let body = json!({"name": name, "description": "new"});
        api.fault("dynamodb", "TransactWriteItems", fault, 2).await;
        let make = call(Method::POST, "/tags").json(&body);
        make.send().await.ok(201);
        api.fault("dynamodb", "TransactWriteItems", fault, 2).await;
        let change = call(Method::PUT, &route_of(&name)).json(&body);
        change.send().await.ok(200);
        api.fault("dynamodb", "TransactWriteItems", fault, 2).await;
        let delete = call(Method::DELETE, &route_of(&name));
        delete.send().await.empty(204);
        api.control(Method::DELETE, "/faults", None).await;
    }
}

//! Devices as a backend lists them: those of a user, or all there are.

use crate::answer::NOT_FOUND;
use crate::api::Api;
use crate::noted::note;
use crate::phone::{Phone, user};
use crate::story::{Story, alone, own, shared};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const LISTS_ALL: &str = "it lists all devices there are";

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_users_devices_are_listed_and_nobody_elses),
        shared(a_users_devices_come_in_pages),
        shared(a_user_with_any_id_is_found),
        shared(a_filter_chooses_devices),
        alone(LISTS_ALL, &[], all_devices_come_in_pages_each_once),
        alone(LISTS_ALL, &[], a_full_shard_is_read_to_its_end),
        alone(LISTS_ALL, &[], a_page_that_takes_too_long_ends_early),
        own(
            "it needs a parameter",
            &["BindingsNotBefore=4000000000"],
            an_owner_that_does_not_count_is_not_listed,
        ),
        own("it moves the clock", &[], a_device_leaves_its_users_list),
        shared(what_cannot_be_listed_is_refused),
        shared(devices_are_listed_by_a_backend_of_this_application),
    ]
}

/// An answer to this query: the devices, and `pageInfo`.
async fn list(api: &Api, query: &str) -> (Vec<Value>, Value) {
    page(api, &api.path(&format!("/devices{query}"))).await
}

async fn page(api: &Api, path: &str) -> (Vec<Value>, Value) {
    let call = api.at_path(Method::GET, path).backend(api);
    let mut answer = call.send().await.ok(200);
    let devices = answer["devices"].as_array().unwrap().clone();
    let info = answer["pageInfo"].take();
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(info["count"], devices.len().to_string());
    assert_eq!(info["previous"], "");
    (devices, info)
}

/// The path of the next page, if there is one.
fn next(info: &Value) -> Option<String> {
    Api::path_of(info["next"].as_str().unwrap()).map(str::to_owned)
}

/// The devices of each page, from the first to the last.
async fn pages(api: &Api, query: &str) -> Vec<Vec<String>> {
    let mut path = Some(api.path(&format!("/devices{query}")));
    let mut all = Vec::new();
    while let Some(some) = path {
        let (devices, info) = page(api, &some).await;
        path = next(&info);
        all.push(ids(&devices));
        assert!(all.len() < 100, "the pages do not end");
    }
    all
}

fn ids(devices: &[Value]) -> Vec<String> {
    let id = |device: &Value| device["deviceId"].as_str().unwrap().to_owned();
    devices.iter().map(id).collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

async fn bound(api: &Api, phone: Phone, user: &str) -> Phone {
    api.register(&phone, Some(user), Some(api.client_secret()))
        .await
        .ok(201);
    phone
}

fn names(phones: &[Phone]) -> Vec<String> {
    sorted(phones.iter().map(|phone| phone.device.clone()).collect())
}

async fn a_users_devices_are_listed_and_nobody_elses(api: Api) {
    let (alice, bob) = (user("alice"), user("bob"));
    let none = json!({"count": "0", "next": "", "previous": "", "totalCount": "0"});
    assert_eq!(
        list(&api, &format!("?userId={alice}")).await,
        (vec![], none)
    );
    let mut hers = Vec::new();
    for phone in [Phone::android(), Phone::iphone(), Phone::android()] {
        hers.push(bound(&api, phone, &alice).await);
    }
    let his = bound(&api, Phone::iphone(), &bob).await;
    // Of her former devices one is his, one nobody's, one has logged out.
    let handed = bound(&api, Phone::android(), &alice).await;
    bound(&api, handed.clone(), &bob).await;
    let anonymous = bound(&api, Phone::android(), &alice).await;
    api.register(&anonymous, None, Some(api.client_secret()))
        .await
        .ok(201);
    let left = bound(&api, Phone::iphone(), &alice).await;
    api.unregister(&left, Some(api.client_secret()))
        .await
        .empty(204);

    let (devices, info) = list(&api, &format!("?userId={alice}&expand=true")).await;
    assert_eq!(sorted(ids(&devices)), names(&hers));
    for device in devices {
        let id = device["deviceId"].as_str().unwrap();
        let read = api.backend_get(&format!("/devices/{id}")).await.ok(200);
        assert_eq!(device, read);
    }
    assert_eq!(
        info,
        json!({"count": "3", "next": "", "previous": "", "totalCount": "3"})
    );
    let (devices, _) = list(&api, &format!("?userId={bob}")).await;
    assert_eq!(sorted(ids(&devices)), names(&[his, handed]));
}

async fn a_users_devices_come_in_pages(api: Api) {
    let alice = user("alice");
    let mut phones = Vec::new();
    for _ in 0..5 {
        phones.push(bound(&api, Phone::android(), &alice).await);
    }
    let (devices, _) = list(&api, &format!("?userId={alice}")).await;
    let all = ids(&devices);
    assert_eq!(sorted(all.clone()), names(&phones));
    for (query, expected) in [
        ("&size=2", vec![&all[..2], &all[2..4], &all[4..]]),
        ("&size=5", vec![&all[..]]),
        (
            "&size=4&offset=&cursor=&filter=",
            vec![&all[..4], &all[4..]],
        ),
        ("&size=2&offset=1", vec![&all[1..3], &all[3..]]),
        ("&size=2&offset=5", vec![&[][..]]),
        ("&offset=1000", vec![&[]]),
    ] {
        let query = format!("?userId={alice}{query}");
        assert_eq!(pages(&api, &query).await, expected, "{query}");
    }
    let (_, info) = list(&api, &format!("?userId={alice}&size=2")).await;
    assert_eq!(info["totalCount"], "5");
    // A page is the same again, whatever comes and goes on the pages before it.
    let second = next(&info).unwrap();
    let (before, info) = page(&api, &second).await;
    assert_eq!(
        (ids(&before), &info["totalCount"]),
        (all[2..4].to_vec(), &json!("5"))
    );
    let gone = phones.iter().find(|phone| phone.device == all[0]).unwrap();
    api.unregister(gone, Some(api.client_secret()))
        .await
        .empty(204);
    assert_eq!(ids(&page(&api, &second).await.0), all[2..4]);
    let gone = phones.iter().find(|phone| phone.device == all[1]).unwrap();
    api.unregister(gone, Some(api.client_secret()))
        .await
        .empty(204);
    assert_eq!(ids(&page(&api, &second).await.0), all[2..4]);
}

async fn a_user_with_any_id_is_found(api: Api) {
    let alice = note(format!("{} é&x=1?/%41+,b", user("alice")));
    let mut phones = Vec::new();
    for _ in 0..3 {
        phones.push(bound(&api, Phone::iphone(), &alice).await);
    }
    let escaped: String = alice
        .bytes()
        .fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
    for size in [1, 3] {
        let found = pages(&api, &format!("?userId={escaped}&size={size}")).await;
        assert_eq!(found.len(), 3 / size);
        assert_eq!(sorted(found.concat()), names(&phones));
    }
}

async fn a_filter_chooses_devices(api: Api) {
    let alice = user("alice");
    let mut phones = Vec::new();
    for (phone, name) in [
        (Phone::android(), "a,b"),
        (Phone::android(), "!c"),
        (Phone::iphone(), "!d"),
    ] {
        let device = format!("{}-{name}", phone.device);
        phones.push(bound(&api, Phone { device, ..phone }, &alice).await);
    }
    let [comma, other, iphone] = [0, 1, 2].map(|n| phones[n].device.as_str());
    let escaped = comma.replace(',', "%5C,");
    for (filter, expected) in [
        ("filter=platform==A".to_owned(), vec![iphone]),
        ("filter=platform%3D%3DG".to_owned(), vec![comma, other]),
        (
            "filter=platform==A,platform==G".to_owned(),
            vec![comma, other, iphone],
        ),
        ("filter=platform==X".to_owned(), vec![]),
        ("filter=platform=@A".to_owned(), vec![iphone]),
        (format!("filter=deviceId=={other}"), vec![other]),
        ("filter=deviceId=@!c".to_owned(), vec![other]),
        (format!("filter=deviceId=={escaped}"), vec![comma]),
        ("filter=deviceId=@%5C,".to_owned(), vec![comma]),
        (
            "filter=platform==G&filter=deviceId=@!c,deviceId=@!d".to_owned(),
            vec![other],
        ),
        ("filter=platform==A&filter=platform==G".to_owned(), vec![]),
        (
            format!("filter=userId=={alice}&filter="),
            vec![comma, other, iphone],
        ),
        ("filter=userId==anonymous".to_owned(), vec![]),
    ] {
        let (devices, info) = list(&api, &format!("?userId={alice}&{filter}")).await;
        let expected = sorted(expected.into_iter().map(str::to_owned).collect());
        assert_eq!(info["totalCount"], expected.len().to_string());
        assert_eq!(sorted(ids(&devices)), expected, "{filter}");
        // The next page keeps to it.
        let paged = pages(&api, &format!("?userId={alice}&size=1&{filter}")).await;
        assert_eq!(sorted(paged.concat()), expected, "{filter}");
    }
}

async fn all_devices_come_in_pages_each_once(api: Api) {
    let none = json!({"count": "0", "next": "", "previous": ""});
    assert_eq!(list(&api, "").await, (vec![], none));
    let alice = user("alice");
    let mut phones = Vec::new();
    for n in 0..120 {
        let phone = if n % 3 == 0 {
            Phone::iphone()
        } else {
            Phone::android()
        };
        let owner = (n % 2 == 0).then_some(alice.as_str());
        api.register(&phone, owner, Some(api.client_secret()))
            .await
            .ok(201);
        phones.push(phone);
    }
    let gone = phones.pop().unwrap();
    api.unregister(&gone, None).await.empty(204);
    let all = pages(&api, "?size=500").await;
    assert_eq!(all.len(), 1);
    let all = all.concat();
    assert_eq!(sorted(all.clone()), names(&phones));
    for size in [1, 7, 100, 118, 119, 120] {
        let found = list(&api, &format!("?size={size}&offset=0")).await;
        let (devices, info) = found;
        assert_eq!(ids(&devices), all[..size.min(119)]);
        assert_eq!(next(&info).is_some(), size < 119, "{size}");
        assert_eq!(info.get("totalCount"), None);
    }
    assert_eq!(pages(&api, "").await, [&all[..100], &all[100..]]);
    assert_eq!(
        pages(&api, "?size=60&offset=20").await,
        [&all[20..80], &all[80..]]
    );
    assert_eq!(pages(&api, "?offset=119").await, [[""; 0]]);
    let iphones: Vec<_> = phones
        .iter()
        .filter(|p| p.platform == "A")
        .cloned()
        .collect();
    let found = pages(&api, "?size=9&filter=platform==A").await;
    assert!(found[..4].iter().all(|page| page.len() == 9));
    assert_eq!(sorted(found.concat()), names(&iphones));
    let nobodys = pages(&api, "?filter=userId==anonymous").await.concat();
    assert_eq!(nobodys.len(), 59);
    let (devices, _) = list(&api, "?size=1").await;
    let read = api.backend_get(&format!("/devices/{}", all[0])).await;
    assert_eq!(devices, [read.ok(200)]);
}

/// So many device ids that the table holds together, in this one of its 256 shards.
fn in_shard(shard: u8, count: usize) -> Vec<String> {
    let ids = (0..).map(|n| format!("D{n}"));
    let ids = ids.filter(|id| Sha256::digest(id)[0] == shard);
    ids.take(count).collect()
}

async fn a_full_shard_is_read_to_its_end(api: Api) {
    // One call reads a hundred.
    let mut all = Vec::new();
    for (shard, count) in [(0, 2), (6, 201), (7, 3), (9, 100), (255, 1)] {
        all.extend(in_shard(shard, count));
    }
    for device in &all {
        let phone = Phone::android();
        let device = device.clone();
        api.register(&Phone { device, ..phone }, None, None)
            .await
            .ok(201);
    }
    for size in [99, 101, 203, 500] {
        let found = pages(&api, &format!("?size={size}")).await;
        assert_eq!(found.len(), all.len().div_ceil(size));
        assert_eq!(sorted(found.concat()), sorted(all.clone()), "{size}");
    }
}

async fn a_page_that_takes_too_long_ends_early(api: Api) {
    let mut phones = Vec::new();
    for _ in 0..10 {
        let phone = Phone::android();
        api.register(&phone, None, None).await.ok(201);
        phones.push(phone);
    }
    api.forget_calls().await;
    let held = json!({"service": "dynamodb", "operation": "Query", "times": 1, "delayMs": 1000});
    api.control(Method::POST, "/faults", Some(held)).await;
    let slow = api.clone();
    let slow = tokio::spawn(async move { list(&slow, "?size=3&offset=2").await });
    api.called("dynamodb.Query", 1).await;
    api.advance(6).await;
    let (devices, info) = slow.await.unwrap();
    // Only the first shard was read.
    assert!(devices.len() < 3, "{devices:?}");
    let mut found = ids(&devices);
    let mut path = next(&info);
    assert!(path.is_some());
    while let Some(some) = path {
        let (devices, info) = page(&api, &some).await;
        found.extend(ids(&devices));
        path = next(&info);
    }
    let all = pages(&api, "").await.concat();
    assert_eq!(sorted(all.clone()), names(&phones));
    assert_eq!(found, all[2..]);
}

async fn an_owner_that_does_not_count_is_not_listed(api: Api) {
    let alice = user("alice");
    let phone = bound(&api, Phone::android(), &alice).await;
    let (devices, info) = list(&api, &format!("?userId={alice}")).await;
    assert_eq!((devices, &info["totalCount"]), (vec![], &json!("0")));
    let filter = format!("?filter=deviceId=={}", phone.device);
    let (devices, _) = list(&api, &filter).await;
    assert_eq!(devices[0]["userId"], "anonymous");
}

async fn a_device_leaves_its_users_list(api: Api) {
    let alice = user("alice");
    let phone = bound(&api, Phone::android(), &alice).await;
    let lease = 270 * 86_400;
    let query = format!("?userId={alice}");
    api.advance(lease - 60).await;
    assert_eq!(ids(&list(&api, &query).await.0), [phone.device.as_str()]);
    api.advance(61).await;
    assert_eq!(ids(&list(&api, &query).await.0), [""; 0]);
    let filter = format!("?filter=deviceId=={}", phone.device);
    let (devices, _) = list(&api, &filter).await;
    assert_eq!(devices[0]["userId"], "anonymous");
    api.advance(31 * 86_400).await;
    assert_eq!(pages(&api, &filter).await.concat(), [""; 0]);
}

async fn what_cannot_be_listed_is_refused(api: Api) {
    let long = "u".repeat(255);
    for (name, value) in [
        ("userId", "anonymous"),
        ("userId", long.as_str()),
        ("userId", "%00"),
        ("filter", "token==T"),
        ("filter", "platform"),
        ("filter", "platform=A"),
        ("filter", "platform==A&filter=createdMode==API"),
        ("cursor", "x"),
        ("cursor", "Nw=="),
        ("cursor", "MjU2"),
        ("cursor", "%2B"),
    ] {
        let answer = api.backend_get(&format!("/devices?{name}={value}")).await;
        answer.invalid(name, "");
    }
    let answer = api.backend_get("/devices?filter=deviceId==hidden,").await;
    answer.invalid("filter", "hidden");
    for route in ["/devices/", "/devices/?userId=alice"] {
        api.backend_get(route).await.refused(NOT_FOUND);
    }
}

async fn devices_are_listed_by_a_backend_of_this_application(api: Api) {
    let alice = user("alice");
    bound(&api, Phone::android(), &alice).await;
    let own = api.secret(&alice).await;
    for route in ["/devices", &format!("/devices?userId={alice}")] {
        api.is_for_backends(&Method::GET, route, &own).await;
    }
}

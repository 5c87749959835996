//! Making, changing and removing actions.

use std::time::Duration;

use http::Method;
use kafka_edge_sim::{StoreMode, local};
use serde_json::{Value, json};

use crate::scene::{Scene, request};

fn config(payload: Value) -> Value {
    json!({"type": "KAFKA", "topic": "t", "payload": payload})
}

#[tokio::test(start_paused = true)]
async fn an_action_is_made_shown_changed_and_removed() {
    local(async {
        let scene = Scene::new(1);
        let one = scene.instance();
        let action =
            json!({"identifier": "a", "title": "T", "config": config(json!({"z": 1, "b": 2.50}))});
        let made = one.post("/actions", &action).await;
        assert_eq!(made.status, 201, "{}", made.json);
        assert!(made.json["created"].is_string());
        let again = one.post("/actions", &action).await;
        assert_eq!(again.status, 409, "{}", again.json);
        let shown = scene.instance().get("/actions/a").await;
        assert_eq!((shown.json, shown.tag), (made.json.clone(), made.tag.clone()));

        // What was read can be put back as it is.
        let put = one.call(Method::PUT, "/actions/a", &made.json).await;
        assert_eq!((put.status, &put.json, &put.tag), (200, &made.json, &made.tag));
        let fragment = json!({"config": config(json!([{}]))});
        let put = one.call(Method::PUT, "/actions/b", &fragment).await;
        assert_eq!((put.status, &put.json["identifier"]), (201, &json!("b")), "{}", put.json);
        let put = one.call(Method::PUT, "/actions/b", &action).await;
        assert_eq!((put.status, &put.json["detail"]), (400, &json!("identifier")));

        // When it was made stays, however late it is changed.
        crate::scene::seconds(5).await;
        let patch = json!({"title": null, "config": {"payload": {"c": "{{ now }}"}}});
        let patched = one.call(Method::PATCH, "/actions/a", &patch).await;
        assert_eq!(patched.json["config"]["payload"], json!({"z": 1, "b": 2.5, "c": "{{ now }}"}));
        assert_eq!(patched.json.get("title"), None);
        assert_eq!(patched.json["created"], made.json["created"]);

        let all = one.get("/actions").await.json;
        assert_eq!(all["actions"].as_array().unwrap().len(), 2);
        assert_eq!(one.call(Method::DELETE, "/actions/a", &Value::Null).await.status, 204);
        for method in [Method::GET, Method::DELETE, Method::PATCH] {
            let gone = one.call(method, "/actions/a", &json!({})).await;
            assert_eq!((gone.status, &gone.json["error"]), (404, &json!("Action not found")));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_may_depend_on_the_version() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let one = scene.instance();
        let old = one.get("/actions/a").await.tag.unwrap();
        let with = |method: Method, tag: &str, body: &Value| {
            let mut change = request(method, "/actions/a", body);
            change.headers.push(("if-match".into(), tag.to_owned().into()));
            change
        };
        let title = json!({"title": "T"});
        let patched = one.send(with(Method::PATCH, &old, &title)).await.unwrap();
        assert_eq!(patched.status, 200, "{}", patched.json);
        let put = json!({"config": config(json!({}))});
        for (method, body) in [(Method::PATCH, &title), (Method::PUT, &put), (Method::DELETE, &put)]
        {
            let refused = one.send(with(method, &old, body)).await.unwrap();
            assert_eq!(refused.status, 412, "{}", refused.json);
        }
        let deleted = one.send(with(Method::DELETE, &patched.tag.unwrap(), &put)).await.unwrap();
        assert_eq!(deleted.status, 204);
        assert_eq!(one.send(with(Method::PUT, "*", &put)).await.unwrap().status, 412);
    })
    .await;
}

/// Its write comes back later than its turn lasts, so that nobody knows whether it counts, and
/// another turn finds that it does.
#[tokio::test(start_paused = true)]
async fn a_change_that_was_stored_is_not_refused_because_it_is_there() {
    local(async {
        for (method, target, expected) in [
            (Method::POST, "/actions", 201),
            (Method::PUT, "/actions/a", 200),
            (Method::DELETE, "/actions/a", 204),
        ] {
            let scene = Scene::with_action(1, json!({})).await;
            let before = scene.instance().get("/actions/a").await;
            let identifier = if method == Method::POST { "b" } else { "a" };
            let body = json!({"identifier": identifier, "config": config(json!({"v": 2}))});
            let mut change = request(method.clone(), target, &body);
            if method != Method::POST {
                change.headers.push(("if-match".into(), before.tag.unwrap().into()));
            }
            scene.world.looked_for_overdue().await;
            let slow = StoreMode { write_time: Duration::from_secs(2), ..StoreMode::default() };
            scene.world.set_store_mode(slow);
            let writes = scene.world.store_calls().writes;
            let instance = scene.instance();
            let changing = tokio::task::spawn_local(async move { instance.send(change).await });
            // The draw has taken two seconds, and the write behind it is under way.
            tokio::time::sleep(Duration::from_secs(3)).await;
            scene.world.set_store_mode(StoreMode::default());
            let changed = changing.await.unwrap().unwrap();
            assert_eq!(changed.status, expected, "{method}: {}", changed.json);
            assert!(
                scene.world.store_calls().writes - writes >= 4,
                "{method}: one turn was enough"
            );
            let shown = scene.instance().get(&format!("/actions/{identifier}")).await;
            let version = &shown.json["config"]["payload"]["v"];
            let is_there = method != Method::DELETE;
            assert_eq!((shown.status == 200, version == 2), (is_there, is_there), "{method}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_refused_and_named() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let before = scene.world.store();
        for (payload, detail, error) in [
            (
                json!({"a": ["{{ env \"HOME\" }}"]}),
                "config.payload/a/0",
                "`env` is not in the subset",
            ),
            (json!("text"), "config.payload", "A payload is an object or a list"),
            (json!([]), "config.payload", "A list has 1 to 100 elements"),
            (json!({"a": "x".repeat(9_000)}), "body", "The action is larger than 8192 bytes"),
        ] {
            let put = json!({"config": config(payload)});
            let refused = scene.instance().call(Method::PUT, "/actions/a", &put).await;
            assert_eq!(
                (refused.status, &refused.json["detail"], &refused.json["error"]),
                (400, &json!(detail), &json!(error))
            );
        }
        assert_eq!(scene.world.store(), before);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn there_are_at_most_50_actions() {
    local(async {
        let scene = Scene::new(1);
        for number in 0..50 {
            scene.create(&format!("a{number}"), config(json!({}))).await;
        }
        let more = json!({"identifier": "more", "config": config(json!({}))});
        let refused = scene.instance().post("/actions", &more).await;
        assert_eq!(
            (refused.status, &refused.json["error"]),
            (409, &json!("There are 50 actions already"))
        );
        let put = json!({"config": config(json!({"a": 1}))});
        assert_eq!(scene.instance().call(Method::PUT, "/actions/a7", &put).await.status, 200);
    })
    .await;
}

//! `/credentials`.

use std::time::Duration;

use http::Method;
use http::header::AUTHORIZATION;
use kafka_edge::host::Clock;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};

const ROOT: &str = "Bearer secret-of-the-root";

fn gateway() -> Gateway {
    let gateway = Gateway::open();
    gateway.world.set_variable("open_access", "");
    let root =
        r#"[{"name":"root","secret":"secret-of-the-root","allow":["admin"],"topics":["*"]}]"#;
    gateway.world.set_variable("credentials", root);
    gateway
}

async fn call(
    gateway: &Gateway,
    by: &str,
    method: Method,
    target: &str,
    body: Value,
) -> (u16, Value) {
    let mut request = request(method, target);
    request.headers.push(header(AUTHORIZATION.as_str(), by.as_bytes()));
    if !body.is_null() {
        request.body = body.to_string().into();
    }
    gateway.send(request).await.taken()
}

#[tokio::test(start_paused = true)]
async fn a_credential_is_made_used_listed_and_removed() {
    local(async {
        let gateway = gateway();
        let wish = json!({"name": "writer", "allow": ["produce"], "topics": ["t", "logs.*"]});
        let (status, made) = call(&gateway, ROOT, Method::POST, "/credentials", wish).await;
        assert_eq!(status, 201);
        assert_eq!(made["name"], "writer");
        assert_eq!(made["allow"], json!(["produce"]));
        assert_eq!(made["topics"], json!(["t", "logs.*"]));
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("ke_"));

        let bearer = format!("Bearer {secret}");
        let none = Value::Null;
        let (status, _) =
            call(&gateway, &bearer, Method::GET, "/producer/t/hello", none.clone()).await;
        assert_eq!(status, 200);
        let (status, _) = call(&gateway, &bearer, Method::GET, "/credentials", none.clone()).await;
        assert_eq!(status, 403);

        let (status, list) = call(&gateway, ROOT, Method::GET, "/credentials", none.clone()).await;
        assert_eq!(status, 200);
        let list = list["credentials"].as_array().unwrap().clone();
        let text = Value::from(list.clone()).to_string();
        assert!(!text.contains("secret") && !text.contains("sha256"), "{text}");
        let told = |n: usize| (list[n]["name"].clone(), list[n]["source"].clone());
        assert_eq!(told(0), (json!("root"), json!("variable")));
        assert_eq!(told(1), (json!("writer"), json!("store")));
        assert!(list[0].get("created").is_none() && list[1]["created"].is_string());
        assert!(list[0].get("last_used").is_none(), "it is not kept of this one: {text}");

        let gone = call(&gateway, ROOT, Method::DELETE, "/credentials/writer", none.clone()).await;
        assert_eq!(gone, (204, Value::Null));
        let (status, _) = call(&gateway, &bearer, Method::GET, "/producer/t/hello", none).await;
        assert_eq!(status, 401);
        let reported = gateway.world.reported().join("\n");
        assert!(reported.contains("request-finished") && reported.contains("status=401"));
        for secret in [ROOT, &bearer].map(|value| value.trim_start_matches("Bearer ")) {
            assert!(!reported.contains(secret), "{reported}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_rotated_and_both_are_accepted_for_the_overlap() {
    local(async {
        let gateway = gateway();
        let clock = gateway.world.instance();
        let wish = json!({"name": "writer", "allow": ["produce"], "topics": ["t"]});
        let (_, made) = call(&gateway, ROOT, Method::POST, "/credentials", wish).await;
        let produce = async |made: &Value| {
            let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
            call(&gateway, &bearer, Method::GET, "/producer/t/hello", Value::Null).await.0
        };
        let rotate = async |body: Value| {
            call(&gateway, ROOT, Method::POST, "/credentials/writer/rotate", body).await
        };
        let listed = async || {
            let (_, list) = call(&gateway, ROOT, Method::GET, "/credentials", Value::Null).await;
            list["credentials"][1].clone()
        };
        assert!(listed().await.get("previous_secret_expires").is_none());

        let (status, second) = rotate(json!({"overlap": 60})).await;
        assert_eq!((status, &second["name"]), (200, &json!("writer")));
        assert_eq!(second["previous_secret_expires"], "2026-03-01T10:01:00.000Z");
        assert_ne!(second["secret"], made["secret"]);
        let shown = listed().await;
        assert!(shown.get("secret").is_none() && shown["previous_secret_expires"].is_string());
        assert_eq!([produce(&made).await, produce(&second).await], [200, 200]);
        clock.sleep(Duration::from_secs(60)).await;
        assert_eq!([produce(&made).await, produce(&second).await], [401, 200]);
        assert!(listed().await.get("previous_secret_expires").is_none());

        // A day is usual. One more rotation ends the oldest secret.
        let (_, third) = rotate(Value::Null).await;
        assert_eq!(third["previous_secret_expires"], "2026-03-02T10:01:00.000Z");
        let (_, fourth) = rotate(json!({})).await;
        let all = [produce(&second).await, produce(&third).await, produce(&fourth).await];
        assert_eq!(all, [401, 200, 200]);
        let (_, fifth) = rotate(json!({"overlap": 0})).await;
        assert_eq!([produce(&fourth).await, produce(&fifth).await], [401, 200]);

        for (body, detail) in [
            (json!({"overlap": 2_592_001}), "overlap"),
            (json!({"overlap": u64::MAX}), "overlap"),
            (json!({"overlap": -1}), "overlap"),
            (json!({"overlap": "1"}), "overlap"),
            (json!({"secret": "mine"}), "secret"),
            (json!([1]), "body"),
        ] {
            let (status, json) = rotate(body.clone()).await;
            assert_eq!((status, &json["detail"]), (400, &json!(detail)), "{body}");
        }
        assert_eq!(rotate(json!({"overlap": 2_592_000})).await.0, 200);
        for (name, status) in [("root", 409), ("nobody", 404)] {
            let target = format!("/credentials/{name}/rotate");
            let (answered, json) = call(&gateway, ROOT, Method::POST, &target, Value::Null).await;
            assert_eq!(answered, status, "{json}");
        }
        let reported = gateway.world.reported().join("\n");
        for made in [made, second, third, fourth, fifth] {
            let secret = made["secret"].as_str().unwrap();
            assert!(!reported.contains(&secret[3..]), "{reported}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_credential_ends_when_it_says() {
    local(async {
        let gateway = gateway();
        let clock = gateway.world.instance();
        let wish = |expires: Value| {
            json!({"name": "writer", "allow": ["produce"], "topics": ["t"], "expires": expires})
        };
        for past in [
            json!("2026-03-01T10:00:00Z"),
            json!("2026-03-01T10:59:59+01:00"),
            json!(1),
            json!("soon"),
            json!(true),
            json!(-1),
        ] {
            let (status, json) =
                call(&gateway, ROOT, Method::POST, "/credentials", wish(past.clone())).await;
            assert_eq!((status, &json["detail"]), (400, &json!("expires")), "{past}");
        }
        let end = json!("2026-03-01T11:01:00+01:00");
        let (status, made) = call(&gateway, ROOT, Method::POST, "/credentials", wish(end)).await;
        assert_eq!((status, &made["expires"]), (201, &json!("2026-03-01T10:01:00.000Z")));
        let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
        let produce = async || {
            let target = "/producer/t/hello";
            call(&gateway, &bearer, Method::GET, target, Value::Null).await
        };
        clock.sleep(Duration::from_millis(59_999)).await;
        assert_eq!(produce().await.0, 200);
        clock.sleep(Duration::from_millis(1)).await;
        let (status, json) = produce().await;
        assert_eq!((status, &json["error"]), (401, &json!("The credential has expired")));
        let guess = call(&gateway, "Basic d3JpdGVyOng=", Method::GET, "/topics", Value::Null).await;
        assert_eq!((guess.0, &guess.1["error"]), (401, &json!("The credential is not known")));

        // An administrator may move the end, or take it away.
        let patch = async |body: Value| {
            call(&gateway, ROOT, Method::PATCH, "/credentials/writer", body).await
        };
        let milliseconds = json!({"expires": 1_772_359_320_000i64});
        let (status, changed) = patch(milliseconds).await;
        assert_eq!((status, &changed["expires"]), (200, &json!("2026-03-01T10:02:00.000Z")));
        assert!(changed.get("secret").is_none(), "{changed}");
        assert_eq!(produce().await.0, 200);
        clock.sleep(Duration::from_secs(60)).await;
        assert_eq!(produce().await.0, 401);
        assert_eq!(patch(json!({"expires": null})).await.1["expires"], Value::Null);
        assert_eq!(produce().await.0, 200);
        assert_eq!(patch(json!({})).await.1["name"], "writer", "nothing changes");

        for (body, detail) in [
            (json!({"expires": 1}), "expires"),
            (json!({"expires": {}}), "expires"),
            (json!({"allow": ["admin"]}), "allow"),
            (json!(null), "body"),
        ] {
            let (status, json) = patch(body.clone()).await;
            assert_eq!((status, &json["detail"]), (400, &json!(detail)), "{body}");
        }
        let none = json!({"expires": null});
        for (name, status) in [("root", 409), ("nobody", 404)] {
            let target = format!("/credentials/{name}");
            let (answered, _) = call(&gateway, ROOT, Method::PATCH, &target, none.clone()).await;
            assert_eq!(answered, status, "{name}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_variable_may_name_an_end_and_a_second_secret() {
    local(async {
        let gateway = gateway();
        let clock = gateway.world.instance();
        let entries = json!([
            {"name": "root", "secret": "secret-of-the-root", "allow": ["admin"],
             "previous_secret": "former-secret-of-the-root"},
            {"name": "guest", "secret": "secret-of-the-guest", "allow": ["admin"],
             "expires": "2026-03-01T10:01:00Z", "previous_secret": "former-secret-of-the-guest",
             "previous_secret_expires": "2026-03-01T10:00:30Z"},
        ]);
        gateway.world.set_variable("credentials", &entries.to_string());
        let get = async |secret: &str| {
            let by = format!("Bearer {secret}");
            call(&gateway, &by, Method::GET, "/credentials", Value::Null).await
        };
        let secrets = [
            "secret-of-the-root",
            "former-secret-of-the-root",
            "secret-of-the-guest",
            "former-secret-of-the-guest",
        ];
        let statuses = async || {
            let mut statuses = Vec::new();
            for secret in secrets {
                statuses.push(get(secret).await.0);
            }
            statuses
        };
        assert_eq!(statuses().await, [200, 200, 200, 200]);
        let (_, list) = get(secrets[0]).await;
        let list = list["credentials"].as_array().unwrap();
        assert_eq!(list[0].get("previous_secret_expires"), Some(&Value::Null), "no end to it");
        assert_eq!(list[1]["previous_secret_expires"], "2026-03-01T10:00:30.000Z");
        assert_eq!(list[1]["expires"], "2026-03-01T10:01:00.000Z");
        clock.sleep(Duration::from_secs(30)).await;
        assert_eq!(statuses().await, [200, 200, 200, 401]);
        clock.sleep(Duration::from_secs(30)).await;
        assert_eq!(statuses().await, [200, 200, 401, 401]);
        let (_, json) = get(secrets[2]).await;
        assert_eq!(json["error"], "The credential has expired");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_day_of_last_use_is_shown() {
    local(async {
        let gateway = gateway();
        let clock = gateway.world.instance();
        let wish = json!({"name": "writer", "allow": ["produce"], "topics": ["t"]});
        let (_, made) = call(&gateway, ROOT, Method::POST, "/credentials", wish).await;
        assert_eq!(made["last_used"], Value::Null);
        let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
        // A call that is not allowed is a use, too.
        for (days, target, status) in
            [(0, "/producer/t/x", 200), (2, "/topics", 200), (1, "/credentials", 403)]
        {
            clock.sleep(Duration::from_secs(days * 24 * 60 * 60)).await;
            let (answered, _) = call(&gateway, &bearer, Method::GET, target, Value::Null).await;
            assert_eq!(answered, status, "{target}");
            clock.sleep(Duration::from_secs(1)).await;
            let (_, list) = call(&gateway, ROOT, Method::GET, "/credentials", Value::Null).await;
            let today = clock.now();
            let today = kafka_edge::calendar::Day::of(today).to_string();
            assert_eq!(list["credentials"][1]["last_used"], today, "{list}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_is_told_by_status_and_field() {
    local(async {
        let gateway = gateway();
        for (wish, detail) in [
            (json!({"name": "a b", "allow": ["produce"], "topics": ["t"]}), "name"),
            (json!({"name": "a", "allow": ["write"], "topics": ["t"]}), "allow"),
            (json!({"name": "a", "allow": ["produce"], "topics": ["*t"]}), "topics"),
            (json!({"name": "a", "allow": ["produce"]}), "topics"),
            (json!({"name": "a", "allow": ["admin"], "secret": "mine"}), "secret"),
            (json!("a"), "body"),
        ] {
            let (status, json) =
                call(&gateway, ROOT, Method::POST, "/credentials", wish.clone()).await;
            assert_eq!((status, &json["detail"]), (400, &json!(detail)), "{wish}");
        }
        let root = json!({"name": "root", "allow": ["admin"]});
        let (status, json) = call(&gateway, ROOT, Method::POST, "/credentials", root).await;
        assert_eq!(status, 409);
        assert!(json["error"].as_str().unwrap().contains("already"), "{json}");

        for (name, status) in [("root", 409), ("nobody", 404), ("%72oot", 409)] {
            let target = format!("/credentials/{name}");
            let (answered, json) = call(&gateway, ROOT, Method::DELETE, &target, Value::Null).await;
            assert_eq!(answered, status, "{json}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mistake_in_the_variable_is_told_and_repaired_without_a_restart() {
    local(async {
        let gateway = gateway();
        gateway.world.set_variable("credentials", r#"[{"name":"root","secret":"hush"}]"#);
        for target in ["/topics", "/credentials", "/readyz"] {
            let (sentence, _) = gateway.refused(target, 503).await;
            assert_eq!(sentence, "credentials[0] (root): secret is shorter than 16 characters");
        }
        assert_eq!(gateway.get("/healthz").await.0, 200);
        gateway.world.set_variable("credentials", "");
        let (sentence, _) = gateway.refused("/topics", 503).await;
        assert!(sentence.starts_with("Nobody may call this gateway yet"), "{sentence}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_credential_may_call_so_many_times_in_a_second() {
    local(async {
        let gateway = Gateway::open();
        let wish = json!({"name": "a", "allow": ["admin"], "rate": 3});
        let (status, made) = gateway.post_json("/credentials", &wish).await;
        assert_eq!((status, &made["rate"]), (201, &json!(3)), "{made}");
        for rate in [json!(0), json!(-1), json!("3")] {
            let wish = json!({"name": "b", "allow": ["admin"], "rate": rate});
            assert_eq!(gateway.post_json("/credentials", &wish).await.0, 400, "{rate}");
        }
        gateway.world.set_variable("open_access", "");
        let closed = gateway.restarted();
        let secret = format!("Bearer {}", made["secret"].as_str().unwrap());
        let call = async |method: Method, target: &str, body: &str| {
            let mut call = request(method, target);
            call.headers.push(header("authorization", secret.as_bytes()));
            call.body = body.to_owned().into();
            closed.send(call).await
        };
        for _ in 0..3 {
            assert_eq!(call(Method::GET, "/credentials", "").await.status, 200);
        }
        let limited = call(Method::GET, "/credentials", "").await;
        assert_eq!(limited.status, 429);
        assert_eq!(limited.header(&http::header::RETRY_AFTER), Some("1"));
        closed.world.instance().sleep(Duration::from_secs(1)).await;
        let patched = call(Method::PATCH, "/credentials/a", r#"{"rate":null}"#).await;
        assert_eq!((patched.status.as_u16(), patched.taken().1.get("rate")), (200, None));
        closed.world.instance().sleep(Duration::from_secs(5)).await;
        for _ in 0..20 {
            assert_eq!(call(Method::GET, "/credentials", "").await.status, 200);
        }
        let odd = call(Method::PATCH, "/credentials/a", r#"{"rate":0}"#).await;
        assert_eq!(odd.status, 400);
    })
    .await;
}

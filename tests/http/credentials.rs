//! `/credentials`.

use http::Method;
use http::header::AUTHORIZATION;
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
async fn what_cannot_be_done_is_told_by_status_and_field() {
    local(async {
        let gateway = gateway();
        for (wish, detail) in [
            (json!({"name": "a b", "allow": ["produce"], "topics": ["t"]}), "name"),
            (json!({"name": "a", "allow": ["write"], "topics": ["t"]}), "allow"),
            (json!({"name": "a", "allow": ["produce"], "topics": ["*t"]}), "topics"),
            (json!({"name": "a", "allow": ["produce"]}), "topics"),
            (json!({"name": "a", "allow": ["admin"], "secret": "mine"}), "body"),
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

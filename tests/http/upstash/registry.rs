//! `/schema-registry`.

use bytes::Bytes;
use http::{Method, StatusCode};
use kafka_edge_sim::{Answer, Script, local};
use serde_json::{Value, json};

use super::{call, get};
use crate::gateway::{Gateway, Taken, header, request};

#[tokio::test(start_paused = true)]
async fn without_one_there_is_none() {
    local(async {
        let gateway = Gateway::open();
        let (status, json) = get(&gateway, "schema-registry/subjects").await;
        assert_eq!((status, &json["status"]), (501, &json!(501)));
        assert!(json["error"].as_str().unwrap().contains("schema_registry_url"));
    })
    .await;
}

fn with_registry(answer: Answer) -> (Gateway, Script) {
    let gateway = Gateway::open();
    gateway.world.set_variable("schema_registry_url", "https://registry.test/base/");
    gateway.world.set_variable("schema_registry_api_key", "key");
    gateway.world.set_variable("schema_registry_api_secret", "secret");
    let registry = Script::always(answer);
    gateway.world.set_upstream(registry.upstream());
    (gateway, registry)
}

#[tokio::test(start_paused = true)]
async fn a_call_is_passed_on_with_what_it_needs_and_no_more() {
    local(async {
        let answer = Answer::body(422, r#"{"error_code":42201,"message":"no"}"#)
            .header("content-type", "application/vnd.schemaregistry.v1+json")
            .header("set-cookie", "a=b");
        let (gateway, registry) = with_registry(answer);
        let target = "/upstash/schema-registry/subjects/a%2Fb/versions?normalize=true";
        let mut register = request(Method::POST, target);
        for (name, value) in [
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("authorization", "Basic eA=="),
            ("cookie", "c"),
        ] {
            register.headers.push(header(name, value.as_bytes()));
        }
        register.body = Bytes::from_static(b"{\"schema\":\"x\"}");
        let response = gateway.send(register).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
        let content_type = response.header(&http::header::CONTENT_TYPE);
        assert_eq!(content_type, Some("application/vnd.schemaregistry.v1+json"));
        assert_eq!(response.headers.len(), 2, "{response:?}");
        assert_eq!(response.whole_body(), br#"{"error_code":42201,"message":"no"}"#);

        let request = registry.seen().pop().unwrap();
        let uri = "https://registry.test/base/subjects/a%2Fb/versions?normalize=true";
        assert_eq!((request.method, request.uri.to_string().as_str()), (Method::POST, uri));
        assert_eq!(request.body, "{\"schema\":\"x\"}");
        let mut headers: Vec<_> = request.headers.iter().collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        let mut headers: Vec<_> =
            headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        let (name, trace) = headers.pop().unwrap();
        assert!(name == "traceparent" && trace.starts_with("00-"), "{name}: {trace}");
        let expected = [
            ("accept", "*/*"),
            ("authorization", "Basic a2V5OnNlY3JldA=="),
            ("content-type", "application/json"),
        ];
        assert_eq!(headers, expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_path_and_no_answer_leads_anywhere_else() {
    local(async {
        let (gateway, registry) = with_registry(Answer::body(200, "{}"));
        for path in ["..", "subjects/../../admin", "subjects/%2e%2E/x", "."] {
            assert_eq!(get(&gateway, &format!("schema-registry/{path}")).await.0, 400, "{path}");
        }
        let mut large = request(Method::PUT, "/upstash/schema-registry/config");
        large.body = Bytes::from(vec![b'x'; 1024 * 1024 + 1]);
        assert_eq!(gateway.send(large).await.taken().0, 413);
        assert!(registry.seen().is_empty());
        for (path, uri) in [
            ("schema-registry/", "https://registry.test/base/"),
            ("schema-registry/@evil.test/x", "https://registry.test/base/@evil.test/x"),
            ("schema-registry//evil.test/x", "https://registry.test/base//evil.test/x"),
        ] {
            assert_eq!(get(&gateway, path).await, (200, json!({})));
            assert_eq!(registry.seen().pop().unwrap().uri, uri);
        }
        for (answer, status) in [
            (Answer::body(302, "").header("location", "http://evil.test/"), 502),
            (Answer::body(401, "{}"), 502),
            (Answer::body(200, "x".repeat(5 * 1024 * 1024)), 502),
        ] {
            let (gateway, registry) = with_registry(answer);
            let answer =
                call(&gateway, Method::DELETE, "schema-registry/x", &Value::Null, &[]).await;
            assert_eq!((answer.0, registry.seen().len()), (status, 1), "{}", answer.1);
        }
    })
    .await;
}

//! The protocol over HTTP, in both eras.

use bytes::Bytes;
use http::Method;
use http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use kafka_edge_sim::{StoreMode, local};
use serde_json::{Value, json};

use super::scene::{ERAS, Era, Scene, Way, done, error, failed, message, tool_call};
use crate::gateway::{Gateway, Taken, header, request};

/// A POST without any header of the protocol.
async fn post(gateway: &Gateway, body: &str) -> (u16, Value) {
    gateway.post("/mcp", "application/json", body).await.taken()
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_the_tools_needs_no_credential_no_store_and_no_kafka() {
    local(async {
        let scene = Scene::new().await;
        let failing = StoreMode::REFUSING;
        scene.gateway.world.set_store_mode(failing);
        let unreachable = kafka_edge::error::ErrorKind::Unreachable { detail: "x".into() };
        scene.gateway.log.set_failure(Some(unreachable.into()));
        let before = scene.gateway.world.store_calls();
        for (era, method, status) in [
            (Era::New, "server/discover", 200),
            (Era::Old, "initialize", 200),
            (Era::Old, "ping", 200),
            (Era::New, "ping", 404),
            (Era::Old, "prompts/list", 200),
            (Era::New, "prompts/list", 404),
        ] {
            for credential in [None, Some(&b"Bearer wrong"[..]), Some(b"Digest x")] {
                let mut post = message(era, method, &json!({}));
                post.headers.extend(credential.map(|value| header("authorization", value)));
                let response = scene.gateway.send(post).await;
                assert_eq!(response.header(&CONTENT_TYPE), Some("application/json"));
                assert_eq!(response.taken().0, status, "{method}");
            }
        }
        assert_eq!(scene.gateway.world.store_calls(), before);
        // Not even with nothing configured.
        let gateway = Gateway::closed();
        let discovered = gateway.send(message(Era::New, "server/discover", &json!({}))).await;
        let (status, json) = discovered.taken();
        assert_eq!((status, &json["result"]["capabilities"]), (200, &json!({"tools": {}})));
        assert_eq!(gateway.log.calls("topics"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_taken_and_answered_with_nothing() {
    local(async {
        let gateway = Gateway::closed();
        for method in ["notifications/initialized", "notifications/cancelled", "x"] {
            let text = json!({"jsonrpc": "2.0", "method": method}).to_string();
            assert_eq!(post(&gateway, &text).await, (202, Value::Null));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_credential_is_asked_for_with_the_tools() {
    local(async {
        let scene = Scene::new().await;
        let calls = scene.gateway.log.calls("topics");
        for era in ERAS {
            for post in [
                message(era, "tools/list", &json!({})),
                tool_call(era, "list_topics", &json!({})),
                tool_call(era, "nonsense", &json!({})),
            ] {
                for wrong in [
                    None,
                    Some(("authorization", "Bearer wrong")),
                    Some(("authorization", "Basic ?")),
                    Some(("x-api-key", "wrong")),
                    Some(("x-api-key", "")),
                ] {
                    let mut post = post.clone_request();
                    post.headers.extend(wrong.map(|(name, value)| header(name, value.as_bytes())));
                    let response = scene.gateway.send(post).await;
                    let challenge = response.header(&WWW_AUTHENTICATE).unwrap().to_owned();
                    assert!(challenge.contains("Bearer") && challenge.contains("Basic"));
                    assert!(!challenge.contains("resource_metadata"), "{challenge}");
                    let (status, json) = response.taken();
                    assert_eq!(json["id"], 7);
                    assert_eq!(error((status, json)), (401, 401), "{era:?} {wrong:?}");
                }
            }
        }
        assert_eq!(scene.gateway.log.calls("topics"), calls);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_list_is_private_and_on_one_page() {
    local(async {
        let scene = Scene::new().await;
        let list = async |era, params: Value| {
            scene.send(message(era, "tools/list", &params), "root", Way::Bearer).await.taken()
        };
        let (_, new) = list(Era::New, json!({})).await;
        let result = &new["result"];
        assert_eq!(result["cacheScope"], "private");
        assert!(result["ttlMs"].as_u64().is_some() && result.get("nextCursor").is_none());
        assert_eq!(result["resultType"], "complete");
        let (_, old) = list(Era::Old, json!({})).await;
        for name in ["cacheScope", "ttlMs", "resultType", "_meta"] {
            assert_eq!(old["result"].get(name), None, "{name}");
        }
        assert_eq!(old["result"]["tools"], new["result"]["tools"]);
        for era in ERAS {
            assert_eq!(error(list(era, json!({"cursor": "1"})).await), (200, -32602));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_tool_is_an_error_and_wrong_arguments_are_a_result() {
    local(async {
        let scene = Scene::new().await;
        for era in ERAS {
            let call = async |tool: &str, arguments: Value| {
                scene.send(tool_call(era, tool, &arguments), "root", Way::Bearer).await.taken()
            };
            assert_eq!(error(call("nonsense", json!({})).await), (200, -32602));
            let sentence = failed(call("read_records", json!({"topic": "orders", "x": 1})).await);
            assert!(sentence.contains("There is no \"x\"; there are: topic"), "{sentence}");
            let sentence = failed(call("list_topics", json!([])).await);
            assert!(sentence.starts_with("arguments: Not an object"), "{sentence}");
            done(call("list_topics", json!(null)).await);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_new_era_is_held_to_its_headers() {
    local(async {
        let scene = Scene::new().await;
        let without = async |names: &[&str]| {
            let mut post = tool_call(Era::New, "list_topics", &json!({}));
            post.headers.retain(|(name, _)| !names.contains(&&**name));
            scene.send(post, "root", Way::Bearer).await.taken()
        };
        done(without(&[]).await);
        for name in ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"] {
            let (status, json) = without(&[name]).await;
            assert_eq!(json["id"], 7);
            assert_eq!(error((status, json)), (400, -32020), "{name}");
        }
        let mut twice = tool_call(Era::New, "list_topics", &json!({}));
        twice.headers.push(header("mcp-name", b"produce"));
        assert_eq!(error(scene.send(twice, "root", Way::Bearer).await.taken()), (400, -32020));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_array_of_the_versions_that_have_them_is_answered_by_an_array() {
    local(async {
        let gateway = Gateway::open();
        let call = |id: u8, method: &str| json!({"jsonrpc": "2.0", "id": id, "method": method});
        let all = json!([
            call(1, "ping"),
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            call(2, "tools/list"),
            {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "list_topics"}},
            {"jsonrpc": "2.0", "id": 4},
        ]);
        let (status, json) = post(&gateway, &all.to_string()).await;
        let ids: Vec<_> = json.as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        assert_eq!((status, ids), (200, [1, 2, 3, 4].map(Value::from).to_vec()));
        assert_eq!(json[3]["error"]["code"], -32600);
        let notifications = json!([{"jsonrpc": "2.0", "method": "x"}]).to_string();
        assert_eq!(post(&gateway, &notifications).await, (202, Value::Null));

        // Who is not known is told so once.
        gateway.world.set_variable("open_access", "");
        let credential = r#"[{"name":"a","secret":"0123456789abcdef","allow":["admin"]}]"#;
        gateway.world.set_variable("credentials", credential);
        let closed = gateway.restarted();
        assert_eq!(error(post(&closed, &all.to_string()).await), (401, 401));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_no_client_sends_by_accident_is_refused() {
    local(async {
        let gateway = Gateway::open();
        let deep = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"produce","arguments":{}1{}}}}}"#,
            "[".repeat(50_000),
            "]".repeat(50_000)
        );
        let sentence = failed_as(1, post(&gateway, &deep).await);
        assert!(sentence.starts_with("arguments: Not an object"), "{sentence}");
        for (body, code) in [
            ("", -32700),
            ("{", -32700),
            ("\u{0}", -32700),
            ("[]", -32600),
            ("null", -32600),
            ("{}", -32600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32600),
        ] {
            assert_eq!(error(post(&gateway, body).await), (400, code), "{body}");
        }
        let large = format!("\"{}\"", "x".repeat(3 * 1024 * 1024));
        assert_eq!(error(post(&gateway, &large).await), (413, 413));
        let mut encoded = request(Method::POST, "/mcp");
        encoded.headers.push(header("content-encoding", b"br"));
        assert_eq!(error(gateway.send(encoded).await.taken()), (415, 415));
        assert_eq!(gateway.log.calls("produce"), 0);
    })
    .await;
}

#[track_caller]
fn failed_as(id: u8, (status, mut json): (u16, Value)) -> String {
    assert_eq!(json["id"], id);
    json["id"] = 7.into();
    failed((status, json))
}

#[tokio::test(start_paused = true)]
async fn there_is_no_session_to_open_or_to_end() {
    local(async {
        let gateway = Gateway::closed();
        for method in [Method::GET, Method::DELETE, Method::PUT] {
            let response = gateway.send(request(method.clone(), "/mcp")).await;
            assert_eq!(response.header(&ALLOW), Some("POST, OPTIONS"));
            assert_eq!(response.taken().0, 405, "{method}");
        }
        let initialized = gateway.send(message(Era::Old, "initialize", &json!({}))).await;
        assert!(initialized.headers.iter().all(|(name, _)| name != "mcp-session-id"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_looks_for_an_authorization_server_is_told_what_to_do() {
    local(async {
        let gateway = Gateway::closed();
        for (method, path) in [
            (Method::GET, "/.well-known/oauth-protected-resource/mcp"),
            (Method::GET, "/.well-known/oauth-protected-resource"),
            (Method::GET, "/.well-known/oauth-authorization-server"),
            (Method::GET, "/.well-known/openid-configuration"),
            (Method::POST, "/register"),
        ] {
            let (status, json) = gateway.call(method, path).await;
            let sentence = json["error"].as_str().unwrap();
            assert_eq!(status, 404, "{path}");
            assert!(sentence.contains("no authorization server"), "{sentence}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_place_may_not_call() {
    local(async {
        for (origins, origin, status) in [
            ("", "https://evil.test", 403),
            ("https://app.test", "https://evil.test", 403),
            ("https://app.test", "https://app.test", 200),
        ] {
            let gateway = Gateway::open();
            gateway.world.set_variable("cors_origins", origins);
            for method in ["server/discover", "tools/list"] {
                let mut post = message(Era::New, method, &json!({}));
                post.headers.push(header("origin", origin.as_bytes()));
                let answer = gateway.send(post).await.taken();
                assert_eq!(answer.0, status, "{origins} {origin}");
                if status == 403 {
                    assert_eq!(error(answer), (403, 403));
                }
            }
        }
    })
    .await;
}

/// A request that is sent more than once.
trait CloneRequest {
    fn clone_request(&self) -> Self;
}

impl CloneRequest for kafka_edge::http::Request<Bytes> {
    fn clone_request(&self) -> Self {
        Self {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: self.headers.clone(),
            scheme: self.scheme.clone(),
            authority: self.authority.clone(),
            client: self.client,
            body: self.body.clone(),
        }
    }
}

//! A gateway with callers, records, a group, webhooks and sources; and calls in both eras.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::AUTHORIZATION;
use kafka_edge::http::{Request, Response};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};

/// What no answer to a caller who may use `orders` alone may hold.
pub(crate) const RECORD_OF_PAYMENTS: &str = "a record of payments";
/// What no answer at all may hold.
pub(crate) const SECRET_OF_SOURCE: &str = "the secret of the source";
pub(crate) const TOKEN_IN_URL: &str = "token-in-a-callback";

pub(crate) const PERMISSIONS: [&str; 4] = ["produce", "consume", "webhooks", "admin"];

pub(crate) fn secret(name: &str) -> String {
    format!("secret-of-the-caller-{name}")
}

/// One credential for each permission, one with all of them, one without `orders`, and
/// one that may call once in a second.
fn credentials() -> String {
    let entry = |name: &str, allow: &[&str], topics: &[&str]| json!({"name": name, "secret": secret(name), "allow": allow, "topics": topics});
    let mut entries = vec![
        entry("root", &PERMISSIONS, &["*"]),
        entry("all", &PERMISSIONS, &["orders"]),
        entry("elsewhere", &PERMISSIONS, &["t"]),
        entry("slow", &PERMISSIONS, &["orders"]),
    ];
    entries[3]["rate"] = 1.into();
    entries.extend(PERMISSIONS.map(|permission| entry(permission, &[permission], &["orders"])));
    Value::from(entries).to_string()
}

/// A way to present a secret.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Bearer,
    Basic,
    ApiKey,
}

pub(crate) const WAYS: [Way; 3] = [Way::Bearer, Way::Basic, Way::ApiKey];

impl Way {
    pub(crate) fn header(self, name: &str) -> (String, Bytes) {
        let authorization = |value: String| header(AUTHORIZATION.as_str(), value.as_bytes());
        match self {
            Self::Bearer => authorization(format!("Bearer {}", secret(name))),
            Self::Basic => {
                let pair = format!("{name}:{}", secret(name));
                authorization(format!("Basic {}", STANDARD.encode(pair)))
            }
            Self::ApiKey => header("X-API-Key", secret(name).as_bytes()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Old,
    New,
}

pub(crate) const ERAS: [Era; 2] = [Era::Old, Era::New];

/// A message as a client of this era sends it.
pub(crate) fn message(era: Era, method: &str, params: &Value) -> Request<Bytes> {
    let mut params = params.clone();
    let mut post = request(Method::POST, "/mcp");
    post.headers.push(header("content-type", b"application/json"));
    post.headers.push(header("accept", b"application/json, text/event-stream"));
    match era {
        Era::Old => post.headers.push(header("MCP-Protocol-Version", b"2025-11-25")),
        Era::New => {
            post.headers.push(header("MCP-Protocol-Version", b"2026-07-28"));
            post.headers.push(header("Mcp-Method", method.as_bytes()));
            let name = params["name"].as_str().map(|name| header("Mcp-Name", name.as_bytes()));
            post.headers.extend(name);
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
    }
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    post.body = message.to_string().into();
    post
}

pub(crate) fn tool_call(era: Era, tool: &str, arguments: &Value) -> Request<Bytes> {
    message(era, "tools/call", &json!({"name": tool, "arguments": arguments}))
}

/// The result of a call that did what it was to do.
#[track_caller]
pub(crate) fn done((status, json): (u16, Value)) -> Value {
    let result = &json["result"];
    assert_eq!((status, &json["id"], result.get("isError")), (200, &7.into(), None), "{json}");
    let text = result["content"][0]["text"].as_str().expect("there is a text");
    let structured = &result["structuredContent"];
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), *structured);
    assert!(structured.is_object(), "{json}");
    structured.clone()
}

/// The sentence of a call that failed.
#[track_caller]
pub(crate) fn failed((status, json): (u16, Value)) -> String {
    let result = &json["result"];
    assert_eq!((status, &result["isError"]), (200, &true.into()), "{json}");
    assert_eq!(result.get("structuredContent"), None);
    result["content"][0]["text"].as_str().expect("there is a text").to_owned()
}

/// Status and code of an error of the protocol.
#[track_caller]
pub(crate) fn error((status, json): (u16, Value)) -> (u16, i64) {
    assert_eq!((&json["jsonrpc"], json.get("result")), (&"2.0".into(), None), "{json}");
    assert!(json["error"]["message"].is_string(), "{json}");
    (status, json["error"]["code"].as_i64().expect("there is a code"))
}

pub(crate) struct Scene {
    pub(crate) gateway: Gateway,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let gateway = Gateway::open();
        gateway.world.set_variable("open_access", "");
        gateway.world.set_variable("credentials", &credentials());
        for topic in ["orders", "payments"] {
            gateway.log.create_topic(topic, 2);
        }
        for (partition, value) in [(0, "first"), (0, "second"), (1, "third")] {
            gateway.log.append("orders", partition, value);
        }
        gateway.log.append("payments", 0, RECORD_OF_PAYMENTS);
        let scene = Self { gateway };
        for topic in ["orders", "payments"] {
            let url = format!("https://h.test/{topic}?token={TOKEN_IN_URL}");
            let webhook = json!({"topic": topic, "callback_url": url});
            scene.prepare("/webhooks", &webhook, 201).await;
            let verify = json!({"token": {"header": "x-token"}, "secrets": [SECRET_OF_SOURCE]});
            let source = json!({"name": format!("of-{topic}"), "topic": topic, "verify": verify});
            scene.prepare("/sources", &source, 201).await;
            let seek = json!({"topic": topic, "to": "earliest"});
            scene.prepare(&format!("/groups/of-{topic}/seek"), &seek, 200).await;
            scene.prepare("/groups/of-both/seek", &seek, 200).await;
            // One event is refused, and its token is not kept.
            let mut event = request(Method::POST, &format!("/in/of-{topic}"));
            event.headers.push(header("x-token", b"a guess of a sender"));
            assert_eq!(scene.gateway.send(event).await.status, 401);
        }
        scene
    }

    async fn prepare(&self, target: &str, body: &Value, status: u16) {
        let mut post = request(Method::POST, target);
        post.headers.push(Way::Bearer.header("root"));
        post.body = body.to_string().into();
        let (answered, json) = self.gateway.send(post).await.taken();
        assert_eq!(answered, status, "{target}: {json}");
    }

    pub(crate) async fn send(&self, mut post: Request<Bytes>, by: &str, way: Way) -> Response {
        post.headers.push(way.header(by));
        self.gateway.send(post).await
    }

    /// Calls a tool, as a caller of this name.
    pub(crate) async fn call(&self, by: &str, tool: &str, arguments: Value) -> (u16, Value) {
        self.send(tool_call(Era::New, tool, &arguments), by, Way::Bearer).await.taken()
    }
}

//! Who may make which call: every route of the router's own table, as allowed
//! and as refused.

use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use kafka_edge::access::Permission;
use kafka_edge::http::{Caller, Request, Response, TopicPlace};
use kafka_edge_sim::{Answer, Script, local};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};
use crate::routes::{Route, named, routes};

/// The topic of the examples.
const MINE: &str = "orders";

/// For each permission a credential that has only that, one that has all
/// others, and one that has all of them for a topic that is not asked for.
fn credentials() -> String {
    let all = Permission::ALL.map(Permission::name);
    let entry = |name: &str, allow: &[&str], topics: &[&str]| json!({"name": name, "secret": secret(name), "allow": allow, "topics": topics});
    let mut entries = vec![entry("root", &all, &["*"]), entry("elsewhere", &all, &["t2", "u*"])];
    for permission in all {
        let others: Vec<_> = all.into_iter().filter(|other| *other != permission).collect();
        entries.push(entry(&only(permission), &[permission], &[MINE]));
        entries.push(entry(&all_but(permission), &others, &["*"]));
    }
    Value::from(entries).to_string()
}

pub(crate) fn only(permission: &str) -> String {
    format!("only-{permission}")
}

fn all_but(permission: &str) -> String {
    format!("all-but-{permission}")
}

pub(crate) fn secret(name: &str) -> String {
    format!("secret-of-the-caller-{name}")
}

pub(crate) struct Scene {
    pub(crate) gateway: Gateway,
    /// And a run, behind a space.
    pub(crate) webhook: String,
}

impl Scene {
    /// The topic that is asked for, another one, a webhook, a source, an action
    /// and a run of it on each, and groups that read them.
    pub(crate) async fn new() -> Self {
        let gateway = Gateway::open();
        gateway.world.set_variable("open_access", "");
        gateway.world.set_variable("credentials", &credentials());
        gateway.log.create_topic("t2", 1);
        gateway.log.create_topic(MINE, 2);
        gateway.world.set_variable("schema_registry_url", "http://registry.test");
        gateway.world.set_upstream(Script::always(Answer::body(200, "[]")).upstream());
        let mut webhook = String::new();
        for topic in ["t2", MINE] {
            let mut register = as_caller("root", &named("registerWebhook"), "");
            register.body =
                json!({"topic": topic, "callback_url": "https://h.test/other"}).to_string().into();
            let (status, json) = gateway.send(register).await.taken();
            assert_eq!(status, 201, "{json}");
            webhook = json["webhook_id"].as_str().unwrap().to_owned();
        }
        // The last one keeps what it cannot deliver, and there is some.
        let mut patch = as_caller("root", &named("patchSubscription"), &webhook);
        patch.body = json!({"exhausted": {"dead_letter": "t2"}}).to_string().into();
        assert_eq!(gateway.send(patch).await.status, 200);
        gateway.log.append("t2", 0, "undelivered");
        gateway.log.append(MINE, 0, "delivered");
        for (name, topic) in [("other", "t2"), ("github", MINE)] {
            let mut create = as_caller("root", &named("createSource"), "");
            let source = json!({"name": name, "topic": topic, "verify": {"none": {}},
                "allow": {"methods": ["GET", "POST"]}});
            create.body = source.to_string().into();
            assert_eq!(gateway.send(create).await.status, 201);
        }
        let mut create = as_caller("root", &named("createDestination"), "");
        let config = json!({"rest_url": "https://proxy.test", "topic": "t2"});
        create.body =
            json!({"name": "Event Stream", "type": "kafka", "config": config}).to_string().into();
        assert_eq!(gateway.send(create).await.status, 201);
        let mut run = String::new();
        for (identifier, topic) in [("other", "t2"), ("publish-event", MINE)] {
            let mut create = as_caller("root", &named("createAction"), "");
            let config = json!({"type": "KAFKA", "topic": topic, "payload": {}});
            create.body = json!({"identifier": identifier, "config": config}).to_string().into();
            assert_eq!(gateway.send(create).await.status, 201);
            let mut publish = as_caller("root", &named("runAction"), "");
            publish.target = format!("/actions/{identifier}/runs");
            let (status, json) = gateway.send(publish).await.taken();
            assert_eq!(status, 201, "{json}");
            run = json["run_id"].as_str().unwrap().to_owned();
        }
        for (group, topic) in [("billing", "t2"), ("billing", MINE), ("audit", MINE)] {
            let mut seek = as_caller("root", &named("seekGroup"), "");
            seek.target = format!("/groups/{group}/seek");
            seek.body = json!({"topic": topic, "to": "latest"}).to_string().into();
            assert_eq!(gateway.send(seek).await.status, 200);
        }
        for (topic, group) in [("t2", "h"), (MINE, "tour")] {
            let target = format!("/upstash/consume/{group}/one/{topic}?timeout=0");
            let mut consume = request(http::Method::GET, &target);
            consume.headers.push(authorization(&format!("Bearer {}", secret("root"))));
            assert_eq!(gateway.send(consume).await.taken().0, 200);
        }
        Self { gateway, webhook: format!("{webhook} {run}") }
    }

    /// A call of the route by a caller who has this credential.
    pub(crate) async fn by(&self, name: &str, route: &Route) -> Response {
        self.gateway.send(as_caller(name, route, &self.webhook)).await
    }

    /// A call that has to be refused, for free.
    async fn refused(&self, request: Request<Bytes>, status: u16) -> (Response, Value) {
        let before = (self.log_calls(), self.gateway.world.store());
        let what = format!("{} {}", request.method, request.target);
        let response = self.gateway.send(request).await;
        assert_eq!(response.status, status, "{what}: {response:?}");
        assert_eq!(before, (self.log_calls(), self.gateway.world.store()), "{what}");
        let json: Value = serde_json::from_slice(response.whole_body()).unwrap();
        assert_eq!(*status_in(&json), status, "{what}");
        assert!(sentence_in(&json).is_some(), "{what}");
        (response, json)
    }

    fn log_calls(&self) -> u64 {
        let functions = ["topics", "topic", "offsets", "offset_at", "produce", "fetch", "ping"];
        functions.iter().map(|function| self.gateway.log.calls(function)).sum()
    }
}

/// The status that an error names; that of MCP has the form of JSON-RPC.
fn status_in(json: &Value) -> &Value {
    if json["error"].is_object() { &json["error"]["code"] } else { &json["status"] }
}

fn sentence_in(json: &Value) -> Option<&str> {
    json["error"].as_str().or(json["error"]["message"].as_str())
}

pub(crate) fn as_caller(name: &str, route: &Route, webhook: &str) -> Request<Bytes> {
    let mut request = route.example(webhook);
    request.headers.push(authorization(&format!("Bearer {}", secret(name))));
    request
}

fn api_key(value: &str) -> (String, Bytes) {
    header("X-API-Key", value.as_bytes())
}

fn authorization(value: &str) -> (String, Bytes) {
    header(AUTHORIZATION.as_str(), value.as_bytes())
}

#[tokio::test(start_paused = true)]
async fn unknown_callers_are_refused_everywhere_but_at_the_health_checks() {
    local(async {
        for route in &routes() {
            let scene = Scene::new().await;
            let request = route.example(&scene.webhook);
            if route.caller == Caller::Anyone {
                let status = scene.gateway.send(request).await.status;
                assert!(status.is_success(), "{} {}: {status}", route.method, route.path);
                continue;
            }
            let challenged = |(response, json): (Response, Value)| {
                let challenge = response.header(&WWW_AUTHENTICATE).unwrap();
                assert!(challenge.starts_with("Basic realm=\"kafka-edge\""), "{challenge}");
                assert!(challenge.contains("Bearer"), "{challenge}");
                assert_eq!(json.get("detail"), None, "{json}");
            };
            challenged(scene.refused(request, 401).await);
            let values = ["Bearer wrong", "Basic cm9vdDp3cm9uZw==", "Basic ?", "Digest x", ""];
            let keys = ["wrong", "", "Bearer wrong", "root"].map(api_key);
            for presented in values.map(authorization).into_iter().chain(keys) {
                let mut request = route.example(&scene.webhook);
                request.headers.push(presented);
                challenged(scene.refused(request, 401).await);
            }
            // A second header, and a secret where it does not belong.
            let mut twice = as_caller("root", route, &scene.webhook);
            twice.headers.push(authorization("Bearer wrong"));
            challenged(scene.refused(twice, 401).await);
            let mut in_query = route.example(&scene.webhook);
            let sign = if in_query.target.contains('?') { '&' } else { '?' };
            in_query.target += &format!("{sign}user=root&pass={}", secret("root"));
            if matches!(route.name, "receiveWebhook" | "upstashWebhook") {
                assert_eq!(scene.gateway.send(in_query).await.status, 200);
                continue;
            }
            if route.caller == Caller::ByMessage {
                scene.refused(in_query, 400).await;
                continue;
            }
            challenged(scene.refused(in_query, 401).await);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_route_needs_its_permission_and_no_other() {
    local(async {
        for route in &routes() {
            let Caller::Allowed(permission) = route.caller else { continue };
            let name = permission.name();
            let scene = Scene::new().await;
            let without = as_caller(&all_but(name), route, &scene.webhook);
            let (_, json) = scene.refused(without, 403).await;
            let detail = json["detail"].as_str().unwrap();
            assert!(detail.contains(&format!("\"{name}\"")), "{}: {detail}", route.path);

            if route.path.starts_with("/sources") && route.topic != TopicPlace::Filtered {
                // A source writes, so that its owner has to be allowed to produce, too.
                let (_, json) = scene.refused(as_caller(&only(name), route, ""), 403).await;
                assert!(json["detail"].as_str().unwrap().contains("\"produce\""), "{json}");
                assert!(scene.by("root", route).await.status.is_success(), "{}", route.path);
                continue;
            }
            if matches!(
                route.name,
                "createSubscription"
                    | "putSubscription"
                    | "patchSubscription"
                    | "redriveSubscription"
            ) {
                // What is subscribed to is read.
                let caller = as_caller(&only(name), route, &scene.webhook);
                let (_, json) = scene.refused(caller, 403).await;
                assert!(json["detail"].as_str().unwrap().contains("\"consume\""), "{json}");
                assert!(scene.by("root", route).await.status.is_success(), "{}", route.path);
                continue;
            }
            if route.name == "createAction" {
                assert_eq!(scene.by("root", &named("deleteAction")).await.status, 204);
            }
            if route.name.starts_with("createDestination") {
                assert_eq!(scene.by("root", &named("deleteDestination")).await.status, 204);
            }
            if route.path.starts_with("/credentials/{name}") {
                let create = named("createCredential");
                assert_eq!(scene.by("root", &create).await.status, 201);
            }
            let response = scene.by(&only(name), route).await;
            assert!(response.status.is_success(), "{}: {response:?}", route.path);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_known_caller_may_make_the_calls_that_need_no_permission() {
    local(async {
        let needs_none = |route: &&Route| matches!(route.caller, Caller::Known | Caller::ByMessage);
        for route in routes().iter().filter(needs_none) {
            for permission in Permission::ALL {
                let scene = Scene::new().await;
                let response = scene.by(&only(permission.name()), route).await;
                assert!(response.status.is_success(), "{}: {response:?}", route.path);
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_route_takes_the_secret_as_an_api_key_and_shows_it_nowhere() {
    local(async {
        for route in &routes() {
            let scene = Scene::new().await;
            if route.path.starts_with("/credentials/{name}") {
                let create = named("createCredential");
                assert_eq!(scene.by("root", &create).await.status, 201);
            }
            if route.name == "createAction" {
                assert_eq!(scene.by("root", &named("deleteAction")).await.status, 204);
            }
            if route.name.starts_with("createDestination") {
                assert_eq!(scene.by("root", &named("deleteDestination")).await.status, 204);
            }
            let mut request = route.example(&scene.webhook);
            request.headers.push(api_key(&secret("root")));
            let (status, json) = scene.gateway.send(request).await.taken();
            let known = sentence_in(&json).is_none_or(|sentence| !sentence.contains("credential"));
            assert!((200..300).contains(&status) && known, "{} {status}: {json}", route.path);
            let written = (0..2).flat_map(|partition| scene.gateway.log.records(MINE, partition));
            let written = written.map(|record| format!("{record:?}")).collect::<String>();
            let stored = scene.gateway.world.store();
            let stored = stored.values().flatten().map(|value| String::from_utf8_lossy(value));
            let stored = stored.collect::<String>();
            let reported = scene.gateway.world.reported().join("\n");
            for shown in [json.to_string(), written, stored, reported] {
                assert!(!shown.contains(&secret("root")), "{}: {shown}", route.path);
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn authorization_counts_before_an_api_key() {
    local(async {
        let route = named("listTopics");
        let scene = Scene::new().await;
        // A gateway in front of this one may have a key of its own there.
        let mut both = as_caller("root", &route, "");
        both.headers.push(api_key("of another gateway"));
        assert_eq!(scene.gateway.send(both).await.status, 200);
        let mut wrong = route.example("");
        wrong.headers.extend([authorization("Bearer wrong"), api_key(&secret("root"))]);
        scene.refused(wrong, 401).await;
        let mut twice = route.example("");
        twice.headers.extend([api_key(&secret("root")), api_key(&secret("root"))]);
        scene.refused(twice, 401).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_route_keeps_to_the_topics_of_its_caller() {
    local(async {
        for route in &routes() {
            let scene = Scene::new().await;
            match route.topic {
                TopicPlace::None => assert!(!route.path.contains("{topic}"), "{}", route.path),
                TopicPlace::InPath
                | TopicPlace::ListInPath
                | TopicPlace::InBody
                | TopicPlace::InQuery
                | TopicPlace::OfInstance
                | TopicPlace::OfSubscription
                | TopicPlace::OfGroup
                | TopicPlace::OfSource
                | TopicPlace::OfAction
                | TopicPlace::OfRun => {
                    let request = as_caller("elsewhere", route, &scene.webhook);
                    let (_, json) = scene.refused(request, 403).await;
                    let detail = json["detail"].as_str().unwrap();
                    assert!(detail.contains(&format!("\"{MINE}\"")), "{}: {detail}", route.path);
                }
                TopicPlace::Filtered => {
                    let seen = async |name: &str| {
                        let response = scene.by(name, route).await;
                        assert_eq!(response.status, 200, "{}", route.path);
                        let text = response.taken().1.to_string().replace("\\\"", "\"");
                        [MINE, "t2"].map(|topic| text.contains(&format!("\"{topic}\"")))
                    };
                    assert_eq!(seen("root").await, [true, true], "{}", route.path);
                    assert_eq!(seen("elsewhere").await, [false, true], "{}", route.path);
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_not_hidden_by_how_it_is_written() {
    local(async {
        let scene = Scene::new().await;
        for target in ["/producer/%6Frders/m", "/topics/%6Frders"] {
            let mut request = request(http::Method::GET, target);
            request.headers.push(authorization(&format!("Bearer {}", secret("elsewhere"))));
            scene.refused(request, 403).await;
        }
        for target in [
            "/consumer/t2,orders",
            "/consumer/orders,t2",
            "/consumer/t2,%6Frders",
            "/consumer/orders%2Ct2",
        ] {
            let mut request = request(http::Method::GET, target);
            request.headers.push(authorization(&format!("Bearer {}", secret("elsewhere"))));
            let (_, json) = scene.refused(request, 403).await;
            assert!(json["detail"].as_str().unwrap().contains("\"orders\""), "{target}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_nothing_configured_every_route_but_health_refuses() {
    local(async {
        let gateway = Gateway::closed();
        for route in &routes() {
            let response = gateway.send(as_caller("root", route, "webhook_1")).await;
            let (status, json) = response.taken();
            let sentence = sentence_in(&json).unwrap_or_default();
            if route.caller == Caller::Anyone {
                assert!(!sentence.contains("open_access"), "{}: {sentence}", route.path);
            } else {
                // Old clients of MCP would end their session at another status than 200.
                let keeps = route.caller == Caller::ByMessage;
                assert_eq!(status, if keeps { 200 } else { 503 }, "{}", route.path);
                assert_eq!(*status_in(&json), 503, "{}", route.path);
                assert!(sentence.contains("open_access"), "{sentence}");
                assert!(sentence.contains("credentials"), "{sentence}");
            }
        }
        for function in ["topics", "topic", "produce", "fetch", "offsets"] {
            assert_eq!(gateway.log.calls(function), 0, "{function}");
        }
        assert!(gateway.world.store().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn open_access_turns_all_of_it_off() {
    local(async {
        for route in &routes() {
            let scene = Scene::new().await;
            let open = scene.gateway.restarted();
            open.world.set_variable("open_access", "true");
            if route.name == "createAction" {
                assert_eq!(open.send(named("deleteAction").example("")).await.status, 204);
            }
            if route.name.starts_with("createDestination") {
                assert_eq!(open.send(named("deleteDestination").example("")).await.status, 204);
            }
            if route.path.starts_with("/credentials/{name}") {
                let create = named("createCredential").example("");
                assert_eq!(open.send(create).await.status, 201);
            }
            for value in [None, Some("Bearer wrong")] {
                // Deleted by the first of the two.
                let deletes =
                    route.method == http::Method::DELETE || route.name == "upstashDeleteConsumer";
                let again = value.is_some() && deletes;
                let mut request = route.example(&scene.webhook);
                request.headers.extend(value.map(authorization));
                let status = open.send(request).await.status.as_u16();
                let fine = (200..300).contains(&status)
                    || (again && status == 404)
                    || (value.is_some()
                        && matches!(
                            route.name,
                            "createCredential"
                                | "createSource"
                                | "createAction"
                                | "createDestination"
                                | "createDestinationV1"
                                | "redriveSubscription"
                        ));
                assert!(fine, "{} {}: {status}", route.method, route.path);
            }
        }
    })
    .await;
}

//! What a source costs in operations of the store: `docs/state.md` has the table.
//!
//! One read of each call in a fresh instance that has not read whether there are subscriptions
//! is when to look for overdue deliveries: a row of its own there.

use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use kafka_edge::http::Request;
use kafka_edge_sim::{SimLog, StoreCalls, StoreMode, local};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::sleep;

use crate::scene::{Answer, Instance, Scene, request, topics};

const FOREVER: Duration = Duration::from_secs(3_600);
/// For how long an instance uses its copy of the list, and waits before it writes its
/// statistics again.
const A_WHILE: Duration = Duration::from_secs(10);

type Cost = (u64, u64);

async fn scene(more: Value) -> Scene<SimLog> {
    let scene = Scene::new(1, topics()).await;
    let mut source = json!({"name": "s", "topic": "t", "verify": {"none": {}}});
    for (name, value) in more.as_object().expect("they are members") {
        source[name] = value.clone();
    }
    let made = scene.instance().post("/sources", &source).await.expect("it lives");
    assert_eq!(made.status, 201, "{}", made.json);
    sleep(A_WHILE).await;
    scene
}

/// What a request costs up to its answer, and with the work after it.
async fn cost(
    scene: &Scene<SimLog>,
    instance: &Instance<SimLog>,
    request: Request<Bytes>,
) -> (Cost, Cost, Answer) {
    scene.world.looked_for_overdue().await;
    let before = scene.world.store_calls();
    let since = |before: StoreCalls| {
        let StoreCalls { reads, writes } = scene.world.store_calls();
        (reads - before.reads, writes - before.writes)
    };
    let answer = instance.send(request, FOREVER).await.expect("it lives");
    let answered = since(before);
    instance.host.idle().await;
    (answered, since(before), answer)
}

fn event(body: &Value) -> Request<Bytes> {
    request(Method::POST, "/in/s", body)
}

/// The cost in a fresh instance, with what it writes beside the answer, and for the next
/// event in the same one.
async fn fresh_and_warm(
    scene: &Scene<SimLog>,
    event: impl Fn(u64) -> Request<Bytes>,
    status: u16,
) -> (Cost, Cost) {
    sleep(A_WHILE).await;
    let instance = scene.instance();
    let (_, fresh, answer) = cost(scene, &instance, event(1)).await;
    assert_eq!(answer.status, status, "{}", answer.json);
    let (warm, _, answer) = cost(scene, &instance, event(2)).await;
    assert_eq!(answer.status, status, "{}", answer.json);
    (fresh, warm)
}

#[tokio::test(start_paused = true)]
async fn an_event() {
    local(async {
        let plain = scene(json!({})).await;
        let numbered = |number: u64| event(&json!({"id": number}));
        assert_eq!(fresh_and_warm(&plain, numbered, 200).await, ((5, 1), (0, 0)));

        let github = json!({"verify": {"provider": "github", "secrets": ["hush"]}});
        let signed = |number: u64| {
            let mut event = numbered(number);
            let mut mac = Hmac::<Sha256>::new_from_slice(b"hush").unwrap();
            mac.update(&event.body);
            let hex = |byte: &u8| format!("{byte:02x}");
            let hash: String = mac.finalize().into_bytes().iter().map(hex).collect();
            event.headers.push(("x-hub-signature-256".into(), format!("sha256={hash}").into()));
            event
        };
        let verified = scene(github).await;
        assert_eq!(fresh_and_warm(&verified, signed, 200).await, ((5, 1), (0, 0)));
        let refused = fresh_and_warm(&verified, numbered, 401).await;
        assert_eq!(refused, ((4, 1), (0, 0)));

        let dead = json!({"validate": {"schema": {"type": "array"},
            "on_failure": {"dead_letter": "u"}}});
        assert_eq!(fresh_and_warm(&scene(dead).await, numbered, 202).await, ((5, 1), (0, 0)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_remembered() {
    local(async {
        let dedupe = json!({"dedupe": {"id": {"field": "/id"}}});
        let scene = scene(dedupe).await;
        let numbered = |number: u64| event(&json!({"id": number}));
        assert_eq!(fresh_and_warm(&scene, numbered, 200).await, ((6, 3), (1, 2)));
        // Both are repeats now.
        assert_eq!(fresh_and_warm(&scene, numbered, 200).await, ((5, 1), (1, 0)));
        let warm = scene.instance();
        cost(&scene, &warm, numbered(3)).await;
        let (own, _, answer) = cost(&scene, &warm, numbered(3)).await;
        assert!(answer.is_repeat());
        assert_eq!(own, (0, 0), "the instance that wrote it knows");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_remembered_under_a_key_of_its_own() {
    local(async {
        let dedupe = json!({"dedupe": {"id": {"field": "/id"}}});
        let scene = scene(dedupe).await;
        scene.world.set_store_mode(StoreMode { creates: true, ..StoreMode::default() });
        let numbered = |number: u64| event(&json!({"id": number}));
        assert_eq!(fresh_and_warm(&scene, numbered, 200).await, ((5, 3), (0, 2)));
        // Both are repeats now, and the attempt to create the key counts as a write.
        assert_eq!(fresh_and_warm(&scene, numbered, 200).await, ((4, 2), (0, 1)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_batch() {
    local(async {
        let settings = json!({"cloud_events": {"mode": "binary"}, "dedupe": {}});
        let scene = scene(settings).await;
        let batch = |from: u64| {
            let of = |id| {
                json!({"specversion": "1.0", "id": format!("{id}"), "source": "/s",
                "type": "t", "data": id})
            };
            let mut request = event(&(from..from + 10).map(of).collect());
            request.headers[1].1 = Bytes::from("application/cloudevents-batch+json");
            request
        };
        let instance = scene.instance();
        let (_, first, answer) = cost(&scene, &instance, batch(0)).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        let (_, again, _) = cost(&scene, &scene.instance(), batch(0)).await;
        assert_eq!((first, again), ((17, 21), (14, 0)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change() {
    local(async {
        let scene = Scene::new(1, topics()).await;
        let mut costs = Vec::new();
        let source = json!({"name": "s", "topic": "t",
            "verify": {"provider": "github", "secrets": ["hush"]}});
        let switched_off = json!({"enabled": false});
        for (method, target, body) in [
            (Method::POST, "/sources", &source),
            (Method::GET, "/sources/s", &Value::Null),
            (Method::GET, "/sources", &Value::Null),
            (Method::PUT, "/sources/s", &source),
            (Method::PATCH, "/sources/s", &switched_off),
            (Method::POST, "/secrets/rewrap", &Value::Null),
            (Method::DELETE, "/sources/s", &Value::Null),
        ] {
            let name = format!("{method} {target}");
            let mut change = request(method.clone(), target, body);
            if method == Method::PATCH {
                change.headers[1].1 = Bytes::from("application/merge-patch+json");
            }
            let (_, cost, answer) = cost(&scene, &scene.instance(), change).await;
            assert!(answer.is_taken(), "{name}: {}", answer.json);
            costs.push((name, cost));
        }
        let costs: Vec<_> = costs.iter().map(|(name, cost)| (name.as_str(), *cost)).collect();
        assert_eq!(
            costs,
            [
                ("POST /sources", (6, 2)),
                ("GET /sources/s", (4, 0)),
                ("GET /sources", (3, 0)),
                ("PUT /sources/s", (6, 2)),
                ("PATCH /sources/s", (6, 2)),
                ("POST /secrets/rewrap", (8, 4)),
                ("DELETE /sources/s", (6, 3)),
            ]
        );
    })
    .await;
}

/// Each new secret is encrypted with a draw of its own, at every time that a change makes
/// its source ready.
#[tokio::test(start_paused = true)]
async fn a_change_makes_a_source_ready_once() {
    local(async {
        let mut draws = Vec::new();
        for secrets in [1, 5] {
            let scene = Scene::new(1, topics()).await;
            let secrets: Vec<_> = (0..secrets).map(|number| format!("hush {number}")).collect();
            let source = json!({"topic": "t",
                "verify": {"provider": "github", "secrets": secrets}});
            for (method, target) in [(Method::PUT, "/sources/new"), (Method::PATCH, "/sources/new")]
            {
                let instance = scene.instance();
                let change = request(method, target, &source);
                let (_, _, answer) = cost(&scene, &instance, change).await;
                assert!(answer.is_taken(), "{}", answer.json);
                draws.push(instance.host.draws());
            }
        }
        let more = [draws[2] - draws[0], draws[3] - draws[1]];
        assert_eq!(more, [4, 4], "four more secrets: {draws:?}");
    })
    .await;
}

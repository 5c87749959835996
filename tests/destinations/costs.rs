//! What destinations cost in operations of the store: `docs/state.md` has the table.
//!
//! One read of each call in a fresh instance that has not read whether there are subscriptions
//! is when to look for overdue deliveries: a row of its own there.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use kafka_edge::http::Request;
use kafka_edge_sim::{StoreCalls, local};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::log::LogFaults;
use crate::scene::{Clusters, Instance, Scene, destination, request};

type Cost = (u64, u64);

/// What a request costs up to its answer, and with the work after it.
async fn cost(scene: &Scene, instance: &Instance, request: Request<Bytes>) -> (Cost, Cost) {
    scene.world.looked_for_overdue().await;
    let StoreCalls { reads, writes } = scene.world.store_calls();
    let since = || {
        let now = scene.world.store_calls();
        (now.reads - reads, now.writes - writes)
    };
    let answer = instance.send(request).await.expect("it lives");
    assert!(answer.is_taken(), "{answer:?}");
    let answered = since();
    instance.host.idle().await;
    (answered, since())
}

fn event(id: u64) -> Request<Bytes> {
    request(Method::POST, "/in/s", &json!({ "id": id }))
}

async fn fresh_and_warm(scene: &Scene) -> (Cost, Cost) {
    sleep(Duration::from_secs(10)).await;
    let instance = scene.instance();
    let (_, fresh) = cost(scene, &instance, event(1)).await;
    (fresh, cost(scene, &instance, event(2)).await.0)
}

#[tokio::test(start_paused = true)]
async fn an_event() {
    local(async {
        let clusters = Clusters::new(1, LogFaults::default());
        let scene = Scene::with_destinations(1, &clusters).await;
        scene.source("s", json!(["gateway", "A", "B"]), json!({"dedupe": null})).await;
        assert_eq!(fresh_and_warm(&scene).await, ((7, 1), (0, 0)));
        let remembered = json!({"dedupe": {"id": {"field": "/id"}}});
        let patched = scene.instance().call(Method::PATCH, "/sources/s", &remembered).await;
        assert_eq!(patched.status, 200);
        assert_eq!(fresh_and_warm(&scene).await, ((8, 3), (1, 2)));
        // Both are repeats now.
        assert_eq!(fresh_and_warm(&scene).await, ((7, 1), (1, 0)));
        // One note more for each second that a destination takes.
        let delay = Duration::from_secs(600);
        clusters.b.faults.set(LogFaults { rate: 0.0, delay });
        let slow = scene.instance();
        let slow = cost(&scene, &slow, event(9)).await.0;
        assert_eq!(slow, (10, 3));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change() {
    local(async {
        let clusters = Clusters::new(1, LogFaults::default());
        let scene = Scene::new(1, &clusters);
        let mut settings = destination("A", "a");
        settings["config"]["api_key"] = json!("KEY");
        settings["config"]["api_secret"] = json!("hush");
        let mut costs = Vec::new();
        for (method, target, body) in [
            (Method::POST, "/destinations", &settings),
            (Method::GET, "/destinations/A", &Value::Null),
            (Method::GET, "/destinations", &Value::Null),
            (Method::POST, "/destinations/A/test", &Value::Null),
            (Method::PUT, "/destinations/A", &settings),
            (Method::PATCH, "/destinations/A", &json!({"enabled": false})),
            (Method::DELETE, "/destinations/A", &Value::Null),
        ] {
            let name = format!("{method} {target}");
            let change = request(method, target, body);
            costs.push((name, cost(&scene, &scene.instance(), change).await.1));
        }
        let costs: Vec<_> = costs.iter().map(|(name, cost)| (name.as_str(), *cost)).collect();
        assert_eq!(
            costs,
            [
                ("POST /destinations", (6, 2)),
                ("GET /destinations/A", (3, 0)),
                ("GET /destinations", (3, 0)),
                ("POST /destinations/A/test", (3, 0)),
                ("PUT /destinations/A", (8, 2)),
                ("PATCH /destinations/A", (6, 2)),
                ("DELETE /destinations/A", (10, 2)),
            ]
        );
    })
    .await;
}

//! What actions cost in operations of the store: `docs/state.md` has the table.
//!
//! One read of each call in a fresh instance that has not read whether there are subscriptions
//! is when to look for overdue deliveries: a row of its own there.

use bytes::Bytes;
use http::Method;
use kafka_edge::http::Request;
use kafka_edge_sim::{StoreCalls, local};
use serde_json::{Value, json};

use crate::scene::{Answer, Instance, Scene, node, request, seconds};

async fn cost(scene: &Scene, instance: &Instance, request: Request<Bytes>) -> ((u64, u64), Answer) {
    scene.world.looked_for_overdue().await;
    let before = scene.world.store_calls();
    let answer = instance.send(request).await.expect("it lives");
    instance.host.idle().await;
    let StoreCalls { reads, writes } = scene.world.store_calls();
    ((reads - before.reads, writes - before.writes), answer)
}

#[tokio::test(start_paused = true)]
async fn calls_cost_what_the_document_says() {
    local(async {
        let scene = Scene::with_action(1, json!([1, 2, 3])).await;
        let run = |key: Option<&'static str>| {
            let outputs = json!({"outputs": {"trigger": {}}});
            let mut run = request(Method::POST, "/actions/a/runs", &outputs);
            run.headers.extend(key.map(|key| ("idempotency-key".into(), key.into())));
            run
        };
        let fresh = scene.instance();
        let (published, answer) = cost(&scene, &fresh, run(None)).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        let id = answer.run();
        let (warm, _) = cost(&scene, &fresh, run(None)).await;
        let (once, _) = cost(&scene, &fresh, run(Some("k"))).await;
        seconds(10).await;
        let (again, answer) = cost(&scene, &scene.instance(), run(Some("k"))).await;
        assert!(answer.is_replayed);
        let shown = request(Method::GET, &format!("/v1/workflows/runs/{id}"), &Value::Null);
        let (shown, _) = cost(&scene, &scene.instance(), shown).await;
        let report = |result: &str| {
            let target = format!("/v1/workflows/runs/{id}/nodes/{}", node(&id));
            request(Method::PATCH, &target, &json!({"status": "COMPLETED", "result": result}))
        };
        let (reported, answer) = cost(&scene, &scene.instance(), report("SUCCESS")).await;
        assert_eq!(answer.status, 200);
        let (same, _) = cost(&scene, &scene.instance(), report("SUCCESS")).await;
        let (other, answer) = cost(&scene, &scene.instance(), report("FAILED")).await;
        assert_eq!(answer.status, 409);
        let costs = [
            ("a run", published),
            ("the next one", warm),
            ("one with a key", once),
            ("the same again", again),
            ("seeing it", shown),
            ("a report", reported),
            ("the same report", same),
            ("another result", other),
        ];
        let expected = [
            ("a run", (4, 2)),
            ("the next one", (2, 2)),
            // Two of the reads are what leads to subscriptions, which is too old by then.
            ("one with a key", (5, 4)),
            ("the same again", (4, 0)),
            ("seeing it", (6, 0)),
            ("a report", (9, 2)),
            ("the same report", (6, 0)),
            ("another result", (6, 0)),
        ];
        assert_eq!(costs, expected);
    })
    .await;
}

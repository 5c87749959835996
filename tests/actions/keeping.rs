//! For how long runs are there, and how many.

use http::Method;
use kafka_edge_sim::{StoreMode, local};
use serde_json::{Value, json};

use crate::scene::{Scene, seconds};

const WEEK: u64 = 7 * 24 * 60 * 60;

#[tokio::test(start_paused = true)]
async fn a_run_is_kept_for_seven_days() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let run = scene.instance().run(json!({})).await.unwrap().run();
        let report = json!({"status": "COMPLETED", "result": "SUCCESS"});
        seconds(WEEK - 60).await;
        assert_eq!(scene.instance().shown(&run).await.status, 200);
        assert_eq!(scene.instance().report(&run, report.clone()).await.unwrap().status, 200);
        seconds(60).await;
        assert_eq!(scene.instance().shown(&run).await.status, 404);
        assert_eq!(scene.instance().report(&run, report).await.unwrap().status, 404);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_thousand_runs_of_an_action_are_kept_in_documents_that_stay_as_many() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let one = scene.instance();
        let report = json!({"status": "COMPLETED", "result": "FAILED"});
        let mut runs = Vec::new();
        let documents = || scene.world.store().values().flatten().count();
        let mut counts = Vec::new();
        for number in 0..2_100 {
            runs.push(one.run(json!({"n": number})).await.unwrap().run());
            if number % 50 == 0 {
                let answer = one.report(&runs[number], report.clone()).await.unwrap();
                assert_eq!(answer.status, 200, "{}", answer.json);
            }
            if number == 1_049 || number == 2_049 {
                counts.push(documents());
            }
        }
        assert_eq!(counts[0], counts[1], "the later runs take the places of the earlier ones");
        for (number, run) in runs.iter().enumerate().step_by(50) {
            let shown = scene.instance().shown(run).await;
            if number < 1_100 {
                assert_eq!(shown.status, 404, "{number}");
                assert_eq!(one.report(run, report.clone()).await.unwrap().status, 404, "{number}");
            } else {
                assert_eq!(
                    (shown.status, &shown.json["result"]),
                    (200, &json!("FAILED")),
                    "{number}"
                );
            }
        }
        // One that was not reported on shows nothing of the run that had its place before.
        let shown = scene.instance().shown(&runs[2_051]).await;
        assert_eq!((shown.status, &shown.json["result"]), (200, &Value::Null));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_runs_of_an_action_go_with_it() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let run = scene.instance().run(json!({})).await.unwrap().run();
        let gone = scene.instance().call(Method::DELETE, "/actions/a", &Value::Null).await;
        assert_eq!(gone.status, 204);
        seconds(5).await;
        assert_eq!(scene.instance().shown(&run).await.status, 404);
    })
    .await;
}

/// The thousandth run before it is still what is noted in its place.
#[tokio::test(start_paused = true)]
async fn a_run_that_could_not_be_noted_takes_its_place_all_the_same() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let one = scene.instance();
        let old = one.run(json!({})).await.unwrap().run();
        let begun = json!({"status": "IN_PROGRESS", "output": {"of": "the old one"}});
        assert_eq!(one.report(&old, begun).await.unwrap().status, 200);
        for number in 1..1_000 {
            assert_eq!(one.run(json!({"n": number})).await.unwrap().status, 201);
        }
        let new = scene.run_without_note().await;
        assert_eq!(new.status, 201, "{}", new.json);
        scene.world.set_store_mode(StoreMode::default());
        let new = new.run();
        assert_eq!(scene.records().last().unwrap()["run_id"], json!(new));
        // Nobody knows of the new one yet, but those who ask for it.
        assert_eq!(scene.instance().shown(&old).await.status, 200);
        let shown = scene.instance().shown(&new).await;
        let node = &shown.json["nodes"][0];
        assert_eq!(
            (shown.status, &node["records"], &node["output"]),
            (200, &json!([]), &Value::Null)
        );

        let report = |result: &str| json!({"status": "COMPLETED", "result": result});
        let reported = scene.instance().report(&new, report("SUCCESS")).await.unwrap();
        assert_eq!(reported.status, 200, "{}", reported.json);
        assert_eq!(reported.json["nodes"][0]["output"], Value::Null, "that was of the old one");
        let late = scene.instance().report(&old, report("FAILED")).await.unwrap();
        assert_eq!((late.status, &late.json["error"]), (404, &json!("Run not found")));
        assert_eq!(scene.instance().shown(&old).await.status, 404);
        assert_eq!(scene.instance().shown(&new).await.json["result"], "SUCCESS");
    })
    .await;
}

//! Reports on runs.

use http::Method;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use crate::scene::{Scene, node, seconds};

const DONE: &str = "COMPLETED";

fn done(result: &str) -> Value {
    json!({"status": DONE, "result": result})
}

#[tokio::test(start_paused = true)]
async fn a_report_counts_once_and_no_other_result_after_it() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let run = scene.instance().run(json!({})).await.unwrap().run();
        let one = scene.instance();
        let begun = json!({"status": "IN_PROGRESS", "output": {"step": 1}});
        let answer = one.report(&run, begun.clone()).await.unwrap();
        assert_eq!((answer.status, &answer.json["status"]), (200, &json!("IN_PROGRESS")));
        assert_eq!(answer.json["nodes"][0]["output"], json!({"step": 1}));

        let output = json!({"id": 1_234_567_890_123_456_789_i64, "b": [1]});
        let mut report = done("SUCCESS");
        report["output"] = output.clone();
        let first = one.report(&run, report.clone()).await.unwrap();
        assert_eq!((first.status, &first.json["result"]), (200, &json!("SUCCESS")), "{}", first.json);
        seconds(60).await;
        let before = scene.world.store();
        // The same in another order, and without what it said already.
        let same = json!({"output": {"b": [1.0], "id": output["id"]}, "result": "SUCCESS", "status": DONE});
        for report in [report, same, done("SUCCESS")] {
            let again = scene.instance().report(&run, report).await.unwrap();
            assert_eq!((again.status, &again.json), (200, &first.json));
        }
        let mut other = done("SUCCESS");
        other["output"] = json!({"id": 2});
        for report in [done("FAILED"), done("CANCELLED"), other, begun] {
            let refused = scene.instance().report(&run, report).await.unwrap();
            assert_eq!(refused.status, 409, "{}", refused.json);
            assert_eq!(refused.json["error"], "The run is finished, with another result");
        }
        assert_eq!(scene.world.store(), before, "none of these changed anything");
        let shown = scene.instance().shown(&run).await;
        assert_eq!(shown.json, first.json);
        assert_eq!(shown.json["nodes"][0]["output"], output);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_report_without_an_output_keeps_the_earlier_one() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let run = scene.instance().run(json!({})).await.unwrap().run();
        let begun = json!({"status": "IN_PROGRESS", "output": {"step": 1}});
        // The last one changes the run, the one before does not.
        for report in [begun, json!({"status": "IN_PROGRESS"}), done("SUCCESS")] {
            let answer = scene.instance().report(&run, report.clone()).await.unwrap();
            assert_eq!((answer.status, &answer.json["status"]), (200, &report["status"]));
            assert_eq!(answer.json["nodes"][0]["output"], json!({"step": 1}), "{report}");
        }
        let shown = scene.instance().shown(&run).await;
        assert_eq!(shown.json["result"], "SUCCESS");
        assert_eq!(shown.json["nodes"][0]["output"], json!({"step": 1}));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_report_is_named() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let run = scene.instance().run(json!({})).await.unwrap().run();
        let large = "x".repeat(16 * 1024);
        for (report, detail) in [
            (json!([]), "body"),
            (json!({}), "status"),
            (json!({"status": "DONE"}), "status"),
            (json!({"status": DONE}), "result"),
            (json!({"status": DONE, "result": "GOOD"}), "result"),
            (json!({"status": "IN_PROGRESS", "result": "SUCCESS"}), "result"),
            (json!({"status": DONE, "result": "SUCCESS", "logs": []}), "logs"),
            (json!({"status": DONE, "result": "SUCCESS", "output": large}), "output"),
        ] {
            let answer = scene.instance().report(&run, report.clone()).await.unwrap();
            assert_eq!((answer.status, &answer.json["detail"]), (400, &json!(detail)), "{report}");
        }
        let target = format!("/v1/workflows/runs/{run}/nodes/wfnr_1");
        let answer = scene.instance().call(Method::PATCH, &target, &done("SUCCESS")).await;
        assert_eq!((answer.status, &answer.json["error"]), (404, &json!("Run not found")));
        assert_eq!(scene.instance().shown(&run).await.json["status"], "IN_PROGRESS");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_that_was_never_given_is_nobodys() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let run = scene.instance().run(json!({})).await.unwrap().run();
        // The second run of the action, which is still to come.
        let next = format!("{}{:010x}{}", &run[..16], 2, &run[26..]);
        // The same run, but for what is random in it.
        let other = format!("{}{}", &run[..run.len() - 8], "0".repeat(8));
        let stranger = format!("wfr_{}{}", "0".repeat(12), &run[16..]);
        for id in ["x", "wfr_", &next, &other, &stranger, &node(&run)] {
            let shown = scene.instance().shown(id).await;
            assert_eq!(
                (shown.status, &shown.json["error"]),
                (404, &json!("Run not found")),
                "{id}"
            );
            let answer = scene.instance().report(id, done("SUCCESS")).await.unwrap();
            assert_eq!(answer.status, 404, "{id}");
        }
        assert_eq!(scene.instance().shown(&run).await.status, 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_different_results_at_the_same_time_one_counts() {
    local(async {
        for seed in 0..20 {
            let scene = Scene::with_action(seed, json!({})).await;
            let latency = std::time::Duration::from_millis(5);
            let mode = kafka_edge_sim::StoreMode { latency, ..Default::default() };
            scene.world.set_store_mode(mode);
            let run = scene.instance().run(json!({})).await.unwrap().run();
            let results = ["SUCCESS", "FAILED", "CANCELLED", "SUCCESS"];
            let instances: Vec<_> = results.iter().map(|_| scene.instance()).collect();
            let reports = instances.iter().zip(results);
            let reports = reports.map(|(instance, result)| instance.report(&run, done(result)));
            let answers = futures_util::future::join_all(reports).await;
            let kept = scene.instance().shown(&run).await.json["result"].clone();
            let mut taken = 0;
            for (answer, result) in answers.into_iter().zip(results) {
                let answer = answer.unwrap();
                match answer.status {
                    200 => {
                        assert_eq!(json!(result), kept, "seed {seed}: {}", answer.json);
                        taken += 1;
                    }
                    409 => assert_ne!(json!(result), kept, "seed {seed}"),
                    other => assert_eq!(other, 503, "{}", answer.json),
                }
            }
            assert!(taken > 0, "seed {seed}");
        }
    })
    .await;
}

/// Its consumer may be faster than its publisher, which notes where the records are.
#[tokio::test(start_paused = true)]
async fn a_report_that_comes_before_the_publishers_answer_counts() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let slow = kafka_edge_sim::StoreMode {
            latency: std::time::Duration::from_millis(500),
            ..Default::default()
        };
        let publisher = scene.instance();
        scene.world.set_store_mode(slow);
        let publishing = tokio::task::spawn_local(async move { publisher.run(json!({})).await });
        while scene.records().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let run = scene.records()[0]["run_id"].as_str().unwrap().to_owned();
        let reported = scene.instance().report(&run, done("SUCCESS")).await.unwrap();
        assert_eq!(reported.status, 200, "{}", reported.json);
        assert_eq!(publishing.await.unwrap().unwrap().run(), run);
        let shown = scene.instance().shown(&run).await;
        assert_eq!(shown.json["result"], "SUCCESS");
        assert_eq!(shown.json["nodes"][0]["records"][0]["offset"], 0);
    })
    .await;
}

//! An instance that publishes or reports dies at each of its calls in turn.

use kafka_edge_sim::{Fate, local};
use serde_json::{Value, json};

use crate::scene::{Scene, seconds};

/// Whatever happens to its publisher, a run whose record is there can be reported on.
#[tokio::test(start_paused = true)]
async fn a_record_that_was_written_can_be_reported_on() {
    local(async {
        let mut died_after_the_record = 0;
        for key in [None, Some("k")] {
            for call in 1.. {
                let mut survived = false;
                for fate in [Fate::NotDone, Fate::Done] {
                    let scene =
                        Scene::with_action(call, json!({"n": "{{ .outputs.trigger.n }}"})).await;
                    let victim = scene.instance();
                    victim.host.kill_at(call, fate);
                    let answer = match key {
                        None => victim.run(json!({"n": 1})).await,
                        Some(key) => victim.run_once(json!({"n": 1}), key).await,
                    };
                    survived |= !victim.host.is_dead();
                    let records = scene.records();
                    assert!(records.len() <= 1);
                    died_after_the_record += usize::from(answer.is_none() && records.len() == 1);
                    if let Some(answer) = &answer {
                        assert_eq!((answer.status, records.len()), (201, 1), "{}", answer.json);
                    }
                    if let [record] = &records[..] {
                        let run = record["run_id"].as_str().unwrap();
                        let report = json!({"status": "COMPLETED", "result": "SUCCESS"});
                        let reported = scene.instance().report(run, report).await.unwrap();
                        assert_eq!(reported.status, 200, "call {call}: {}", reported.json);
                        assert_eq!(scene.instance().shown(run).await.json["result"], "SUCCESS");
                    }
                    // Its caller tries again until there is an answer.
                    let (mut again, mut tries) = (answer, 0);
                    while again.as_ref().is_none_or(|answer| answer.status == 503) {
                        assert!(tries < 20, "it is never published: {again:?}");
                        (tries, again) = (
                            tries + 1,
                            match key {
                                None => scene.instance().run(json!({"n": 1})).await,
                                Some(key) => scene.instance().run_once(json!({"n": 1}), key).await,
                            },
                        );
                        seconds(1).await;
                    }
                    let run = again.expect("an answer").run();
                    assert!((1..=2).contains(&scene.records().len()));
                    assert!(scene.records().iter().any(|record| record["run_id"] == json!(run)));
                    assert_eq!(scene.instance().shown(&run).await.status, 200);
                }
                if survived {
                    break;
                }
            }
        }
        assert!(died_after_the_record > 2, "no death came between the record and the answer");
    })
    .await;
}

/// A report that was answered is there, and one that was not can be made again.
#[tokio::test(start_paused = true)]
async fn a_report_survives_a_death_at_each_call() {
    local(async {
        for call in 1.. {
            let mut survived = false;
            for fate in [Fate::NotDone, Fate::Done] {
                let scene = Scene::with_action(call, json!({})).await;
                let run = scene.instance().run(json!({})).await.unwrap().run();
                let report = json!({"status": "COMPLETED", "result": "FAILED", "output": {"a": 1}});
                let victim = scene.instance();
                victim.host.kill_at(call, fate);
                let answer = victim.report(&run, report.clone()).await;
                survived |= !victim.host.is_dead();
                if answer.is_some() {
                    let shown = scene.instance().shown(&run).await;
                    assert_eq!(shown.json["result"], "FAILED", "call {call}");
                }
                let again = scene.instance().report(&run, report).await.unwrap();
                assert_eq!(again.status, 200, "call {call}: {}", again.json);
                assert_eq!(again.json["nodes"][0]["output"], json!({"a": 1}));
                let other = json!({"status": "COMPLETED", "result": "SUCCESS"});
                let refused = scene.instance().report(&run, other).await.unwrap();
                assert_eq!(refused.status, 409, "call {call}: {}", refused.json);
            }
            if survived {
                break;
            }
        }
    })
    .await;
}

/// A change of the list survives, or has not been made.
#[tokio::test(start_paused = true)]
async fn a_change_of_an_action_is_made_or_not() {
    local(async {
        for call in 1.. {
            let mut survived = false;
            for fate in [Fate::NotDone, Fate::Done] {
                let scene = Scene::with_action(call, json!({"v": 1})).await;
                let victim = scene.instance();
                victim.host.kill_at(call, fate);
                let put = json!({"config": {"type": "KAFKA", "topic": "t", "payload": {"v": 2}}});
                let change = crate::scene::request(http::Method::PUT, "/actions/a", &put);
                let answer = victim.send(change).await;
                survived |= !victim.host.is_dead();
                seconds(5).await;
                let shown = scene.instance().get("/actions/a").await;
                let version = &shown.json["config"]["payload"]["v"];
                assert!([json!(1), json!(2)].contains(version), "{}", shown.json);
                if answer.is_some_and(|answer| answer.status == 200) {
                    assert_eq!(version, &Value::from(2));
                }
            }
            if survived {
                break;
            }
        }
    })
    .await;
}

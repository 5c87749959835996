//! What becomes of a payload.

use std::rc::Rc;

use kafka_edge::access::{Credential, Grant, Name, Permissions, SecretHash, TopicPatterns};
use kafka_edge::error::ErrorKind;
use kafka_edge_bounded_json::{Budget, parse};
use kafka_edge_schema::Schema;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use crate::scene::{Answer, Scene, node};

/// Whether a record is what the schema in the documents says.
fn fits(record: &Value) {
    let mut budget = Budget::default();
    let schema = include_bytes!("../../docs/action-record.schema.json");
    let schema = Schema::compile(&parse(schema, &mut budget).unwrap()).expect("a schema");
    let record = parse(record.to_string().as_bytes(), &mut budget).unwrap();
    let checked = schema.check(&record, &mut budget).expect("it is within the budget");
    assert!(checked.is_ok(), "{checked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_one_record_with_what_a_consumer_needs() {
    local(async {
        let payload = json!({
            "by": "{{ .outputs.trigger.user | upper }}",
            "at": "{{ now | date \"2006-01-02T15:04:05Z\" }}",
            "order": "{{ .outputs.trigger.order }}",
            "callback": {},
        });
        let scene = Scene::with_action(1, payload).await;
        let title = json!({"title": "Publish an event"});
        let patched = scene.instance().call(http::Method::PATCH, "/actions/a", &title).await;
        assert_eq!(patched.status, 200, "{}", patched.json);
        let trigger = json!({"user": "ada", "order": 1_234_567_890_123_456_789_i64});
        let answer = scene.instance().run(trigger.clone()).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.json);
        let run = answer.run();
        assert_eq!(answer.json["node_run_id"], json!(node(&run)));
        let record = &answer.json["records"][0];
        assert_eq!((&record["topic"], &record["offset"]), (&json!("t"), &json!(0)));

        let [record] = &scene.records()[..] else { panic!("one record") };
        fits(record);
        assert_eq!(record["run_id"], json!(run));
        assert_eq!(record["node_run_id"], json!(node(&run)));
        assert_eq!(record["action"], json!({"identifier": "a", "title": "Publish an event"}));
        assert_eq!(record["trigger"], trigger);
        assert_eq!((&record["index"], &record["count"]), (&json!(0), &json!(1)));
        let payload = &record["payload"];
        assert_eq!(payload["by"], "ADA");
        assert_eq!(payload["order"], trigger["order"]);
        assert_eq!(payload["callback"], json!({}));
        let created = record["created"].as_str().unwrap();
        assert_eq!(payload["at"].as_str().unwrap()[..19], created[..19]);

        let kept = &scene.log.records("t", 0)[0];
        assert_eq!(kept.key.as_deref(), Some(run.as_bytes()));
        let shown = scene.instance().shown(&run).await;
        assert_eq!(shown.json["nodes"][0]["records"], json!([{"partition": 0, "offset": 0}]));
        assert_eq!(
            (&shown.json["created"], &shown.json["status"]),
            (&record["created"], &json!("IN_PROGRESS"))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_element_of_a_list_is_a_record_of_the_same_run() {
    local(async {
        let payload = json!([{"n": "{{ .outputs.trigger.n }}"}, "{{ .outputs.trigger.list }}", 7]);
        let scene = Scene::with_action(1, payload).await;
        let answer = scene.instance().run(json!({"n": 1, "list": [1, 2]})).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.json);
        assert_eq!(answer.json["records"].as_array().unwrap().len(), 3);
        let records = scene.records();
        let payloads: Vec<_> = records.iter().map(|record| record["payload"].clone()).collect();
        assert_eq!(payloads, [json!({"n": 1}), json!([1, 2]), json!(7)]);
        for (index, record) in records.iter().enumerate() {
            fits(record);
            assert_eq!(record["run_id"], json!(answer.run()));
            assert_eq!((&record["index"], &record["count"]), (&json!(index), &json!(3)));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_expression_that_fails_names_its_place_and_writes_nothing() {
    local(async {
        let payload = json!([{"a": 1}, {"b/c": "by {{ .outputs.trigger.user }}"}]);
        let scene = Scene::with_action(1, payload).await;
        let before = scene.world.store();
        let answer = scene.instance().run(json!({})).await.unwrap();
        assert_eq!((answer.status, &answer.json["detail"]), (422, &json!("config.payload/1/b~1c")));
        let sentence = answer.json["error"].as_str().unwrap();
        assert!(sentence.contains("`.outputs.trigger.user` is missing or null"), "{sentence}");
        assert_eq!((scene.log.calls("produce"), scene.world.store()), (0, before));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_trigger_is_named() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let before = scene.world.store();
        for (body, detail) in [
            (json!([]), "body"),
            (json!({}), "outputs"),
            (json!({"outputs": 1}), "outputs"),
            (json!({"outputs": {}}), "outputs.trigger"),
            (json!({"outputs": {"trigger": "x"}}), "outputs.trigger"),
            (json!({"outputs": {"trigger": {}}, "more": 1}), "more"),
        ] {
            let answer = scene.instance().post("/actions/a/runs", &body).await;
            assert_eq!((answer.status, &answer.json["detail"]), (400, &json!(detail)), "{body}");
        }
        assert_eq!((scene.log.calls("produce"), scene.world.store()), (0, before));
        let answer = scene.instance().post("/actions/b/runs", &json!({})).await;
        assert_eq!((answer.status, &answer.json["error"]), (404, &json!("Action not found")));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_organisation_is_the_actions_or_the_gateways_or_asked_for() {
    local(async {
        let scene = Scene::new(1);
        scene.create("a", json!({"type": "KAFKA", "payload": {}})).await;
        let answer = scene.instance().run(json!({})).await.unwrap();
        assert_eq!((answer.status, &answer.json["detail"]), (422, &json!("org_id")));
        scene.world.set_variable("org_id", "acme");
        let answer = scene.instance().run(json!({})).await.unwrap();
        assert_eq!(answer.json["records"][0]["topic"], "acme.runs", "{}", answer.json);
        let own = json!({"org_id": "nobody"});
        scene.instance().call(http::Method::PATCH, "/actions/a", &own).await;
        let answer = scene.instance().run(json!({})).await.unwrap();
        assert_eq!((answer.status, &answer.json["error"]), (404, &json!("Topic not found")));
        scene.world.set_variable("org_id", "a/b");
        let answer = scene.instance().run(json!({})).await.unwrap();
        assert_eq!(answer.status, 503, "{}", answer.json);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_kafka_refuses_is_no_run() {
    local(async {
        let scene = Scene::with_action(1, json!([1, 2])).await;
        for (error, status) in [
            (ErrorKind::Timeout, 504),
            (ErrorKind::TooLarge { size: 2, limit: 1 }, 413),
            (ErrorKind::Unreachable { detail: String::new() }, 503),
        ] {
            scene.log.set_failure(Some(error.into()));
            let answer = scene.instance().run(json!({})).await.unwrap();
            assert_eq!((answer.status, answer.json.get("run_id")), (status, None));
        }
        // It may have been written, and whoever consumes it may report on it.
        scene.log.set_failure(Some(ErrorKind::OutcomeUnknown { detail: String::new() }.into()));
        let answer = scene.instance().run(json!({})).await.unwrap();
        assert_eq!((answer.status, &answer.json["records"][1]["status"]), (504, &json!(504)));
        scene.log.set_failure(None);
        let done = json!({"status": "COMPLETED", "result": "SUCCESS"});
        let reported = scene.instance().report(&answer.run(), done).await.unwrap();
        assert_eq!(reported.status, 200, "{}", reported.json);
        assert_eq!(reported.json["nodes"][0]["records"], json!([]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn under_a_key_a_run_is_published_once() {
    local(async {
        let payload = json!([{"at": "{{ now }}"}, {"n": "{{ .outputs.trigger.n }}"}]);
        let scene = Scene::with_action(1, payload).await;
        let first = scene.instance().run_once(json!({"n": 1}), "k").await.unwrap();
        assert_eq!((first.status, first.is_replayed), (201, false), "{}", first.json);
        for wait in [1, 3_600] {
            crate::scene::seconds(wait).await;
            let again = scene.instance().run_once(json!({"n": 1}), "k").await.unwrap();
            assert_eq!((again.status, again.is_replayed), (200, true), "{}", again.json);
            assert_eq!(again.run(), first.run());
            let offset = |json: &Value| json["records"][1]["offset"].clone();
            assert_eq!(offset(&again.json), offset(&first.json));
        }
        assert_eq!(scene.records().len(), 2);
        let other = scene.instance().run_once(json!({"n": 2}), "k").await.unwrap();
        assert_eq!((other.status, &other.json["detail"]), (400, &json!("idempotency-key")));
        let free = scene.instance().run_once(json!({"n": 1}), "l").await.unwrap();
        assert_ne!(free.run(), first.run());

        // What was not written is written by the next call, in the same run.
        scene.log.set_failure(Some(ErrorKind::Timeout.into()));
        let failed = scene.instance().run_once(json!({"n": 3}), "m").await.unwrap();
        assert_eq!(failed.status, 504, "{}", failed.json);
        scene.log.set_failure(None);
        let done = scene.instance().run_once(json!({"n": 3}), "m").await.unwrap();
        assert_eq!((done.status, done.is_replayed), (201, false), "{}", done.json);
        assert_eq!(scene.records().len(), 6);

        // What may have been written is not taken for written: the next call waits for the
        // first one, and after 10 s takes its place.
        let unknown = ErrorKind::OutcomeUnknown { detail: String::new() };
        scene.log.set_failure(Some(unknown.into()));
        let failed = scene.instance().run_once(json!({"n": 4}), "u").await.unwrap();
        assert_eq!(failed.status, 504, "{}", failed.json);
        scene.log.set_failure(None);
        let at_once = scene.instance().run_once(json!({"n": 4}), "u").await.unwrap();
        assert_eq!((at_once.status, scene.records().len()), (503, 6), "{}", at_once.json);
        crate::scene::seconds(11).await;
        let later = scene.instance().run_once(json!({"n": 4}), "u").await.unwrap();
        assert_eq!((later.status, later.is_replayed), (201, false), "{}", later.json);
        assert_eq!(scene.records().len(), 8);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_of_a_run_is_written_into_it_and_the_rest_not_again() {
    local(async {
        let scene = Scene::with_action(1, json!([{"at": "{{ now }}"}, 1, 2])).await;
        scene.log.write_at_most(Some(1));
        let first = scene.instance().run_once(json!({}), "k").await.unwrap();
        let offset =
            |answer: &Answer, index: usize| answer.json["records"][index]["offset"].clone();
        assert_eq!([0, 1].map(|index| offset(&first, index)), [json!(0), Value::Null]);
        scene.log.write_at_most(None);
        let again = scene.instance().run_once(json!({}), "k").await.unwrap();
        assert_eq!((again.status, again.is_replayed), (201, false), "{}", again.json);
        assert_eq!(again.run(), first.run());
        assert_eq!([0, 1, 2].map(|index| offset(&again, index)), [0, 1, 2].map(Value::from));
        let written: Vec<_> =
            scene.records().iter().map(|record| record["index"].clone()).collect();
        assert_eq!(written, [0, 1, 2]);
        assert!(scene.records().iter().all(|record| record["run_id"] == json!(first.run())));
    })
    .await;
}

/// Its records would be nested deeper than any JSON here may be, which shows when they are
/// made: after the key was noted, and before Kafka is asked.
#[tokio::test(start_paused = true)]
async fn a_run_that_fails_before_kafka_may_come_again_at_once() {
    local(async {
        let payload = json!({"a": {"b": {"c": "{{ .outputs.trigger.deep }}"}}});
        let scene = Scene::with_action(1, payload).await;
        let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        let begun = tokio::time::Instant::now();
        for _ in 0..3 {
            let deep = json!({"deep": nested(125)});
            let failed = scene.instance().run_once(deep, "k").await.unwrap();
            assert_eq!(
                (failed.status, &failed.json["detail"]),
                (422, &json!("config.payload")),
                "{}",
                failed.json
            );
        }
        assert_eq!((scene.log.calls("produce"), begun.elapsed().as_secs()), (0, 0));
        let less = scene.instance().run_once(json!({"deep": nested(124)}), "k").await.unwrap();
        assert_eq!((less.status, scene.log.calls("produce")), (201, 1), "{}", less.json);
    })
    .await;
}

/// The HTTP API asks for them before; whoever calls the service need not.
#[tokio::test(start_paused = true)]
async fn publishing_and_reporting_need_their_permissions() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let app = scene.instance().app;
        let actions = &app.services().await.unwrap().actions;
        let grant = |allowed: &str| {
            let credential = Credential::new(
                Name::parse("c").unwrap(),
                SecretHash::of("a secret"),
                Permissions::parse(&[allowed]).unwrap(),
                TopicPatterns::parse(&["*"]).unwrap(),
            );
            Grant::to(Rc::new(credential.unwrap()))
        };
        let outputs = br#"{"outputs":{"trigger":{}}}"#;
        assert!(actions.run("a", outputs, None, &grant("consume")).await.is_err());
        let published = actions.run("a", outputs, None, &grant("produce")).await.unwrap();
        assert_eq!(scene.records().len(), 1);
        for (allowed, is_shown) in [("produce", false), ("consume", true)] {
            let shown = actions.report(&published.run_id, None, &grant(allowed)).await;
            assert_eq!(shown.is_ok(), is_shown, "{allowed}");
        }
    })
    .await;
}

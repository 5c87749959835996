//! Records that are delivered no more, and subscriptions that are disabled.

use std::time::Duration;

use kafka_edge::access::Grant;
use kafka_edge::error::ErrorKind;
use kafka_edge::record::NewRecord;
use kafka_edge_sim::{Fate, local};
use serde_json::{Value, json};

use crate::receiver::Mood;
use crate::scene::{HOOK, Instance, Scene, TOPIC, counts};

const DEAD: &str = "dead";

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn scene() -> Scene {
    let scene = Scene::new(1);
    scene.log.create_topic(DEAD, 1);
    scene
}

fn dead_letters() -> Value {
    json!({"exhausted": {"dead_letter": DEAD}, "retry": {"delays": [1.0, 1.0], "jitter": 0.0}})
}

async fn rounds(instance: &Instance, count: usize) {
    for _ in 0..count {
        instance.deliver().await;
        seconds(2).await;
    }
}

fn header(scene: &Scene, place: usize, name: &str) -> String {
    let headers = scene.log.records(DEAD, 0)[place].headers.clone().unwrap();
    let found = headers.into_iter().find(|header| header.name == name).unwrap();
    String::from_utf8(found.value.unwrap().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn after_its_last_attempt_a_record_is_a_dead_letter_and_those_behind_it_go_on() {
    local(async {
        let scene = scene();
        let instance = scene.instance();
        let id = instance.create(dead_letters()).await;
        scene.append(0, 3);
        scene.receiver.refuse(1, Some(422));
        rounds(&instance, 4).await;
        assert_eq!(scene.receiver.accepted(HOOK), [0, 2]);
        assert_eq!(scene.receiver.of(HOOK).len(), 5, "three attempts at one");
        let letters = scene.log.records(DEAD, 0);
        assert_eq!((letters.len(), letters[0].value.as_deref()), (1, Some(&b"1"[..])));
        for (name, value) in [
            ("__dlq.errors.topic", TOPIC),
            ("__dlq.errors.offset", "1"),
            ("__dlq.errors.group", &id),
            ("__dlq.errors.delivery.count", "3"),
            ("kafka-edge-reason", "undelivered"),
            ("kafka-edge-status", "422"),
        ] {
            assert_eq!(header(&scene, 0, name), value, "{name}");
        }
        assert_eq!(instance.total(&id, "dead_lettered").await, 1);
        assert_eq!(instance.total(&id, "delivered").await, 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_cannot_be_written_loses_nothing() {
    local(async {
        let scene = scene();
        let instance = scene.instance();
        instance.create(dead_letters()).await;
        scene.append(0, 2);
        scene.receiver.refuse(0, Some(422));
        let error = ErrorKind::Unreachable { detail: "gone".into() };
        scene.log.set_failure_of("produce", error.into());
        rounds(&instance, 12).await;
        assert_eq!(scene.receiver.accepted(HOOK), [0_i64; 0], "the next one waits");
        assert_eq!(scene.receiver.of(HOOK).len(), 3, "it is not tried any more");
        scene.log.clear_failures();
        rounds(&instance, 6).await;
        assert_eq!(scene.receiver.accepted(HOOK), [1]);
        assert_eq!(scene.log.records(DEAD, 0).len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_may_die_at_any_call_while_it_gives_up() {
    local(async {
        for fate in [Fate::Done, Fate::NotDone] {
            for call in 1.. {
                let scene = scene();
                let first = scene.instance();
                first.create(dead_letters()).await;
                scene.append(0, 2);
                scene.receiver.refuse(0, Some(422));
                rounds(&first, 2).await;
                let dying = scene.instance();
                dying.host.kill_at(call, fate);
                dying.try_deliver().await;
                let has_died = dying.host.is_dead();
                for _ in 0..10 {
                    seconds(5).await;
                    scene.instance().deliver().await;
                }
                let letters = scene.log.records(DEAD, 0).len();
                assert!((1..=2).contains(&letters), "{letters} after {call}");
                assert_eq!(scene.receiver.accepted(HOOK).first(), Some(&1), "after {call}");
                if !has_died {
                    assert!(call > 10, "the test kills nobody");
                    break;
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_may_be_skipped_and_is_counted() {
    local(async {
        let scene = scene();
        let instance = scene.instance();
        let retry = json!({"delays": [], "jitter": 0.0});
        let id = instance.create(json!({"exhausted": "skip", "retry": retry})).await;
        scene.append(0, 3);
        scene.receiver.refuse(1, Some(400));
        assert_eq!(counts(&instance.deliver().await), [(2, 1)]);
        assert_eq!(instance.total(&id, "skipped").await, 1);
        let (_, progress) = instance.webhooks.get(&id, &Grant::open()).await.unwrap();
        assert_eq!(progress[0].position, 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_an_expression_fails_on_goes_where_the_subscription_says() {
    local(async {
        for (on_error, delivered, dead, skipped) in [
            (json!("pass"), 3, 0, 0),
            (json!("skip"), 2, 0, 1),
            (json!({"dead_letter": DEAD}), 2, 1, 0),
            (json!("exhaust"), 2, 1, 0),
        ] {
            let scene = scene();
            let instance = scene.instance();
            let mut settings = dead_letters();
            settings["filter"] = json!(".n >= 0");
            settings["on_error"] = on_error;
            let id = instance.create(settings).await;
            for value in [r#"{"n":1}"#, "no json", r#"{"n":2}"#] {
                scene.log.append(TOPIC, 0, value);
            }
            instance.deliver().await;
            assert_eq!(scene.receiver.accepted(HOOK).len(), delivered);
            assert_eq!(scene.log.records(DEAD, 0).len(), dead);
            assert_eq!(instance.total(&id, "skipped").await, skipped);
            if dead > 0 {
                assert_eq!(header(&scene, 0, "kafka-edge-reason"), "expression");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_too_old_is_not_tried() {
    local(async {
        let scene = scene();
        let instance = scene.instance();
        let mut settings = dead_letters();
        settings["max_age"] = json!(60);
        instance.create(settings).await;
        // One of 1970, and one of now.
        scene.append(0, 1);
        let now = Some(1_772_359_200_000);
        let value = Some("new".into());
        scene.log.write(TOPIC, 0, NewRecord { value, timestamp: now, ..NewRecord::default() });
        assert_eq!(counts(&instance.deliver().await), [(1, 0)]);
        assert_eq!(header(&scene, 0, "kafka-edge-reason"), "max-age");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_is_gone_disables_its_subscription_and_operators_are_told() {
    local(async {
        let scene = scene();
        scene.log.create_topic("operations", 1);
        let instance = scene.instance_with(&[("operations_topic", "operations")]);
        let id = instance.create(json!({})).await;
        scene.append(0, 2);
        scene.receiver.set(HOOK, Mood::Status(410));
        instance.deliver().await;
        seconds(2).await;
        scene.receiver.set(HOOK, Mood::Status(200));
        instance.deliver().await;
        assert_eq!(scene.receiver.of(HOOK).len(), 1);
        let view = instance.webhooks.settings_of(&id, &Grant::open()).await.unwrap();
        assert_eq!(view.status.state, "disabled");
        let told = scene.log.records("operations", 0);
        let told: Value = serde_json::from_slice(told[0].value.as_deref().unwrap()).unwrap();
        assert_eq!(
            (&told["type"], &told["webhook_id"]),
            (&json!("subscription.disabled"), &json!(id))
        );
        // Nothing is lost: it goes on where it stood.
        instance.webhooks.resume(&id, &Grant::open()).await.unwrap();
        seconds(3_600).await;
        instance.deliver().await;
        assert_eq!(scene.receiver.accepted(HOOK), [0, 1]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_but_failure_for_long_enough_disables() {
    local(async {
        for works in [false, true] {
            let scene = Scene::new(2);
            let instance = scene.instance();
            let retry = json!({"delays": [5.0], "jitter": 0.0});
            let id = instance.create(json!({"disable_after": 100, "retry": retry})).await;
            scene.append(1, 1);
            instance.deliver().await;
            scene.append(0, 1);
            scene.receiver.refuse(0, Some(400));
            for round in 0..40 {
                seconds(5).await;
                if works && round % 10 == 0 {
                    scene.append(1, 1);
                }
                scene.instance().deliver().await;
            }
            let view = instance.webhooks.settings_of(&id, &Grant::open()).await.unwrap();
            let wanted = if works { "active" } else { "disabled" };
            assert_eq!(view.status.state, wanted);
        }
    })
    .await;
}

/// What operators were told, of these types, each with its reason.
fn told(scene: &Scene, kind: &str) -> Vec<String> {
    let records = scene.log.records("operations", 0).into_iter();
    let told =
        records.map(|record| -> Value { serde_json::from_slice(&record.value.unwrap()).unwrap() });
    told.filter(|told| told["type"] == kind)
        .map(|told| told["reason"].as_str().unwrap().to_owned())
        .collect()
}

fn with_operations(scene: &Scene) -> Instance {
    scene.log.create_topic("operations", 1);
    scene.instance_with(&[("operations_topic", "operations")])
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_is_written_later_says_the_same_and_operators_are_told_once() {
    local(async {
        for body in ["envelope", "envelopes"] {
            let scene = scene();
            let instance = with_operations(&scene);
            let mut settings = dead_letters();
            settings["body"] = json!(body);
            instance.create(settings).await;
            scene.append(0, 2);
            scene.receiver.set(HOOK, Mood::Status(422));
            // Its topic has no place for it.
            scene.log.create_topic(DEAD, 0);
            rounds(&instance, 12).await;
            scene.log.create_topic(DEAD, 1);
            rounds(&instance, 12).await;
            assert_eq!(scene.log.records(DEAD, 0).len(), 2);
            for place in 0..2 {
                assert_eq!(header(&scene, place, "kafka-edge-status"), "422", "{body}");
                assert_eq!(header(&scene, place, "__dlq.errors.delivery.count"), "3", "{body}");
            }
            let records = if body == "envelope" { 2 } else { 1 };
            assert_eq!(told(&scene, "delivery.exhausted"), vec!["undelivered"; records]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_became_too_old_says_what_its_attempts_were_answered() {
    local(async {
        let scene = scene();
        let instance = with_operations(&scene);
        let mut settings = dead_letters();
        settings["max_age"] = json!(60);
        settings["retry"] = json!({"delays": [50.0, 50.0, 50.0], "jitter": 0.0});
        instance.create(settings).await;
        let (value, timestamp) = (Some("new".into()), Some(1_772_359_200_000));
        scene.log.write(TOPIC, 0, NewRecord { value, timestamp, ..NewRecord::default() });
        scene.receiver.set(HOOK, Mood::Status(418));
        rounds(&instance, 60).await;
        assert_eq!(header(&scene, 0, "kafka-edge-reason"), "max-age");
        assert_eq!(header(&scene, 0, "kafka-edge-status"), "418");
        assert_eq!(header(&scene, 0, "__dlq.errors.delivery.count"), "2");
        assert_eq!(told(&scene, "delivery.exhausted"), ["max-age"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn operators_are_told_once_of_a_schedule_that_is_used_up_and_of_breakers() {
    local(async {
        let scene = scene();
        let instance = with_operations(&scene);
        let retry = json!({"delays": [1.0, 1.0], "jitter": 0.0});
        let breaker = json!({"failures": 5, "cooldown": 1.0});
        let id = instance.create(json!({"retry": retry, "breaker": breaker})).await;
        scene.append(0, 2);
        scene.receiver.refuse(0, Some(422));
        rounds(&instance, 2).await;
        assert!(told(&scene, "delivery.exhausted").is_empty(), "it is to be tried once more");
        rounds(&instance, 10).await;
        assert!(scene.receiver.of(HOOK).len() > 6, "it is tried on");
        assert_eq!(told(&scene, "delivery.exhausted"), ["undelivered"]);
        assert_eq!(told(&scene, "breaker.opened"), ["5 failures in a row"]);
        let first = scene.log.records("operations", 0).remove(0);
        let first: Value = serde_json::from_slice(&first.value.unwrap()).unwrap();
        assert_eq!(
            (&first["webhook_id"], &first["topic"], &first["partition"], &first["offset"]),
            (&json!(id), &json!(TOPIC), &json!(0), &json!(0))
        );
        // Of another one they are told again.
        scene.receiver.refuse(0, None);
        scene.receiver.refuse(1, Some(422));
        rounds(&instance, 10).await;
        assert_eq!(told(&scene, "delivery.exhausted"), ["undelivered"; 2]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn operators_are_told_once_of_a_record_that_is_too_old_and_waits() {
    local(async {
        let scene = scene();
        let instance = with_operations(&scene);
        let retry = json!({"delays": [1.0], "jitter": 0.0});
        instance.create(json!({"max_age": 60, "retry": retry})).await;
        scene.append(0, 1);
        rounds(&instance, 10).await;
        assert_eq!(told(&scene, "delivery.exhausted"), ["max-age"]);
        assert!(scene.receiver.of(HOOK).is_empty());
    })
    .await;
}

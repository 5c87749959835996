//! Which events there are when Kafka, a callback or the configuration fails.

use std::time::Duration;

use kafka_edge::access::AllowedTopic;
use kafka_edge::error::ErrorKind;
use kafka_edge::services::consume::{Ack, Next, StartFrom};
use kafka_edge_sim::{Fault, StoreMode, local};
use serde_json::Value;

use crate::scene::{CALLBACK, Scene, TOPIC, record};

const RECORDS: &str = "POST /kafka/v3/clusters/lkc-emulator/topics/orders/records";

#[tokio::test(start_paused = true)]
async fn a_success_is_reported_to_nobody_who_did_not_ask_for_it() {
    local(async {
        let scene = Scene::new("logfmt", "info");
        scene.produce(record("a")).await.unwrap();
        assert!(scene.world.reported().is_empty());

        let scene = Scene::new("logfmt", "debug");
        scene.produce(record("a")).await.unwrap();
        let lines = scene.lines("call-succeeded");
        let call = r#" level=debug event=call-succeeded server=kafka call="POST /v3/"#;
        assert!(lines.iter().any(|line| line.contains(call)), "{lines:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_way_to_fail_has_its_event() {
    local(async {
        for (fault, times, event, fields) in [
            (Fault::Refuse, 9, "call-failed", r#"why="the connection was refused" sent=no"#),
            (Fault::BreakBefore, 1, "call-failed", r#"why="the connection broke" sent=perhaps"#),
            (Fault::DropAnswer, 1, "call-failed", r#"why="the connection broke" sent=perhaps"#),
            (Fault::Hang, 1, "call-failed", r#"why="it took too long" sent=perhaps"#),
            (Fault::CutBody(3), 1, "call-failed", r#"why="the connection broke""#),
            (Fault::Status(401), 1, "call-refused", "status=401"),
            (Fault::Status(403), 1, "call-refused", "status=403"),
            (Fault::Status(404), 1, "call-refused", "status=404"),
            (Fault::Status(500), 9, "call-failed", "status=500"),
            (Fault::Status(429), 9, "call-refused", "status=429"),
        ] {
            let scene = Scene::new("logfmt", "info");
            scene.faults.times(times, RECORDS, fault.clone());
            scene.produce(record("a")).await.unwrap_err();
            let lines = scene.lines(event);
            assert!(lines.iter().any(|line| line.ends_with(fields)), "{fault:?}: {lines:?}");
            let level = if matches!(fault, Fault::Status(404)) { "info" } else { "warn" };
            assert!(lines.iter().all(|line| line.contains(&format!(" level={level} "))));
            let failed = scene.lines("produce-failed");
            assert_eq!(failed.len(), 1, "{fault:?}");
            assert!(failed[0].contains(" topic=orders records=1 failed=1 why="), "{failed:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_and_a_slow_call_are_seen() {
    local(async {
        let scene = Scene::new("logfmt", "info");
        scene.faults.once(RECORDS, Fault::Refuse);
        scene.faults.once(RECORDS, Fault::Delay(Duration::from_secs(2)));
        scene.produce(record("a")).await.unwrap();
        let retried = scene.lines("call-retried");
        assert!(retried[0].contains(" level=info ") && retried[0].contains(" try=2 pause_millis="));
        let slow = scene.lines("call-slow");
        assert!(slow[0].contains(" level=warn ") && slow[0].ends_with("millis=2000"), "{slow:?}");
        assert!(scene.lines("produce-failed").is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_cannot_read_is_seen() {
    local(async {
        let scene = Scene::new("logfmt", "info");
        let services = scene.services().await;
        scene.world.set_store_mode(StoreMode { failures: 1.0, ..StoreMode::default() });
        let next = Next {
            group: "g".into(),
            topics: vec![AllowedTopic::trusted(TOPIC)],
            from: StartFrom::Earliest,
            wait: Duration::ZERO,
            max: 1,
            max_bytes: 1,
            ack: Ack::Auto,
        };
        let consume = services.consume.clone();
        let answer = scene.host.run(async move { consume.next(next).await.map(drop) }).await;
        assert!(
            matches!(&answer, Some(Err(error)) if matches!(**error, ErrorKind::Store { .. })),
            "{answer:?}"
        );
        let lines = scene.lines("consume-failed");
        assert!(lines[0].contains(" level=warn "), "{lines:?}");
        assert!(lines[0].ends_with(" group=g why=store-failed"), "{lines:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_refuses_is_seen() {
    local(async {
        let scene = Scene::new("json", "info");
        let services = scene.services().await;
        let registered = services
            .subscriptions
            .register(&AllowedTopic::trusted(TOPIC), CALLBACK, StartFrom::Latest)
            .await;
        let id = registered.unwrap().subscription.id;
        scene.answer_callbacks_with(500);
        scene.produce(record("a")).await.unwrap();
        scene.host.idle().await;
        let lines = scene.world.reported();
        let lines: Vec<Value> =
            lines.iter().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
        let failed = lines.iter().find(|line| line["event"] == "delivery-failed").unwrap();
        assert_eq!(failed["level"], "warn");
        assert_eq!(failed["webhook"], id);
        assert_eq!((&failed["topic"], &failed["offset"]), (&TOPIC.into(), &0.into()));
        assert_eq!(failed["why"], "The callback answered 500");
        assert!((500..1500).contains(&failed["retry_millis"].as_i64().unwrap()), "{failed}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mistake_in_the_configuration_is_reported_until_it_is_repaired() {
    local(async {
        let scene = Scene::new("logfmt", "all");
        // What is reported is no reason to turn anybody away.
        scene.produce(record("a")).await.unwrap();
        let mistake = || {
            let lines = scene.lines("configuration-invalid");
            lines.last().cloned().unwrap_or_default()
        };
        let why = r#"why="log_level is none of error, warn, info and debug""#;
        assert!(mistake().ends_with(why), "{}", mistake());
        assert!(mistake().contains(" level=error "));
        assert!(matches!(scene.app.ready().await, Err(error) if matches!(*error, ErrorKind::Unconfigured(_))));

        scene.world.set_variable("log_level", "error");
        scene.world.set_variable("base_path", "/a/../b");
        assert!(matches!(scene.app.ready().await, Err(error) if matches!(*error, ErrorKind::Unconfigured(_))));
        assert!(mistake().contains(r#"why="base_path "#), "{}", mistake());
        scene.world.set_variable("base_path", "/kafka");
        scene.app.ready().await.unwrap();
        assert_eq!(scene.app.gateway().await.unwrap().link("/topics"), "/kafka/topics");

        let before = scene.world.reported().len();
        scene.faults.times(9, RECORDS, Fault::Status(500));
        scene.produce(record("a")).await.unwrap_err();
        assert_eq!(scene.world.reported().len(), before, "only errors are written");
    })
    .await;
}

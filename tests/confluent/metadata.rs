//! Topics, offsets and the cluster's id.

use std::time::Duration;

use kafka_edge::config::{ConsumeApi, KafkaConfig};
use kafka_edge::error::ErrorKind;
use kafka_edge::host::{Clock, SendError, SendErrorKind, Sent};
use kafka_edge::kafka::confluent::ConfluentLog;
use kafka_edge::kafka::{Log, Offsets};
use kafka_edge_sim::{Answer, Fault, Piece, local};

use crate::setup::{CONFIGS, Scripted, TOPIC, config, error};

const CLUSTERS: &str = "GET /v3/clusters";

/// A log that does not know its cluster.
fn without_cluster(test: &Scripted) -> ConfluentLog<kafka_edge_sim::SimHost> {
    let config = KafkaConfig { cluster_id: None, ..config(ConsumeApi::V2) };
    ConfluentLog::new(test.host.clone(), &config)
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_remembered_for_half_a_minute() {
    local(async {
        let test = Scripted::new(ConsumeApi::V2);
        for _ in 0..3 {
            let topic = test.log.topic("orders").await.unwrap();
            assert_eq!((topic.partitions, topic.max_message_bytes), (3, Some(crate::setup::LIMIT)));
        }
        assert_eq!(test.script.count(TOPIC), 1);
        assert_eq!(test.script.count(CONFIGS), 1);
        tokio::time::sleep(Duration::from_secs(31)).await;
        test.log.topic("orders").await.unwrap();
        assert_eq!(test.script.count(TOPIC), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_not_there_may_be_there_a_moment_later() {
    local(async {
        let test = Scripted::new(ConsumeApi::V2);
        test.script.on(TOPIC, [error(404, 40403, ""), crate::setup::topic()]);
        assert_eq!(
            test.log.topic("orders").await,
            Err(ErrorKind::UnknownTopic("orders".into()).into())
        );
        assert!(test.log.topic("orders").await.is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn topics_come_sorted() {
    local(async {
        let test = Scripted::new(ConsumeApi::V2);
        let list = r#"{"data":[{"topic_name":"b","partitions_count":1},{"topic_name":"a","partitions_count":7}]}"#;
        test.script.on("GET /v3/clusters/c1/topics", [Answer::body(200, list)]);
        let topics = test.log.topics().await.unwrap();
        let topics: Vec<_> = topics.iter().map(|t| (t.name.as_str(), t.partitions)).collect();
        assert_eq!(topics, [("a", 7), ("b", 1)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_asked_for_once() {
    local(async {
        let test = Scripted::new(ConsumeApi::V2);
        let list =
            r#"{"kind":"KafkaClusterList","data":[{"kind":"KafkaCluster","cluster_id":"c1"}]}"#;
        test.script.on(CLUSTERS, [Answer::body(200, list)]);
        let log = without_cluster(&test);
        assert_eq!(log.cluster_id().await, Ok("c1".into()));
        assert_eq!(log.cluster_id().await, Ok("c1".into()));
        assert_eq!(test.script.count(CLUSTERS), 1);
        log.ping().await.unwrap();
        assert_eq!(test.script.count(CLUSTERS), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_lists_no_clusters_wants_to_be_told() {
    local(async {
        for answer in [error(404, 404, "HTTP 404 Not Found"), Answer::body(405, "")] {
            let test = Scripted::new(ConsumeApi::Cloud);
            test.script.on(CLUSTERS, [answer]);
            let error = without_cluster(&test).cluster_id().await.unwrap_err();
            let ErrorKind::Unconfigured(sentence) = error.into_kind() else {
                panic!("no such error")
            };
            assert!(sentence.contains("kafka_cluster_id"), "{sentence}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_no_segment_of_a_path_is_not_used() {
    local(async {
        for id in ["", "../c1", "a b", "c1?x"] {
            let test = Scripted::new(ConsumeApi::V2);
            let list = format!(r#"{{"data":[{{"cluster_id":"{id}"}}]}}"#);
            test.script.on(CLUSTERS, [Answer::body(200, list)]);
            let outcome = without_cluster(&test).cluster_id().await;
            assert!(
                outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Upstream { .. })),
                "{id}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_cluster_id_is_named() {
    local(async {
        let test = Scripted::new(ConsumeApi::V2);
        test.script.on("GET /v3/clusters/c1", [error(404, 404, "HTTP 404 Not Found")]);
        test.script.on(TOPIC, [error(404, 404, "Cluster c1 cannot be found.")]);
        for outcome in [test.log.ping().await, test.log.topic("orders").await.map(drop)] {
            assert!(
                outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Unconfigured(_))),
                "{outcome:?}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_again_when_that_may_help() {
    local(async {
        let test = Scripted::new(ConsumeApi::V2);
        test.faults.once("/topics/orders", Fault::DropAnswer);
        test.script.on(CONFIGS, [error(503, 50302, ""), crate::setup::configs(5)]);
        assert_eq!(test.log.topic("orders").await.unwrap().max_message_bytes, Some(5));
        test.script.on(TOPIC, [error(429, 429, "slow down")]);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let before = test.script.count(TOPIC);
        let outcome = test.log.topic("orders").await;
        assert_eq!(
            outcome,
            Err(ErrorKind::Throttled { retry_after: Duration::from_secs(1) }.into())
        );
        assert_eq!(test.script.count(TOPIC) - before, 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_apart() {
    local(async {
        let fails = |sent, kind| Answer::fails(SendError { sent, kind });
        let endless = std::iter::repeat_n(Piece::from("x".repeat(1024 * 1024).as_str()), 20);
        for (answer, expected) in [
            (fails(Sent::Not, SendErrorKind::Dns), "The Kafka server cannot be reached"),
            (fails(Sent::Not, SendErrorKind::Timeout), "The Kafka server cannot be reached"),
            (
                fails(Sent::Perhaps, SendErrorKind::Timeout),
                "The Kafka server took too long to answer",
            ),
            (fails(Sent::Perhaps, SendErrorKind::Protocol), "The Kafka server failed"),
            (Answer::body(200, "<html>"), "The Kafka server failed"),
            (Answer::pieces(200, endless), "The Kafka server failed"),
            (Answer::pieces(200, [Piece::Hang]), "The Kafka server took too long to answer"),
            (error(500, 500, "Internal Server Error"), "The Kafka server failed"),
            (error(403, 40301, ""), "The Kafka server refused the credentials of this gateway"),
        ] {
            let test = Scripted::new(ConsumeApi::V2);
            test.script.on(TOPIC, [answer]);
            let outcome = test.log.topic("orders").await.unwrap_err();
            assert_eq!(outcome.to_string(), expected, "{outcome:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_trickles_is_given_up() {
    local(async {
        let trickle =
            std::iter::repeat_n([Piece::from(" "), Piece::Wait(Duration::from_secs(10))], 99);
        let test = Scripted::new(ConsumeApi::V2);
        test.script.on(TOPIC, [Answer::pieces(200, trickle.flatten())]);
        assert_eq!(test.log.topic("orders").await, Err(ErrorKind::Timeout.into()));
    })
    .await;
}

/// A proxy 7.9.9 whose broker stood still answered neither the call for offsets nor the one
/// for the topic after it, and callers waited for twice their time.
#[tokio::test(start_paused = true)]
async fn silence_is_not_asked_whether_the_topic_is_gone() {
    local(async {
        let test = Scripted::new(ConsumeApi::V2);
        test.script.on("GET /topics/orders/partitions/*/offsets", [Answer::body(200, "{}")]);
        test.log.topic("orders").await.unwrap();
        test.faults.times(99, "/topics/orders", Fault::Hang);
        let start = test.host.monotonic();
        assert_eq!(test.log.offsets("orders").await, Err(ErrorKind::Timeout.into()));
        assert_eq!(test.host.monotonic() - start, Duration::from_secs(15));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn offsets_of_a_proxy_are_those_of_v2() {
    local(async {
        let test = Scripted::new(ConsumeApi::V2);
        for partition in 0..3 {
            let bounds = format!(r#"{{"beginning_offset":{partition},"end_offset":4}}"#);
            let route = format!("GET /topics/orders/partitions/{partition}/offsets");
            test.script.on(&route, [Answer::body(200, bounds)]);
        }
        let offsets = test.log.offsets("orders").await.unwrap();
        assert_eq!(offsets[2], (2, Offsets { first: 2, end: 4 }));
        assert_eq!(test.log.ends("orders").await.unwrap().len(), 3);
        let outcome = test.log.offset_at("orders", 0).await;
        assert!(outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Unsupported(_))));
    })
    .await;
}

//! Writing: one call, a report for each record, and what is sent again.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, EXPECT};
use kafka_edge::api_key::ApiKey;
use kafka_edge::config::{ConsumeApi, KafkaConfig};
use kafka_edge::error::{Error, ErrorKind};
use kafka_edge::host::{Clock, SendError, SendErrorKind, Sent};
use kafka_edge::kafka::Log;
use kafka_edge::kafka::confluent::ConfluentLog;
use kafka_edge::record::NewRecord;
use kafka_edge_sim::{Answer, Fault, Piece, local};

use crate::setup::{
    CONFIGS, LIMIT, RECORDS, Scripted, TOPIC, config, configs, error, produce, refusal, report,
    value, written,
};

fn second() -> Duration {
    Duration::from_secs(1)
}

fn all_reports(offsets: std::ops::Range<i64>) -> Answer {
    Answer::body(200, offsets.map(|offset| report(offset) + "\r\n").collect::<String>())
}

#[tokio::test(start_paused = true)]
async fn many_records_are_one_call() {
    local(async {
        let test = Scripted::producing([all_reports(0..3)]);
        let outcomes = test.produce_values(["a", "b", "c"]).await;
        assert_eq!(outcomes, [written(0), written(1), written(2)]);
        assert_eq!(test.produced(), [["a", "b", "c"]]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_call_asks_for_nothing_that_breaks_the_stream() {
    local(async {
        let test = Scripted::producing([all_reports(0..1)]);
        let api_key = ApiKey { key: "key".into(), secret: "secret".into() };
        let config = KafkaConfig { api_key: Some(api_key), ..config(ConsumeApi::V2) };
        let log = ConfluentLog::new(test.host.clone(), &config);
        produce(&log, "orders", vec![value("a")]).await.remove(0).unwrap();
        let call = test.script.seen().pop().unwrap();
        assert_eq!(call.uri, "http://kafka.test:8082/v3/clusters/c1/topics/orders/records");
        assert_eq!(call.headers[CONTENT_TYPE], "application/json");
        assert_eq!(call.headers[AUTHORIZATION], "Basic a2V5OnNlY3JldA==");
        assert!(!call.headers.contains_key(EXPECT));
        assert!(!call.headers.contains_key(ACCEPT_ENCODING));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_report_is_passed_on_the_moment_it_arrives() {
    local(async {
        let second = Piece::Wait(second());
        let pieces = [
            Piece::from(report(0).as_str()),
            second.clone(),
            Piece::from("\r\n"),
            Piece::from(report(1).as_str()),
            second.clone(),
            Piece::from("\r\n"),
            second,
        ];
        let test = Scripted::producing([Answer::pieces(200, pieces)]);
        let start = test.host.monotonic();
        let times = RefCell::new(Vec::new());
        let note = |_, outcome: Result<_, _>| {
            outcome.unwrap();
            times.borrow_mut().push((test.host.monotonic() - start).as_secs());
        };
        test.log.produce("orders", vec![value("a"), value("b")], note).await;
        assert_eq!(times.into_inner(), [0, 1]);
        // Nobody waits for the end of the answer.
        assert_eq!((test.host.monotonic() - start).as_secs(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_topic_is_found_out_before_the_server_would_wait_for_it() {
    local(async {
        let test = Scripted::new(ConsumeApi::V2);
        test.script
            .on(TOPIC, [error(404, 40403, "This server does not host this topic-partition.")]);
        test.script.on(CONFIGS, [error(404, 40403, "")]);
        let outcome = test.produce_values(["a", "b"]).await;
        assert_eq!(outcome, [(); 2].map(|()| Err(ErrorKind::UnknownTopic("orders".into()).into())));
        assert_eq!(test.script.count(RECORDS), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_illegal_name_is_asked_of_nobody() {
    local(async {
        let test = Scripted::new(ConsumeApi::V2);
        for name in ["..", "a/b", "a b", "", &"n".repeat(250)] {
            let outcome = produce(&test.log, name, vec![value("a")]).await.remove(0);
            assert!(
                outcome.as_ref().is_err_and(|error| matches!(
                    **error,
                    ErrorKind::Invalid { field: "topic", .. }
                )),
                "{name}"
            );
        }
        assert!(test.script.seen().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_record_is_refused_alone_and_never_sent() {
    local(async {
        let test = Scripted::producing([all_reports(0..2)]);
        let of = |partition, timestamp| NewRecord { partition, timestamp, ..value("bad") };
        let large = NewRecord { value: Some(Bytes::from(vec![b'x'; LIMIT as usize])), ..value("") };
        let records = vec![
            value("a"),
            of(Some(3), None),
            of(Some(-1), None),
            of(None, Some(-1)),
            large,
            value("b"),
        ];
        let outcomes = test.produce(records).await;
        assert_eq!(outcomes[0], written(0));
        assert!(
            outcomes[1].as_ref().is_err_and(|error| matches!(
                **error,
                ErrorKind::Invalid { field: "partition", .. }
            ))
        );
        assert!(
            outcomes[2].as_ref().is_err_and(|error| matches!(
                **error,
                ErrorKind::Invalid { field: "partition", .. }
            ))
        );
        assert!(
            outcomes[3].as_ref().is_err_and(|error| matches!(
                **error,
                ErrorKind::Invalid { field: "timestamp", .. }
            ))
        );
        assert!(
            outcomes[4]
                .as_ref()
                .is_err_and(|error| matches!(**error, ErrorKind::TooLarge { limit: LIMIT, .. }))
        );
        assert_eq!(outcomes[5], written(1));
        assert_eq!(test.produced(), [["a", "b"]]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_whose_limit_is_secret_is_written_all_the_same() {
    local(async {
        let test = Scripted::producing([Answer::body(200, refusal(413, "too large"))]);
        test.script.on(CONFIGS, [error(403, 40301, "not for you")]);
        let outcome = test.produce_values(["large"]).await;
        assert!(
            matches!(&outcome, [Err(error)] if matches!(**error, ErrorKind::TooLarge { .. })),
            "{outcome:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_may_be_over_a_secret_limit_is_sent_alone() {
    local(async {
        let test = Scripted::producing([
            all_reports(0..2),
            Answer::body(200, refusal(413, "too large")),
            all_reports(2..3),
        ]);
        test.script.on(CONFIGS, [error(403, 40301, "not for you")]);
        let large = NewRecord { value: Some(vec![b'x'; 1024 * 1024].into()), ..value("") };
        let outcomes = test.produce(vec![value("a"), value("b"), large, value("c")]).await;
        assert_eq!(outcomes[..2], [written(0), written(1)]);
        assert!(
            outcomes[2].as_ref().is_err_and(|error| matches!(**error, ErrorKind::TooLarge { .. })),
            "{:?}",
            outcomes[2]
        );
        assert_eq!(outcomes[3], written(2));
        let sent: Vec<_> = test.produced().iter().map(Vec::len).collect();
        assert_eq!(sent, [2, 1, 1]);
    })
    .await;
}

/// The producer of a REST Proxy 7.9.9 was seen to try a batch that it could not split for two
/// minutes, and to write none of it (KAFKA-8350).
#[tokio::test(start_paused = true)]
async fn what_could_make_a_batch_too_large_is_sent_alone() {
    local(async {
        let of_size = |size: u64| {
            // Around a value of 8 to 1,048 KiB are 72 bytes.
            let value = vec![b'x'; (size - 72) as usize];
            NewRecord { value: Some(value.into()), ..NewRecord::default() }
        };
        for (limit, sizes, sent) in [
            (LIMIT, [9_000, LIMIT - 15, 9_000, 9_000], vec![4]),
            (LIMIT, [9_000, LIMIT - 14, 9_000, 9_000], vec![1, 1, 2]),
            (LIMIT, [LIMIT, LIMIT, 9_000, 9_000], vec![1, 1, 2]),
            (16_384, [9_000; 4], vec![4]),
            (16_383, [9_000; 4], vec![1; 4]),
        ] {
            let mut from = 0;
            let answers = sent.iter().map(|records| {
                from += records;
                all_reports(from - records..from)
            });
            let test = Scripted::producing(answers.collect::<Vec<_>>());
            test.script.on(CONFIGS, [configs(limit)]);
            let outcomes = test.produce(sizes.map(of_size).into()).await;
            assert_eq!(outcomes, [written(0), written(1), written(2), written(3)], "{limit}");
            let calls: Vec<_> = test.produced().iter().map(|call| call.len() as i64).collect();
            assert_eq!(calls, sent, "{limit}: {sizes:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_the_limit_cannot_be_asked_for() {
    local(async {
        for failure in [error(500, 500, "Internal Server Error"), error(429, 429, "slow down")] {
            let test = Scripted::producing([all_reports(0..1)]);
            test.script.on(CONFIGS, [failure.clone(), failure.clone(), failure, configs(LIMIT)]);
            let outcome = test.produce_values(["a"]).await;
            let told = matches!(
                &outcome[0],
                Err(error) if matches!(
                    **error,
                    ErrorKind::Upstream { .. } | ErrorKind::Throttled { .. } | ErrorKind::Timeout
                )
            );
            assert!(told, "{outcome:?}");
            assert_eq!(test.script.count(RECORDS), 0);
            while test.produce_values(["a"]).await != [written(0)] {}
            assert_eq!(test.script.count(RECORDS), 1);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_came_meanwhile_is_looked_for() {
    local(async {
        let test = Scripted::producing([all_reports(0..1)]);
        test.log.topic("orders").await.unwrap();
        let grown = r#"{"topic_name":"orders","partitions_count":9}"#;
        test.script.on(TOPIC, [Answer::body(200, grown)]);
        let record = || vec![NewRecord { partition: Some(8), ..value("a") }];
        assert!(test.produce(record()).await.remove(0).is_err());
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(test.produce(record()).await, [written(0)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_connection_is_tried_again_and_then_named() {
    local(async {
        let test = Scripted::producing([all_reports(0..1)]);
        test.faults.times(3, "/records", Fault::Refuse);
        assert_eq!(test.produce_values(["a"]).await, [written(0)]);

        test.faults.times(99, "/records", Fault::Refuse);
        let start = test.host.monotonic();
        let outcome = test.produce_values(["a"]).await;
        assert!(
            matches!(&outcome, [Err(error)] if matches!(**error, ErrorKind::Unreachable { .. })),
            "{outcome:?}"
        );
        assert!(test.host.monotonic() - start < Duration::from_secs(3));
        assert_eq!(test.script.count(RECORDS), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_before_the_stream_is_tried_again() {
    local(async {
        let test = Scripted::producing([
            error(429, 429, "slow down"),
            error(503, 50302, "broker not available"),
            Answer::body(500, "<html>"),
            all_reports(0..2),
        ]);
        assert_eq!(test.produce_values(["a", "b"]).await, [written(0), written(1)]);
        assert_eq!(test.produced(), [["a", "b"]; 4]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_time_to_wait_is_kept() {
    local(async {
        let wait = error(429, 429, "slow down").header("retry-after", "7");
        let test = Scripted::producing([wait, all_reports(0..1)]);
        let start = test.host.monotonic();
        assert_eq!(test.produce_values(["a"]).await, [written(0)]);
        assert!(test.host.monotonic() - start >= Duration::from_secs(7));

        let too_long = error(429, 429, "slow down").header("retry-after", "60");
        let test = Scripted::producing([too_long]);
        let outcome = test.produce_values(["a"]).await;
        assert_eq!(
            outcome,
            [Err(ErrorKind::Throttled { retry_after: Duration::from_secs(60) }.into())]
        );
        assert_eq!(test.script.count(RECORDS), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_the_throttled_records_of_a_stream_are_sent_again() {
    local(async {
        let first = [report(0), refusal(429, "rate"), report(1), refusal(42901, "quota")].concat();
        let test = Scripted::producing([Answer::body(200, first), all_reports(2..4)]);
        let outcomes = test.produce_values(["a", "b", "c", "d"]).await;
        assert_eq!(outcomes, [written(0), written(2), written(1), written(3)]);
        assert_eq!(test.produced(), [vec!["a", "b", "c", "d"], vec!["b", "d"]]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn throttled_for_good_is_said_after_a_while() {
    local(async {
        let test = Scripted::producing([Answer::body(200, refusal(429, "rate"))]);
        let outcome = test.produce_values(["a"]).await;
        assert!(
            matches!(&outcome, [Err(error)] if matches!(**error, ErrorKind::Throttled { .. })),
            "{outcome:?}"
        );
        assert_eq!(test.script.count(RECORDS), 7);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_may_have_arrived_is_unknown_and_never_sent_again() {
    local(async {
        let failed = |kind| Answer::fails(SendError { sent: Sent::Perhaps, kind });
        for answer in [
            failed(SendErrorKind::Broken),
            failed(SendErrorKind::Timeout),
            failed(SendErrorKind::Protocol),
            Answer::body(502, "<html>"),
            Answer::body(504, "<html>"),
            error(504, 504, "gateway timeout"),
            Answer::body(204, ""),
        ] {
            let test = Scripted::producing([answer.clone()]);
            let outcomes = test.produce_values(["a", "b"]).await;
            let unknown = |o: &Result<kafka_edge::record::RecordMetadata, Error>| {
                o.as_ref().is_err_and(|error| matches!(**error, ErrorKind::OutcomeUnknown { .. }))
            };
            assert!(outcomes.iter().all(unknown), "{answer:?}: {outcomes:?}");
            assert_eq!(test.script.count(RECORDS), 1, "{answer:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    local(async {
        let hang = [Piece::Wait(Duration::from_secs(8)), report(0).as_str().into(), Piece::Hang];
        for answer in
            [all_reports(0..2).after(Duration::from_secs(3_600)), Answer::pieces(200, hang)]
        {
            let test = Scripted::producing([answer]);
            let start = test.host.monotonic();
            let outcomes = test.produce_values(["a", "b"]).await;
            assert!(
                outcomes[1]
                    .as_ref()
                    .is_err_and(|error| matches!(**error, ErrorKind::OutcomeUnknown { .. })),
                "{outcomes:?}"
            );
            let took = test.host.monotonic() - start;
            assert!(took <= Duration::from_millis(15_001), "{took:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_too_large_for_a_proxy_in_between_is_split() {
    local(async {
        let too_large = || Answer::body(413, "<html>");
        let test = Scripted::producing([
            too_large(),
            all_reports(0..2),
            too_large(),
            all_reports(2..3),
            too_large(),
        ]);
        let outcomes = test.produce_values(["a", "b", "c", "d"]).await;
        assert_eq!(outcomes[..3], [written(0), written(1), written(2)]);
        assert!(
            outcomes[3].as_ref().is_err_and(|error| matches!(**error, ErrorKind::TooLarge { .. }))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_refused_are_named() {
    local(async {
        let test = Scripted::producing([error(401, 40101, "who are you")]);
        let outcome = test.produce_values(["a"]).await;
        assert!(matches!(&outcome, [Err(error)] if matches!(**error, ErrorKind::PermissionDenied { .. })), "{outcome:?}");
        let denied = refusal(40301, "Not authorized to access topics: [orders]");
        let test = Scripted::producing([Answer::body(200, denied)]);
        let outcome = test.produce_values(["a"]).await;
        assert!(matches!(&outcome, [Err(error)] if matches!(**error, ErrorKind::PermissionDenied { .. })), "{outcome:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_deleted_meanwhile_is_asked_for_anew() {
    local(async {
        let gone = refusal(40403, "This server does not host this topic-partition.");
        let test = Scripted::producing([Answer::body(200, gone)]);
        test.script.on(TOPIC, [crate::setup::topic(), error(404, 40403, "")]);
        test.script.on(CONFIGS, [configs(LIMIT)]);
        for _ in 0..2 {
            let outcome = test.produce_values(["a"]).await;
            assert_eq!(outcome, [Err(ErrorKind::UnknownTopic("orders".into()).into())]);
        }
        assert_eq!(test.script.count(RECORDS), 1);
    })
    .await;
}

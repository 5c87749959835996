//! The trace of a request: on its way to Kafka, to a callback, and in lines.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use kafka_edge::access::AllowedTopic;
use kafka_edge::record::{Header, NewRecord};
use kafka_edge::services::consume::{Ack, Next, StartFrom};
use kafka_edge::services::stream::StreamMode;
use kafka_edge::telemetry::{TRACEPARENT, Trace, with_trace};
use kafka_edge_sim::{Fault, local};

use crate::scene::{CALLBACK, Scene, TOPIC, record, trace, traces_of};

const RECORDS: &str = "POST /kafka/v3/clusters/lkc-emulator/topics/orders/records";
const CONSUME: &str = "records:consume_guarantee_progress";

fn next(group: &str) -> Next {
    Next {
        group: group.into(),
        topics: vec![AllowedTopic::trusted(TOPIC)],
        from: StartFrom::Earliest,
        wait: Duration::from_secs(1),
        max: 1,
        max_bytes: 1_000,
        ack: Ack::Auto,
    }
}

#[tokio::test(start_paused = true)]
async fn a_shared_produce_carries_the_trace_of_its_leader() {
    local(async {
        let scene = Scene::new("logfmt", "debug");
        let services = scene.services().await;
        scene.faults.once(RECORDS, Fault::Delay(Duration::from_millis(50)));
        let callers = ['1', '2', '3'].map(|caller| {
            let services = services.clone();
            let write = async move {
                services
                    .producer
                    .write(&AllowedTopic::trusted(TOPIC), vec![record("a")])
                    .await
                    .remove(0)
            };
            scene.host.run(with_trace(Some(trace(caller)), write))
        });
        for answer in join_all(callers).await {
            answer.expect("the instance lives").unwrap();
        }
        let sent = traces_of(&scene.sent(RECORDS));
        assert_eq!(sent, [Some(trace('1')), Some(trace('2'))], "two calls for three callers");
        let of_calls: Vec<_> = scene.lines("call-succeeded");
        let of_calls = of_calls.iter().filter(|line| line.contains("/topics/orders/records"));
        for (line, caller) in of_calls.zip(['1', '2']) {
            assert!(line.contains(&format!(" traceparent={} ", trace(caller).as_str())), "{line}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn reading_carries_the_trace_of_who_reads() {
    local(async {
        let scene = Scene::new("logfmt", "info");
        let services = scene.services().await;
        scene.produce(record("a")).await.unwrap();
        scene.sent("");
        let consume = services.consume.clone();
        let reads = async move { consume.next(next("g")).await.unwrap().delivered() };
        scene.host.run(with_trace(Some(trace('4')), reads)).await.unwrap();
        let sent = scene.sent("");
        assert!(sent.iter().any(|sent| sent.uri.path().contains(CONSUME)));
        assert_eq!(traces_of(&sent), vec![Some(trace('4')); sent.len()]);

        // A stream is read beyond the answer of the request that opened it.
        let from = StartFrom::Earliest;
        let topics = vec![AllowedTopic::trusted(TOPIC)];
        let open = async { services.streams.open(topics, StreamMode::Tail { from }, None) };
        let mut stream = with_trace(Some(trace('5')), open).await;
        scene.sent("");
        assert_eq!(stream.next(Duration::ZERO).await.unwrap().records.len(), 1);
        let sent = traces_of(&scene.sent(CONSUME));
        assert!(!sent.is_empty() && sent.iter().all(|named| *named == Some(trace('5'))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_goes_on_with_the_trace_of_who_waits_then() {
    local(async {
        let scene = Scene::new("logfmt", "info");
        let services = scene.services().await;
        let callers = [('6', 0), ('7', 300)].map(|(caller, later)| {
            let consume = services.consume.clone();
            let wait = async move {
                tokio::time::sleep(Duration::from_millis(later)).await;
                consume.next(next("g")).await.map(drop)
            };
            scene.host.run(with_trace(Some(trace(caller)), wait))
        });
        join_all(callers).await;
        let sent = traces_of(&scene.sent(CONSUME));
        assert_eq!((sent.first(), sent.last()), (Some(&Some(trace('6'))), Some(&Some(trace('7')))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_carries_the_trace_that_its_record_names_and_no_other() {
    local(async {
        let scene = Scene::new("logfmt", "debug");
        let services = scene.services().await;
        let topic = AllowedTopic::trusted(TOPIC);
        let register = services.subscriptions.register(&topic, CALLBACK, StartFrom::Latest);
        register.await.unwrap();
        let naming = |value: &[&'static str]| {
            let header = |value: &&'static str| Header {
                name: TRACEPARENT.into(),
                value: Some(Bytes::from_static(value.as_bytes())),
            };
            NewRecord { headers: value.iter().map(header).collect(), ..record("a") }
        };
        let valid = "00-88888888888888888888888888888888-8888888888888888-01";
        let records =
            [naming(&[valid]), naming(&[]), naming(&["nonsense"]), naming(&[valid, valid])];
        let write = async move {
            services.producer.write(&AllowedTopic::trusted(TOPIC), records.into()).await.len()
        };
        scene.host.run(with_trace(Some(trace('9')), write)).await.unwrap();
        scene.host.idle().await;
        let sent = traces_of(&scene.sent("POST /hook"));
        assert_eq!(sent, [Trace::parse(valid.as_bytes()), None, None, None]);
        let lines = scene.lines("delivery-made");
        let of_trace = |line: &&String| line.contains(&format!("traceparent={valid}"));
        assert_eq!((lines.len(), lines.iter().filter(of_trace).count()), (4, 1));
        assert!(of_trace(&&lines[0]) && !lines[1].contains("traceparent"), "{lines:?}");
    })
    .await;
}

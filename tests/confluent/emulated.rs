//! The log against the emulator: what is written is in the log, what is in
//! the log is read, and nothing twice that nobody asked for twice.

use std::time::Duration;

use bytes::Bytes;
use kafka_edge::config::{ConsumeApi, KafkaConfig};
use kafka_edge::error::ErrorKind;
use kafka_edge::host::Clock;
use kafka_edge::kafka::confluent::ConfluentLog;
use kafka_edge::kafka::{Fetch, Log, Offsets, Place};
use kafka_edge::record::{Header, NewRecord};
use kafka_edge_emulator::{self as emulator, Emulator, Offer, Options, ProduceRateLimit, Version};
use kafka_edge_sim::{Fault, Faults, SimHost, World, local};

use crate::setup::{at, config, offsets_of, produce, value};

const PRODUCE: &str = "POST /clusters/{cluster}/topics/{topic}/records";
const READ: &str = "GET /consumers/{group}/instances/{instance}/records";
const CREATE: &str = "POST /consumers/{group}";

/// An emulator with a topic `orders` of three partitions.
pub(crate) struct Emulated {
    pub(crate) world: World,
    pub(crate) server: Emulator,
    pub(crate) faults: Faults,
    pub(crate) api: ConsumeApi,
}

impl Emulated {
    pub(crate) fn new(api: ConsumeApi, options: Options) -> Self {
        Self::seeded(5, api, options)
    }

    pub(crate) fn seeded(seed: u64, api: ConsumeApi, options: Options) -> Self {
        let offer = match api {
            ConsumeApi::V2 => Offer::Proxy,
            ConsumeApi::Cloud => Offer::Cloud,
        };
        let server = Emulator::new(Options { offer, ..options }).unwrap();
        server.create_topic("orders", 3).unwrap();
        let world = World::new(seed);
        let faults = Faults::new();
        world.set_upstream(faults.wrap(kafka_edge_sim::emulator(&server)));
        Self { world, server, faults, api }
    }

    /// The log as another instance sees it.
    pub(crate) fn log(&self) -> (SimHost, ConfluentLog<SimHost>) {
        let host = self.world.instance();
        let cloud = self.api == ConsumeApi::Cloud;
        let config = KafkaConfig {
            rest_url: if cloud { "http://kafka.test/kafka" } else { "http://kafka.test" }.into(),
            cluster_id: cloud.then(|| "lkc-emulator".into()),
            ..config(self.api)
        };
        (host.clone(), ConfluentLog::new(host, &config))
    }

    pub(crate) fn append(&self, count: usize) {
        for n in 0..count {
            let value = emulator::NewRecord::value(format!("value {n}"));
            self.server.append("orders", 0, value).unwrap();
        }
    }

    /// How often a value is in the log, in whatever partition.
    fn times(&self, value: &str) -> usize {
        let records = (0..3).flat_map(|partition| self.server.records("orders", partition));
        records.filter(|record| record.value.as_deref() == Some(value.as_bytes())).count()
    }
}

fn versions() -> [Options; 2] {
    [Version::V7_9_9, Version::V8_3_1].map(|version| Options { version, ..Options::default() })
}

#[tokio::test(start_paused = true)]
async fn records_arrive_as_they_are() {
    local(async {
        for options in versions() {
            let test = Emulated::new(ConsumeApi::V2, options);
            let (_, log) = test.log();
            let header = |name: &str, value: Option<&'static [u8]>| Header {
                name: name.into(),
                value: value.map(Bytes::from_static),
            };
            let records = vec![
                NewRecord { partition: Some(0), ..value("{\"n\": 1.10 }") },
                NewRecord {
                    key: Some(Bytes::from_static(b"\xfe\0key")),
                    value: Some(Bytes::from_static(b"\xff\xfe")),
                    headers: vec![
                        header("b", Some(b"\x80")),
                        header("a", None),
                        header("b", Some(b"")),
                    ],
                    partition: Some(0),
                    timestamp: Some(1_772_360_130_250),
                },
                NewRecord {
                    key: Some(Bytes::from_static(b"k")),
                    partition: Some(0),
                    ..NewRecord::default()
                },
                NewRecord { partition: Some(0), ..value("") },
            ];
            let outcomes = produce(&log, "orders", records.clone()).await;
            let there = test.server.records("orders", 0);
            assert_eq!(there.len(), 4);
            for ((sent, record), outcome) in records.iter().zip(&there).zip(&outcomes) {
                let written = outcome.as_ref().unwrap();
                assert_eq!((written.partition, written.offset), (0, record.offset));
                assert_eq!(written.timestamp, Some(record.timestamp));
                assert_eq!((&sent.key, &sent.value), (&record.key, &record.value));
                let headers = record.headers.iter().map(|h| (h.name.clone(), h.value.clone()));
                let sent_headers = sent.headers.iter().map(|h| (h.name.clone(), h.value.clone()));
                assert!(headers.eq(sent_headers));
            }
            assert_eq!(there[1].timestamp, 1_772_360_130_250);
            assert_eq!(test.server.calls_of(PRODUCE), 1);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_records_are_one_call() {
    local(async {
        let test = Emulated::new(ConsumeApi::V2, Options::default());
        let (_, log) = test.log();
        let outcomes = produce(&log, "orders", vec![value("x"); 1_000]).await;
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!(test.times("x"), 1_000);
        assert_eq!(test.server.calls_of(PRODUCE), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_topic_costs_no_minute() {
    local(async {
        for api in [ConsumeApi::V2, ConsumeApi::Cloud] {
            let test = Emulated::new(api, Options::default());
            let (host, log) = test.log();
            let before = host.monotonic();
            let outcome = produce(&log, "no-such-topic", vec![value("a")]).await.remove(0);
            assert_eq!(outcome, Err(ErrorKind::UnknownTopic("no-such-topic".into()).into()));
            assert!(host.monotonic() - before < Duration::from_secs(1));
            let fetch = Fetch { topic: "no-such-topic", ..at(0, None, Duration::ZERO) };
            let outcome = log.fetch(fetch).await.unwrap_err();
            assert_eq!(outcome, ErrorKind::UnknownTopic("no-such-topic".into()).into());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_produce_whose_answer_is_lost_wrote_once_or_not_at_all() {
    local(async {
        let cuts = (0..600).step_by(23).map(Fault::CutBody);
        let lost = [(Fault::DropAnswer, 1), (Fault::Hang, 1), (Fault::BreakBefore, 0)];
        let all = lost.map(|(fault, times)| (fault, Some(times))).into_iter();
        for (fault, times) in all.chain(cuts.map(|fault| (fault, None))) {
            let test = Emulated::new(ConsumeApi::V2, Options::default());
            let (_, log) = test.log();
            test.faults.once("/records", fault.clone());
            let values = ["a", "b", "c"];
            let outcomes = produce(&log, "orders", values.map(value).into()).await;
            for (value, outcome) in values.iter().zip(outcomes) {
                match outcome {
                    Ok(_) => assert_eq!(test.times(value), 1, "{fault:?}"),
                    Err(error) if matches!(*error, ErrorKind::OutcomeUnknown { .. }) => {
                        assert!(test.times(value) <= 1, "{fault:?}")
                    }
                    Err(error) => panic!("{fault:?}: {error:?}"),
                }
                if let Some(times) = times {
                    assert_eq!(test.times(value), times, "{fault:?}");
                }
            }
            assert!(test.faults.all_happened());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_not_written_is_written_once_in_the_end() {
    local(async {
        for fault in [Fault::Refuse, Fault::Status(503), Fault::Status(429), Fault::Status(500)] {
            let test = Emulated::new(ConsumeApi::V2, Options::default());
            let (_, log) = test.log();
            test.faults.times(3, "/records", fault.clone());
            let outcome = produce(&log, "orders", vec![value("a")]).await.remove(0);
            assert!(outcome.is_ok(), "{fault:?}: {outcome:?}");
            assert_eq!(test.times("a"), 1, "{fault:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn throttled_records_are_written_once_each() {
    local(async {
        let limit = ProduceRateLimit {
            records_per_second: 4,
            bytes_per_second: 1_000_000,
            with_general_limit: true,
        };
        let options = Options { produce_rate_limit: Some(limit), ..Options::default() };
        let test = Emulated::new(ConsumeApi::V2, options);
        let (_, log) = test.log();
        let values: Vec<String> = (0..8).map(|n| format!("v{n}")).collect();
        let record = |value: &String| NewRecord {
            value: Some(value.clone().into()),
            ..NewRecord::default()
        };
        let outcomes = produce(&log, "orders", values.iter().map(record).collect()).await;
        assert!(test.server.calls_of(PRODUCE) > 1, "nothing was throttled");
        for (value, outcome) in values.iter().zip(&outcomes) {
            assert_eq!(test.times(value), usize::from(outcome.is_ok()), "{outcome:?}");
        }
        assert!(outcomes.iter().filter(|outcome| outcome.is_ok()).count() >= 6, "{outcomes:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_large_record_beside_small_ones_kills_no_producer() {
    local(async {
        let test = Emulated::new(ConsumeApi::V2, Options::default());
        test.server.create_topic_with("small", 1, [("max.message.bytes", "1000")]).unwrap();
        let (_, log) = test.log();
        let large = NewRecord { value: Some(vec![b'x'; 2_000].into()), ..NewRecord::default() };
        let outcomes = produce(&log, "small", vec![value("a"), large, value("b")]).await;
        assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
        assert!(
            outcomes[1]
                .as_ref()
                .is_err_and(|error| matches!(**error, ErrorKind::TooLarge { limit: 1_000, .. })),
            "{outcomes:?}"
        );
        assert!(produce(&log, "orders", vec![value("c")]).await[0].is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_producer_is_not_waited_for_without_end() {
    local(async {
        let test = Emulated::new(ConsumeApi::V2, Options::default());
        let (host, log) = test.log();
        assert!(produce(&log, "orders", vec![value("a")]).await[0].is_ok());
        test.server.kill_producer();
        let before = host.monotonic();
        let outcome = produce(&log, "orders", vec![value("b")]).await.remove(0);
        assert!(
            outcome
                .as_ref()
                .is_err_and(|error| matches!(**error, ErrorKind::OutcomeUnknown { .. })),
            "{outcome:?}"
        );
        assert!(host.monotonic() - before <= Duration::from_millis(15_001));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn offsets_are_told_by_every_server() {
    local(async {
        for (api, options) in versions()
            .into_iter()
            .map(|options| (ConsumeApi::V2, options))
            .chain([(ConsumeApi::Cloud, Options::default())])
        {
            let test = Emulated::new(api, options);
            test.append(10);
            test.server.delete_records_before("orders", 0, 4).unwrap();
            let (_, log) = test.log();
            let offsets = log.offsets("orders").await.unwrap();
            assert_eq!(offsets[0], (0, Offsets { first: 4, end: 10 }), "{api:?}");
            assert_eq!(offsets[2], (2, Offsets { first: 0, end: 0 }), "{api:?}");
            let ends = log.ends("orders").await.unwrap();
            assert_eq!(ends.into_iter().collect::<Vec<_>>(), [(0, 10), (1, 0), (2, 0)], "{api:?}");
            log.ping().await.unwrap();
            assert_eq!(log.topics().await.unwrap().len(), 1);
            assert_eq!(log.cluster_id().await.unwrap(), "lkc-emulator");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cloud_reads_headers_and_times_at_any_offset() {
    local(async {
        let test = Emulated::new(ConsumeApi::Cloud, Options::default());
        let (_, log) = test.log();
        let record = |n: i64| NewRecord {
            key: Some(Bytes::from_static(b"\xff")),
            headers: vec![Header { name: "h".into(), value: Some(Bytes::from_static(b"\x80")) }],
            partition: Some(0),
            timestamp: Some(1_000 * (n + 1)),
            ..value("v")
        };
        let sent: Vec<_> = (0..20).map(record).collect();
        assert!(produce(&log, "orders", sent.clone()).await.iter().all(Result::is_ok));
        for offset in [0, 7, 19, 3] {
            let fetched = log.fetch(at(offset, None, Duration::ZERO)).await.unwrap();
            assert_eq!(offsets_of(&fetched.records), (offset..20).collect::<Vec<_>>());
            let (read, sent) = (&fetched.records[0], &sent[offset as usize]);
            assert_eq!((&read.key, &read.value), (&sent.key, &sent.value));
            assert_eq!(
                (&read.headers, read.timestamp),
                (&Some(sent.headers.clone()), sent.timestamp)
            );
        }
        let at = log.offset_at("orders", 7_500).await.unwrap();
        assert_eq!(at.into_iter().collect::<Vec<_>>(), [(0, 7), (1, 0), (2, 0)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_is_read_in_sequence_over_one_instance() {
    local(async {
        for options in versions() {
            let test = Emulated::new(ConsumeApi::V2, options);
            test.append(1_000);
            let (mut next, mut place) = (0, None::<Place>);
            while next < 1_000 {
                // Whoever holds the lease then.
                let (_, log) = test.log();
                let fetched = log.fetch(at(next, place, Duration::ZERO)).await.unwrap();
                let expected: Vec<_> = (next..fetched.next).collect();
                assert_eq!(offsets_of(&fetched.records), expected);
                (next, place) = (fetched.next, fetched.place);
            }
            assert_eq!(test.server.calls_of(CREATE), 1);
            assert_eq!(test.server.calls_of(READ), 34);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn large_records_are_all_read() {
    local(async {
        let test = Emulated::new(ConsumeApi::V2, Options::default());
        test.server.create_topic_with("large", 1, [("max.message.bytes", "10000")]).unwrap();
        // The last one was written when the topic still took as much.
        let sizes = [9_900, 9_900, 1, 9_900, 9_900, 9_900, 9_900, 300_000];
        for size in sizes {
            let record = emulator::NewRecord::value(vec![b'x'; size]);
            test.server.append("large", 0, record).unwrap();
        }
        let (_, log) = test.log();
        let (mut next, mut place, mut read) = (0, None, Vec::new());
        while read.len() < sizes.len() {
            let fetch =
                Fetch { topic: "large", max_bytes: 1_000, ..at(next, place, Duration::ZERO) };
            let fetched = log.fetch(fetch).await.unwrap();
            read.extend(fetched.records.iter().map(|record| record.value.as_ref().unwrap().len()));
            (next, place) = (fetched.next, fetched.place);
        }
        assert_eq!(read, sizes);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_comes_is_read_while_waiting_for_it() {
    local(async {
        for api in [ConsumeApi::V2, ConsumeApi::Cloud] {
            let test = Emulated::new(api, Options::default());
            let (host, log) = test.log();
            let before = host.monotonic();
            let fetch = log.fetch(at(0, None, Duration::from_secs(30)));
            let later = async {
                tokio::time::sleep(Duration::from_secs(12)).await;
                test.append(1);
            };
            let (fetched, ()) = futures_util::future::join(fetch, later).await;
            assert_eq!(offsets_of(&fetched.unwrap().records), [0], "{api:?}");
            let took = host.monotonic() - before;
            assert!(took < Duration::from_millis(13_100), "{api:?}: {took:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_nobody_used_for_minutes_is_replaced() {
    local(async {
        let test = Emulated::new(ConsumeApi::V2, Options::default());
        test.append(40);
        let (_, log) = test.log();
        let fetched = log.fetch(at(0, None, Duration::ZERO)).await.unwrap();
        assert_eq!(offsets_of(&fetched.records), (0..40).collect::<Vec<_>>());
        tokio::time::sleep(Duration::from_secs(400)).await;
        test.append(20);
        let fetched = log.fetch(at(fetched.next, fetched.place, Duration::ZERO)).await.unwrap();
        assert_eq!(offsets_of(&fetched.records), (40..60).collect::<Vec<_>>());
        assert_eq!(test.server.calls_of(CREATE), 2);
    })
    .await;
}

//! What reading by group costs in calls to Kafka's REST server, counted at the emulator.
//! A change that costs more must change the numbers here, and the table in
//! `docs/operations.md`.

use std::rc::Rc;
use std::time::Duration;

use kafka_edge::access::AllowedTopic;
use kafka_edge::config::ConsumeApi;
use kafka_edge::services::consume::{Ack, Consume, Next, StartFrom};
use kafka_edge::services::ends::Ends;
use kafka_edge::services::group_list::GroupList;
use kafka_edge::services::produce::Producer;
use kafka_edge::services::seen::Seen;
use kafka_edge::state::lane::Params;
use kafka_edge_emulator::{NewRecord, Options};
use kafka_edge_sim::local;
use tokio::time::Instant;

use crate::emulated::Emulated;

const ENDS_V2: &str = "GET /topics/{topic}/partitions/{partition}/offsets";
const READ_V2: &str = "GET /consumers/{group}/instances/{instance}/records";
const CREATE_V2: &str = "POST /consumers/{group}";
const READ_CLOUD: &str = "POST /clusters/{cluster}/internal/topics/{topic}/partitions/-/records:consume_guarantee_progress";

/// The calls of a sequence of pages of one group, in one instance.
#[derive(Debug, PartialEq, Eq)]
struct Calls {
    pages: usize,
    ends: u64,
    reads: u64,
    created: u64,
}

/// Reads a topic in pages of so many until all of these records have come.
async fn read(test: &Emulated, topic: &str, max: usize, records: usize) -> Calls {
    let (host, log) = test.log();
    let (log, params) = (Rc::new(log), Params::default());
    let list = GroupList::new(host.clone(), params);
    let ends = Rc::new(Ends::new(host.clone(), log.clone()));
    let seen = Rc::new(Seen::new(host.clone(), Duration::ZERO));
    let producer = Rc::new(Producer::new(host.clone(), log.clone(), ends.clone(), seen, None));
    let consume = Rc::new(Consume::new(host.clone(), log, ends, list, producer, params));
    test.server.reset_calls();
    let (mut came, mut pages) = (0, 0);
    while came < records {
        let next = Next {
            group: "g".into(),
            topics: vec![AllowedTopic::trusted(topic)],
            from: StartFrom::Earliest,
            wait: Duration::from_secs(5),
            max,
            max_bytes: usize::MAX,
            ack: Ack::Auto,
        };
        let consume = consume.clone();
        let page = host.run(async move {
            let handed = consume.next(next).await.unwrap();
            let count = handed.records.len();
            handed.delivered();
            count
        });
        let count = page.await.unwrap();
        assert!(count > 0, "nothing came after {came} records");
        (came, pages) = (came + count, pages + 1);
    }
    let calls = |route| test.server.calls_of(route);
    let reads = calls(READ_V2) + calls(READ_CLOUD);
    Calls { pages, ends: calls(ENDS_V2), reads, created: calls(CREATE_V2) }
}

fn filled(api: ConsumeApi, partitions: i32, records: i64) -> Emulated {
    let test = Emulated::new(api, Options::default());
    test.server.create_topic("t", partitions).unwrap();
    for number in 0..records {
        let record = NewRecord::value(format!("record number {number}"));
        test.server.append("t", (number % i64::from(partitions)) as i32, record).unwrap();
    }
    test
}

#[tokio::test(start_paused = true)]
async fn single_records_of_one_partition() {
    local(async {
        // The end is asked for before the group begins, and before the instance is made.
        let test = filled(ConsumeApi::V2, 1, 300);
        let calls = read(&test, "t", 1, 300).await;

        assert_eq!(calls, Calls { pages: 300, ends: 2, reads: 10, created: 1 });
        let test = filled(ConsumeApi::Cloud, 1, 300);
        let calls = read(&test, "t", 1, 300).await;
        // The first one alone, then fifty at once, and a look at the end.
        assert_eq!(calls, Calls { pages: 300, ends: 0, reads: 8, created: 0 });
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn pages_over_four_partitions() {
    local(async {
        let test = filled(ConsumeApi::V2, 4, 12_000);
        let calls = read(&test, "t", 500, 12_000).await;
        println!("{calls:?}");
        // 30 records a read.
        assert_eq!((calls.reads, calls.created), (400, 4));
        // Before the group begins, and before each instance is made.
        assert_eq!(calls.ends, 4 + 4);
        let test = filled(ConsumeApi::Cloud, 4, 12_000);
        let calls = read(&test, "t", 500, 12_000).await;
        println!("{calls:?}");
        // 500 records a read, and a look at the ends before the group begins.
        assert_eq!((calls.pages, calls.reads), (24, 24 + 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_compacted_topic() {
    local(async {
        let test = filled(ConsumeApi::V2, 1, 3_000);
        for offset in (0..3_000).filter(|offset| offset % 9 < 4) {
            test.server.remove_record("t", 0, offset).unwrap();
        }
        let left = (0..3_000).filter(|offset| offset % 9 >= 4).count();
        let calls = read(&test, "t", 500, left).await;
        assert_eq!(calls.created, 1, "{calls:?}");
        assert!(calls.reads as usize <= left.div_ceil(30) + 2, "{calls:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_page_of_fifty_partitions_comes_within_a_second() {
    local(async {
        let test = filled(ConsumeApi::V2, 50, 50);
        let start = Instant::now();
        let calls = read(&test, "t", 500, 4).await;
        let took = start.elapsed();
        assert_eq!(calls.pages, 1);
        assert!(took < Duration::from_secs(1), "{took:?}");
        // All of them, by a lone caller that takes one record after the other.
        let start = Instant::now();
        read(&test, "t", 1, 46).await;
        let took = start.elapsed();
        println!("46 records of 46 partitions: {took:?} of virtual time");
    })
    .await;
}

/// On a host that starts an instance for each request, nothing is remembered.
#[tokio::test(start_paused = true)]
async fn a_page_in_a_fresh_instance() {
    local(async {
        let mut calls = Vec::new();
        for (api, partitions) in [
            (ConsumeApi::Cloud, 1),
            (ConsumeApi::Cloud, 6),
            (ConsumeApi::V2, 1),
            (ConsumeApi::V2, 6),
        ] {
            let test = filled(api, partitions, 30_000);
            // The group begins, and each partition has an instance.
            for _ in 0..12 {
                read(&test, "t", 500, 1).await;
            }
            read(&test, "t", 100, 100).await;
            let all: u64 = test.server.calls().values().sum();
            calls.push((api, partitions, all));
        }
        // The topic and its settings (over v2 the cluster, too), the end (over v2 of each
        // partition), and the records: over v2 in reads of 30, of which the last one
        // leaves some for the next page.
        assert_eq!(
            calls,
            [
                (ConsumeApi::Cloud, 1, 4),
                (ConsumeApi::Cloud, 6, 4),
                (ConsumeApi::V2, 1, 8),
                (ConsumeApi::V2, 6, 12),
            ]
        );
    })
    .await;
}

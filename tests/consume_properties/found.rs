//! Runs that once went wrong, each by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use kafka_edge::services::consume::{Ack, Acknowledged, Disposal, Handed, Next};
use kafka_edge::services::seek::SeekTo;
use kafka_edge::state::lane::Params;
use kafka_edge_sim::{SimLog, StoreMode, World};
use tokio::time::{Instant, sleep};

use crate::run;
use crate::scene::{Instance, everything};

const ORDERS: &str = "orders";

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

struct Cluster {
    world: World,
    log: SimLog,
}

impl Cluster {
    /// One topic, with so many records in each partition.
    fn new(seed: u64, records: &[usize]) -> Self {
        let (world, log) = (World::new(seed), SimLog::new());
        log.create_topic(ORDERS, records.len());
        for (partition, count) in records.iter().enumerate() {
            for _ in 0..*count {
                log.append(ORDERS, partition, "x");
            }
        }
        Self { world, log }
    }

    fn instance(&self) -> Instance {
        Instance::new(&self.world, &self.log, Params::default())
    }
}

fn next(max: usize, wait: u64) -> Next {
    Next { max, ..everything(&[ORDERS], seconds(wait)) }
}

fn places(handed: &Handed) -> Vec<(i32, i64)> {
    let place = |record: &kafka_edge::record::Record| (record.partition, record.offset);
    handed.records.iter().map(|consumed| place(&consumed.record)).collect()
}

/// Asks and takes what comes, if anything does.
async fn take(instance: &Instance, next: Next) -> Vec<(i32, i64)> {
    let Some(Ok(handed)) = instance.next(next, Duration::MAX).await else {
        return Vec::new();
    };
    let places = places(&handed);
    handed.delivered();
    places
}

#[test]
fn a_claim_whose_write_failed_is_not_handed_out() {
    let mut claimed = 0;
    for seed in 0..900 {
        run(async {
            let cluster = Cluster::new(seed, &[6]);
            let instance = cluster.instance();
            let failures = 0.1;
            cluster.world.set_store_mode(StoreMode { failures, ..StoreMode::default() });
            let ack = Ack::Manual { lease: seconds(60) };
            let next = Next { ack, ..next(2, 0) };
            let Some(Ok(handed)) = instance.next(next, Duration::MAX).await else { return };
            cluster.world.set_store_mode(StoreMode::default());
            let receipts: Vec<_> =
                handed.records.iter().map(|c| c.acquired.clone().unwrap().receipt).collect();
            claimed += receipts.len();
            let answers = instance.acknowledge(receipts, Disposal::Ack).await.unwrap().unwrap();
            assert_eq!(answers, vec![Acknowledged::Done; answers.len()], "seed {seed}");
        });
    }
    assert!(claimed > 200, "{claimed}");
}

#[test]
fn who_waits_at_the_end_sees_that_the_group_was_moved_back() {
    run(async {
        let cluster = Cluster::new(1, &[3]);
        let (one, two) = (cluster.instance(), cluster.instance());
        // The second caller's turn goes on to the end, and waits there.
        let asked = async { tokio::join!(take(&one, next(3, 1)), take(&one, next(5, 9))) };
        let moving = async {
            sleep(seconds(2)).await;
            two.seek(ORDERS, SeekTo::Earliest).await.unwrap().unwrap();
        };
        let (asked, ()) = tokio::join!(asked, moving);
        let all = vec![(0, 0), (0, 1), (0, 2)];
        assert_eq!(asked, (all.clone(), all));
    });
}

/// No record came twice, and so many came.
fn assert_once(seen: &[(i32, i64)], count: usize) {
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!((distinct.len(), seen.len()), (count, count), "{seen:?}");
}

#[test]
fn a_page_that_took_too_long_does_not_hold_what_is_anothers_by_now() {
    for seed in 0..10 {
        run(async {
            let cluster = Cluster::new(seed, &[1, 1, 1]);
            // Fetches from two partitions take longer than the lease of the first.
            cluster.log.set_delay(seconds(6));
            let (one, two) = (cluster.instance(), cluster.instance());
            let patient = async {
                let mut seen = take(&one, next(3, 60)).await;
                seen.extend(take(&one, next(3, 60)).await);
                seen
            };
            let later = async {
                sleep(seconds(13)).await;
                let mut seen = Vec::new();
                for _ in 0..3 {
                    seen.extend(take(&two, next(1, 60)).await);
                }
                seen
            };
            let (one, two) = tokio::join!(patient, later);
            assert_once(&[one, two].concat(), 3);
        });
    }
}

#[test]
fn a_page_of_several_partitions_is_written_down_however_many_callers_come() {
    for seed in 0..6 {
        run(async {
            let cluster = Cluster::new(seed, &[1, 9_000]);
            let one = cluster.instance();
            // Callers come all the time, for longer than a lease.
            let start = Instant::now();
            let callers = (0..3).map(async |_| {
                let mut seen = take(&one, next(2, 1)).await;
                while start.elapsed() < seconds(15) {
                    seen.extend(take(&one, next(1, 1)).await);
                    sleep(Duration::from_millis(30)).await;
                }
                seen
            });
            let mut seen = futures_util::future::join_all(callers).await.concat();
            let two = cluster.instance();
            while seen.len() < 9_001 {
                let page = take(&two, next(500, 1)).await;
                assert!(!page.is_empty(), "{} came", seen.len());
                seen.extend(page);
            }
            assert_once(&seen, 9_001);
        });
    }
}

#[test]
fn a_caller_that_never_says_whether_it_has_its_record_costs_others_one_wait() {
    run(async {
        let cluster = Cluster::new(1, &[40]);
        let one = cluster.instance();
        let hanging = one.next(next(1, 1), Duration::MAX);
        let others = (0..3).map(async |_| {
            for _ in 0..10 {
                assert_eq!(take(&one, next(1, 10)).await.len(), 1);
            }
        });
        let start = Instant::now();
        let (held, _) = tokio::join!(hanging, futures_util::future::join_all(others));
        assert!(start.elapsed() < seconds(4), "{:?}", start.elapsed());
        drop(held);
    });
}

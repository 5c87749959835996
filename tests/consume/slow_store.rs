//! A store a little stricter than Spin's default one: a read takes 0.5 ms and a write
//! 15 ms, one write at a time for all. That is the normal case, and not a fault.

use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge_sim::{StoreMode, local};
use tokio::time::Instant;

use crate::scene::Cluster;

const WRITE: Duration = Duration::from_millis(15);

fn slow(partitions: usize) -> Cluster {
    let cluster = Cluster::new(1, partitions);
    cluster.world.set_store_mode(StoreMode { write_time: WRITE, ..StoreMode::default() });
    cluster
}

#[tokio::test(start_paused = true)]
async fn a_record_comes_within_two_and_a_half_writes() {
    local(async {
        let cluster = slow(1);
        cluster.append(0..200, 1);
        let first = cluster.instance();
        assert_eq!(first.get(5).await, Some(0), "the group has begun");
        first.host.idle().await;
        for number in 1..20 {
            // In a fresh instance, and in one that has come to rest.
            let instance = if number % 2 == 0 { cluster.instance() } else { first.clone() };
            let start = Instant::now();
            assert_eq!(instance.get(5).await, Some(number));
            assert!(start.elapsed() <= WRITE.mul_f64(2.5), "{:?}", start.elapsed());
            instance.host.idle().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn answers_do_not_wait_for_the_writes_of_those_before() {
    local(async {
        let cluster = slow(1);
        cluster.append(0..1_000, 1);
        let instance = cluster.instance();
        for number in 0..10 {
            assert_eq!(instance.get(5).await, Some(number));
        }
        let before = cluster.world.store_calls();
        let start = Instant::now();
        for number in 10..1_000 {
            assert_eq!(instance.get(5).await, Some(number));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = start.elapsed() - Duration::from_millis(990);
        assert!(took < WRITE * 10, "{took:?} for 990 records beyond the caller's own time");
        let writes = cluster.world.store_calls().writes - before.writes;
        assert!(writes <= 12, "{writes} writes in a second");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_hundred_consumers_in_one_instance_share_turns_and_writes() {
    local(async {
        const RECORDS: usize = 2_000;
        let cluster = slow(4);
        cluster.append(0..RECORDS, 4);
        let instance = cluster.instance();
        let start = Instant::now();
        let callers = (0..200).map(|_| {
            let instance = instance.clone();
            async move {
                let mut seen = Vec::new();
                // An error would end the test.
                while let Some(number) = instance.get(1).await {
                    seen.push(number);
                }
                seen
            }
        });
        let mut seen = join_all(callers).await.concat();
        let took = start.elapsed() - Duration::from_secs(1);
        seen.sort();
        assert_eq!(seen, (0..RECORDS).collect::<Vec<_>>(), "each record once");
        let rate = RECORDS as f64 / took.as_secs_f64();
        println!("{rate:.0} records a second");
        assert!(rate >= 20.0 * 6.0, "{rate:.0} records a second");
    })
    .await;
}

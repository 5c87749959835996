//! What a call costs in operations of the store: `docs/state.md` has the table. Each
//! row is exact, so that a change that costs more must change the table; the averages of
//! instances that contend have bounds above them.

use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge::access::{AllowedTopic, Grant};
use kafka_edge::services::condition::Condition;
use kafka_edge::services::consume::{Ack, Acknowledged, Disposal, Next};
use kafka_edge::services::seek::SeekTo;
use kafka_edge_sim::{StoreCalls, StoreMode, local};

use crate::scene::{ACK, Cluster, Instance, TOPIC, claiming, next, page, receipts};

/// Reads and writes from here on.
struct Since<'a>(&'a Cluster, StoreCalls);

impl<'a> Since<'a> {
    fn now(cluster: &'a Cluster) -> Self {
        Self(cluster, cluster.world.store_calls())
    }

    async fn cost(&self, of: &Instance) -> (u64, u64) {
        of.host.idle().await;
        let StoreCalls { reads, writes } = self.0.world.store_calls();
        (reads - self.1.reads, writes - self.1.writes)
    }
}

fn everything() -> Next {
    Next { max: 100, ..next(0) }
}

/// A group that has read a record of each partition, with more records to read on so
/// many of them.
async fn begun(partitions: usize, with_more: usize) -> Cluster {
    let cluster = Cluster::new(1, partitions);
    cluster.append(0..partitions, partitions);
    let first = cluster.instance();
    while !page(&first, Next { max: 500, ..next(0) }).await.is_empty() {}
    first.host.idle().await;
    for partition in 0..with_more {
        for _ in 0..100 {
            cluster.log.append(TOPIC, partition, "more");
        }
    }
    cluster
}

#[tokio::test(start_paused = true)]
async fn a_page() {
    local(async {
        let mut costs = Vec::new();
        for (partitions, with_more) in [(1, 1), (6, 1), (6, 3), (50, 1)] {
            let cluster = begun(partitions, with_more).await;
            let fresh = cluster.instance();
            let since = Since::now(&cluster);
            assert_eq!(page(&fresh, everything()).await.len(), 100);
            let cold = since.cost(&fresh).await;
            cluster.log.append(TOPIC, 0, "one more");
            let since = Since::now(&cluster);
            page(&fresh, everything()).await;
            let warm = since.cost(&fresh).await;
            costs.push((partitions, with_more, cold, warm));
        }
        assert_eq!(
            costs,
            [
                (1, 1, (4, 2), (2, 2)),
                (6, 1, (4, 2), (2, 2)),
                // In a row, several partitions are read side by side.
                (6, 3, (4, 2), (7, 4)),
                (50, 1, (4, 2), (2, 2)),
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_page_of_several_partitions() {
    local(async {
        let cluster = begun(6, 3).await;
        let fresh = cluster.instance();
        let since = Since::now(&cluster);
        assert_eq!(page(&fresh, Next { max: 300, ..next(0) }).await.len(), 300);
        // Three reads and two writes for each, and the advice.
        assert_eq!(since.cost(&fresh).await, (3 * 3 + 1, 3 * 2));
    })
    .await;
}

/// Fresh instances that contend for one partition, each call in one of its own. On
/// average, as `docs/state.md` has it.
#[tokio::test(start_paused = true)]
async fn pages_of_instances_that_contend() {
    local(async {
        for (instances, reads_at_most, writes_at_most) in [(8, 12.0, 3.0), (20, 22.0, 3.5)] {
            let (mut reads, mut writes, mut pages) = (0, 0, 0);
            for seed in 0..5 {
                let cluster = begun(1, 0).await;
                cluster.world.set_store_mode(StoreMode {
                    latency: Duration::from_millis(10),
                    ..StoreMode::default()
                });
                cluster.append(0..instances * 5 + seed, 1);
                let before = cluster.world.store_calls();
                let callers = (0..instances).map(|_| async {
                    let mut seen = 0;
                    for _ in 0..5 {
                        seen += page(&cluster.instance(), next(30)).await.len();
                    }
                    seen
                });
                pages += join_all(callers).await.into_iter().sum::<usize>();
                let StoreCalls { reads: all_reads, writes: all_writes } =
                    cluster.world.store_calls();
                (reads, writes) =
                    (reads + all_reads - before.reads, writes + all_writes - before.writes);
            }
            assert_eq!(pages, instances * 5 * 5, "one record each");
            let each = |calls: u64| calls as f64 / pages as f64;
            println!("{instances} instances: {:.1} reads, {:.1} writes", each(reads), each(writes));
            assert!(each(reads) <= reads_at_most && each(writes) <= writes_at_most);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn claims_and_what_becomes_of_them() {
    local(async {
        let cluster = begun(1, 1).await;
        let fresh = || cluster.instance();
        let one = fresh();
        let since = Since::now(&cluster);
        let mut claimed = page(&one, claiming(50, 60)).await;
        let claim = since.cost(&one).await;
        let since = Since::now(&cluster);
        claimed.extend(page(&one, claiming(50, 60)).await);
        let next = since.cost(&one).await;
        assert_eq!(claimed.len(), 100);

        let two = fresh();
        let since = Since::now(&cluster);
        let told = two.acknowledge(&receipts(&claimed)[..50], ACK).await;
        assert_eq!(told, [Acknowledged::Done; 50]);
        let ack = since.cost(&two).await;

        let three = fresh();
        let since = Since::now(&cluster);
        let nack = Disposal::Nack { delay: Duration::from_secs(1) };
        three.acknowledge(&receipts(&claimed)[50..], nack).await;
        let nack = since.cost(&three).await;

        let four = fresh();
        let since = Since::now(&cluster);
        four.acknowledge(&receipts(&claimed)[..50], ACK).await;
        let again = since.cost(&four).await;
        // Two reads of the first are the group's settings.
        assert_eq!((claim, next, ack), ((6, 2), (1, 2), (3, 2)));
        assert_eq!((nack, again), ((4, 3), (2, 0)));
    })
    .await;
}

/// The other words, each in a fresh instance.
#[tokio::test(start_paused = true)]
async fn words() {
    local(async {
        let mut costs = Vec::new();
        for settings in [r#"{"delivery_limit":1}"#, r#"{"delivery_limit":1,"dead_letter":"d"}"#] {
            let cluster = begun(1, 1).await;
            cluster.log.create_topic("d", 1);
            let fresh = || cluster.instance();
            let one = fresh();
            let since = Since::now(&cluster);
            one.groups
                .set("g", settings.as_bytes(), false, Condition::None, &Grant::open())
                .await
                .unwrap();
            let set = since.cost(&one).await;
            let receipts = receipts(&page(&fresh(), claiming(100, 60)).await);
            let wish = async |wishes: &[(&str, Disposal)]| {
                let instance = fresh();
                let since = Since::now(&cluster);
                let told = instance.consume.dispose("g", &|_| true, wishes).await.unwrap();
                assert_eq!(told, vec![Acknowledged::Done; wishes.len()]);
                since.cost(&instance).await
            };
            let renew = Disposal::Renew { lease: Duration::from_secs(60) };
            let nack = Disposal::Nack { delay: Duration::ZERO };
            let renewed = wish(&[(&receipts[0], renew), (&receipts[1], renew)]).await;
            let reject = Disposal::Reject;
            let rejected = wish(&[(&receipts[2], reject), (&receipts[9], reject)]).await;
            let words = [ACK, nack, reject, renew];
            let mixed: Vec<_> =
                receipts[40..].iter().map(String::as_str).zip(words.into_iter().cycle()).collect();
            let mixed = wish(&mixed).await;
            // What was given back was handed out as often as it may be. It comes free after
            // the millisecond in which it was given back.
            tokio::time::sleep(Duration::from_millis(1)).await;
            let two = fresh();
            let since = Since::now(&cluster);
            assert!(page(&two, Next { max: 1, ..next(0) }).await.is_empty());
            let given_up = since.cost(&two).await;
            assert_eq!(two.standing().await.1, 98 - 45);
            costs.push([set, renewed, rejected, mixed, given_up]);
        }
        assert_eq!(
            costs,
            [[(7, 2), (5, 2), (5, 2), (6, 3), (9, 3)], [(7, 2), (5, 2), (7, 2), (8, 3), (9, 3)],]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn giving_back_on_several_partitions() {
    local(async {
        let cluster = begun(6, 6).await;
        let one = cluster.instance();
        let claimed = page(&one, claiming(500, 60)).await;
        assert_eq!(claimed.len(), 400, "of four partitions at most");
        page(&cluster.instance(), claiming(500, 60)).await;
        let two = cluster.instance();
        let since = Since::now(&cluster);
        let nack = Disposal::Nack { delay: Duration::from_secs(1) };
        two.acknowledge(&receipts(&claimed), nack).await;
        // Three reads and two writes for each of four partitions, and one of each for the
        // advice.
        assert_eq!(since.cost(&two).await, (13, 9));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn groups() {
    local(async {
        let cluster = Cluster::new(1, 6);
        cluster.append(0..6, 6);
        let one = cluster.instance();
        let since = Since::now(&cluster);
        page(&one, Next { max: 1, ..next(0) }).await;
        let new = since.cost(&one).await;

        let two = cluster.instance();
        let since = Since::now(&cluster);
        let to = SeekTo::Offsets([(0, 0)].into());
        two.groups.seek("g", &AllowedTopic::trusted(TOPIC), to).await.unwrap();
        let seek = since.cost(&two).await;

        let three = cluster.instance();
        let since = Since::now(&cluster);
        three.groups.delete("g", &Grant::open()).await.unwrap();
        let delete = since.cost(&three).await;
        assert_eq!((new, seek, delete), ((18, 6), (8, 3), (42, 9)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_there() {
    local(async {
        let mut costs = Vec::new();
        for partitions in [1, 6, 50] {
            let cluster = begun(partitions, 0).await;
            let fresh = cluster.instance();
            let since = Since::now(&cluster);
            let nothing = Next { wait: Duration::from_secs(20), ack: Ack::Auto, ..next(0) };
            assert!(page(&fresh, nothing).await.is_empty());
            costs.push((partitions, since.cost(&fresh).await));
        }
        assert_eq!(costs, [(1, (15, 0)), (6, (15, 0)), (50, (12, 0))]);
    })
    .await;
}

//! Many callers over several instances.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge_sim::{StoreMode, local};

use crate::scene::{Cluster, next};

/// Two hundred callers at once over five instances. How often each record was
/// handed out.
async fn crowd(cluster: &Cluster, wait: u64) -> BTreeMap<usize, usize> {
    let instances: Vec<_> = (0..5).map(|_| cluster.instance()).collect();
    let callers = (0..200).map(|caller| {
        let instance = instances[caller % instances.len()].clone();
        async move { instance.get(wait).await }
    });
    let mut seen = BTreeMap::new();
    for number in join_all(callers).await.into_iter().flatten() {
        *seen.entry(number).or_insert(0) += 1;
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn two_hundred_callers_on_five_instances_get_two_hundred_records_once_each() {
    local(async {
        for partitions in [1, 3, 7] {
            let cluster = Cluster::new(partitions as u64, partitions);
            cluster.append(0..200, partitions);
            let start = tokio::time::Instant::now();
            let seen = crowd(&cluster, 1).await;
            println!("{partitions} partitions: {:?} of virtual time", start.elapsed());
            assert_eq!(seen, (0..200).map(|number| (number, 1)).collect());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_store_may_repeat_records_and_loses_none() {
    local(async {
        for seed in 0..5 {
            let cluster = Cluster::new(seed, 3);
            cluster.world.set_store_mode(StoreMode {
                stale: Duration::from_millis(500),
                ..StoreMode::default()
            });
            cluster.append(0..60, 3);
            let mut seen = BTreeMap::new();
            while seen.len() < 60 {
                let instances = [cluster.instance(), cluster.instance()];
                let asked = join_all((0..40).map(|caller| {
                    let instance = instances[caller % 2].clone();
                    async move { instance.ask(next(30)).await.unwrap() }
                }));
                let before = seen.len();
                for number in asked.await.into_iter().filter_map(|answer| answer.ok().flatten()) {
                    *seen.entry(number).or_insert(0) += 1;
                }
                assert!(seen.len() > before, "no progress at {before} records");
            }
        }
    })
    .await;
}

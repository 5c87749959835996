//! Where a group begins to read.

use std::time::Duration;

use kafka_edge::services::consume::{Next, StartFrom};
use kafka_edge_sim::{StoreMode, local};

use crate::scene::{Cluster, TOPIC, next};

#[tokio::test(start_paused = true)]
async fn latest_starts_a_new_group_at_the_end_and_no_other() {
    local(async {
        let cluster = Cluster::new(1, 3);
        cluster.append(0..9, 3);
        let latest = |group: &str| Next { group: group.into(), from: StartFrom::Latest, ..next(0) };
        let ask = async |next| cluster.instance().ask(next).await.unwrap().unwrap();
        assert_eq!(ask(latest("new")).await, None);
        cluster.append(9..12, 3);
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.extend(ask(Next { wait: Duration::from_secs(5), ..latest("new") }).await);
        }
        seen.sort();
        assert_eq!(seen, [9, 10, 11], "what came after the first call is the group's");

        let old = Next { group: "old".into(), ..next(0) };
        let first = ask(old.clone()).await.unwrap();
        assert!(first < 3, "the first record of some partition");
        let mut rest = Vec::new();
        while rest.len() < 11 {
            rest.extend(ask(Next { wait: Duration::from_secs(5), ..latest("old") }).await);
        }
        rest.push(first);
        rest.sort();
        assert_eq!(rest, (0..12).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_offset_that_is_gone_is_passed_and_a_drained_partition_not_asked_again() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..10, 1);
        cluster.log.delete_before(TOPIC, 0, 4);
        let instance = cluster.instance();
        assert_eq!(instance.get(0).await, Some(4));
        instance.host.idle().await;

        let cluster = Cluster::new(2, 1);
        cluster.append(0..10, 1);
        cluster.log.delete_before(TOPIC, 0, 10);
        let instance = cluster.instance();
        assert_eq!(instance.get(20).await, None);
        assert!(cluster.log.calls("fetch") <= 2, "{}", cluster.log.calls("fetch"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_see_where_a_group_has_begun_does_not_begin_it_later() {
    local(async {
        let mut repeats = 0;
        for seed in 0..40 {
            let cluster = Cluster::new(seed, 1);
            cluster.append(0..3, 1);
            let latest = |wait| Next { from: StartFrom::Latest, ..next(wait) };
            assert_eq!(cluster.instance().ask(latest(0)).await.unwrap().unwrap(), None);
            tokio::time::sleep(Duration::from_secs(20)).await;
            cluster.append(3..6, 1);
            // An outage of a store without bounds: what was written may not be read.
            let stale = Duration::from_secs(3000);
            cluster.world.set_store_mode(StoreMode { stale, ..StoreMode::default() });
            let mut seen = Vec::new();
            seen.extend(cluster.instance().ask(latest(30)).await.unwrap().ok().flatten());
            cluster.world.set_store_mode(StoreMode::default());
            while let Some(number) = cluster.instance().ask(latest(20)).await.unwrap().unwrap() {
                seen.push(number);
            }
            repeats += seen.iter().filter(|number| **number < 3).count();
            for number in 3..6 {
                assert!(seen.contains(&number), "seed {seed}: {number} is missing of {seen:?}");
            }
        }
        assert!(repeats > 0, "nobody has missed where the group began");
    })
    .await;
}

//! How long callers wait for records, and what that costs the server.

use std::time::Duration;

use kafka_edge::host::{Host, HostCapabilities, Limit};
use kafka_edge::services::consume::Next;
use kafka_edge_sim::local;

use crate::scene::{Cluster, TOPIC, next};

#[tokio::test(start_paused = true)]
async fn a_waiting_caller_gets_a_record_soon_after_it_appears() {
    local(async {
        let cluster = Cluster::new(1, 3);
        let instance = cluster.instance();
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let instance = instance.clone();
                tokio::task::spawn_local(async move { instance.get(30).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(20)).await;
        let polls = cluster.log.calls("offsets");
        assert!(polls <= 20 * 6, "{polls} looks at the server in 20 s for 50 callers");
        let appeared = tokio::time::Instant::now();
        cluster.append(0..50, 3);
        for caller in waiting {
            assert!(caller.await.unwrap().is_some());
        }
        assert!(appeared.elapsed() < Duration::from_millis(400), "{:?}", appeared.elapsed());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_written_through_the_same_instance_is_there_the_moment_it_is_written() {
    local(async {
        let cluster = Cluster::new(1, 3);
        let instance = cluster.instance();
        for number in 0..20 {
            let waiting = tokio::task::spawn_local({
                let instance = instance.clone();
                async move { instance.get(30).await }
            });
            // Long enough for the longest pauses between two looks.
            tokio::time::sleep(Duration::from_millis(5_000 + 17 * number as u64)).await;
            let written = tokio::time::Instant::now();
            cluster.append(number..number + 1, 3);
            instance.ends.written("another");
            instance.ends.written(TOPIC);
            assert_eq!(waiting.await.unwrap(), Some(number));
            assert!(written.elapsed() < Duration::from_millis(10), "{:?}", written.elapsed());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn groups_that_wait_for_one_topic_cost_no_more_than_one_of_them() {
    local(async {
        let cluster = Cluster::new(1, 3);
        // A look takes longer than the shortest pause between two.
        cluster.log.set_delay(Duration::from_millis(30));
        let instance = cluster.instance();
        let ask = |group: usize, wait: u64| {
            let instance = instance.clone();
            let next = Next { group: format!("g{group}"), ..next(wait) };
            tokio::task::spawn_local(async move { instance.ask(next).await.unwrap().unwrap() })
        };
        let mut waiting = Vec::new();
        for group in 0..30 {
            waiting.push(ask(group, 25 + group as u64 % 2));
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
        // Those who have just come look more often than those who have waited.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = (cluster.log.calls("offsets"), cluster.log.calls("topic"));
        tokio::time::sleep(Duration::from_secs(20)).await;
        let polls = cluster.log.calls("offsets") - before.0;
        assert!(polls <= 20 * 5, "{polls} looks at the server in 20 s for 30 groups");
        assert_eq!(cluster.log.calls("topic") - before.1, polls);
        assert_eq!(cluster.log.calls("fetch"), 0);

        // Whoever comes now is told what is there now.
        cluster.append(0..1, 3);
        assert_eq!(ask(30, 0).await.unwrap(), Some(0));
        for caller in waiting {
            assert_eq!(caller.await.unwrap(), Some(0), "each group gets it");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_record_within_the_wait_is_said_in_time_and_costs_no_lease() {
    local(async {
        let cluster = Cluster::new(1, 3);
        let instance = cluster.instance();
        for wait in [0, 1, 7] {
            let start = tokio::time::Instant::now();
            assert_eq!(instance.get(wait).await, None);
            let late = start.elapsed() - Duration::from_secs(wait);
            assert!(late < Duration::from_millis(300), "wait={wait}: {late:?} late");
        }
        instance.host.idle().await;
        assert!(cluster.world.store().is_empty(), "{:?}", cluster.world.store());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_requests_are_counted_a_wait_leaves_half_of_them() {
    const CALLS: u32 = 32;
    for partitions in [1, 3, 8] {
        local(async {
            let cluster = Cluster::new(1, partitions);
            let unlimited = cluster.world.instance().capabilities();
            let outbound_calls = Limit::AtMost(CALLS);
            cluster.world.set_capabilities(HostCapabilities { outbound_calls, ..unlimited });
            let instance = cluster.instance();
            assert_eq!(instance.get(30).await, None);
            // A look takes up to one request for each partition.
            let requests = cluster.log.calls("offsets") * partitions as u64;
            let first_and_last = 2 * partitions as u64;
            let most = u64::from(CALLS) / 2 + first_and_last;
            assert!(requests <= most, "{partitions}: {requests}");

            let waiting = tokio::task::spawn_local(async move { instance.get(30).await });
            tokio::time::sleep(Duration::from_secs(1)).await;
            cluster.append(0..1, partitions);
            assert_eq!(waiting.await.unwrap(), Some(0), "a wait finds what comes");
        })
        .await;
    }
}

//! Several records at once.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_edge::access::AllowedTopic;
use kafka_edge::host::{Host, HostCapabilities, Limit};
use kafka_edge::services::consume::Next;
use kafka_edge::services::read::{At, ReadAt};
use kafka_edge_sim::local;

use crate::scene::{Cluster, TOPIC, next, number, page};

#[tokio::test(start_paused = true)]
async fn a_page_holds_what_is_there_of_all_partitions_and_topics() {
    local(async {
        let cluster = Cluster::new(1, 3);
        cluster.log.create_topic("events", 1);
        cluster.append(0..30, 3);
        for number in 30..40 {
            cluster.log.append("events", 0, number.to_string());
        }
        let topics = ["events", TOPIC, TOPIC].map(AllowedTopic::trusted).to_vec();
        let want = |max, max_bytes| Next { topics: topics.clone(), max, max_bytes, ..next(1) };
        let instance = cluster.instance();

        let first = page(&instance, want(25, usize::MAX)).await;
        assert_eq!(first.len(), 25);
        let second = page(&instance, want(500, 9)).await;
        assert!(second.len() >= 4, "at most 9 bytes in records of 1 or 2: {second:?}");
        let bytes: usize = second.iter().map(|c| c.record.value.as_ref().unwrap().len()).sum();
        assert!(bytes <= 9, "{bytes}");
        instance.host.idle().await;
        let third = page(&instance, want(500, usize::MAX)).await;
        assert_eq!(page(&instance, want(500, usize::MAX)).await, []);

        let all: Vec<_> = [first, second, third].concat();
        let mut numbers: Vec<_> = all.iter().map(number).collect();
        numbers.sort();
        assert_eq!(numbers, (0..40).collect::<Vec<_>>());
        let mut reached = BTreeMap::new();
        for consumed in &all {
            let lane = (consumed.topic.clone(), consumed.record.partition);
            let before = reached.insert(lane, consumed.record.offset);
            assert!(before.is_none_or(|before| before < consumed.record.offset), "out of order");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_page_holds_no_more_than_the_host_lets_an_execution_read() {
    let unlimited = Cluster::new(1, 1).world.instance().capabilities();
    let cpu_time = Limit::AtMost(Duration::from_millis(1));
    for limited in [
        HostCapabilities { cpu_time, ..unlimited },
        HostCapabilities { memory: Limit::AtMost(400_000), ..unlimited },
    ] {
        local(async {
            let cluster = Cluster::new(1, 1);
            cluster.world.set_capabilities(limited);
            for _ in 0..3 {
                cluster.log.append(TOPIC, 0, "x".repeat(40_000));
            }
            cluster.log.append(TOPIC, 0, "y".repeat(200_000));
            let instance = cluster.instance();
            let want = Next { max: 100, max_bytes: usize::MAX, ..next(1) };
            let topic = AllowedTopic::trusted(TOPIC);
            let read = ReadAt::new(cluster.log.clone().into(), limited.readable_bytes());
            let at = |offset| At {
                topic: &topic,
                partition: 0,
                offset,
                max: 100,
                max_bytes: usize::MAX,
                wait: Duration::ZERO,
            };
            let (mut consumed, mut offset, mut read_at) = (Vec::new(), 0, Vec::new());
            for _ in 0..3 {
                consumed.push(page(&instance, want.clone()).await.len());
                let page = read.at(at(offset)).await.unwrap();
                read_at.push(page.records.len());
                offset = page.next;
            }
            let pages = read.each(&[at(0), at(0)]).await.unwrap();
            let together: Vec<_> = pages.iter().map(|page| page.records.len()).collect();
            assert_eq!(together, [1, 1], "half of it each");
            assert_eq!(consumed, [2, 1, 1], "100,000 bytes, and a record that is larger alone");
            assert_eq!(read_at, [2, 1, 1]);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_nobody_took_comes_again_whole() {
    local(async {
        let cluster = Cluster::new(1, 3);
        cluster.append(0..12, 3);
        let instance = cluster.instance();
        let want = Next { max: 100, ..next(1) };
        let (consume, dropped) = (instance.consume.clone(), want.clone());
        instance.host.run(async move { drop(consume.next(dropped).await) }).await.unwrap();
        let mut numbers: Vec<_> = page(&instance, want).await.iter().map(number).collect();
        numbers.sort();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn single_records_of_one_page_cost_one_place_whichever_instance_takes_them() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..90, 1);
        cluster.log.read_in_places(30);
        let instances: Vec<_> = (0..3).map(|_| cluster.instance()).collect();
        for number in 0..90 {
            assert_eq!(instances[number % 3].get(5).await, Some(number));
        }
        assert_eq!(cluster.log.calls("open"), 1);
        assert_eq!(cluster.log.calls("fetch"), 3, "a page is read once");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn pages_one_after_the_other_hold_each_record_once_in_order() {
    local(async {
        let cluster = Cluster::new(1, 3);
        cluster.append(0..9_000, 3);
        cluster.log.read_in_places(510);
        cluster.log.set_delay(std::time::Duration::from_millis(1));
        let instance = cluster.instance();
        let mut reached = [0; 3];
        while reached.iter().sum::<i64>() < 9_000 {
            let page = page(&instance, Next { max: 500, max_bytes: 10_000_000, ..next(1) }).await;
            assert!(!page.is_empty());
            for consumed in page {
                let next = &mut reached[consumed.record.partition as usize];
                assert_eq!(consumed.record.offset, *next, "of {}", consumed.record.partition);
                *next += 1;
            }
        }
    })
    .await;
}

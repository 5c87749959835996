//! Records that callers claim and acknowledge.

use std::time::Duration;

use futures_util::future::join;
use kafka_edge::access::{AllowedTopic, Grant};
use kafka_edge::error::ErrorKind;
use kafka_edge::services::consume::{Acknowledged, Disposal, Next, StartFrom};
use kafka_edge::services::seek::SeekTo;
use kafka_edge::state::lane::Params;
use kafka_edge_sim::{Fate, StoreMode, local};
use tokio::time::Instant;

use crate::scene::{ACK, Cluster, Instance, TOPIC, claim, claiming, number, page, receipts};

/// The numbers of the records that a caller claims.
async fn claimed(instance: &Instance, max: usize) -> Vec<usize> {
    page(instance, claiming(max, 60)).await.iter().map(number).collect()
}

/// While callers follow each other, the next page is read beside the write of this one's
/// claims.
#[tokio::test(start_paused = true)]
async fn what_is_read_ahead_is_handed_out_only_by_a_turn_that_begins_there() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..700, 1);
        let (one, two) = (cluster.instance(), cluster.instance());
        for from in [0, 10, 20, 30, 40] {
            let fetches = cluster.log.calls("fetch");
            assert_eq!(claimed(&one, 10).await, (from..from + 10).collect::<Vec<_>>());
            let fetches = cluster.log.calls("fetch") - fetches;
            // With the second page, 40 records more were read.
            assert_eq!(fetches, u64::from(from < 20), "from {from}");
        }
        one.host.idle().await;
        for from in [50, 100] {
            assert_eq!(claimed(&one, 50).await, (from..from + 50).collect::<Vec<_>>());
        }
        let fetches = cluster.log.calls("fetch");
        assert_eq!(claimed(&one, 50).await, (150..200).collect::<Vec<_>>());
        assert_eq!(cluster.log.calls("fetch") - fetches, 1, "of the page after it");
        // Somebody else has that one.
        assert_eq!(claimed(&two, 50).await, (200..250).collect::<Vec<_>>());
        assert_eq!(claimed(&one, 50).await, (250..300).collect::<Vec<_>>());
        // The group is moved back, and further on than what was read.
        for to in [7, 320] {
            assert_eq!(claimed(&one, 50).await.len(), 50);
            let offsets = SeekTo::Offsets([(0, to)].into());
            two.groups.seek("g", &AllowedTopic::trusted(TOPIC), offsets).await.unwrap();
            let to = to as usize;
            assert_eq!(claimed(&one, 50).await, (to..to + 50).collect::<Vec<_>>());
        }
    })
    .await;
}

/// Reads ahead count as reads, after 25 of which for each partition the ends of all are asked
/// for again.
#[tokio::test(start_paused = true)]
async fn a_quiet_partition_is_read_beside_one_that_is_read_ahead() {
    local(async {
        let cluster = Cluster::new(1, 2);
        for number in 0..45_000 {
            cluster.log.append(TOPIC, 0, number.to_string());
        }
        let one = cluster.instance();
        let mut pages = 0;
        loop {
            let claimed = page(&one, claiming(500, 60)).await;
            if claimed.iter().any(|record| record.record.partition == 1) {
                break;
            }
            let all = receipts(&claimed);
            assert_eq!(one.acknowledge(&all, ACK).await, vec![Acknowledged::Done; 500]);
            if pages == 0 {
                cluster.log.append(TOPIC, 1, "45000");
            }
            // A caller is busy with a page for so long.
            tokio::time::sleep(Duration::from_millis(50)).await;
            pages += 1;
            assert!(pages < 80, "it never comes");
        }
    })
    .await;
}

/// What is read ahead takes memory until it is used, which with many partitions may be never.
#[tokio::test(start_paused = true)]
async fn few_partitions_are_read_ahead() {
    local(async {
        let (partitions, pages) = (16, 12);
        let cluster = Cluster::new(1, partitions);
        cluster.append(0..16_000, partitions);
        let one = cluster.instance();
        let fetches = cluster.log.calls("fetch");
        for _ in 0..pages {
            assert_eq!(page(&one, claiming(100, 60)).await.len(), 100);
        }
        one.host.idle().await;
        // Five, since a round ends in between; without a bound there were nine.
        let unused = cluster.log.calls("fetch") - fetches - pages;
        assert!((1..=6).contains(&unused), "{unused} pages were read for nobody");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn claimed_records_are_committed_in_order_however_they_are_acknowledged() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..6, 1);
        let (one, two) = (cluster.instance(), cluster.instance());
        let claimed = page(&one, claiming(4, 60)).await;
        assert_eq!(claimed.iter().map(number).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(claim(&claimed[0]).delivery_count, 1);
        assert_eq!(one.standing().await, (0, 4));

        let all = receipts(&claimed);
        let done = Acknowledged::Done;
        assert_eq!(two.acknowledge(&all[2..3], ACK).await, [done]);
        assert_eq!(two.standing().await, (0, 3), "0 and 1 are still out");
        assert_eq!(two.acknowledge(&all[..2], ACK).await, [done, done]);
        assert_eq!(two.standing().await, (3, 1), "the end of the unbroken prefix");
        assert_eq!(two.acknowledge(&all[..1], ACK).await, [done], "again is no harm");

        let rest = page(&two, claiming(10, 60)).await;
        assert_eq!(rest.iter().map(number).collect::<Vec<_>>(), [4, 5], "3 is still out");
        let forged = ["nonsense".to_owned()];
        assert_eq!(two.acknowledge(&forged, ACK).await, [Acknowledged::Unknown]);
        let others = two.consume.acknowledge("other", &Grant::open(), &all, ACK).await.unwrap();
        assert_eq!(others, [Acknowledged::Unknown; 4], "another group's receipts");
        let mut left = receipts(&rest);
        left.push(all[3].clone());
        assert_eq!(two.acknowledge(&left, ACK).await, [done; 3]);
        assert_eq!(two.standing().await, (6, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ends_and_a_record_given_back_come_again() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..3, 1);
        let (one, two) = (cluster.instance(), cluster.instance());
        let first = page(&one, claiming(3, 5)).await;
        assert_eq!(page(&two, claiming(3, 5)).await, [], "all are out");

        let back = Disposal::Nack { delay: Duration::from_secs(1) };
        let given_back = two.acknowledge(&receipts(&first[1..2]), back).await;
        assert_eq!(given_back, [Acknowledged::Done]);
        let again = page(&two, Next { wait: Duration::from_secs(4), ..claiming(3, 60) }).await;
        assert_eq!(again.iter().map(number).collect::<Vec<_>>(), [1]);
        assert_eq!(claim(&again[0]).delivery_count, 2);
        let late = one.acknowledge(&receipts(&first[1..2]), ACK).await;
        assert_eq!(late, [Acknowledged::Expired], "somebody else has it");

        let expired = page(&two, Next { wait: Duration::from_secs(9), ..claiming(3, 60) }).await;
        assert_eq!(expired.iter().map(number).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(claim(&expired[0]).delivery_count, 2);
        assert_eq!(one.acknowledge(&receipts(&first), ACK).await, [Acknowledged::Expired; 3]);
        let now = [receipts(&again), receipts(&expired)].concat();
        assert_eq!(two.acknowledge(&now, ACK).await, [Acknowledged::Done; 3]);
        assert_eq!(two.standing().await, (3, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_survives_the_death_of_its_instance_at_any_call() {
    local(async {
        for fate in [Fate::Done, Fate::NotDone] {
            for call in 1.. {
                let cluster = Cluster::new(call, 1);
                cluster.append(0..2, 1);
                let first = cluster.instance();
                first.host.kill_at(call, fate);
                let asked = first.clone();
                let claimed = first.host.run(async move {
                    let handed = asked.consume.next(claiming(1, 5)).await.unwrap();
                    let claimed = handed.records.clone();
                    handed.delivered();
                    claimed
                });
                let claimed = claimed.await;
                let second = cluster.instance();
                if let Some(claimed) = &claimed {
                    let acked = second.acknowledge(&receipts(claimed), ACK).await;
                    assert_eq!(acked, [Acknowledged::Done], "who got it can acknowledge it");
                }
                let mut seen = Vec::new();
                for _ in 0..8 {
                    let wait = Duration::from_secs(5);
                    let again = second.consume.next(Next { wait, ..claiming(2, 60) }).await;
                    let Ok(handed) = again else { continue };
                    let again = handed.records.clone();
                    handed.delivered();
                    seen.extend(again.iter().map(number));
                    second.acknowledge(&receipts(&again), ACK).await;
                }
                // A claim that was written and never heard of costs a lease:
                // its record comes after the others.
                seen.sort();
                let expected = if claimed.is_some() { vec![1] } else { vec![0, 1] };
                assert_eq!(seen, expected, "killed at {call} ({fate:?})");
                if !first.host.is_dead() && first.host.calls() < call {
                    break;
                }
            }
        }
    })
    .await;
}

/// The clock is looked at again once it is written.
#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_is_written_too_late_does_not_count() {
    local(async {
        let (mut counted, mut late) = (0, 0);
        for step in 0..60 {
            let cluster = Cluster::new(step, 1);
            cluster.append(0..1, 1);
            let instance = cluster.instance();
            let claimed = page(&instance, claiming(1, 5)).await;
            let start = Instant::now();
            let latency = Duration::from_millis(900);
            cluster.world.set_store_mode(StoreMode { latency, ..StoreMode::default() });
            tokio::time::sleep(Duration::from_millis(1500 + 50 * step)).await;
            match instance.try_acknowledge(&receipts(&claimed), ACK).await.map(|told| told[0]) {
                Ok(Acknowledged::Done) => {
                    assert!(start.elapsed() <= Duration::from_secs(5), "{step}");
                    counted += 1;
                }
                other => {
                    // It may have been too late, or the turn was.
                    let is_late = match &other {
                        Ok(acknowledged) => *acknowledged == Acknowledged::Expired,
                        Err(error) => matches!(**error, ErrorKind::Busy(_)),
                    };
                    assert!(is_late, "{step}: {other:?}");
                    late += 1;
                }
            }
        }
        assert!(counted > 5 && late > 5, "{counted} {late}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_acknowledgement_counts_is_never_handed_out_again() {
    local(async {
        let (mut kept, mut passed_on) = (0, 0);
        for seed in 0..400 {
            let cluster = Cluster::new(seed, 1);
            cluster.append(0..1, 1);
            // Reading takes longer than clocks may be apart.
            let skew = Duration::from_millis(20);
            let instance = || cluster.instance_with(Params { skew, ..Params::default() });
            let (one, two, three) = (instance(), instance(), instance());
            let claimed = page(&one, claiming(1, 6)).await;
            one.host.idle().await;
            cluster.append(1..9, 1);
            let latency = Duration::from_millis(900);
            cluster.world.set_store_mode(StoreMode { latency, ..StoreMode::default() });
            let acknowledged = async {
                tokio::time::sleep(Duration::from_millis(2300 + 7 * seed % 2200)).await;
                one.try_acknowledge(&receipts(&claimed), ACK).await.map(|told| told[0])
            };
            let others = async {
                tokio::time::sleep(Duration::from_millis(11 * seed % 2500)).await;
                page(&two, claiming(2, 60)).await
            };
            let (acknowledged, mut others) = join(acknowledged, others).await;
            cluster.world.set_store_mode(StoreMode::default());
            others.extend(page(&three, claiming(9, 60)).await);
            let again = others.iter().any(|consumed| number(consumed) == 0);
            let counts = acknowledged == Ok(Acknowledged::Done);
            assert!(!(counts && again), "{seed}: it was acknowledged in time");
            (kept, passed_on) = (kept + u32::from(counts), passed_on + u32::from(again));
        }
        assert!(kept > 20 && passed_on > 20, "{kept} {passed_on}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_on_many_partitions_at_once_is_soon_seen_on_all() {
    local(async {
        let cluster = Cluster::new(1, 12);
        cluster.append(0..12, 12);
        let one = cluster.instance();
        let mut claimed = Vec::new();
        while claimed.len() < 12 {
            claimed.extend(page(&one, claiming(12, 600)).await);
        }
        // Somebody finds nothing, and writes that down for the others.
        assert_eq!(page(&cluster.instance(), claiming(12, 600)).await, []);

        let back = Disposal::Nack { delay: Duration::from_secs(1) };
        let told = one.acknowledge(&receipts(&claimed), back).await;
        assert_eq!(told, [Acknowledged::Done; 12]);
        let (start, two) = (Instant::now(), cluster.instance());
        let mut again = Vec::new();
        while again.len() < 12 {
            let next = Next { wait: Duration::from_secs(5), ..claiming(12, 600) };
            again.extend(page(&two, next).await);
            assert!(start.elapsed() < Duration::from_secs(10), "{} came again", again.len());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_seen_at_once_where_it_was_handed_out() {
    local(async {
        let cluster = Cluster::new(1, 3);
        cluster.append(0..1, 3);
        let instance = cluster.instance();
        for count in 1..4 {
            let claimed = page(&instance, claiming(10, 60)).await;
            assert_eq!(
                claimed.iter().map(|c| claim(c).delivery_count).collect::<Vec<_>>(),
                [count]
            );
            let nack = Disposal::Nack { delay: Duration::ZERO };
            instance.acknowledge(&receipts(&claimed), nack).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_seen_at_once_by_a_group_that_begins_at_the_end() {
    local(async {
        for seed in 0..20 {
            let cluster = Cluster::new(seed, 3);
            cluster.append(0..6, 3);
            let instance = cluster.instance();
            let at_once = || Next { wait: Duration::ZERO, ..claiming(1, 60) };
            let latest = Next { from: StartFrom::Latest, ..at_once() };
            assert!(page(&instance, latest).await.is_empty());
            cluster.append(6..8, 1);
            let kept = page(&instance, at_once()).await;
            let back = page(&instance, at_once()).await;
            assert_eq!([&kept, &back].map(|page| number(&page[0])), [6, 7]);
            let nack = Disposal::Nack { delay: Duration::ZERO };
            instance.acknowledge(&receipts(&back), nack).await;
            // It comes free after the millisecond in which it is given back.
            tokio::time::sleep(Duration::from_millis(1)).await;
            let again = page(&instance, at_once()).await;
            assert_eq!(again.iter().map(number).collect::<Vec<_>>(), [7], "seed {seed}");
        }
    })
    .await;
}

//! Instances that die, stores that fail: repeats are allowed, losses are not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafka_edge::access::{AllowedTopic, Grant};
use kafka_edge::services::consume::StartFrom;
use kafka_edge_sim::{Fate, StoreMode, local};

use crate::receiver::{Mood, Received, Receiver};
use crate::scene::{HOOK, Scene, TOPIC};

/// No record may come for the first time before the one in front of it was
/// accepted, and each comes under one id only. Gives how many came again.
fn check_order(receiver: &Receiver, partitions: i64, records: i64) -> usize {
    let received = receiver.of(HOOK);
    let mut repeats = 0;
    for partition in 0..partitions {
        let mut ids = BTreeMap::new();
        let mut accepted = BTreeSet::new();
        for one in received.iter().filter(|one| one.partition() == partition) {
            let offset = one.offset();
            assert!(offset == 0 || accepted.contains(&(offset - 1)), "{offset} came too early");
            let id = one.header("webhook-id");
            assert_eq!(*ids.entry(offset).or_insert(id), id, "another id for {offset}");
            if one.accepted && !accepted.insert(offset) {
                repeats += 1;
            }
        }
        assert_eq!(accepted.len() as i64, records, "some of partition {partition} never came");
    }
    repeats
}

/// Lets a timer call other instances until all is delivered.
async fn deliver_the_rest(scene: &Scene, records: usize) {
    for _ in 0..100 {
        if scene.receiver.accepted(HOOK).into_iter().collect::<BTreeSet<_>>().len() == records {
            return;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        scene.instance().deliver().await;
    }
    panic!("not all was delivered");
}

#[tokio::test(start_paused = true)]
async fn an_instance_may_die_at_any_call_of_a_delivery() {
    local(async {
        let mut repeated = 0;
        for fate in [Fate::Done, Fate::NotDone] {
            for call in 1.. {
                let scene = Scene::new(1);
                scene.instance().register(HOOK).await;
                scene.append(0, 4);
                let instance = scene.instance();
                instance.host.kill_at(call, fate);
                instance.try_deliver().await;
                if instance.host.calls() < call {
                    assert!(call > 20, "the test kills nobody");
                    break;
                }
                deliver_the_rest(&scene, 4).await;
                repeated += check_order(&scene.receiver, 1, 4);
            }
        }
        assert!(repeated > 0, "nobody died between a callback's answer and the commit");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_may_die_at_any_call_of_a_background_delivery() {
    local(async {
        for call in 1..60 {
            let scene = Scene::new(2);
            scene.instance().register(HOOK).await;
            let instance = scene.instance();
            instance.host.kill_at(call, Fate::Done);
            for partition in [0, 1] {
                scene.append(partition, 3);
                instance.webhooks.deliver_in_background(TOPIC);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_secs(5)).await;
                scene.instance().deliver().await;
            }
            check_order(&scene.receiver, 2, 3);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn failures_are_remembered_by_whoever_comes_next() {
    local(async {
        let scene = Scene::new(1);
        scene.instance().register(HOOK).await;
        scene.append(0, 1);
        scene.receiver.set(HOOK, Mood::Status(500));
        // Two instances of three die, each a little later in its round than the
        // one before.
        for call in (5..35).cycle().take(300) {
            let instance = scene.instance();
            if call % 3 > 0 {
                instance.host.kill_at(call, Fate::Done);
            }
            instance.try_deliver().await;
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
        // In two and a half hours: seven in the first one, then one an hour,
        // and again whatever died before it was written.
        let attempts = scene.receiver.of(HOOK).len();
        assert!((8..25).contains(&attempts), "{attempts}");
        scene.receiver.set(HOOK, Mood::Status(200));
        tokio::time::sleep(Duration::from_secs(4500)).await;
        scene.instance().deliver().await;
        assert_eq!(check_order(&scene.receiver, 1, 1), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_was_answered_stays_and_one_that_died_blocks_nobody() {
    local(async {
        for fate in [Fate::Done, Fate::NotDone] {
            for call in 1.. {
                let scene = Scene::new(1);
                let first = scene.instance().register("https://example.com/first").await;
                let instance = scene.instance();
                instance.host.kill_at(call, fate);
                let webhooks = instance.webhooks.clone();
                let dying = async move {
                    webhooks.register(&AllowedTopic::trusted(TOPIC), HOOK, StartFrom::Latest).await
                };
                let answer = instance.host.run(dying).await;

                let other = scene.instance();
                let again = other
                    .webhooks
                    .register(&AllowedTopic::trusted(TOPIC), HOOK, StartFrom::Latest)
                    .await
                    .unwrap();
                let ids: Vec<_> = other.webhooks.list(None, &Grant::open()).await.unwrap().0;
                let ids: Vec<_> = ids.into_iter().map(|webhook| webhook.id).collect();
                assert_eq!(ids, [first, again.subscription.id.clone()]);
                if let Some(answer) = answer {
                    assert_eq!(answer.unwrap().subscription.id, again.subscription.id);
                    assert!(call > 5, "the test kills nobody");
                    break;
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn on_no_store_is_a_record_lost() {
    let healthy = StoreMode::default();
    let modes = [
        StoreMode { latency: Duration::from_millis(20), ..healthy },
        StoreMode { stale: Duration::from_secs(2), ..healthy },
        StoreMode { double_draws: 0.3, ..healthy },
        StoreMode { failures: 0.05, ..healthy },
    ];
    for (seed, mode) in (1..=3).flat_map(|seed| modes.map(|mode| (seed, mode))) {
        local(async move {
            let scene = Scene::seeded(seed, 2);
            scene.instance().register(HOOK).await;
            // The registration is seen everywhere by now.
            tokio::time::sleep(Duration::from_secs(5)).await;
            scene.world.set_store_mode(mode);
            scene.receiver.set(HOOK, Mood::Slow(Duration::from_millis(30)));
            for round in 0..20 {
                scene.append(round % 2, 10);
                let instances = [scene.instance(), scene.instance(), scene.instance()];
                for (n, instance) in instances.iter().enumerate() {
                    instance.host.kill_at((20 + 7 * round + 11 * n) as u64, Fate::Done);
                    instance.webhooks.deliver_in_background(TOPIC);
                }
                let rounds = instances.iter().map(|instance| async {
                    let webhooks = instance.webhooks.clone();
                    let round = async move {
                        webhooks.deliver(Duration::from_secs(3), &Grant::open()).await
                    };
                    instance.host.run(round).await
                });
                futures_util::future::join_all(rounds).await;
            }
            scene.world.set_store_mode(healthy);
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_secs(5)).await;
                scene.instance().deliver().await;
            }
            check_order(&scene.receiver, 2, 100);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_delivery_keeps_its_turn_while_others_ask_for_it() {
    local(async {
        let scene = Scene::new(1);
        let (one, two) = (scene.instance(), scene.instance());
        one.register(HOOK).await;
        scene.append(0, 12);
        // A read and an attempt together take longer than a lease.
        scene.log.set_delay(Duration::from_secs(12));
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_secs(14)));
        one.webhooks.deliver_in_background(TOPIC);
        for _ in 0..120 {
            tokio::time::sleep(Duration::from_millis(1700)).await;
            two.deliver().await;
        }
        one.host.idle().await;
        let offsets: Vec<_> = scene.receiver.of(HOOK).iter().map(Received::offset).collect();
        assert_eq!(offsets, (0..12).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_clock_jumps_ahead_repeats_little() {
    local(async {
        let scene = Scene::new(1);
        let one = scene.instance();
        one.register(HOOK).await;
        scene.append(0, 100);
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_millis(500)));
        one.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_secs(5)).await;
        one.host.set_skew(3_600_000);
        tokio::time::sleep(Duration::from_secs(5)).await;
        one.host.kill();
        deliver_the_rest(&scene, 100).await;
        assert!(check_order(&scene.receiver, 1, 100) <= 3);
    })
    .await;
}

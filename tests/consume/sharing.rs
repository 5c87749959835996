//! Many callers over several instances.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join, join_all};
use kafka_edge::error::Result;
use kafka_edge::state::keys::LaneName;
use kafka_edge::state::lane::{Held, Lane, Params, Take};
use kafka_edge_sim::{SimHost, StoreMode, World, local};

use crate::scene::{Cluster, TOPIC, next, number};

/// Two hundred callers at once over some instances. How often each record was
/// handed out.
async fn crowd(cluster: &Cluster, instances: usize, wait: u64) -> BTreeMap<usize, usize> {
    let instances: Vec<_> = (0..instances).map(|_| cluster.instance()).collect();
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
            let seen = crowd(&cluster, 5, 1).await;
            println!("{partitions} partitions: {:?} of virtual time", start.elapsed());
            assert_eq!(seen, (0..200).map(|number| (number, 1)).collect());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_holds_a_partition_keeps_it_for_nobody_while_others_wait() {
    local(async {
        for (instances, longest) in [(13, 600), (50, 1_000), (200, 1_200)] {
            let cluster = Cluster::new(instances as u64, 1);
            cluster.append(0..200, 1);
            let start = tokio::time::Instant::now();
            let seen = crowd(&cluster, instances, 30).await;
            let (took, looks) = (start.elapsed(), cluster.log.calls("offsets"));
            println!("{instances} instances: {took:?} of virtual time, {looks} looks at the end");
            assert_eq!(seen, (0..200).map(|number| (number, 1)).collect());
            assert!(took < Duration::from_millis(longest), "{instances} instances: {took:?}");
            let looks_of_one = took.as_millis() as u64 / 200 + 2;
            assert!(looks <= instances as u64 * looks_of_one, "{instances} instances: {looks}");
        }
    })
    .await;
}

/// A host that is short of CPU lets each call of the store and of the log take long, and
/// callers are slow to take their records. None of that is as long as the grace.
#[tokio::test(start_paused = true)]
async fn stalls_that_are_shorter_than_the_grace_repeat_nothing() {
    local(async {
        for seed in 0..10 {
            let cluster = Cluster::new(seed, 2);
            cluster.world.set_store_mode(StoreMode {
                latency: Duration::from_millis(700),
                ..StoreMode::default()
            });
            cluster.log.set_delay(Duration::from_millis(500));
            cluster.append(0..100, 2);
            let instances: Vec<_> = (0..3).map(|_| cluster.instance()).collect();
            let callers = (0..40_u64).map(|caller| {
                let instance = instances[caller as usize % instances.len()].clone();
                async move {
                    let mut seen = Vec::new();
                    for call in 0..5 {
                        let consume = instance.consume.clone();
                        let slow = Duration::from_millis((caller * 37 + call * 211) % 1_500);
                        let taken = instance.host.run(async move {
                            let handed = consume.next(next(60)).await.unwrap();
                            tokio::time::sleep(slow).await;
                            let numbers: Vec<_> = handed.records.iter().map(number).collect();
                            handed.delivered();
                            numbers
                        });
                        seen.extend(taken.await.unwrap());
                    }
                    seen
                }
            });
            let mut seen = join_all(callers).await.concat();
            seen.sort();
            assert_eq!(seen, (0..100).collect::<Vec<_>>(), "seed {seed}");
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

#[tokio::test(start_paused = true)]
async fn a_lost_ticket_gets_its_turn_once_whoever_of_the_instance_asks() {
    local(async {
        let mut turns = 0;
        for seed in 0..100 {
            let world = World::new(seed);
            let name = LaneName::group("g", TOPIC, 0).unwrap();
            let lane =
                || Lane::<SimHost, i64>::new(world.instance(), name.clone(), Params::default());
            let founder = held(lane().hold_at_once(|_| true, async |_| Ok(0)).await).unwrap();
            founder.release(0).await.unwrap();

            // Two instances see that the lane is free. One draws just when the other
            // lets go, which cannot know of the ticket.
            let latency = Duration::from_millis(60);
            world.set_store_mode(StoreMode { latency, ..StoreMode::default() });
            let take = async |lane: &Lane<SimHost, i64>| {
                held(lane.hold_at_once(|_| true, async |_| unreachable!()).await)
            };
            let use_it = async |lane: &Lane<SimHost, i64>| {
                if let Some(held) = take(lane).await {
                    held.release(1).await.unwrap();
                }
            };
            let lanes = [lane(), lane()];
            join(use_it(&lanes[0]), use_it(&lanes[1])).await;
            let Some(loser) = lanes.iter().find(|lane| lane.has_lost()) else { continue };
            let taken = join_all((0..4).map(|_| take(loser))).await;
            let held = taken.iter().flatten().count();
            assert!(held <= 1, "seed {seed}: {taken:?}");
            turns += held;
        }
        assert!(turns > 5, "{turns}");
    })
    .await;
}

fn held(taken: Result<Take<SimHost, i64>>) -> Option<Held<SimHost, i64>> {
    match taken.unwrap() {
        Take::Held(held) => Some(held),
        _ => None,
    }
}

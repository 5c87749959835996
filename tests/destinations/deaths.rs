//! An instance that takes an event dies at each of its calls in turn.

use std::time::Duration;

use kafka_edge_sim::{Fate, StoreMode};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::log::LogFaults;
use crate::memory::stored;
use crate::run;
use crate::scene::{Answer, Clusters, Scene};

const NAMES: [&str; 3] = ["gateway", "A", "B"];
/// After this time the first try of an event counts as dead; a repeat that finds it pending
/// waits for up to 3 s.
const PATIENCE: Duration = Duration::from_secs(15);

fn copies(clusters: &Clusters) -> [usize; 3] {
    NAMES.map(|name| clusters.of(name).log.records("t", 0).len())
}

/// Sends the event to fresh instances, a second apart, until it is taken.
async fn repeated(scene: &Scene, since: Instant) -> Answer {
    loop {
        let answer = scene.instance().event("s", "e").await.expect("it lives");
        if answer.is_taken() {
            return answer;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.retry_after.is_some() && since.elapsed() <= PATIENCE, "{answer:?}");
        sleep(Duration::from_secs(1)).await;
    }
}

#[test]
fn an_event_survives_a_death_at_each_call() {
    for creates in [false, true] {
        dies_at_each_call(creates);
    }
}

/// Over a store that can create keys, or cannot: the memory of repeats is another one.
fn dies_at_each_call(creates: bool) {
    let (mut in_between, mut noted) = (0, 0);
    for call in 1.. {
        let mut survived = false;
        for fate in [Fate::NotDone, Fate::Done] {
            run(async {
                let clusters = Clusters::new(call, LogFaults::default());
                let scene = Scene::with_destinations(call, &clusters).await;
                scene.source("s", json!(NAMES), json!({})).await;
                for (name, millis) in NAMES.into_iter().zip([100, 300, 7_000]) {
                    let delay = Duration::from_millis(millis);
                    clusters.of(name).faults.set(LogFaults { rate: 0.0, delay });
                }
                let latency = Duration::from_millis(10);
                let mode = StoreMode { latency, creates, ..StoreMode::default() };
                scene.world.set_store_mode(mode);
                let victim = scene.instance();
                victim.host.kill_at(call, fate);
                let since = Instant::now();
                let first = victim.event("s", "e").await;
                victim.host.idle().await;
                survived |= !victim.host.is_dead();
                let (before, reports) = (copies(&clusters), stored(&scene.world));
                in_between += usize::from(before != [0; 3] && before != [1; 3]);
                let second = repeated(&scene, since).await;
                let after = copies(&clusters);
                assert!(after.iter().all(|count| (1..=2).contains(count)), "{after:?}");
                // The order of the clusters is that of their names here.
                let is_stored = |place: usize| {
                    let ids = scene_ids(&reports);
                    match place {
                        0 => ids.iter().any(String::is_empty),
                        _ => ids.iter().filter(|id| !id.is_empty()).count() >= place,
                    }
                };
                for place in 0..2 {
                    if is_stored(place) {
                        noted += 1;
                        assert_eq!(before[place], after[place], "call {call}, {}", NAMES[place]);
                    }
                }
                if let Some(first) = first {
                    assert!(first.is_taken() && second.is_repeat(), "{first:?} {second:?}");
                    assert_eq!(after, [1; 3]);
                }
                let third = scene.instance().event("s", "e").await.expect("it lives");
                assert!(third.is_repeat(), "{third:?}");
                assert_eq!((third.destinations(), copies(&clusters)), (NAMES.into(), after));
            });
        }
        if survived {
            break;
        }
    }
    assert!(in_between > 2, "no death came between the destinations");
    assert!(noted > 2, "no death came after a report was stored");
}

/// The clusters of which a place is stored.
fn scene_ids(reports: &[crate::memory::Stored]) -> Vec<String> {
    reports.iter().flat_map(|entry| entry.keys().map(|(id, _)| id.clone())).collect()
}

/// While one destination keeps an event waiting, it is noted that the others have it.
#[test]
fn a_death_while_one_destination_is_slow_repeats_none_of_the_others() {
    for creates in [false, true] {
        dies_while_one_is_slow(creates);
    }
}

fn dies_while_one_is_slow(creates: bool) {
    run(async {
        let clusters = Clusters::new(1, LogFaults::default());
        let scene = Scene::with_destinations(1, &clusters).await;
        scene.source("s", json!(NAMES), json!({})).await;
        scene.world.set_store_mode(StoreMode { creates, ..StoreMode::default() });
        let slow = LogFaults { rate: 0.0, delay: Duration::from_secs(600) };
        clusters.b.faults.set(slow);
        let victim = scene.instance();
        let sending = victim.clone();
        let first = tokio::task::spawn_local(async move { sending.event("s", "e").await });
        sleep(Duration::from_secs(3)).await;
        assert_eq!(copies(&clusters), [1, 1, 0]);
        victim.host.kill();
        assert!(first.await.unwrap().is_none());
        clusters.b.faults.set(LogFaults::default());
        let taken = repeated(&scene, Instant::now()).await;
        assert!(!taken.is_repeat());
        assert_eq!(taken.destinations(), NAMES);
        assert_eq!(copies(&clusters), [1, 1, 1]);
    });
}

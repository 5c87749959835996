//! An instance that takes an event dies at each of its calls in turn.

use std::time::Duration;

use kafka_edge_sim::{Fate, StoreMode, local};
use tokio::time::{Instant, sleep};

use crate::log::{FailingLog, LogFaults};
use crate::scene::{Answer, Scene, body, topics};

/// After this time the first try of an event counts as dead.
const PENDING: Duration = Duration::from_secs(10);
/// A sender that repeats once in a second is taken this much later at most, because a
/// repeat that finds the event pending waits for up to 3 s.
const REPEAT: Duration = Duration::from_secs(5);

/// Sends an event to fresh instances, a second apart, until it is taken.
async fn repeated(scene: &Scene<FailingLog>, source: &str, since: Instant) -> Answer {
    loop {
        let answer = scene.instance().event(source, "e").await.expect("it lives");
        if answer.is_taken() {
            return answer;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.retry_after.is_some(), "{answer:?}");
        assert!(since.elapsed() <= PENDING + REPEAT, "it is never taken");
        sleep(Duration::from_secs(1)).await;
    }
}

fn copies(scene: &Scene<FailingLog>) -> [usize; 2] {
    ["t", "u"].map(|topic| scene.log.log.records(topic, 0).len())
}

#[tokio::test(start_paused = true)]
async fn an_event_survives_a_death_at_each_call() {
    local(async {
        let sources = [("plain", [1, 0]), ("fan", [1, 1])];
        let stores = [false, true].into_iter().flat_map(|creates| sources.map(|s| (creates, s)));
        for (creates, (source, parts)) in stores {
            let mut died_after_the_record = 0;
            for call in 1.. {
                let mut survived = false;
                for fate in [Fate::NotDone, Fate::Done] {
                    let delay = Duration::from_millis(100);
                    let faults = LogFaults { delay, ..LogFaults::default() };
                    let log = FailingLog::new(topics(), call, faults);
                    let scene = Scene::new(call, log).await;
                    let latency = Duration::from_millis(10);
                    let mode = StoreMode { latency, creates, ..StoreMode::default() };
                    scene.world.set_store_mode(mode);
                    let victim = scene.instance();
                    victim.host.kill_at(call, fate);
                    let since = Instant::now();
                    let first = victim.event(source, "e").await;
                    victim.host.idle().await;
                    died_after_the_record += usize::from(copies(&scene) == parts);
                    survived |= !victim.host.is_dead();
                    let second = repeated(&scene, source, since).await;
                    for (copies, part) in copies(&scene).into_iter().zip(parts) {
                        assert!((part..=2 * part).contains(&copies), "{copies} of {part}");
                    }
                    if let Some(first) = first {
                        assert!(first.is_taken(), "{first:?}");
                        assert!(second.is_repeat(), "call {call}: {second:?}");
                        assert_eq!(copies(&scene), parts);
                    }
                    let before = copies(&scene);
                    let third = scene.instance().event(source, "e").await.expect("it lives");
                    assert!(third.is_repeat(), "{third:?}");
                    assert_eq!((third.places(), copies(&scene)), (second.places(), before));
                }
                if survived {
                    break;
                }
            }
            assert!(died_after_the_record > 2, "no death came between the record and the answer");
        }
    })
    .await;
}

/// Neither calls nor background work are left when a sender hangs up, but the record may
/// be on its way.
#[tokio::test(start_paused = true)]
async fn an_event_survives_a_sender_that_hangs_up_at_any_time() {
    local(async {
        for millis in (0..260).step_by(7) {
            let faults = LogFaults { delay: Duration::from_millis(100), ..LogFaults::default() };
            let scene = Scene::new(millis, FailingLog::new(topics(), millis, faults)).await;
            let latency = Duration::from_millis(20);
            scene.world.set_store_mode(StoreMode { latency, ..StoreMode::default() });
            let (one, since) = (scene.instance(), Instant::now());
            let request =
                crate::scene::request(http::Method::POST, "/in/plain", &body("plain", "e"));
            one.send(request, Duration::from_millis(millis)).await;
            // The same instance, which keeps what it noted, as well as another one.
            let answer = loop {
                let answer = one.event("plain", "e").await.expect("it lives");
                if answer.is_taken() {
                    break answer;
                }
                assert!(since.elapsed() <= PENDING + REPEAT, "it is never taken: {answer:?}");
                sleep(Duration::from_secs(1)).await;
            };
            assert_eq!(one.event("plain", "e").await.expect("it lives").places(), answer.places());
            // If the sender hung up while the note was written, only this instance knows.
            let second = repeated(&scene, "plain", Instant::now()).await;
            let third = repeated(&scene, "plain", Instant::now()).await;
            assert!(third.is_repeat(), "{third:?}");
            assert_eq!(third.places(), second.places());
            assert!((1..=2).contains(&copies(&scene)[0]));
        }
    })
    .await;
}

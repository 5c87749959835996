//! Records that are sent once more, beside the live position.

use std::time::Duration;

use kafka_edge::access::{AccessError, Grant};
use kafka_edge::error::ErrorKind;
use kafka_edge::host::Store;
use kafka_edge_sim::{Fate, local};
use serde_json::json;

use crate::receiver::{Mood, Received};
use crate::scene::{HOOK, Scene, TOPIC};

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn offsets(received: &[Received]) -> Vec<i64> {
    received.iter().map(Received::offset).collect()
}

#[tokio::test(start_paused = true)]
async fn a_replay_sends_records_again_under_their_ids_and_moves_no_position() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        let id = instance.create(json!({})).await;
        scene.append(0, 6);
        instance.deliver().await;
        let wanted = json!({"from": {"offset": 2}, "to": {"offset": 5}}).to_string();
        instance.webhooks.replay(&id, wanted.as_bytes(), &Grant::open()).await.unwrap();
        scene.append(0, 1);
        for _ in 0..3 {
            scene.instance().deliver().await;
            seconds(5).await;
        }
        let received = scene.receiver.of(HOOK);
        let mut again: Vec<_> = offsets(&received)[6..].to_vec();
        again.sort_unstable();
        assert_eq!(again, [2, 3, 4, 6]);
        let of = |offset: i64| -> Vec<&str> {
            let all = received.iter().filter(|one| one.offset() == offset);
            all.map(|one| one.header("webhook-id")).collect()
        };
        assert_eq!(of(3)[0], of(3)[1]);
        let standing = instance.webhooks.describe(&id, &Grant::open()).await.unwrap();
        assert_eq!((standing.progress[0].position, standing.runs.len()), (7, 0));
        let left = scene.world.store();
        assert!(left.keys().all(|key| !key.contains("~run")), "{:?}", left.keys());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_what_is_not_there_is_refused_by_its_field() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        let id = instance.create(json!({})).await;
        scene.append(0, 6);
        for (wanted, expected) in [
            (json!({"from": {"offset": -1}}), "from.offset"),
            (json!({"to": {"offset": -1}}), "to.offset"),
            (json!({"partition": 1}), "partition"),
            (json!({"partition": -1}), "partition"),
            (json!({"from": {"offset": 6}}), "from"),
        ] {
            let json = wanted.to_string();
            let replay = instance.webhooks.replay(&id, json.as_bytes(), &Grant::open()).await;
            let Err(AccessError::Failed(error)) = replay else { panic!("{wanted}: {replay:?}") };
            match error.into_kind() {
                ErrorKind::Unprocessable { field, .. } => assert_eq!(field, expected, "{wanted}"),
                other => panic!("{wanted}: {other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_sent_again_once_for_each_call() {
    local(async {
        for page in [None, Some(10)] {
            let scene = Scene::new(1);
            scene.log.create_topic("dead", 1);
            if let Some(page) = page {
                scene.log.read_in_places(page);
            }
            let instance = scene.instance();
            let settings = json!({"exhausted": {"dead_letter": "dead"},
                "retry": {"delays": [], "jitter": 0.0}});
            let id = instance.create(settings.clone()).await;
            let mut other = settings;
            other["callback_url"] = json!("https://example.com/other");
            instance.create(other).await;
            scene.append(0, 4);
            scene.receiver.set("https://example.com/other", Mood::Status(400));
            scene.receiver.refuse(1, Some(400));
            scene.receiver.refuse(2, Some(400));
            instance.deliver().await;
            assert_eq!(scene.log.records("dead", 0).len(), 6, "of both");
            scene.receiver.refuse(1, None);
            instance.webhooks.redrive(&id, &Grant::open()).await.unwrap();
            for _ in 0..3 {
                scene.instance().deliver().await;
                seconds(5).await;
            }
            assert_eq!(scene.receiver.accepted(HOOK), [0, 3, 1]);
            let all = scene.receiver.of(HOOK);
            let last = all.iter().rfind(|one| one.offset() == 1).unwrap();
            assert_eq!(last.json()["topic"], TOPIC);
            assert_eq!(last.json()["message"], "1");
            let first = all.iter().find(|one| one.offset() == 1).unwrap();
            assert_eq!(first.header("webhook-id"), last.header("webhook-id"));
            // What failed again is a new dead letter, which the next call takes.
            scene.receiver.refuse(2, None);
            instance.webhooks.redrive(&id, &Grant::open()).await.unwrap();
            for _ in 0..3 {
                scene.instance().deliver().await;
                seconds(5).await;
            }
            assert_eq!(scene.receiver.accepted(HOOK), [0, 3, 1, 2]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_may_die_at_any_call_of_a_replay() {
    local(async {
        for call in (1..80).step_by(3) {
            let scene = Scene::new(1);
            let instance = scene.instance();
            let id = instance.create(json!({})).await;
            scene.append(0, 3);
            instance.deliver().await;
            instance.webhooks.replay(&id, b"{}", &Grant::open()).await.unwrap();
            let dying = scene.instance();
            dying.host.kill_at(call, Fate::Done);
            dying.try_deliver().await;
            for _ in 0..8 {
                seconds(5).await;
                scene.instance().deliver().await;
            }
            let of_each = (0..3).map(|offset| {
                scene.receiver.accepted(HOOK).iter().filter(|one| **one == offset).count()
            });
            let of_each: Vec<_> = of_each.collect();
            assert!(of_each.iter().all(|count| (2..=3).contains(count)), "{of_each:?} at {call}");
            let standing = instance.webhooks.describe(&id, &Grant::open()).await.unwrap();
            assert!(standing.runs.is_empty(), "at {call}");
        }
    })
    .await;
}

/// What is known of the topic's subscriptions, as the store holds it.
fn advice(scene: &Scene) -> (String, Vec<u8>) {
    let all = scene.world.store().into_iter();
    let mut found = all.filter_map(|(key, value)| Some((key, value?)));
    found.find(|(key, _)| key.contains("/due/")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_is_noted_nowhere_is_found_all_the_same() {
    for partitions in [1, 4] {
        local(async {
            let scene = Scene::new(partitions);
            let instance = scene.instance();
            let id = instance.create(json!({})).await;
            scene.append(0, 1);
            instance.deliver().await;
            instance.deliver().await;
            let (key, before) = advice(&scene);
            instance.webhooks.replay(&id, b"{}", &Grant::open()).await.unwrap();
            // Somebody who has not heard of it writes what was known before.
            instance.host.set(&key, &before).await.unwrap();
            let mut rounds = 0;
            while scene.receiver.accepted(HOOK).len() < 2 {
                scene.instance().deliver().await;
                rounds += 1;
                assert!(rounds < 200, "{partitions} partitions");
            }
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_round_that_is_under_way_does_not_hide_a_replay() {
    local(async {
        let scene = Scene::new(4);
        let instance = scene.instance();
        let id = instance.create(json!({})).await;
        scene.append(0, 1);
        instance.deliver().await;
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_secs(2)));
        scene.append(0, 1);
        let slow = scene.instance();
        let round = tokio::task::spawn_local(async move { slow.deliver().await });
        seconds(1).await;
        instance.webhooks.replay(&id, b"{}", &Grant::open()).await.unwrap();
        round.await.unwrap();
        scene.receiver.set(HOOK, Mood::Status(204));
        scene.instance().deliver().await;
        assert_eq!(scene.receiver.accepted(HOOK), [0, 1, 0, 1]);
    })
    .await;
}

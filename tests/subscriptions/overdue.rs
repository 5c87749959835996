//! What is overdue: taken on beside any call, and told since when.

use std::time::Duration;

use kafka_edge::access::Grant;
use kafka_edge::host::{Clock, HostCapabilities, Millis};
use kafka_edge::record::NewRecord;
use kafka_edge_sim::local;
use serde_json::json;

use crate::receiver::Mood;
use crate::scene::{HOOK, Instance, Scene, TOPIC};

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// A call in an instance of its own, as hosts with few callers have it: a second after its
/// work nothing is left of the instance.
async fn call(scene: &Scene) {
    let fresh = scene.instance();
    fresh.webhooks.go_on();
    fresh.host.idle().await;
    seconds(1).await;
    fresh.host.kill();
}

#[tokio::test(start_paused = true)]
async fn a_fresh_instance_for_each_call_takes_it_on() {
    for instances_reused in [true, false] {
        local(async {
            let scene = Scene::new(1);
            let first = scene.instance();
            let known = kafka_edge::host::Host::capabilities(&first.host);
            scene.world.set_capabilities(HostCapabilities { instances_reused, ..known });
            first.create(json!({"retry": {"delays": [2.0, 2.0], "jitter": 0.0}})).await;
            // Of another client.
            scene.append(0, 1);
            scene.receiver.set(HOOK, Mood::Status(503));
            call(&scene).await;
            assert_eq!(scene.receiver.of(HOOK).len(), 1);
            // Its retry.
            scene.receiver.set(HOOK, Mood::Status(204));
            seconds(3).await;
            call(&scene).await;
            assert_eq!(scene.receiver.accepted(HOOK), [0]);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_instance_goes_on_with_it_once_a_second() {
    local(async {
        let scene = Scene::new(1);
        scene.instance().create(json!({})).await;
        let busy = scene.instance();
        for offset in 0..10 {
            scene.append(0, 1);
            busy.webhooks.go_on();
            assert_eq!(scene.receiver.all().len(), offset, "its answers go out first");
            tokio::time::sleep(Duration::from_millis(1_400)).await;
            assert_eq!(scene.receiver.all().len(), offset + 1);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_look_that_found_nothing_is_followed_when_an_attempt_is_due() {
    local(async {
        let scene = Scene::new(1);
        let delays = json!({"retry": {"delays": [4.0], "jitter": 0.0}});
        scene.instance().create(delays).await;
        scene.receiver.set(HOOK, Mood::Status(503));
        scene.append(0, 1);
        call(&scene).await;
        scene.receiver.set(HOOK, Mood::Status(204));
        // It waits for two seconds more.
        call(&scene).await;
        assert_eq!(scene.receiver.all().len(), 1);
        seconds(2).await;
        call(&scene).await;
        assert_eq!(scene.receiver.accepted(HOOK), [0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_wrong_keeps_nobody_from_it() {
    local(async {
        let scene = Scene::new(1);
        scene.instance().create(json!({})).await;
        let wrong = scene.instance();
        wrong.host.set_skew(3_600_000);
        wrong.webhooks.go_on();
        wrong.host.idle().await;
        scene.append(0, 1);
        call(&scene).await;
        assert_eq!(scene.receiver.accepted(HOOK), [0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_many_topics_each_has_its_turn() {
    local(async {
        let scene = Scene::new(1);
        let first = scene.instance();
        for number in 0..150 {
            let topic = format!("topic-{number}");
            scene.log.create_topic(&topic, 1);
            scene.log.append(&topic, 0, "1");
            first.create(json!({"topics": [topic]})).await;
        }
        for _ in 0..1_000 {
            call(&scene).await;
            seconds(10).await;
        }
        assert_eq!(scene.receiver.accepted(HOOK).len(), 150);
    })
    .await;
}

fn write(scene: &Scene, partition: usize, timestamp: Millis) {
    let record = NewRecord { value: Some("1".into()), ..NewRecord::default() };
    scene.log.write(TOPIC, partition, NewRecord { timestamp: Some(timestamp), ..record });
}

/// What `GET /subscriptions/{id}` and `/readyz` say: since when the oldest record waits, and
/// since when something is due.
async fn told(instance: &Instance, id: &str) -> (Option<Millis>, Option<Millis>, Option<Millis>) {
    let standing = instance.webhooks.describe(id, &Grant::open()).await.unwrap();
    (standing.waiting_since, standing.overdue_since, instance.webhooks.overdue().await.unwrap())
}

/// With one subscription, which makes a topic a small one, and with several.
#[tokio::test(start_paused = true)]
async fn records_that_nobody_has_looked_at_are_overdue_since_their_time() {
    for subscriptions in [1, 6] {
        local(async {
            let scene = Scene::new(2);
            let first = scene.instance();
            let now = first.host.now();
            let mut ids = Vec::new();
            for _ in 0..subscriptions {
                ids.push(first.create(json!({})).await);
            }
            assert_eq!(told(&first, &ids[0]).await, (None, None, None));
            write(&scene, 0, now - 5_000);
            write(&scene, 1, now - 7_000);
            write(&scene, 1, now - 6_000);
            let since = Some(now - 7_000);
            assert_eq!(told(&scene.instance(), &ids[0]).await.0, since);
            assert_eq!(told(&scene.instance(), &ids[0]).await.1, since);
            let mut all = Vec::new();
            for _ in 0..20 {
                all.extend(told(&scene.instance(), &ids[0]).await.2);
            }
            assert_eq!((all.len(), all.iter().min()), (20, since.as_ref()));
            // Everything after a restart.
            first.deliver().await;
            assert_eq!(told(&scene.instance(), &ids[0]).await, (None, None, None));
            write(&scene, 0, now - 3_000);
            let since = Some(now - 3_000);
            assert_eq!(told(&scene.instance(), &ids[0]).await, (since, since, since));
            // Nobody takes on what is paused.
            for id in &ids {
                first.webhooks.pause(id, &Grant::open()).await.unwrap();
            }
            assert_eq!(told(&scene.instance(), &ids[0]).await, (since, None, None));
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_gone_hides_nothing() {
    local(async {
        let scene = Scene::new(1);
        let first = scene.instance();
        scene.log.create_topic("gone", 1);
        first.create(json!({"topics": ["gone"]})).await;
        scene.log.delete_topic("gone");
        let id = first.create(json!({})).await;
        let since = Some(first.host.now() - 5_000);
        write(&scene, 0, first.host.now() - 5_000);
        assert_eq!(told(&scene.instance(), &id).await, (since, since, since));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_overdue_since_its_time() {
    for subscriptions in [1, 6] {
        local(async {
            let scene = Scene::new(1);
            let first = scene.instance();
            let mut ids = Vec::new();
            for _ in 0..subscriptions {
                let delays = json!({"retry": {"delays": [4.0], "jitter": 0.0}});
                ids.push(first.create(delays).await);
            }
            scene.receiver.set(HOOK, Mood::Status(503));
            write(&scene, 0, first.host.now() - 50_000);
            let failed = first.host.now();
            first.deliver().await;
            let (waiting, overdue, ready) = told(&scene.instance(), &ids[0]).await;
            assert_eq!((waiting, overdue, ready), (Some(failed - 50_000), None, None));
            seconds(9).await;
            let (_, overdue, ready) = told(&scene.instance(), &ids[0]).await;
            assert_eq!((overdue, ready), (Some(failed + 4_000), Some(failed + 4_000)));
        })
        .await;
    }
}

/// What a record does not tell is not made up.
#[tokio::test(start_paused = true)]
async fn where_the_log_reads_no_times_something_is_overdue_now() {
    local(async {
        let scene = Scene::new(1);
        scene.log.read_in_places(10);
        let first = scene.instance();
        let id = first.create(json!({})).await;
        write(&scene, 0, first.host.now() - 5_000);
        seconds(60).await;
        let now = Some(first.host.now());
        assert_eq!(told(&scene.instance(), &id).await, (None, now, now));
        // Since the gateway first saw it.
        scene.receiver.set(HOOK, Mood::Status(503));
        first.deliver().await;
        seconds(60).await;
        assert_eq!(told(&scene.instance(), &id).await.0, now);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_no_record_is_left_nothing_is_overdue() {
    local(async {
        let scene = Scene::new(1);
        let first = scene.instance();
        let id = first.create(json!({})).await;
        scene.append(0, 3);
        scene.log.delete_before(TOPIC, 0, 3);
        assert_eq!(told(&first, &id).await, (None, None, None));
    })
    .await;
}

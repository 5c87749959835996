//! What a subscription may ask of its deliveries.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use http::StatusCode;
use kafka_edge::access::Grant;
use kafka_edge::host::{HostCapabilities, Incoming, Limit, Outgoing};
use kafka_edge::record::NewRecord;
use kafka_edge_sim::{SimBody, StoreMode, local};
use serde_json::{Value, json};

use crate::receiver::{Mood, Received};
use crate::scene::{HOOK, Scene, TOPIC, counts};

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn offsets(received: &[Received]) -> Vec<i64> {
    received.iter().map(Received::offset).collect()
}

fn keyed(scene: &Scene, keys: &[&'static str]) {
    for key in keys {
        let value = format!("{}", scene.log.end(TOPIC, 0));
        let (key, value) = (Some((*key).into()), Some(value.into()));
        scene.log.write(TOPIC, 0, NewRecord { key, value, ..NewRecord::default() });
    }
}

#[tokio::test(start_paused = true)]
async fn in_no_order_a_record_that_fails_delays_no_other_and_so_many_are_sent_at_once() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        let id = instance.create(json!({"order": "none", "concurrency": 4})).await;
        scene.append(0, 30);
        scene.receiver.refuse(3, Some(400));
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_millis(50)));
        assert_eq!(counts(&instance.deliver().await), [(29, 1)]);
        assert_eq!(scene.receiver.at_once(), 4);
        let (_, progress) = instance.webhooks.get(&id, &Grant::open()).await.unwrap();
        assert_eq!((progress[0].position, progress[0].failures), (3, 1));
        // New records are delivered while it waits, by whoever comes.
        scene.append(0, 2);
        assert_eq!(counts(&scene.instance().deliver().await), [(2, 0)]);
        scene.receiver.refuse(3, None);
        seconds(2).await;
        assert_eq!(counts(&scene.instance().deliver().await), [(1, 0)]);
        let (_, progress) = instance.webhooks.get(&id, &Grant::open()).await.unwrap();
        assert_eq!((progress[0].position, progress[0].next_attempt), (32, None));
        assert_eq!(instance.total(&id, "retried").await, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_the_order_of_keys_only_those_of_the_same_key_wait() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.create(json!({"order": "key", "concurrency": 3})).await;
        keyed(&scene, &["a", "b", "a", "c", "b"]);
        scene.receiver.refuse(0, Some(400));
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_millis(50)));
        assert_eq!(counts(&instance.deliver().await), [(3, 1)]);
        assert_eq!(scene.receiver.accepted(HOOK), [1, 3, 4]);
        assert_eq!(scene.receiver.at_once(), 3);
        scene.receiver.refuse(0, None);
        keyed(&scene, &["a"]);
        assert_eq!(counts(&scene.instance().deliver().await), [(0, 0)], "its key waits");
        seconds(2).await;
        assert_eq!(counts(&scene.instance().deliver().await), [(3, 0)]);
        assert_eq!(scene.receiver.accepted(HOOK), [1, 3, 4, 0, 2, 5]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_sent_when_it_is_full_or_old_enough_and_again_as_it_was() {
    local(async {
        let scene = Scene::new(1);
        let batch = json!({"records": 3, "bytes": 100_000, "age": 20.0});
        let instance = scene.instance();
        instance.create(json!({"body": "envelopes", "batch": batch})).await;
        let start = tokio::time::Instant::now();
        let append = |count: i64| {
            for _ in 0..count {
                // The world begins at this time.
                let time = 1_772_359_200_000 + start.elapsed().as_millis() as i64;
                let value = Some("x".into());
                let record = NewRecord { value, timestamp: Some(time), ..NewRecord::default() };
                scene.log.write(TOPIC, 0, record);
            }
        };
        append(4);
        scene.receiver.set(HOOK, Mood::Status(500));
        assert_eq!(counts(&instance.deliver().await), [(0, 1)]);
        scene.receiver.set(HOOK, Mood::Status(204));
        append(1);
        seconds(2).await;
        assert_eq!(counts(&scene.instance().deliver().await), [(3, 0)]);
        let all = scene.receiver.of(HOOK);
        assert_eq!((all.len(), all[0].header("webhook-id")), (2, all[1].header("webhook-id")));
        let of = |one: &Received| -> Vec<i64> {
            let all: Vec<Value> = serde_json::from_slice(&one.body).unwrap();
            all.iter().map(|one| one["offset"].as_i64().unwrap()).collect()
        };
        assert_eq!((of(&all[0]), of(&all[1])), (vec![0, 1, 2], vec![0, 1, 2]));
        // Two are left, which wait for others.
        let reports = scene.instance().deliver().await;
        assert_eq!(counts(&reports), [(0, 0)]);
        assert!(reports[0].next_attempt.is_some());
        seconds(20).await;
        assert_eq!(counts(&scene.instance().deliver().await), [(2, 0)]);
        assert_eq!(of(&scene.receiver.of(HOOK)[2]), [3, 4]);
        append(4);
        assert_eq!(counts(&scene.instance().deliver().await), [(3, 0)], "one is full");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_filter_leaves_out_and_a_transform_shapes() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        let settings = json!({"filter": ".n > 1", "transform": ".n, .n + 1", "body": "envelope"});
        let id = instance.create(settings).await;
        for n in 0..4 {
            scene.log.append(TOPIC, 0, format!(r#"{{"n":{n}}}"#));
        }
        assert_eq!(counts(&instance.deliver().await), [(2, 0)]);
        let messages: Vec<_> =
            scene.receiver.of(HOOK).iter().map(|one| one.json()["message"].clone()).collect();
        assert_eq!(messages, [json!([2, 3]), json!([3, 4])]);
        assert_eq!(instance.total(&id, "filtered").await, 2);
        // What is filtered alone moves the position, too.
        scene.log.append(TOPIC, 0, r#"{"n":0}"#);
        instance.deliver().await;
        let (_, progress) = instance.webhooks.get(&id, &Grant::open()).await.unwrap();
        assert_eq!(progress[0].position, 5);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_spreads_requests() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.create(json!({"rate": 5})).await;
        scene.append(0, 20);
        let start = tokio::time::Instant::now();
        assert_eq!(counts(&instance.deliver().await), [(20, 0)]);
        let took = start.elapsed();
        assert!((2_900..3_500).contains(&took.as_millis()), "{took:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_its_own_is_kept() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.create(json!({"timeout": 0.5})).await;
        scene.append(0, 1);
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_millis(600)));
        assert_eq!(counts(&instance.deliver().await), [(0, 1)]);
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_millis(400)));
        seconds(2).await;
        assert_eq!(counts(&instance.deliver().await), [(1, 0)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_breaker_leaves_the_callback_alone_and_tries_one_record_in_each_partition() {
    local(async {
        let scene = Scene::new(4);
        let instance = scene.instance();
        let settings = json!({"breaker": {"failures": 2, "cooldown": 60.0},
            "retry": {"delays": vec![1.0; 20], "jitter": 0.0}});
        instance.create(settings).await;
        (0..4).for_each(|partition| scene.append(partition, 3));
        scene.receiver.set(HOOK, Mood::Status(400));
        for _ in 0..2 {
            instance.deliver().await;
            seconds(2).await;
        }
        let before = scene.receiver.of(HOOK).len();
        assert_eq!(before, 8, "one for each partition and round");
        // Whoever comes knows it.
        for _ in 0..10 {
            scene.instance().deliver().await;
            seconds(5).await;
        }
        assert_eq!(scene.receiver.of(HOOK).len(), before);
        seconds(10).await;
        scene.instance().deliver().await;
        let probes = scene.receiver.of(HOOK).len() - before;
        assert!((1..=4).contains(&probes), "{probes}");
        let before = scene.receiver.of(HOOK).len();
        scene.receiver.set(HOOK, Mood::Status(200));
        scene.instance().deliver().await;
        assert_eq!(scene.receiver.of(HOOK).len(), before, "open again");
        seconds(65).await;
        scene.instance().deliver().await;
        assert_eq!(scene.receiver.accepted(HOOK).len(), 12);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn behind_a_breaker_one_record_is_tried_even_where_many_may_be() {
    local(async {
        let scene = Scene::new(1);
        let settings = json!({"order": "none", "concurrency": 4,
            "breaker": {"failures": 2, "cooldown": 60.0},
            "retry": {"delays": vec![1.0; 20], "jitter": 0.0}});
        scene.instance().create(settings).await;
        scene.append(0, 8);
        scene.receiver.set(HOOK, Mood::Status(400));
        scene.instance().deliver().await;
        let before = scene.receiver.of(HOOK).len();
        assert!((2..8).contains(&before), "{before}");
        seconds(65).await;
        scene.instance().deliver().await;
        assert_eq!(scene.receiver.of(HOOK).len() - before, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_callback_is_left_alone_in_all_partitions() {
    local(async {
        let scene = Scene::new(4);
        let instance = scene.instance();
        instance.create(json!({"order": "none"})).await;
        scene.append(0, 5);
        scene.receiver.set(HOOK, Mood::RetryAfter(429, "100"));
        assert_eq!(counts(&instance.deliver().await), [(0, 1)]);
        scene.receiver.set(HOOK, Mood::Status(204));
        (1..4).for_each(|partition| scene.append(partition, 2));
        seconds(50).await;
        assert_eq!(counts(&instance.deliver().await), [(0, 0)]);
        seconds(80).await;
        assert_eq!(counts(&scene.instance().deliver().await), [(11, 0)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn own_headers_and_credentials_go_along() {
    local(async {
        for (auth, name, value) in [
            (json!({"basic": {"user": "u", "password": "p"}}), "authorization", "Basic dTpw"),
            (json!({"bearer": "t0k"}), "authorization", "Bearer t0k"),
            (json!({"header": {"name": "x-api-key", "value": "k"}}), "x-api-key", "k"),
        ] {
            let scene = Scene::new(1);
            let instance = scene.instance();
            instance.create(json!({"headers": {"x-tenant": "7"}, "auth": auth})).await;
            scene.append(0, 1);
            instance.deliver().await;
            let received = scene.receiver.of(HOOK);
            assert_eq!((received[0].header(name), received[0].header("x-tenant")), (value, "7"));
        }
    })
    .await;
}

/// A token server beside the callback: the number of tokens given, and the one that works.
fn token_server(scene: &Scene, works: Rc<Cell<u32>>) -> Rc<Cell<u32>> {
    let (given, callback) = (Rc::new(Cell::new(0)), scene.receiver.upstream());
    let counted = given.clone();
    scene.world.set_upstream(Rc::new(move |mut request: Outgoing| {
        let (given, works, callback) = (given.clone(), works.clone(), callback.clone());
        Box::pin(async move {
            let answer = |status, body: String| {
                let status = StatusCode::from_u16(status).unwrap();
                Ok(Incoming { status, headers: Default::default(), body: SimBody::full(body) })
            };
            if request.uri.path() == "/token" {
                given.set(given.get() + 1);
                let token = format!(r#"{{"access_token":"t{}","expires_in":300}}"#, given.get());
                return answer(200, token);
            }
            let wanted = format!("Bearer t{}", works.get());
            match request.headers.remove("authorization") {
                Some(token) if token == wanted.as_str() => callback(request).await,
                _ => answer(401, String::new()),
            }
        })
    }));
    counted
}

#[tokio::test(start_paused = true)]
async fn a_token_is_kept_until_shortly_before_its_end_and_renewed_once_if_it_is_refused() {
    local(async {
        let scene = Scene::new(1);
        let works = Rc::new(Cell::new(1));
        let given = token_server(&scene, works.clone());
        let instance = scene.instance();
        let client = json!({"token_url": "https://example.com/token", "client_id": "c",
            "client_secret": "s"});
        instance.create(json!({"auth": {"oauth2": client}})).await;
        scene.append(0, 5);
        assert_eq!(counts(&instance.deliver().await), [(5, 0)]);
        assert_eq!(given.get(), 1);
        // It was revoked: the next one works.
        works.set(2);
        scene.append(0, 2);
        assert_eq!(counts(&instance.deliver().await), [(2, 0)]);
        assert_eq!(given.get(), 2);
        seconds(271).await;
        works.set(3);
        scene.append(0, 1);
        assert_eq!(counts(&instance.deliver().await), [(1, 0)]);
        assert_eq!(given.get(), 3);
        // None works: it is asked for once more, and no more.
        works.set(99);
        scene.append(0, 1);
        assert_eq!(counts(&instance.deliver().await), [(0, 1)]);
        assert_eq!(given.get(), 4);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_read_serves_all_that_stand_at_the_same_place() {
    local(async {
        let scene = Scene::new(2);
        let instance = scene.instance();
        for number in 0..20 {
            let url = format!("{HOOK}/{number}");
            instance.create(json!({"callback_url": url})).await;
        }
        scene.append(0, 50);
        scene.append(1, 50);
        scene.log.set_delay(Duration::from_millis(20));
        let delivered: u64 = instance.deliver().await.iter().map(|one| one.delivered).sum();
        assert_eq!((delivered, scene.log.calls("fetch")), (2_000, 2));
    })
    .await;
}

/// A log that is read in sequence, as a REST Proxy is: a reader of it costs calls of its own.
#[tokio::test(start_paused = true)]
async fn at_the_head_all_share_one_reader_of_each_partition() {
    local(async {
        let scene = Scene::new(2);
        scene.log.read_in_places(30);
        let instance = scene.instance();
        for number in 0..20 {
            let url = format!("{HOOK}/{number}");
            // One answers at once, the last one after 19 ms.
            scene.receiver.set(&url, Mood::Slow(Duration::from_millis(number)));
            instance.create(json!({"callback_url": url})).await;
        }
        for count in 1..=10 {
            for partition in 0..2 {
                scene.append(partition, 1);
            }
            instance.webhooks.deliver_in_background(TOPIC);
            tokio::time::sleep(Duration::from_secs(3)).await;
            for number in 0..20 {
                let received = scene.receiver.accepted(&format!("{HOOK}/{number}"));
                assert_eq!(received.len(), 2 * count, "{number}");
            }
        }
        let calls = (scene.log.calls("fetch"), scene.log.calls("open"));
        // Of each partition one read for each record, and one reader in all.
        assert_eq!(calls, (20, 2));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_in_flight_is_shown_while_it_is() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_secs(4)));
        let settings = json!({"order": "none", "concurrency": 3});
        let id = instance.create(settings).await;
        let in_flight = async || {
            let other = scene.instance();
            other.webhooks.describe(&id, &Grant::open()).await.unwrap().in_flight
        };
        assert_eq!(in_flight().await, 0);
        scene.append(0, 5);
        scene.instance().webhooks.deliver_in_background(TOPIC);
        for (after, most) in [(2, 3), (4, 3), (4, 0)] {
            tokio::time::sleep(Duration::from_secs(after)).await;
            let number = in_flight().await;
            assert!((most.min(1)..=most).contains(&number), "{number}, {after} s later");
        }
        // Nobody is at work any more once the lease of a dead one is over.
        scene.append(0, 3);
        let dead = scene.instance();
        dead.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_secs(2)).await;
        dead.host.kill();
        assert_eq!(in_flight().await, 3);
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(in_flight().await, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_allows_few_requests_gets_no_more() {
    local(async {
        let scene = Scene::new(3);
        let instance = scene.instance();
        for number in 0..10 {
            instance.create(json!({"callback_url": format!("{HOOK}/{number}")})).await;
        }
        (0..3).for_each(|partition| scene.append(partition, 10));
        let capabilities = kafka_edge::host::Host::capabilities(&instance.host);
        scene.world.set_capabilities(HostCapabilities {
            outbound_calls: Limit::AtMost(32),
            instances_reused: false,
            ..capabilities
        });
        for _ in 0..100 {
            let execution = scene.instance();
            execution.deliver().await;
            let (sent, refused) = execution.host.requests();
            assert!(sent <= 32 && refused == 0, "{sent} sent, {refused} refused");
        }
        assert_eq!(scene.receiver.all().len(), 300);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_a_store_is_slow_no_attempt_outlives_its_turn() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.create(json!({"order": "none", "concurrency": 8, "timeout": 8.0})).await;
        scene.append(0, 40);
        let latency = Duration::from_millis(300);
        scene.world.set_store_mode(StoreMode { latency, ..StoreMode::default() });
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_secs(7)));
        let others: Vec<_> = (0..3).map(|_| scene.instance()).collect();
        instance.webhooks.deliver_in_background(TOPIC);
        for _ in 0..60 {
            for other in &others {
                other.deliver().await;
            }
            seconds(1).await;
        }
        instance.host.idle().await;
        let mut all = offsets(&scene.receiver.of(HOOK));
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<_>>(), "each comes once");
    })
    .await;
}

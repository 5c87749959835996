//! Delivering: what arrives, in which order, and when.

use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka_edge::access::{AllowedTopic, Grant};
use kafka_edge::error::ErrorKind;
use kafka_edge::host::{AfterAnswer, Host, HostCapabilities};
use kafka_edge::record::NewRecord;
use kafka_edge::services::consume::StartFrom;
use kafka_edge::services::ends::Ends;
use kafka_edge::services::produce::Producer;
use kafka_edge::services::seek::SeekTo;
use kafka_edge::services::seen::Seen;
use kafka_edge_sim::{StoreMode, local};

use crate::receiver::{Mood, Received};
use crate::scene::{HOOK, Scene, TOPIC, counts};

#[tokio::test(start_paused = true)]
async fn records_arrive_in_order_signed_and_under_ids_of_their_own() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        let id = instance.register(HOOK).await;
        scene.append(0, 120);
        assert_eq!(counts(&instance.deliver().await), [(120, 0)]);
        assert_eq!(scene.receiver.accepted(HOOK), (0..120).collect::<Vec<_>>());

        let received = scene.receiver.of(HOOK);
        let body = std::str::from_utf8(&received[7].body).unwrap();
        assert_eq!(
            body,
            format!(
                r#"{{"topic":"orders.eu","message":"7","offset":7,"partition":0,"key":null,"timestamp":"1970-01-01T00:00:00.007Z","headers":[],"webhook_id":"{id}"}}"#
            )
        );
        assert_eq!(received[7].header("content-type"), "application/json");
        assert!(received[7].header("webhook-signature").starts_with("v1,"));
        let now = 1_772_359_200;
        let timestamp: i64 = received[7].header("webhook-timestamp").parse().unwrap();
        assert!((now..now + 60).contains(&timestamp), "{timestamp}");
        let mut ids: Vec<_> = received.iter().map(|one| one.header("webhook-id")).collect();
        assert!(ids.iter().all(|id| !id.contains('.')));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 120);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_work_ends_with_the_answer_a_round_delivers_and_no_background_begins() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.register(HOOK).await;
        let capabilities = instance.host.capabilities();
        let ending = HostCapabilities { after_answer: AfterAnswer::Ends, ..capabilities };
        scene.world.set_capabilities(ending);
        scene.append(0, 3);
        let (webhooks, calls) = (instance.webhooks.clone(), instance.host.calls());
        webhooks.deliver_in_background(TOPIC);
        instance.host.idle().await;
        assert_eq!(instance.host.calls(), calls);
        assert_eq!(counts(&instance.deliver().await), [(3, 0)]);
    })
    .await;
}

/// The reference library judges by the real clock, so the world's is set to it.
#[tokio::test(start_paused = true)]
async fn receivers_verify_deliveries_with_the_secret_they_were_told() {
    local(async {
        let scene = Scene::new(1);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        scene.world.set_wall_clock(now.as_millis() as i64);
        let instance = scene.instance();
        let registered = instance
            .webhooks
            .register(&AllowedTopic::trusted(TOPIC), HOOK, StartFrom::Latest)
            .await
            .unwrap();
        let verifier = standardwebhooks::Webhook::new(&registered.secret.unwrap()).unwrap();
        scene.log.append(TOPIC, 0, "grüß\ndich");
        scene.log.append(TOPIC, 0, &b"\xff\x00"[..]);
        instance.deliver().await;
        let received = scene.receiver.of(HOOK);
        assert_eq!(received.len(), 2);
        for one in &received {
            verifier.verify(&one.body, &one.headers).unwrap();
            let mut forged = one.body.to_vec();
            forged[2] ^= 1;
            verifier.verify(&forged, &one.headers).unwrap_err();
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_callback_is_tried_again_with_growing_delays_by_any_instance() {
    local(async {
        let scene = Scene::new(1);
        scene.instance().register(HOOK).await;
        scene.append(0, 3);
        scene.receiver.set(HOOK, Mood::Status(500));
        // Each round is by an instance of its own, as a timer would call it.
        for _ in 0..200 {
            scene.instance().deliver().await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        let attempts = scene.receiver.of(HOOK);
        let gaps: Vec<_> =
            attempts.windows(2).map(|two| (two[1].at - two[0].at).as_secs()).collect();
        // 1 s, 5 s, 30 s, 2 min and 10 min, give or take an eighth and the timer.
        for (gap, (least, most)) in
            gaps.iter().zip([(1, 6), (4, 11), (26, 39), (105, 140), (525, 680)])
        {
            assert!((least..=most).contains(gap), "{gaps:?}");
        }
        assert_eq!(attempts.len(), 6);
        assert!(attempts.iter().all(|attempt| attempt.offset() == 0));
        assert!(
            attempts.iter().all(|one| one.header("webhook-id") == attempts[0].header("webhook-id"))
        );

        let instance = scene.instance();
        let deliveries = instance.deliver().await;
        assert_eq!(counts(&deliveries), [(0, 0)], "not due");
        assert!(deliveries[0].next_attempt.is_some());
        let (_, progress) =
            instance.webhooks.get(&deliveries[0].webhook_id, &Grant::open()).await.unwrap();
        assert_eq!(progress[0].failures, 6);
        assert_eq!(progress[0].last_error.as_deref(), Some("The callback answered 500"));

        scene.receiver.set(HOOK, Mood::Status(200));
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(counts(&instance.deliver().await), [(3, 0)]);
        assert_eq!(scene.receiver.accepted(HOOK), [0, 1, 2]);
        let (_, progress) =
            instance.webhooks.get(&deliveries[0].webhook_id, &Grant::open()).await.unwrap();
        assert_eq!((progress[0].failures, progress[0].next_attempt), (0, None));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn redirects_and_every_other_status_are_failures() {
    local(async {
        for status in [300, 302, 307, 400, 404, 410, 500] {
            let scene = Scene::new(1);
            let instance = scene.instance();
            instance.register(HOOK).await;
            scene.append(0, 2);
            scene.receiver.set(HOOK, Mood::Status(status));
            assert_eq!(counts(&instance.deliver().await), [(0, 1)], "{status}");
            assert_eq!(scene.receiver.of(HOOK).len(), 1);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_may_ask_for_time() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.register(HOOK).await;
        scene.append(0, 1);
        scene.receiver.set(HOOK, Mood::RetryAfter(429, "120"));
        instance.deliver().await;
        scene.receiver.set(HOOK, Mood::Status(204));
        tokio::time::sleep(Duration::from_secs(119)).await;
        assert_eq!(counts(&instance.deliver().await), [(0, 0)]);
        tokio::time::sleep(Duration::from_secs(32)).await;
        assert_eq!(counts(&instance.deliver().await), [(1, 0)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_stuck_callback_delays_no_other_however_delivery_is_started() {
    local(async {
        let scene = Scene::new(3);
        let instance = scene.instance();
        let stuck = "https://example.com/stuck";
        instance.register(stuck).await;
        instance.register(HOOK).await;
        scene.receiver.set(stuck, Mood::Stuck);
        let start = tokio::time::Instant::now();
        scene.append(0, 1);
        let (background, round) = (instance.clone(), instance.clone());
        background.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(scene.receiver.accepted(HOOK), [0]);

        // The stuck attempt is still under way; more records come.
        scene.append(1, 1);
        background.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(scene.receiver.accepted(HOOK).len(), 2);
        scene.append(2, 1);
        let round = tokio::task::spawn_local(async move { round.deliver().await });
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(scene.receiver.accepted(HOOK).len(), 3);
        assert!(start.elapsed() < Duration::from_secs(2));

        let deliveries = round.await.unwrap();
        let of = |url: &str| {
            deliveries.iter().find(|one| one.error.is_none() && one.busy == (url == stuck))
        };
        assert_eq!(of(HOOK).map(|one| one.delivered), Some(1));
        assert!(of(stuck).is_some(), "{deliveries:?}");
        assert!(scene.receiver.of(stuck).iter().all(|one| one.offset() == 0));
    })
    .await;
}

/// More than are ever under way at once, of one webhook.
#[tokio::test(start_paused = true)]
async fn a_callback_stuck_in_very_many_partitions_delays_no_other() {
    local(async {
        let scene = Scene::new(150);
        let instance = scene.instance();
        let stuck = "https://example.com/stuck";
        instance.register(stuck).await;
        instance.register(HOOK).await;
        scene.receiver.set(stuck, Mood::Stuck);
        let append_everywhere = || (0..150).for_each(|partition| scene.append(partition, 1));
        for at_once in [true, false] {
            let before = scene.receiver.accepted(HOOK).len();
            append_everywhere();
            let (background, round) = (instance.clone(), instance.clone());
            let round = tokio::task::spawn_local(async move {
                match at_once {
                    true => drop(round.deliver().await),
                    false => background.webhooks.deliver_in_background(TOPIC),
                }
            });
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(scene.receiver.accepted(HOOK).len() - before, 150, "{at_once}");
            round.await.unwrap();
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn rounds_at_once_send_nothing_twice() {
    local(async {
        let scene = Scene::new(3);
        let instances: Vec<_> = (0..3).map(|_| scene.instance()).collect();
        instances[0].register(HOOK).await;
        (0..3).for_each(|partition| scene.append(partition, 60));
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_millis(20)));
        let rounds = instances.iter().flat_map(|instance| {
            instance.webhooks.deliver_in_background(TOPIC);
            [instance.deliver(), instance.deliver()]
        });
        futures_util::future::join_all(rounds).await;
        for instance in &instances {
            instance.host.idle().await;
        }
        let received = scene.receiver.of(HOOK);
        for partition in 0..3 {
            let of = received.iter().filter(|one| one.partition() == partition);
            let offsets: Vec<_> = of.map(Received::offset).collect();
            assert_eq!(offsets, (0..60).collect::<Vec<_>>(), "partition {partition}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_round_costs_little() {
    local(async {
        let scene = Scene::new(3);
        let instance = scene.instance();
        let calls = instance.host.calls();
        assert_eq!(instance.deliver().await, []);
        assert!(
            instance.host.calls() - calls <= 3,
            "no webhooks: {}",
            instance.host.calls() - calls
        );

        for n in 0..4 {
            instance.register(&format!("https://example.com/{n}")).await;
        }
        scene.append(0, 1);
        instance.deliver().await;
        let (calls, fetches, ends) =
            (instance.host.calls(), scene.log.calls("fetch"), scene.log.calls("ends"));
        instance.deliver().await;
        // One record, one read from the log for all callbacks.
        assert_eq!(fetches, 1);
        // What leads to the webhooks and the advice, their documents, and at most two reads for
        // each partition.
        assert!(
            instance.host.calls() - calls <= 7 + 4 * 2 + 4 * 3 * 2,
            "{}",
            instance.host.calls() - calls
        );
        assert_eq!(scene.log.calls("fetch"), fetches);
        assert!(scene.log.calls("ends") <= ends + 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_produce_without_webhooks_costs_nothing_and_a_later_webhook_is_found() {
    local(async {
        let scene = Scene::new(1);
        let (producer, other) = (scene.instance(), scene.instance());
        producer.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_millis(10)).await;
        let calls = producer.host.calls();
        for _ in 0..1000 {
            producer.webhooks.deliver_in_background(TOPIC);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(producer.host.calls() <= calls + 1, "a timer at most");

        // Another instance registers a callback, of which this one has not
        // heard when it produces.
        other.register(HOOK).await;
        scene.append(0, 1);
        producer.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(scene.receiver.accepted(HOOK), [0]);
        producer.host.idle().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn background_delivery_takes_records_that_come_while_it_works_and_tries_again_soon() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.register(HOOK).await;
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_millis(50)));
        for _ in 0..10 {
            scene.append(0, 1);
            instance.webhooks.deliver_in_background(TOPIC);
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
        instance.host.idle().await;
        assert_eq!(scene.receiver.accepted(HOOK), (0..10).collect::<Vec<_>>());

        scene.receiver.set(HOOK, Mood::Status(503));
        scene.append(0, 1);
        instance.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_millis(500)).await;
        scene.receiver.set(HOOK, Mood::Status(200));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(scene.receiver.accepted(HOOK).last(), Some(&10));
        instance.host.idle().await;
    })
    .await;
}

/// Of what this gateway has written it knows where it is.
#[tokio::test(start_paused = true)]
async fn what_was_written_here_is_delivered_by_one_call_to_kafka() {
    local(async {
        let scene = Scene::new(3);
        let instance = scene.instance();
        for number in 0..4 {
            instance.register(&format!("{HOOK}/{number}")).await;
        }
        instance.deliver().await;
        let (ends, fetches) = (scene.log.calls("ends"), scene.log.calls("fetch"));
        let received = || -> Vec<_> {
            (0..4).map(|number| scene.receiver.accepted(&format!("{HOOK}/{number}"))).collect()
        };
        // Two more are written while the first one is being planned.
        for offset in 0..3 {
            scene.append(1, 1);
            instance.webhooks.deliver_written(TOPIC, [(1, offset + 1)].into());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(received(), vec![vec![0, 1, 2]; 4]);
        let calls = (scene.log.calls("ends") - ends, scene.log.calls("fetch") - fetches);
        assert_eq!(calls, (0, 1));
        // What others have written elsewhere waits for a round, and is not lost.
        scene.append(2, 1);
        scene.append(1, 1);
        instance.webhooks.deliver_written(TOPIC, [(1, 4)].into());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(received(), vec![vec![0, 1, 2, 3]; 4]);
        instance.deliver().await;
        assert_eq!(received(), vec![vec![0, 1, 2, 3, 0]; 4]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_written_while_the_first_is_being_planned_is_delivered_with_it() {
    local(async {
        let scene = Scene::new(3);
        scene.instance().register(HOOK).await;
        scene.world.set_store_mode(StoreMode {
            latency: Duration::from_millis(10),
            ..StoreMode::default()
        });
        let instance = scene.instance();
        for partition in 0..3 {
            scene.append(partition, 1);
            let ends = [(partition as i32, 1)].into();
            instance.webhooks.deliver_written(TOPIC, ends);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(scene.receiver.accepted(HOOK), [0, 0, 0]);
        instance.host.idle().await;
    })
    .await;
}

/// Nothing else shows that there is a new record.
#[tokio::test(start_paused = true)]
async fn a_log_that_tells_no_ends_is_read_anew_in_each_round() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        for number in 0..6 {
            instance.create(serde_json::json!({"callback_url": format!("{HOOK}/{number}")})).await;
        }
        scene.log.set_failure_of("ends", ErrorKind::Unsupported("no ends".into()).into());
        scene.log.set_delay(Duration::from_millis(20));
        for count in 0..5 {
            let fetches = scene.log.calls("fetch");
            instance.deliver().await;
            // Of those that find the new record, of those that find nothing behind it: the
            // first one's read, and one that began after the others had asked.
            assert!(scene.log.calls("fetch") - fetches <= 4, "in round {count}");
            for number in 0..6 {
                let received = scene.receiver.accepted(&format!("{HOOK}/{number}"));
                assert_eq!(received, (0..count).collect::<Vec<_>>());
            }
            scene.append(0, 1);
        }
    })
    .await;
}

/// Kafka may have written a record whose report is missing, and nobody says where it is.
#[tokio::test(start_paused = true)]
async fn what_was_perhaps_written_is_looked_for_at_once() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.register(HOOK).await;
        let (host, log) = (instance.host.clone(), Rc::new(scene.log.clone()));
        let ends = Rc::new(Ends::new(host.clone(), log.clone()));
        let seen = Rc::new(Seen::new(host.clone(), Duration::ZERO));
        let producer = Producer::new(host, log, ends, seen, Some(instance.webhooks.clone()));
        // The record is there, and the connection was cut before the answer.
        scene.append(0, 1);
        let cut = ErrorKind::OutcomeUnknown { detail: "cut".into() };
        scene.log.set_failure_of("produce", cut.into());
        let topic = AllowedTopic::trusted(TOPIC);
        let reports = producer.write(&topic, vec![NewRecord::default()]).await;
        assert!(reports[0].as_ref().unwrap_err().is_unknown_outcome());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(scene.receiver.accepted(HOOK), [0]);
        instance.host.idle().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_moves_a_webhook_does_not_wait_for_the_end_of_its_backlog() {
    local(async {
        let scene = Scene::new(1);
        let id = scene.instance().register(HOOK).await;
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_millis(300)));
        scene.append(0, 100);
        let deliverer = scene.instance();
        deliverer.webhooks.deliver_in_background(TOPIC);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (other, open) = (scene.instance(), Grant::open());
        other.webhooks.seek(&id, None, SeekTo::Latest, &open).await.unwrap();
        let before = scene.receiver.accepted(HOOK).len();
        assert!((1..50).contains(&before), "{before}");
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(scene.receiver.accepted(HOOK).len(), before);
        deliverer.host.idle().await;
    })
    .await;
}

/// Whoever is at work may look for the last time just before a record comes.
#[tokio::test(start_paused = true)]
async fn no_record_waits_for_a_timer_whenever_it_comes() {
    for (same, after) in [true, false].into_iter().flat_map(|same| (0..80).map(move |t| (same, t)))
    {
        local(async move {
            let scene = Scene::new(1);
            let one = scene.instance();
            let two = if same { one.clone() } else { scene.instance() };
            one.register(HOOK).await;
            // Both know of the webhook, and begin at once.
            two.webhooks.list(None, &Grant::open()).await.unwrap();
            scene.world.set_store_mode(StoreMode {
                latency: Duration::from_millis(10),
                ..StoreMode::default()
            });
            for instance in [&one, &two] {
                scene.append(0, 1);
                instance.webhooks.deliver_in_background(TOPIC);
                tokio::time::sleep(Duration::from_millis(after)).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(scene.receiver.accepted(HOOK), [0, 1], "{after} ms, same: {same}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_finds_a_partition_taken_looks_again() {
    local(async {
        let scene = Scene::new(1);
        let (one, two) = (scene.instance(), scene.instance());
        one.register(HOOK).await;
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_secs(3)));
        scene.append(0, 1);
        let everything = Grant::open();
        let round = one.webhooks.deliver(Duration::from_secs(1), &everything);
        let more = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            scene.append(0, 1);
            two.webhooks.deliver_in_background(TOPIC);
        };
        futures_util::future::join(round, more).await.0.unwrap();
        assert_eq!(scene.receiver.accepted(HOOK), [0]);
        two.host.idle().await;
        assert_eq!(scene.receiver.accepted(HOOK), [0, 1]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_is_said_and_harms_nothing() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.register(HOOK).await;
        scene.append(0, 1);
        scene.log.set_failure(Some(ErrorKind::Timeout.into()));
        let deliveries = instance.deliver().await;
        assert_eq!(counts(&deliveries), [(0, 0)]);
        assert_eq!(deliveries[0].error, Some(ErrorKind::Timeout.to_string()));
        scene.log.set_failure(None);
        // A read that failed is no reason to fail for whoever asks later.
        scene.log.set_failure_of("fetch", ErrorKind::Timeout.into());
        assert_eq!(instance.deliver().await[0].error, Some(ErrorKind::Timeout.to_string()));
        scene.log.clear_failures();
        assert_eq!(counts(&instance.deliver().await), [(1, 0)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_budget_bounds_a_round_and_the_next_one_goes_on() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.register(HOOK).await;
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_secs(1)));
        scene.append(0, 30);
        let start = tokio::time::Instant::now();
        let first = instance.deliver().await;
        assert!(start.elapsed() <= Duration::from_secs(11));
        assert_eq!(counts(&first), [(10, 0)]);
        while scene.receiver.accepted(HOOK).len() < 30 {
            instance.deliver().await;
        }
        assert_eq!(scene.receiver.accepted(HOOK), (0..30).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_log_has_dropped_is_passed_by() {
    local(async {
        let scene = Scene::new(1);
        let instance = scene.instance();
        instance.register(HOOK).await;
        scene.append(0, 10);
        scene.log.delete_before(TOPIC, 0, 6);
        assert_eq!(counts(&instance.deliver().await), [(4, 0)]);
        assert_eq!(scene.receiver.accepted(HOOK), [6, 7, 8, 9]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_seek_is_let_in_between_two_attempts() {
    local(async {
        let scene = Scene::new(1);
        let (working, moving) = (scene.instance(), scene.instance());
        let id = working.register(HOOK).await;
        scene.append(0, 40);
        scene.receiver.set(HOOK, Mood::Slow(Duration::from_secs(1)));
        let seek = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let to = SeekTo::Offsets([(0, 20)].into());
            moving.webhooks.seek(&id, None, to, &Grant::open()).await
        };
        let (_, moved) = tokio::join!(working.deliver(), seek);
        assert_eq!(moved.unwrap(), [(TOPIC.to_owned(), [(0, 20)].into())].into());
        scene.receiver.set(HOOK, Mood::Status(204));
        moving.deliver().await;
        let accepted = scene.receiver.accepted(HOOK);
        let before = accepted.iter().take_while(|offset| **offset < 20).count();
        assert!((4..12).contains(&before), "{accepted:?}");
        assert_eq!(accepted[before..], (20..40).collect::<Vec<_>>());
    })
    .await;
}

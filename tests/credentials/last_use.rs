//! The day of last use.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge::access::Presented;
use kafka_edge::host::{AfterAnswer, Clock, Host, HostCapabilities};
use kafka_edge::services::credentials::Credentials;
use kafka_edge_sim::{Fate, SimHost, StoreMode, World, local};

use crate::{ROOT, basic, bearer, instance, wish};

/// The day of last use as an administrator sees it.
async fn last_used(credentials: &Credentials<SimHost>, name: &str) -> Option<String> {
    let listed = credentials.list().await.unwrap();
    let found = listed.iter().find(|listed| listed.name.as_str() == name);
    found.unwrap().last_used.map(|day| day.to_string())
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test(start_paused = true)]
async fn the_day_of_last_use_is_written_once_a_day() {
    local(async {
        let world = World::new(1);
        let ((one_host, one), (two_host, two)) = (instance(&world), instance(&world));
        let created = one.create(wish("writer")).await.unwrap();
        assert_eq!(last_used(&one, "writer").await, None);
        for day in ["2026-03-01", "2026-03-02"] {
            let before = world.store_calls();
            one.check(&basic(&created)).await.unwrap();
            one_host.idle().await;
            let first = world.store_calls();
            // Two of them read the list for the check itself.
            let reads = first.reads - before.reads;
            assert!((1..=5).contains(&reads), "{reads}");
            assert_eq!(first.writes - before.writes, 2, "a turn at the list");
            assert_eq!(last_used(&one, "writer").await.as_deref(), Some(day));
            // Another instance finds it there, and this one remembers.
            for _ in 0..100 {
                for (host, credentials) in [(&one_host, &one), (&two_host, &two)] {
                    credentials.check(&basic(&created)).await.unwrap();
                    host.sleep(Duration::from_secs(60)).await;
                }
            }
            assert_eq!(world.store_calls().writes, first.writes);
            one_host.sleep(DAY - Duration::from_secs(200 * 60)).await;
        }
        // Those that nobody uses keep their day, and those of the configuration have none.
        assert_eq!(last_used(&one, "writer").await.as_deref(), Some("2026-03-02"));
        assert!(one.check(&bearer(ROOT)).await.is_ok());
        one_host.idle().await;
        assert_eq!(last_used(&one, "root").await, None);
        assert!(one.check(&Presented::pair("writer", "wrong")).await.is_err());
        one_host.idle().await;
        assert_eq!(last_used(&one, "writer").await.as_deref(), Some("2026-03-02"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_write_the_day_fails_no_call() {
    local(async {
        let world = World::new(1);
        let (host, credentials) = instance(&world);
        let created = credentials.create(wish("writer")).await.unwrap();
        world.set_store_mode(StoreMode::REFUSING);
        // The list is known; only the day cannot be written.
        let before = world.store_calls();
        assert!(credentials.check(&basic(&created)).await.is_ok());
        host.idle().await;
        let tried = world.store_calls();
        for _ in 0..10 {
            assert!(credentials.check(&basic(&created)).await.is_ok());
            host.idle().await;
        }
        assert_ne!(tried, before);
        assert_eq!(world.store_calls(), tried, "a failing store is not tried with each call");
        world.set_store_mode(StoreMode::default());
        assert!(credentials.check(&basic(&created)).await.is_ok());
        host.idle().await;
        assert_eq!(last_used(&credentials, "writer").await, None);
        host.sleep(Duration::from_secs(600)).await;
        assert!(credentials.check(&basic(&created)).await.is_ok());
        host.idle().await;
        assert_eq!(last_used(&credentials, "writer").await.as_deref(), Some("2026-03-01"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_tasks_end_with_the_answer_the_day_is_written_before_it() {
    local(async {
        let world = World::new(1);
        let (host, credentials) = instance(&world);
        let ends = HostCapabilities { after_answer: AfterAnswer::Ends, ..host.capabilities() };
        world.set_capabilities(ends);
        let created = credentials.create(wish("writer")).await.unwrap();
        assert!(credentials.check(&basic(&created)).await.is_ok());
        assert_eq!(last_used(&credentials, "writer").await.as_deref(), Some("2026-03-01"));

        // The next day, and nothing can be written.
        host.sleep(DAY).await;
        credentials.list().await.unwrap();
        world.set_store_mode(StoreMode::REFUSING);
        assert!(credentials.check(&basic(&created)).await.is_ok());
        world.set_store_mode(StoreMode::default());
        assert_eq!(last_used(&credentials, "writer").await.as_deref(), Some("2026-03-01"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_crowd_at_midnight_somebody_writes_the_day_and_nobody_waits() {
    local(async {
        for seed in 0..10 {
            let world = World::new(seed);
            let (host, credentials) = instance(&world);
            let created = Rc::new(credentials.create(wish("writer")).await.unwrap());
            let store = StoreMode { latency: Duration::from_millis(20), ..StoreMode::default() };
            world.set_store_mode(store);
            if seed % 2 == 1 {
                let ends = AfterAnswer::Ends;
                world.set_capabilities(HostCapabilities {
                    after_answer: ends,
                    ..host.capabilities()
                });
            }
            let before = world.store_calls();
            let crowd: Vec<_> = (0..50).map(|_| instance(&world)).collect();
            let calls = crowd.iter().map(|(host, credentials)| {
                let (credentials, created) = (credentials.clone(), created.clone());
                host.run(async move { credentials.check(&basic(&created)).await.is_ok() })
            });
            let began = host.monotonic();
            assert!(join_all(calls).await.iter().all(|let_in| *let_in == Some(true)));
            let took = host.monotonic() - began;
            // Where tasks end with the answer, a ticket that is lost is seen through.
            let longest = if seed % 2 == 1 { 1_050 } else { 50 };
            assert!(took <= Duration::from_millis(longest), "{seed}: {took:?}");
            host.sleep(Duration::from_secs(5)).await;
            let later = instance(&world).1;
            if last_used(&later, "writer").await.is_none() {
                // All have let each other go first; the next caller writes it.
                later.check(&basic(&created)).await.unwrap();
                host.sleep(Duration::from_secs(1)).await;
            }
            assert_eq!(last_used(&later, "writer").await.as_deref(), Some("2026-03-01"));
            let writes = world.store_calls().writes - before.writes;
            assert!(writes <= 60, "{seed}: {writes}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_dies_while_it_writes_the_day_leaves_the_list_usable() {
    local(async {
        for call in 1..=8 {
            for fate in [Fate::Done, Fate::NotDone] {
                let world = World::new(call);
                let ((dying, one), (host, two)) = (instance(&world), instance(&world));
                let created = Rc::new(two.create(wish("writer")).await.unwrap());
                let presented = basic(&created);
                dying.kill_at(call, fate);
                let caller = dying.clone();
                dying
                    .run(async move {
                        let _ = one.check(&presented).await;
                        caller.sleep(Duration::from_secs(1)).await;
                    })
                    .await;
                assert!(two.check(&basic(&created)).await.is_ok());
                two.create(wish("another")).await.unwrap();
                assert_eq!(two.list().await.unwrap().len(), 3);
                host.sleep(Duration::from_secs(1)).await;
            }
        }
    })
    .await;
}

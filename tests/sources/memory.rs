//! The memory of repeats by itself: what instances write over each other, and that it is
//! bounded.

use std::time::Duration;

use kafka_edge::host::Clock;
use kafka_edge::services::seen::{First, PENDING_TIME, Place, Scope, Seen};
use kafka_edge_sim::{SimHost, StoreMode, World, local};
use serde_json::Value;
use tokio::time::sleep;

use crate::scene::{ids, slot};

fn scope() -> Scope {
    Scope::source("s").expect("a name")
}
const DAY: Duration = Duration::from_secs(86_400);

fn place(offset: i64) -> Option<Place> {
    Some(Place { topic: "t".into(), partition: 0, offset })
}

async fn first<'s>(seen: &'s Seen<SimHost>, id: &str) -> First<'s, SimHost> {
    seen.first(&scope(), id, None, DAY).await.expect("the store works")
}

/// An id whose time it is, with what was written of it before.
macro_rules! time {
    ($first:expr) => {
        match $first {
            First::Time { mark, written } => (mark, written),
            other => panic!("it is no first time: {other:?}"),
        }
    };
}

async fn places(seen: &Seen<SimHost>, id: &str) -> Vec<Option<Place>> {
    match first(seen, id).await {
        First::Repeat(places) => places,
        other => panic!("it is no repeat: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_bounded_whatever_comes() {
    local(async {
        let world = World::new(1);
        let seen = Seen::new(world.instance(), Duration::ZERO);
        let crowd = ids(150, true);
        for (number, id) in crowd.iter().enumerate() {
            let (mark, _) = time!(first(&seen, id).await);
            mark.done(vec![place(number as i64)]).await;
            sleep(PENDING_TIME).await;
        }
        let documents = world.store();
        assert_eq!(documents.len(), 1, "all of one slot");
        let (key, document) = documents.into_iter().next().unwrap();
        let number = slot(&crowd[0]);
        assert!(key.ends_with(&format!("/{number}")), "{key} is not of slot {number}");
        let entries: Value = serde_json::from_slice(&document.unwrap()).unwrap();
        assert_eq!(entries["d"].as_str().unwrap().split(';').count(), 16);
        // The newest are still known, and the oldest are not.
        let fresh = Seen::new(world.instance(), Duration::ZERO);
        assert_eq!(places(&fresh, &crowd[149]).await, [place(149)]);
        assert_eq!(places(&fresh, &crowd[134]).await, [place(134)]);
        time!(first(&fresh, &crowd[133]).await).0.forget().await;

        for number in 0..12_000 {
            let fresh = Seen::new(world.instance(), Duration::ZERO);
            let (mark, _) = time!(first(&fresh, &format!("another {number}")).await);
            mark.done(vec![place(number)]).await;
        }
        let documents = world.store();
        assert!((2_000..=2_048).contains(&documents.len()), "{} documents", documents.len());
        let places = 16 * 100;
        assert!(documents.values().flatten().all(|document| document.len() < places));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_same_id_is_another_in_each_scope() {
    local(async {
        let world = World::new(1);
        let scopes = [
            Scope::source("s"),
            Scope::source("s/0a1b"),
            Scope::topic("s", "one"),
            Scope::topic("s", "two"),
            Scope::topic("t", "one"),
            Scope::action("s", "one"),
        ];
        let scopes = scopes.map(|scope| scope.expect("a name"));
        for exact in [false, true] {
            for (number, scope) in (0..).zip(&scopes) {
                let seen = Seen::new(world.instance(), Duration::ZERO).exact(exact);
                let (mark, _) = time!(seen.first(scope, "a", None, DAY).await.unwrap());
                mark.done(vec![place(number)]).await;
            }
            for (number, scope) in (0..).zip(&scopes) {
                let seen = Seen::new(world.instance(), Duration::ZERO).exact(exact);
                match seen.first(scope, "a", None, DAY).await.unwrap() {
                    First::Repeat(places) => assert_eq!(places, [place(number)], "{scope:?}"),
                    other => panic!("{other:?} in {scope:?}"),
                }
            }
        }
    })
    .await;
}

/// One look at the wall clock stands for a second, and no longer.
#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_counts_soon() {
    local(async {
        let world = World::new(1);
        let seen = Seen::new(world.instance(), Duration::ZERO);
        time!(first(&seen, "a").await).0.done(vec![place(1)]).await;
        sleep(PENDING_TIME).await;
        assert_eq!(places(&seen, "a").await, [place(1)]);
        let day = i64::try_from(DAY.as_millis()).unwrap();
        world.set_wall_clock(world.instance().now() + day);
        sleep(Duration::from_millis(999)).await;
        assert_eq!(places(&seen, "a").await, [place(1)], "the window is not over by the last look");
        sleep(Duration::from_millis(1)).await;
        time!(first(&seen, "a").await).0.forget().await;
    })
    .await;
}

/// One instance fails to write an event, another one writes it; then the first one must
/// not take its own failure for the truth.
#[tokio::test(start_paused = true)]
async fn what_one_instance_forgot_another_may_have_done() {
    local(async {
        let world = World::new(2);
        let (one, two) = (
            Seen::new(world.instance(), Duration::ZERO),
            Seen::new(world.instance(), Duration::ZERO),
        );
        let both = ids(2, true);
        time!(first(&one, &both[0]).await).0.forget().await;
        time!(first(&two, &both[0]).await).0.done(vec![place(7)]).await;
        assert_eq!(places(&one, &both[0]).await, [place(7)]);
        // Nor may it write its failure over the other's success.
        time!(first(&one, &both[1]).await).0.done(vec![place(8)]).await;
        assert_eq!(
            places(&Seen::new(world.instance(), Duration::ZERO), &both[0]).await,
            [place(7)]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_one_instance_began_another_may_have_completed() {
    local(async {
        let world = World::new(3);
        let (one, two) = (
            Seen::new(world.instance(), Duration::ZERO),
            Seen::new(world.instance(), Duration::ZERO),
        );
        time!(first(&one, "a").await).0.done(vec![place(1), None]).await;
        let (mark, written) = time!(first(&two, "a").await);
        assert_eq!(written, [place(1), None]);
        mark.done(vec![place(1), place(2)]).await;
        assert_eq!(places(&one, "a").await, [place(1), place(2)]);
    })
    .await;
}

/// A slot is not read again for a while. After that, what another instance noted in it
/// stays.
#[tokio::test(start_paused = true)]
async fn what_another_noted_while_kafka_was_slow_stays() {
    local(async {
        let world = World::new(3);
        let (one, two) = (
            Seen::new(world.instance(), Duration::ZERO),
            Seen::new(world.instance(), Duration::ZERO),
        );
        let both = ids(2, true);
        let (mark, _) = time!(first(&one, &both[0]).await);
        time!(first(&two, &both[1]).await).0.done(vec![place(2)]).await;
        sleep(Duration::from_millis(101)).await;
        mark.done(vec![place(1)]).await;
        let fresh = Seen::new(world.instance(), Duration::ZERO);
        assert_eq!(places(&fresh, &both[0]).await, [place(1)]);
        assert_eq!(places(&fresh, &both[1]).await, [place(2)]);
    })
    .await;
}

/// A slot that is read as it was some time ago lacks what the instance has stored since.
#[tokio::test(start_paused = true)]
async fn an_older_slot_takes_back_nothing_that_the_instance_has_stored() {
    local(async {
        let stale = Duration::from_secs(2);
        for seed in 0..10 {
            let world = World::new(seed);
            world.set_store_mode(StoreMode { stale, ..StoreMode::default() });
            let seen = Seen::new(world.instance(), stale);
            let all = ids(8, true);
            for (number, id) in all.iter().enumerate() {
                time!(first(&seen, id).await).0.done(vec![place(number as i64)]).await;
                sleep(Duration::from_millis(400)).await;
            }
            world.set_store_mode(StoreMode::default());
            let fresh = Seen::new(world.instance(), Duration::ZERO);
            for (number, id) in all.iter().enumerate() {
                assert_eq!(places(&fresh, id).await, [place(number as i64)], "seed {seed}");
            }
        }
    })
    .await;
}

/// A try that counted as dead ends late: by then another one has been there.
#[tokio::test(start_paused = true)]
async fn a_late_failure_takes_nothing_back() {
    local(async {
        let world = World::new(4);
        let (one, two) = (
            Seen::new(world.instance(), Duration::ZERO),
            Seen::new(world.instance(), Duration::ZERO),
        );
        let (late, _) = time!(first(&one, "a").await);
        sleep(PENDING_TIME).await;
        time!(first(&two, "a").await).0.done(vec![place(1)]).await;
        late.forget().await;
        assert_eq!(places(&Seen::new(world.instance(), Duration::ZERO), "a").await, [place(1)]);
        assert_eq!(places(&one, "a").await, [place(1)]);
    })
    .await;
}

/// The window may be shorter than the time for which an event may be pending.
#[tokio::test(start_paused = true)]
async fn a_short_window_ends_when_it_is_over_and_not_while_an_event_is_pending() {
    local(async {
        let world = World::new(5);
        let window = Duration::from_secs(2);
        let one = Seen::new(world.instance(), Duration::ZERO);
        for other in [false, true] {
            let other = other.then(|| Seen::new(world.instance(), Duration::ZERO));
            let two = other.as_ref().unwrap_or(&one);
            let id = if other.is_some() { "a" } else { "b" };
            let (mark, _) = time!(one.first(&scope(), id, None, window).await.unwrap());
            sleep(Duration::from_secs(4)).await;
            let while_pending = two.first(&scope(), id, None, window).await.unwrap();
            assert!(matches!(while_pending, First::Pending { .. }), "{while_pending:?}");
            mark.done(vec![place(1)]).await;
            sleep(Duration::from_millis(1_900)).await;
            let soon = two.first(&scope(), id, None, window).await.unwrap();
            assert!(matches!(soon, First::Repeat(_)), "{soon:?}");
            sleep(Duration::from_millis(200)).await;
            time!(two.first(&scope(), id, None, window).await.unwrap()).0.forget().await;
        }
    })
    .await;
}

/// An instance that takes more events in ten seconds than it keeps in mind.
#[tokio::test(start_paused = true)]
async fn many_events_at_once_are_all_remembered() {
    local(async {
        let world = World::new(6);
        let seen = Seen::new(world.instance(), Duration::ZERO);
        let mut marks = Vec::new();
        for number in 0..4_096 {
            marks.push(time!(first(&seen, &format!("{number}")).await).0);
        }
        for (number, mark) in marks.into_iter().enumerate() {
            mark.done(vec![place(number as i64)]).await;
        }
        for number in [0, 1, 4_095] {
            assert_eq!(places(&seen, &format!("{number}")).await, [place(number)]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_after_the_record_costs_a_repeat_at_most() {
    local(async {
        let world = World::new(7);
        let (one, two) = (
            Seen::new(world.instance(), Duration::ZERO),
            Seen::new(world.instance(), Duration::ZERO),
        );
        let (mark, _) = time!(first(&one, "a").await);
        world.set_store_mode(StoreMode::REFUSING);
        mark.done(vec![place(1)]).await;
        world.set_store_mode(StoreMode::default());
        // The instance that wrote it knows.
        assert_eq!(places(&one, "a").await, [place(1)]);
        // Another one waits, and takes it again when its first try counts as dead.
        assert!(matches!(first(&two, "a").await, First::Pending { .. }));
        sleep(PENDING_TIME).await;
        time!(first(&two, "a").await).0.done(vec![place(2)]).await;
        assert!(world.reported().iter().any(|line| line.contains("repeat-memory-failed")));
    })
    .await;
}

//! The memory of repeats where the store can create keys: each id has its own.

use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge::services::seen::{First, PENDING_TIME, Place, Scope, Seen};
use kafka_edge_sim::{SimHost, StoreCalls, StoreMode, World, local};
use tokio::time::sleep;

fn scope() -> Scope {
    Scope::source("s").expect("a name")
}
const DAY: Duration = Duration::from_secs(86_400);
const CREATING: StoreMode = StoreMode {
    latency: Duration::ZERO,
    stale: Duration::ZERO,
    double_draws: 0.0,
    failures: 0.0,
    refusals: 0.0,
    write_time: Duration::ZERO,
    creates: true,
};

fn world(seed: u64) -> World {
    let world = World::new(seed);
    world.set_store_mode(CREATING);
    world
}

fn memory(world: &World) -> Seen<SimHost> {
    Seen::new(world.instance(), Duration::ZERO).exact(true)
}

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
async fn an_id_costs_two_writes_and_a_repeat_one_call() {
    local(async {
        let world = world(1);
        let cost = |before: StoreCalls| {
            let StoreCalls { reads, writes } = world.store_calls();
            (reads - before.reads, writes - before.writes)
        };
        let before = world.store_calls();
        time!(first(&memory(&world), "a").await).0.done(vec![place(1)]).await;
        assert_eq!(cost(before), (0, 2));
        let before = world.store_calls();
        assert_eq!(places(&memory(&world), "a").await, [place(1)]);
        assert_eq!(cost(before), (0, 1), "the attempt to create it");
        let before = world.store_calls();
        time!(first(&memory(&world), "b").await).0.forget().await;
        assert_eq!(cost(before), (0, 2));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_all_instances_that_are_brought_an_id_at_once_one_has_it() {
    local(async {
        for seed in 0..20 {
            let world = world(seed);
            let latency = Duration::from_millis(40);
            world.set_store_mode(StoreMode { latency, ..CREATING });
            let instances: Vec<_> = (0..20).map(|_| memory(&world)).collect();
            let tries = instances.iter().map(async |seen| match first(seen, "a").await {
                First::Time { mark, .. } => {
                    sleep(Duration::from_secs(1)).await;
                    mark.done(vec![place(7)]).await;
                    true
                }
                First::Repeat(places) => {
                    assert_eq!(places, [place(7)]);
                    false
                }
                other => panic!("{other:?}"),
            });
            let had_it = join_all(tries).await.into_iter().filter(|had| *had).count();
            assert_eq!(had_it, 1, "seed {seed}");
        }
    })
    .await;
}

/// The slots would have forgotten most of them.
#[tokio::test(start_paused = true)]
async fn every_id_is_remembered_for_its_window_and_no_longer() {
    local(async {
        let world = world(2);
        let seen = memory(&world);
        for number in 0..40_000 {
            time!(first(&seen, &format!("{number}")).await).0.done(vec![place(number)]).await;
        }
        assert_eq!(world.store().len(), 40_000);
        let fresh = memory(&world);
        for number in [0, 1, 17_000, 39_999] {
            assert_eq!(places(&fresh, &format!("{number}")).await, [place(number)]);
        }
        sleep(DAY).await;
        assert_eq!(world.store().len(), 0, "they end by themselves");
        time!(first(&fresh, "0").await);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_death_holds_an_id_for_ten_seconds() {
    local(async {
        let world = world(3);
        let _dead = time!(first(&memory(&world), "a").await);
        let two = memory(&world);
        let pending = first(&two, "a").await;
        let First::Pending { retry_after } = pending else { panic!("{pending:?}") };
        assert!(retry_after <= Duration::from_secs(7), "{retry_after:?}");
        sleep(retry_after).await;
        time!(first(&two, "a").await).0.done(vec![place(1)]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_not_written_may_come_again_at_once() {
    local(async {
        let world = world(4);
        time!(first(&memory(&world), "a").await).0.forget().await;
        let seen = memory(&world);
        let (mark, written) = time!(first(&seen, "a").await);
        assert_eq!(written, []);
        // Nothing of it was written, either.
        mark.done(vec![None, None]).await;
        time!(first(&memory(&world), "a").await);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_completes_what_was_written_in_part() {
    local(async {
        for seed in 0..10 {
            let world = world(seed);
            let part = || vec![place(1), None, None];
            time!(first(&memory(&world), "a").await).0.done(part()).await;
            // The second one dies, and leaves the part as it was.
            let dead = memory(&world);
            let (_mark, written) = time!(first(&dead, "a").await);
            assert_eq!(written, part());
            assert!(matches!(first(&memory(&world), "a").await, First::Pending { .. }));
            sleep(PENDING_TIME).await;
            let third = memory(&world);
            let (mark, written) = time!(first(&third, "a").await);
            assert_eq!(written, part());
            let more = vec![place(1), place(2), None];
            mark.done(more.clone()).await;
            // Two want to write the rest, and one does.
            let latency = Duration::from_millis(40);
            world.set_store_mode(StoreMode { latency, ..CREATING });
            let (one, two) = (memory(&world), memory(&world));
            let all = vec![place(1), place(2), place(3)];
            let complete = async |seen: &Seen<SimHost>| match first(seen, "a").await {
                First::Time { mark, written } => {
                    assert_eq!(written, more);
                    mark.done(all.clone()).await;
                    1
                }
                First::Repeat(places) => {
                    assert_eq!(places, all);
                    0
                }
                other => panic!("{other:?}"),
            };
            let (one, two) = tokio::join!(complete(&one), complete(&two));
            assert_eq!(one + two, 1, "seed {seed}");
        }
    })
    .await;
}

/// A try that counted as dead ends late: by then another one has been there.
#[tokio::test(start_paused = true)]
async fn what_is_late_takes_nothing_back() {
    local(async {
        let world = world(5);
        for (id, late) in [("a", vec![]), ("b", vec![place(1), None])] {
            let one = memory(&world);
            let (mark, _) = time!(first(&one, id).await);
            sleep(PENDING_TIME).await;
            let two = memory(&world);
            time!(first(&two, id).await).0.done(vec![place(2), place(3)]).await;
            match late.is_empty() {
                true => mark.forget().await,
                false => mark.done(late).await,
            }
            assert_eq!(places(&memory(&world), id).await, [place(2), place(3)]);
        }
        // One that is being produced by another is not given free, either.
        let one = memory(&world);
        let (mark, _) = time!(first(&one, "c").await);
        sleep(PENDING_TIME).await;
        let two = memory(&world);
        let _pending = time!(first(&two, "c").await);
        mark.forget().await;
        assert!(matches!(first(&memory(&world), "c").await, First::Pending { .. }));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_content_is_told_from_a_repeat() {
    local(async {
        let world = world(6);
        let scope = Scope::topic("t", "c").unwrap();
        let first = async |seen: &Seen<SimHost>, content: &[u8]| match seen
            .first(&scope, "key", Some(content), DAY)
            .await
            .unwrap()
        {
            First::Time { mark, .. } => {
                mark.done(vec![place(1)]).await;
                "first"
            }
            First::Repeat(_) => "repeat",
            First::Different => "different",
            First::Pending { .. } => "pending",
        };
        assert_eq!(first(&memory(&world), b"one").await, "first");
        assert_eq!(first(&memory(&world), b"one").await, "repeat");
        assert_eq!(first(&memory(&world), b"two").await, "different");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_window_may_be_shorter_than_an_event_may_be_pending() {
    local(async {
        let world = world(7);
        let window = Duration::from_secs(2);
        let seen = memory(&world);
        let first = async || seen.first(&scope(), "a", None, window).await.unwrap();
        let (mark, _) = time!(first().await);
        sleep(Duration::from_secs(4)).await;
        assert!(matches!(first().await, First::Pending { .. }));
        mark.done(vec![place(1)]).await;
        sleep(Duration::from_millis(1_900)).await;
        assert!(matches!(first().await, First::Repeat(_)));
        sleep(Duration::from_millis(200)).await;
        time!(first().await);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_moment_after_the_record_costs_nothing() {
    local(async {
        let world = world(8);
        let seen = memory(&world);
        let (mark, _) = time!(first(&seen, "a").await);
        world.set_store_mode(StoreMode { failures: 1.0, ..CREATING });
        let (healed, done) = (sleep(Duration::from_secs(2)), mark.done(vec![place(1)]));
        let heal = async {
            healed.await;
            world.set_store_mode(CREATING);
        };
        tokio::join!(done, heal);
        assert_eq!(places(&memory(&world), "a").await, [place(1)]);

        // One that fails for longer is reported, and costs a repeat.
        let (mark, _) = time!(first(&seen, "b").await);
        world.set_store_mode(StoreMode { refusals: 1.0, ..CREATING });
        mark.done(vec![place(2)]).await;
        world.set_store_mode(CREATING);
        assert!(world.reported().iter().any(|line| line.contains("repeat-memory-failed")));
        assert!(matches!(first(&seen, "b").await, First::Pending { .. }));
        sleep(PENDING_TIME).await;
        time!(first(&seen, "b").await);
    })
    .await;
}

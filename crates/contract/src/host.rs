//! What every [`Host`] promises beside its [`Store`](crate::store), and that it does what its
//! capabilities state.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use kafka_edge::host::{AfterAnswer, Clock, Host, Limit};

use crate::names::play;
use crate::{Serves, with_promises};

/// Plays the promise of this name. Returns whether there is one.
pub async fn play(name: &str, world: impl Serves) -> bool {
    with_promises!(host, play, name, world);
    with_promises!(host_served, play, name, world);
    false
}

async fn it_states_the_same_capabilities_at_all_times(world: impl Serves) {
    let host = world.host();
    let stated = host.capabilities();
    let inside = host.clone();
    world.serve(async move { assert_eq!(inside.capabilities(), stated) }).await;
    assert_eq!(host.capabilities(), stated);
}

async fn work_goes_on_after_the_answer_where_that_is_stated(world: impl Serves) {
    let host = world.host();
    let done = Rc::new(Cell::new(false));
    let (inside, told) = (host.clone(), done.clone());
    world
        .serve(async move {
            let timer = inside.clone();
            inside.spawn(async move {
                timer.sleep(Duration::from_secs(1)).await;
                told.set(true);
            });
        })
        .await;
    assert!(!done.get(), "the answer waited for it");
    host.sleep(Duration::from_secs(2)).await;
    let goes_on = match host.capabilities().after_answer {
        AfterAnswer::Ends => false,
        AfterAnswer::GoesOn(Limit::None) => true,
        AfterAnswer::GoesOn(Limit::AtMost(time)) => time > Duration::from_secs(1),
    };
    assert_eq!(done.get(), goes_on);
}

async fn spawned_work_runs_beside_its_request(world: impl Serves) {
    let host = world.host();
    let inside = host.clone();
    world
        .serve(async move {
            let done = Rc::new(Cell::new(false));
            let (timer, told) = (inside.clone(), done.clone());
            inside.spawn(async move {
                timer.sleep(Duration::from_secs(1)).await;
                told.set(true);
            });
            inside.sleep(Duration::from_secs(2)).await;
            assert!(done.get());
        })
        .await;
}

async fn a_sleep_is_as_long_as_it_was_asked_to_be(world: impl Serves) {
    let host = world.host();
    let time = Duration::from_millis(1_500);
    let (wall, monotonic) = (host.now(), host.monotonic());
    host.sleep(time).await;
    assert!(host.monotonic() - monotonic >= time);
    assert!(host.now() - wall >= 1_500);
}

async fn the_monotonic_clock_never_goes_back(world: impl Serves) {
    let host = world.host();
    let mut last = host.monotonic();
    for _ in 0..10 {
        host.sleep(Duration::from_millis(3)).await;
        let now = host.monotonic();
        assert!(now >= last);
        last = now;
    }
}

async fn random_bytes_fill_the_buffer_and_differ(world: impl Serves) {
    let host = world.host();
    let draw = || {
        let mut bytes = [0; 32];
        host.random(&mut bytes);
        bytes
    };
    let (one, two) = (draw(), draw());
    assert_ne!(one, two);
    // Four zeros at the end by chance: once in four billion runs.
    assert_ne!(one[28..], [0; 4], "the buffer was not filled");
}

async fn a_signal_wakes_its_wait_when_it_is_dropped(world: impl Serves) {
    let host = world.host();
    let (wake, wait) = host.signal();
    let timer = host.clone();
    host.spawn(async move {
        timer.sleep(Duration::from_secs(1)).await;
        drop(wake);
    });
    let before = host.monotonic();
    wait.await;
    assert!(host.monotonic() - before >= Duration::from_secs(1));
    let (wake, wait) = host.signal();
    drop(wake);
    wait.await;
}

async fn a_wait_without_its_signal_dropped_goes_on(world: impl Serves) {
    let host = world.host();
    let (_wake, mut wait) = host.signal();
    host.sleep(Duration::from_secs(1)).await;
    assert!((&mut wait).now_or_never().is_none());
}

async fn a_variable_that_is_not_set_is_none(world: impl Serves) {
    let host = world.host();
    assert_eq!(host.variable("no_such_variable").await, Ok(None));
}

//! What every [`Host`] promises beside its [`Store`](crate::store), and that it
//! does what its capabilities state.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use kafka_edge::host::{AfterAnswer, Host, HostCapabilities, Limit};
use kafka_edge_sim::{SimHost, World, local};

/// The tests of one implementation. `$open` gives an instance.
macro_rules! host_contract {
    ($name:ident, $open:expr) => {
        mod $name {
            use super::*;
            host_contract!(@promises $open =>
                it_states_the_same_capabilities_at_all_times
                work_goes_on_after_the_answer_where_that_is_stated
                spawned_work_runs_beside_its_request
                a_sleep_is_as_long_as_it_was_asked_to_be
                the_monotonic_clock_never_goes_back
                random_bytes_fill_the_buffer_and_differ
                a_signal_wakes_its_wait_when_it_is_dropped
                a_wait_without_its_signal_dropped_goes_on
                a_variable_that_is_not_set_is_none
            );
        }
    };
    (@promises $open:expr => $($promise:ident)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $promise() {
            local(async { promises::$promise($open).await }).await;
        })*
    };
}

host_contract!(simulated, World::new(1).instance());
host_contract!(simulated_ending_with_the_answer, ending_with_the_answer());

fn ending_with_the_answer() -> SimHost {
    let world = World::new(1);
    let host = world.instance();
    world.set_capabilities(HostCapabilities {
        after_answer: AfterAnswer::Ends,
        wall_time: Limit::AtMost(Duration::from_secs(30)),
        ..host.capabilities()
    });
    host
}

/// A host that a test can send a request to.
trait Serves: Host {
    /// Does a request's work; when it returns, the request is answered.
    fn serve(&self, request: impl Future<Output = ()> + 'static) -> impl Future<Output = ()>;
}

impl Serves for SimHost {
    async fn serve(&self, request: impl Future<Output = ()> + 'static) {
        self.run(request).await.expect("nothing kills this instance");
    }
}

mod promises {
    use super::*;

    pub(super) async fn it_states_the_same_capabilities_at_all_times(host: impl Serves) {
        let stated = host.capabilities();
        let inside = host.clone();
        host.serve(async move { assert_eq!(inside.capabilities(), stated) }).await;
        assert_eq!(host.capabilities(), stated);
    }

    pub(super) async fn work_goes_on_after_the_answer_where_that_is_stated(host: impl Serves) {
        let done = Rc::new(Cell::new(false));
        let (inside, told) = (host.clone(), done.clone());
        host.serve(async move {
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

    pub(super) async fn spawned_work_runs_beside_its_request(host: impl Serves) {
        let inside = host.clone();
        host.serve(async move {
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

    pub(super) async fn a_sleep_is_as_long_as_it_was_asked_to_be(host: impl Serves) {
        let time = Duration::from_millis(1_500);
        let (wall, monotonic) = (host.now(), host.monotonic());
        host.sleep(time).await;
        assert!(host.monotonic() - monotonic >= time);
        assert!(host.now() - wall >= 1_500);
    }

    pub(super) async fn the_monotonic_clock_never_goes_back(host: impl Serves) {
        let mut last = host.monotonic();
        for _ in 0..10 {
            host.sleep(Duration::from_millis(3)).await;
            let now = host.monotonic();
            assert!(now >= last);
            last = now;
        }
    }

    pub(super) async fn random_bytes_fill_the_buffer_and_differ(host: impl Serves) {
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

    pub(super) async fn a_signal_wakes_its_wait_when_it_is_dropped(host: impl Serves) {
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

    pub(super) async fn a_wait_without_its_signal_dropped_goes_on(host: impl Serves) {
        let (_wake, mut wait) = host.signal();
        host.sleep(Duration::from_secs(1)).await;
        assert!((&mut wait).now_or_never().is_none());
    }

    pub(super) async fn a_variable_that_is_not_set_is_none(host: impl Serves) {
        assert_eq!(host.variable("no_such_variable").await, Ok(None));
    }
}

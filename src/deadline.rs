//! Limits the time of work.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::error::{ErrorKind, Result};
use crate::host::Clock;

/// Returns the result of `work`, or drops it after `limit` and returns `None`.
pub(crate) async fn within<T>(
    clock: &impl Clock,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    match select(pin!(work), pin!(clock.sleep(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// A timer for one piece of work after the other. Work that ends in time leaves it running,
/// so that most pieces begin without a call of the host.
#[derive(Default)]
pub(crate) struct Timer<'a>(Option<Running<'a>>);

struct Running<'a> {
    /// By the monotonic clock.
    end: Duration,
    sleep: Pin<Box<dyn Future<Output = ()> + 'a>>,
}

impl<'a> Timer<'a> {
    /// Returns the result of `work`, or drops it after `limit` and returns `None`.
    pub(crate) fn within<T>(
        &mut self,
        clock: &'a impl Clock,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> impl Future<Output = Option<T>> {
        self.until(clock, clock.monotonic() + limit, work)
    }

    /// Returns the result of `work`, or drops it when the clock has this time. For one end
    /// there is one timer, however many pieces of work have it.
    pub(crate) async fn until<T>(
        &mut self,
        clock: &'a impl Clock,
        end: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            loop {
                let running = match &mut self.0 {
                    Some(running) if running.end <= end => running,
                    late => late.insert(Running::until(clock, end)),
                };
                ready!(running.sleep.as_mut().poll(cx));
                // It was perhaps started for earlier work.
                self.0 = None;
                if clock.monotonic() >= end {
                    return Poll::Ready(None);
                }
            }
        })
        .await
    }
}

impl<'a> Running<'a> {
    fn until(clock: &'a impl Clock, end: Duration) -> Self {
        let sleep = clock.sleep(end.saturating_sub(clock.monotonic()));
        Self { end, sleep: Box::pin(sleep) }
    }
}

impl fmt::Debug for Timer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timer").field(&self.0.as_ref().map(|running| running.end)).finish()
    }
}

/// Does work that changes nothing, for a caller who waits no longer than
/// `limit`.
pub async fn or_timeout<T>(
    clock: &impl Clock,
    limit: Duration,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    within(clock, limit, work).await.unwrap_or(Err(ErrorKind::Timeout.into()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};
    use std::task::{Context, Waker};

    use super::*;
    use crate::host::Millis;

    /// A clock that is set by hand.
    #[derive(Default)]
    struct Hand {
        now: Cell<Duration>,
        sleeps: Cell<u32>,
    }

    impl Clock for Hand {
        fn now(&self) -> Millis {
            0
        }

        fn monotonic(&self) -> Duration {
            self.now.get()
        }

        async fn sleep(&self, time: Duration) {
            self.sleeps.set(self.sleeps.get() + 1);
            let end = self.now.get() + time;
            poll_fn(|_| if self.now.get() < end { Poll::Pending } else { Poll::Ready(()) }).await;
        }

        fn random(&self, _: &mut [u8]) {}
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn poll<T>(work: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        work.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn work_that_ends_in_time_leaves_the_timer_to_the_next() {
        let clock = Hand::default();
        let mut timer = Timer::default();
        for second in 0..5 {
            clock.now.set(SECOND * second);
            {
                let at_once = pin!(timer.within(&clock, SECOND * 10, ready(second)));
                assert_eq!(poll(at_once), Poll::Ready(Some(second)));
            }
            let mut pends = true;
            let soon = poll_fn(move |_| match std::mem::take(&mut pends) {
                true => Poll::Pending,
                false => Poll::Ready(second),
            });
            let mut soon = pin!(timer.within(&clock, SECOND * 10, soon));
            assert_eq!(poll(soon.as_mut()), Poll::Pending);
            assert_eq!(poll(soon), Poll::Ready(Some(second)));
        }
        assert_eq!(clock.sleeps.get(), 1);
    }

    #[test]
    fn each_work_has_its_own_limit_whatever_the_timer_was_started_for() {
        let clock = Hand::default();
        let mut timer = Timer::default();
        // What had ended before has started the timer: until 10, which is too early for what begins
        // at 3, and until 60, which is too late for what begins at 21.
        for (before, long, begun, limit, sleeps) in [(0, 10, 3, 10, 2), (20, 40, 21, 5, 4)] {
            clock.now.set(SECOND * before);
            {
                let earlier = pin!(timer.within(&clock, SECOND * long, pending::<()>()));
                assert_eq!(poll(earlier), Poll::Pending);
            }
            clock.now.set(SECOND * begun);
            let mut work = pin!(timer.within(&clock, SECOND * limit, pending::<()>()));
            assert_eq!(poll(work.as_mut()), Poll::Pending);
            // The timer may be over, but not the time.
            clock.now.set(SECOND * (begun + limit) - Duration::from_nanos(1));
            assert_eq!(poll(work.as_mut()), Poll::Pending, "{begun}");
            clock.now.set(SECOND * (begun + limit));
            assert_eq!(poll(work), Poll::Ready(None), "{begun}");
            assert_eq!(clock.sleeps.get(), sleeps, "{begun}");
        }
    }
}

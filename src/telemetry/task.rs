//! The trace that a task works for.
//!
//! Requests of one instance take turns on one thread, so all of them would see a
//! variable that is set for one request. It is therefore set when a future is
//! polled and restored when that poll returns; nothing else runs in between.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::trace::Trace;

thread_local! {
    static CURRENT: Cell<Option<Trace>> = const { Cell::new(None) };
}

/// The trace of the task that is running now, if it has one.
pub fn current_trace() -> Option<Trace> {
    CURRENT.get()
}

/// Runs a future with a trace, or without one.
pub fn with_trace<F: Future>(trace: Option<Trace>, future: F) -> WithTrace<F> {
    WithTrace { trace, future: Box::pin(future) }
}

/// A future that is polled with a trace. It is boxed to keep the types of the
/// futures around it small.
#[derive(Debug)]
pub struct WithTrace<F> {
    trace: Option<Trace>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for WithTrace<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _restored = Restored::after(self.trace);
        self.future.as_mut().poll(cx)
    }
}

/// Calls a function with a trace.
pub fn for_trace<T>(trace: Trace, work: impl FnOnce() -> T) -> T {
    let _restored = Restored::after(Some(trace));
    work()
}

/// Makes a task keep the trace of the task that spawns it. Implementations of
/// [`Host::spawn`](crate::host::Host::spawn) apply this to each task.
pub fn inheriting<F: Future>(task: F) -> WithTrace<F> {
    with_trace(current_trace(), task)
}

/// The previous trace, which dropping this restores even if a poll panics.
struct Restored(Option<Trace>);

impl Restored {
    /// Begins a trace. Neither this nor its end is copied into everything that has a trace.
    #[inline(never)]
    fn after(trace: Option<Trace>) -> Self {
        Self(CURRENT.replace(trace))
    }
}

impl Drop for Restored {
    #[inline(never)]
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    fn trace(digit: char) -> Option<Trace> {
        let digits = |count: usize| digit.to_string().repeat(count);
        Trace::parse(format!("00-{}-{}-00", digits(32), digits(16)).as_bytes())
    }

    /// Records the current trace in each of three polls.
    async fn telling(told: &Cell<Vec<Option<Trace>>>) {
        for _ in 0..3 {
            let mut all = told.take();
            all.push(current_trace());
            told.set(all);
            let mut waited = false;
            poll_fn(|_| match std::mem::replace(&mut waited, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
        }
    }

    #[test]
    fn tasks_that_take_turns_keep_their_traces_apart() {
        let (one, two) = (Cell::default(), Cell::default());
        let mut first = pin!(with_trace(trace('1'), telling(&one)));
        let inner = with_trace(trace('2'), async {
            with_trace(None, async { assert_eq!(current_trace(), None) }).await;
            inheriting(telling(&two)).await;
        });
        let mut second = pin!(inner);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..4 {
            let _ = first.as_mut().poll(&mut cx);
            assert_eq!(current_trace(), None);
            let _ = second.as_mut().poll(&mut cx);
            assert_eq!(current_trace(), None);
        }
        assert_eq!(one.take(), [trace('1'); 3]);
        assert_eq!(two.take(), [trace('2'); 3]);
    }

    #[test]
    fn a_task_inherits_when_it_is_spawned_and_not_when_it_first_runs() {
        let told = Cell::default();
        let mut cx = Context::from_waker(Waker::noop());
        let mut spawner = pin!(with_trace(trace('1'), async { (inheriting(telling(&told)),) }));
        let Poll::Ready((task,)) = spawner.as_mut().poll(&mut cx) else { panic!("it waits") };
        let mut task = pin!(task);
        let _ = task.as_mut().poll(&mut cx);
        assert_eq!(told.take(), [trace('1')]);
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        let panicking = with_trace(trace('1'), async { panic!("expected") });
        let mut panicking = Box::pin(panicking);
        let poll = std::panic::AssertUnwindSafe(|| {
            let _ = panicking.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        });
        assert!(std::panic::catch_unwind(poll).is_err());
        assert_eq!(current_trace(), None);
    }
}

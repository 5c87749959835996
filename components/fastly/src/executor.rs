//! Runs the tasks of one execution: when none can go on, it waits for the first handle of
//! the host that is ready, or for the next timer.
//!
//! An execution serves one request on one thread, so that wakers may pass between its tasks.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;

use crate::handles::{self, Handle};

thread_local! {
    static SPAWNED: RefCell<Vec<LocalBoxFuture<'static, ()>>> = const { RefCell::new(Vec::new()) };
    static WAITING: RefCell<Vec<Waiting>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// A task that waits.
struct Waiting {
    number: u64,
    until: Until,
    waker: Waker,
}

#[derive(Debug, Clone, Copy)]
enum Until {
    Ready(Handle),
    Time(Instant),
}

impl Until {
    fn is_over(self) -> bool {
        match self {
            Self::Ready(handle) => handle.is_ready(),
            Self::Time(at) => Instant::now() >= at,
        }
    }
}

/// Runs `task` and all that it spawns; what is not done after `limit` is dropped.
pub(crate) fn run(limit: Duration, task: impl Future<Output = ()> + 'static) {
    let end = Instant::now() + limit;
    let woken = Arc::new(Flag::default());
    let waker = Waker::from(woken.clone());
    let mut tasks = FuturesUnordered::<LocalBoxFuture<'static, ()>>::new();
    tasks.push(Box::pin(task));
    loop {
        let mut cx = Context::from_waker(&waker);
        woken.0.store(false, Ordering::Relaxed);
        let polled = tasks.poll_next_unpin(&mut cx);
        let spawned = SPAWNED.take();
        let is_idle = spawned.is_empty() && !woken.0.load(Ordering::Relaxed);
        tasks.extend(spawned);
        match polled {
            _ if Instant::now() >= end => return,
            Poll::Ready(None) if tasks.is_empty() => return,
            Poll::Pending if is_idle => wait(end),
            _ => {}
        }
    }
}

/// Runs a task beside the others.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    SPAWNED.with_borrow_mut(|spawned| spawned.push(Box::pin(task)));
}

pub(crate) async fn ready(handle: Handle) {
    over(Until::Ready(handle)).await;
}

pub(crate) async fn sleep(time: Duration) {
    // A time beyond what the clock can hold is never over.
    match Instant::now().checked_add(time) {
        Some(at) => over(Until::Time(at)).await,
        None => std::future::pending().await,
    }
}

async fn over(until: Until) {
    let place = Place(NEXT.replace(NEXT.get() + 1));
    poll_fn(|cx| {
        if until.is_over() {
            return Poll::Ready(());
        }
        WAITING.with_borrow_mut(|all| match all.iter_mut().find(|one| one.number == place.0) {
            Some(known) => known.waker.clone_from(cx.waker()),
            None => {
                all.push(Waiting { number: place.0, until, waker: cx.waker().clone() });
            }
        });
        Poll::Pending
    })
    .await;
}

/// Takes a task off the list when it has what it waited for, or no longer wants it: the
/// handle may be gone then.
struct Place(u64);

impl Drop for Place {
    fn drop(&mut self) {
        WAITING.with_borrow_mut(|all| all.retain(|one| one.number != self.0));
    }
}

/// Waits until one of the tasks can go on.
fn wait(end: Instant) {
    let (handles, next) = WAITING.with_borrow(|all| {
        let handles = all.iter().filter_map(|one| match one.until {
            Until::Ready(handle) => Some(handle),
            Until::Time(_) => None,
        });
        let times = all.iter().filter_map(|one| match one.until {
            Until::Time(at) => Some(at),
            Until::Ready(_) => None,
        });
        (handles.collect::<Vec<_>>(), times.fold(end, Instant::min))
    });
    let time = next.saturating_duration_since(Instant::now());
    if !time.is_zero() {
        handles::wait(&handles, Some(time));
    }
    // What is not polled soon would be over again and again.
    let over: Vec<_> =
        WAITING.with_borrow_mut(|all| all.extract_if(.., |one| one.until.is_over()).collect());
    over.into_iter().for_each(|one| one.waker.wake());
}

/// Whether any task was woken.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

//! Runs the tasks of one request, and waits for the host when all of them do.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use kafka_edge::telemetry::inheriting;
use kafka_edge_wasi_http::nanos;
use wasip2::clocks::monotonic_clock;
use wasip2::io::poll::{self, Pollable};

thread_local! {
    /// Tasks that were spawned since the executor last looked.
    static SPAWNED: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
    /// What tasks wait for.
    static WAITING: RefCell<Vec<Rc<Waiting>>> = const { RefCell::new(Vec::new()) };
}

/// Runs a request's task, and then what it has spawned and is not done yet, for `linger`
/// at most.
///
/// What is unfinished after that is dropped, and what it spawns in turn is never run.
pub(crate) fn run(request: impl Future<Output = ()> + 'static, linger: Duration) {
    let mut request = Some(Task::new(request));
    let mut tasks: Vec<Task> = Vec::new();
    let mut limit = None;
    loop {
        let is_any_woken = poll_woken(&mut request, &mut tasks);
        if request.is_none() {
            if tasks.is_empty() {
                break;
            }
            limit.get_or_insert_with(|| {
                Ready::new(monotonic_clock::subscribe_duration(nanos(linger)))
            });
        }
        if limit.as_ref().is_some_and(Ready::is_over) {
            break;
        }
        if !is_any_woken && !wait() {
            eprintln!("a request waits for nothing that could come");
            break;
        }
    }
    drop((request, tasks, limit));
    // Tasks that a dropped one has spawned would spawn others if they were dropped.
    SPAWNED.take().into_iter().for_each(std::mem::forget);
}

/// Polls what was woken. Returns whether anything was.
fn poll_woken(request: &mut Option<Task>, tasks: &mut Vec<Task>) -> bool {
    let mut is_any_woken = false;
    if let Some(task) = request
        && task.is_woken()
    {
        is_any_woken = true;
        if task.poll().is_ready() {
            *request = None;
        }
    }
    tasks.append(&mut SPAWNED.take());
    tasks.retain_mut(|task| {
        let is_woken = task.is_woken();
        is_any_woken |= is_woken;
        !is_woken || task.poll().is_pending()
    });
    is_any_woken
}

/// Waits until something comes that a task waits for. `false`: no task does.
fn wait() -> bool {
    let waiting = WAITING.with_borrow(Clone::clone);
    if waiting.is_empty() {
        return false;
    }
    let pollables: Vec<&Pollable> = waiting.iter().map(|one| &one.pollable).collect();
    for index in poll::poll(&pollables) {
        // The host counts from 0, and has been given this list.
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if let Some(one) = waiting.get(index) {
            one.is_over.set(true);
            if let Some(waker) = one.waker.take() {
                waker.wake();
            }
        }
    }
    // What is not polled soon would be ready again and again.
    WAITING.with_borrow_mut(|all| all.retain(|one| !one.is_over.get()));
    true
}

/// Runs a task beside the one that runs.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    let task = Task::new(inheriting(task));
    SPAWNED.with_borrow_mut(|spawned| spawned.push(task));
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Task {
    fn new(future: impl Future<Output = ()> + 'static) -> Self {
        Self { future: Box::pin(future), woken: Arc::new(Woken(AtomicBool::new(true))) }
    }

    fn is_woken(&self) -> bool {
        self.woken.0.swap(false, Ordering::Relaxed)
    }

    fn poll(&mut self) -> Poll<()> {
        let waker = Waker::from(self.woken.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

struct Waiting {
    pollable: Pollable,
    is_over: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

/// Resolves once the host says that a pollable is ready. The pollable must be dropped
/// before what it belongs to, and is when this is.
pub(crate) struct Ready(Rc<Waiting>);

impl Ready {
    pub(crate) fn new(pollable: Pollable) -> Self {
        let waiting =
            Rc::new(Waiting { pollable, is_over: Cell::new(false), waker: Cell::new(None) });
        WAITING.with_borrow_mut(|all| all.push(waiting.clone()));
        Self(waiting)
    }

    fn is_over(&self) -> bool {
        self.0.is_over.get()
    }
}

impl Future for Ready {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_over() {
            return Poll::Ready(());
        }
        self.0.waker.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        WAITING.with_borrow_mut(|all| all.retain(|one| !Rc::ptr_eq(one, &self.0)));
    }
}

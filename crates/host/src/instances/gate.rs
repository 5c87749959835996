//! Lets requests through to the instances, one for each that is free.

use super::InstanceOptions;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// While the queue moves, a request waits this many times its patience.
const QUEUE_PATIENCE_FACTOR: u32 = 10;

/// A request waits this many times as long as instances compute for one, on average. A
/// host that is short of CPU thus starts no further instances, which would compete for
/// it.
const COMPUTING_PATIENCE_FACTOR: u32 = 4;

/// But no longer than this many times the patience of a host that is not.
const MAX_PATIENCE_FACTOR: u32 = 40;

/// What an instance can do at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It is being made.
    Starting,
    /// It takes a request at once.
    Free,
    /// It computes, and will be free once it waits for something.
    Busy,
    /// It works on as many requests as it may.
    Full,
    /// It takes no more.
    Closed,
}

#[derive(Debug)]
pub(crate) struct Gate {
    options: InstanceOptions,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    starting: usize,
    free: usize,
    busy: usize,
    /// Instances of any kind that have not ended.
    live: usize,
    /// Requests let through that no instance has taken yet.
    let_through: usize,
    /// How long an instance computes after it has taken a request, on average.
    computing: Duration,
    last_let_through: Instant,
    last_started: Instant,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

impl State {
    fn count(&mut self, readiness: Readiness) -> Option<&mut usize> {
        match readiness {
            Readiness::Starting => Some(&mut self.starting),
            Readiness::Free => Some(&mut self.free),
            Readiness::Busy => Some(&mut self.busy),
            Readiness::Full | Readiness::Closed => None,
        }
    }

    /// Whether the next request goes through without waiting any longer.
    fn is_open(&self, options: &InstanceOptions) -> bool {
        let one_is_free = self.let_through < self.free;
        let none_will_be = self.free + self.busy + self.starting + self.let_through == 0;
        one_is_free || (none_will_be && self.live < options.max_instances)
    }

    /// Whether a request that has waited long enough may start an instance.
    fn may_start(&self, options: &InstanceOptions) -> bool {
        self.starting == 0
            && self.live + self.let_through < options.max_instances
            && self.last_started.elapsed() >= self.patience(options)
    }

    fn patience(&self, options: &InstanceOptions) -> Duration {
        let shortest = options.patience;
        let computing = self.computing * COMPUTING_PATIENCE_FACTOR;
        computing.clamp(shortest, shortest * MAX_PATIENCE_FACTOR)
    }

    fn note_computing(&mut self, time: Duration) {
        self.computing = (self.computing * 7 + time) / 8;
    }
}

/// A request's permission to go to the instances. It ends when one has taken
/// the request.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Gate>);

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.let_through -= 1;
        self.0.wake(state);
    }
}

impl Gate {
    pub(crate) fn new(options: InstanceOptions) -> Arc<Self> {
        Arc::new(Self {
            options,
            state: Mutex::new(State {
                starting: 0,
                free: 0,
                busy: 0,
                live: 0,
                let_through: 0,
                computing: Duration::ZERO,
                last_let_through: Instant::now(),
                last_started: Instant::now(),
                waiting: VecDeque::new(),
            }),
        })
    }

    /// Waits for an instance that is free, or until it is time for a new one.
    pub(crate) async fn pass(self: &Arc<Self>) -> Permit {
        let came = Instant::now();
        loop {
            let patience;
            let mut permit = {
                let mut state = self.state();
                patience = state.patience(&self.options).max(Duration::from_millis(1));
                let impatient = self.options.patience.is_zero() && state.may_start(&self.options);
                if impatient || (state.waiting.is_empty() && state.is_open(&self.options)) {
                    return self.let_through(&mut state);
                }
                let (sender, receiver) = oneshot::channel();
                if came.elapsed() < patience {
                    state.waiting.push_back(sender);
                } else {
                    // The request has queued already.
                    state.waiting.push_front(sender);
                }
                receiver
            };
            if let Ok(Ok(permit)) = timeout(patience, &mut permit).await {
                return permit;
            }
            permit.close();
            if let Ok(permit) = permit.try_recv() {
                return permit;
            }
            let mut state = self.state();
            let stalled = state.last_let_through.elapsed() >= patience;
            let late = came.elapsed() >= patience * QUEUE_PATIENCE_FACTOR;
            if (stalled || late) && state.may_start(&self.options) {
                return self.let_through(&mut state);
            }
        }
    }

    /// A new instance is being made.
    pub(crate) fn enter(self: &Arc<Self>) -> Place {
        let mut state = self.state();
        state.live += 1;
        state.starting += 1;
        state.last_started = Instant::now();
        let now = Now {
            readiness: Readiness::Starting,
            offered: Readiness::Starting,
            settled: true,
            taken: None,
        };
        Place { gate: Arc::clone(self), now: Mutex::new(now) }
    }

    fn let_through(self: &Arc<Self>, state: &mut State) -> Permit {
        state.let_through += 1;
        state.last_let_through = Instant::now();
        Permit(Arc::clone(self))
    }

    /// Lets requests through for which there is an instance.
    fn wake<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State>) {
        while !state.waiting.is_empty() && state.is_open(&self.options) {
            let Some(next) = state.waiting.pop_front() else {
                return;
            };
            if next.is_closed() {
                continue;
            }
            let permit = self.let_through(&mut state);
            // A permit whose request has gone is dropped, which takes the lock
            // and continues there.
            drop(state);
            drop(next.send(permit));
            state = self.state();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one instance behind the gate, until it ends.
///
/// An instance that offers to take another request does so only when it is next
/// polled: the handler first lets the present request run until it waits. A
/// request that was let through before that would get a new instance. So an
/// offer is held back until [`Place::settle`] has been called twice with no
/// request taken in between.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    readiness: Readiness,
    offered: Readiness,
    settled: bool,
    /// When it last took a request, until it is free again.
    taken: Option<Instant>,
}

impl Place {
    /// A request was taken.
    pub(crate) fn take(&self) {
        let mut now = self.now();
        now.settled = false;
        now.taken = Some(Instant::now());
        self.set(now, Readiness::Busy);
    }

    /// What the instance will be able to do once it has settled.
    pub(crate) fn offer(&self, readiness: Readiness) {
        let mut now = self.now();
        now.offered = readiness;
        // A reduced ability applies at once.
        if readiness != Readiness::Free {
            self.set(now, readiness);
        }
    }

    /// The instance has been polled and waits. `true`: it must be polled once
    /// more before it takes a request.
    pub(crate) fn settle(&self) -> bool {
        let mut now = self.now();
        if !now.settled {
            now.settled = true;
            return true;
        }
        let offered = now.offered;
        self.set(now, offered);
        false
    }

    fn set(&self, mut now: MutexGuard<'_, Now>, readiness: Readiness) {
        if now.readiness == readiness {
            return;
        }
        let mut state = self.gate.state();
        if readiness != Readiness::Busy
            && let Some(taken) = now.taken.take()
            && readiness == Readiness::Free
        {
            state.note_computing(taken.elapsed());
        }
        if let Some(count) = state.count(now.readiness) {
            *count -= 1;
        }
        if let Some(count) = state.count(readiness) {
            *count += 1;
        }
        now.readiness = readiness;
        drop(now);
        self.gate.wake(state);
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.offer(Readiness::Closed);
        let mut state = self.gate.state();
        state.live -= 1;
        self.gate.wake(state);
    }
}

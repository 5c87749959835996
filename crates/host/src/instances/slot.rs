//! Hands requests to the instances that share a queue, and starts instances.

use super::queue::{Arrival, Overdue, Queue, Relief, Start};
use super::worker::{self, Instances};
use crate::body::Body;
use crate::response::{self, Died};
use futures_channel::oneshot;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// What an instance answers with, or why it does not.
pub(super) type Answer = wasmtime::Result<http::Response<Body>>;

/// A request on its way to an instance.
#[derive(Debug)]
pub(super) struct Arriving {
    pub(super) request: http::Request<Body>,
    pub(super) answer: oneshot::Sender<Answer>,
    /// Set by the instance, so that the answer can distinguish a body that has
    /// ended from one whose instance died.
    pub(super) died: Died,
}

impl Arriving {
    /// Whether nobody waits for an answer any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.answer.is_canceled()
    }
}

/// The instance died before it had answered.
#[derive(Debug)]
pub(crate) struct Unanswered;

/// Instances that share a queue.
pub(crate) struct Slot {
    pub(crate) instances: Instances,
    queue: Mutex<Queue>,
}

impl Slot {
    pub(crate) fn new(instances: Instances) -> Arc<Self> {
        let queue = Queue::new(instances.options, Instant::now());
        Arc::new(Self { instances, queue: Mutex::new(queue) })
    }

    /// Hands a request to an instance: one that is free, or soon will be, or a new one.
    pub(crate) async fn handle(
        self: &Arc<Self>,
        request: http::Request<Body>,
    ) -> Result<Answer, Unanswered> {
        let (answer, mut answered) = oneshot::channel();
        let died = Died::default();
        let came = Instant::now();
        let arriving = Arriving { request, answer, died: Arc::clone(&died) };
        let (arrival, mut patience) = {
            let mut queue = self.queue();
            (queue.arrive(arriving, came), queue.patience())
        };
        let mut waits = match arrival {
            Arrival::Starts(start) => {
                self.start(start);
                None
            }
            Arrival::Calls(free) => {
                free.wake();
                None
            }
            Arrival::Waits(ticket) => Some(ticket),
        };
        let answer = loop {
            let Some(ticket) = waits else {
                break answered.await;
            };
            if let Ok(answer) = timeout(patience, &mut answered).await {
                break answer;
            }
            let overdue = {
                let mut queue = self.queue();
                patience = queue.patience();
                queue.overdue(ticket, came, Instant::now())
            };
            match overdue {
                Overdue::Waits => {}
                Overdue::Taken => waits = None,
                Overdue::Starts(start) => {
                    self.start(start);
                    waits = None;
                }
            }
        };
        let answer = answer.map_err(|_| Unanswered)?;
        let threads = self.instances.threads.clone();
        Ok(answer.map(|response| response::of_instance(response, died, threads)))
    }

    fn relieve(self: &Arc<Self>, relief: Option<Relief>) {
        match relief {
            Some(Relief::Calls(free)) => free.wake(),
            Some(Relief::Starts(start)) => self.start(start),
            None => {}
        }
    }

    fn start(self: &Arc<Self>, Start { seat, first }: Start) {
        let seat = Seat { slot: Arc::clone(self), number: seat };
        if let Some(threads) = &self.instances.threads {
            match threads.place() {
                Ok(place) => place.run(worker::run(seat, *first)),
                Err(error) => worker::refuse(&seat, *first, error.into()),
            }
        } else if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(worker::run(seat, *first));
        }
        // Where the caller's runtime ends there is none for it to run in.
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The seat of one instance at the queue, until it ends.
pub(super) struct Seat {
    slot: Arc<Slot>,
    number: u64,
}

impl Seat {
    pub(super) fn instances(&self) -> &Instances {
        &self.slot.instances
    }

    /// The instance began with its first request.
    pub(super) fn began(&self) {
        self.slot.queue().began(self.number, Instant::now());
    }

    /// Takes a request, or has the instance woken when one comes.
    pub(super) fn take(&self, waker: &Waker) -> Option<Arriving> {
        self.slot.queue().take(self.number, waker, Instant::now())
    }

    /// The instance works on as many requests as it may.
    pub(super) fn fill(&self) {
        let relief = self.slot.queue().fill(self.number, Instant::now());
        self.slot.relieve(relief);
    }

    /// The instance takes no more requests.
    pub(super) fn close(&self) {
        let relief = self.slot.queue().close(self.number, Instant::now());
        self.slot.relieve(relief);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let relief = self.slot.queue().leave(self.number, Instant::now());
        self.slot.relieve(relief);
    }
}

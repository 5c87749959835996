//! Requests that wait for an instance, and what each instance can do.

use super::InstanceOptions;
use super::slot::Arriving;
use std::collections::VecDeque;
use std::task::Waker;
use std::time::{Duration, Instant};

/// While the queue moves, a request waits this many times its patience.
const QUEUE_PATIENCE_FACTOR: u32 = 10;

/// A request waits this many times as long as instances compute for one, on average. A
/// host that is short of CPU thus starts no further instances, which would compete for
/// it.
const COMPUTING_PATIENCE_FACTOR: u32 = 4;

/// But no longer than this many times the patience of a host that is not.
const MAX_PATIENCE_FACTOR: u32 = 40;

/// What an instance can do at the moment.
#[derive(Debug)]
enum Readiness {
    /// It is being made.
    Starting,
    /// It takes a request at once, when woken.
    Free(Waker),
    /// It computes, and looks here once it waits for something.
    Busy,
    /// It works on as many requests as it may.
    Full,
    /// It takes no more.
    Closed,
}

impl Readiness {
    /// Whether it takes a request before one that it has is answered.
    fn is_in_prospect(&self) -> bool {
        matches!(self, Self::Starting | Self::Free(_) | Self::Busy)
    }
}

/// The place of one instance, until it ends.
#[derive(Debug)]
struct Seat {
    number: u64,
    readiness: Readiness,
    /// When it last took a request, until it waits for something.
    taken: Option<Instant>,
}

/// Requests in the order in which they came, and the instances in the order in which they
/// were started.
#[derive(Debug)]
pub(super) struct Queue {
    options: InstanceOptions,
    waiting: VecDeque<(u64, Arriving)>,
    next_ticket: u64,
    seats: Vec<Seat>,
    next_seat: u64,
    /// How long an instance computes after it has taken a request, on average.
    computing: Duration,
    last_taken: Instant,
    last_started: Instant,
}

/// What becomes of a request that comes.
#[derive(Debug)]
pub(super) enum Arrival {
    /// It waits for an instance that is free, and has to be woken.
    Calls(Waker),
    /// It waits, under this ticket, for an instance that computes or is being made.
    Waits(u64),
    /// An instance is started for it.
    Starts(Start),
}

/// What becomes of a request that has waited for its patience.
#[derive(Debug)]
pub(super) enum Overdue {
    /// An instance has it.
    Taken,
    /// It waits on.
    Waits,
    /// An instance is started for it.
    Starts(Start),
}

/// What a request needs that has waited for an instance which takes it no more.
#[derive(Debug)]
pub(super) enum Relief {
    /// An instance that is free, and has to be woken.
    Calls(Waker),
    /// A new instance.
    Starts(Start),
}

/// An instance that is to be started, by the number of its seat, and its first request.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) seat: u64,
    pub(super) first: Box<Arriving>,
}

impl Queue {
    pub(super) fn new(options: InstanceOptions, now: Instant) -> Self {
        Self {
            options,
            waiting: VecDeque::new(),
            next_ticket: 0,
            seats: Vec::new(),
            next_seat: 0,
            computing: Duration::ZERO,
            last_taken: now,
            last_started: now,
        }
    }

    /// How long a request waits before it asks whether it is overdue.
    pub(super) fn patience(&self) -> Duration {
        self.computing_patience().max(Duration::from_millis(1))
    }

    fn computing_patience(&self) -> Duration {
        let shortest = self.options.patience;
        let computing = self.computing * COMPUTING_PATIENCE_FACTOR;
        computing.clamp(shortest, shortest * MAX_PATIENCE_FACTOR)
    }

    /// A request comes.
    pub(super) fn arrive(&mut self, request: Arriving, now: Instant) -> Arrival {
        let woken = self.call();
        let impatient = self.options.patience.is_zero() && self.has_room();
        if woken.is_none() && (impatient || self.is_hopeless()) {
            return Arrival::Starts(self.start(request, now));
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.push_back((ticket, request));
        woken.map_or(Arrival::Waits(ticket), Arrival::Calls)
    }

    /// A request that came then has waited.
    pub(super) fn overdue(&mut self, ticket: u64, came: Instant, now: Instant) -> Overdue {
        let Ok(position) = self.waiting.binary_search_by_key(&ticket, |(ticket, _)| *ticket) else {
            return Overdue::Taken;
        };
        let patience = self.patience();
        let stalled = now.duration_since(self.last_taken) >= patience;
        let late = now.duration_since(came) >= patience * QUEUE_PATIENCE_FACTOR;
        if (stalled || late) && self.may_start(now) {
            return match self.waiting.remove(position) {
                Some((_, request)) => Overdue::Starts(self.start(request, now)),
                None => Overdue::Taken,
            };
        }
        Overdue::Waits
    }

    /// An instance that waits for something takes a request. If there is none, it is free.
    pub(super) fn take(&mut self, seat: u64, waker: &Waker, now: Instant) -> Option<Arriving> {
        let request = loop {
            match self.waiting.pop_front() {
                Some((_, request)) if request.is_given_up() => {}
                other => break other.map(|(_, request)| request),
            }
        };
        let computing = &mut self.computing;
        let seat = self.seats.iter_mut().find(|other| other.number == seat)?;
        if let Some(taken) = seat.taken.take() {
            *computing = (*computing * 7 + now.duration_since(taken)) / 8;
        }
        if request.is_some() {
            seat.readiness = Readiness::Busy;
            seat.taken = Some(now);
            self.last_taken = now;
        } else {
            seat.readiness = Readiness::Free(waker.clone());
        }
        request
    }

    /// An instance began with the request that it was started for.
    pub(super) fn began(&mut self, seat: u64, now: Instant) {
        self.last_taken = now;
        if let Some(seat) = self.seats.iter_mut().find(|other| other.number == seat) {
            seat.readiness = Readiness::Busy;
            seat.taken = Some(now);
        }
    }

    /// An instance works on as many requests as it may.
    pub(super) fn fill(&mut self, seat: u64, now: Instant) -> Option<Relief> {
        self.set(seat, Readiness::Full, now)
    }

    /// An instance takes no more requests.
    pub(super) fn close(&mut self, seat: u64, now: Instant) -> Option<Relief> {
        self.set(seat, Readiness::Closed, now)
    }

    fn set(&mut self, seat: u64, readiness: Readiness, now: Instant) -> Option<Relief> {
        let seat = self.seats.iter_mut().find(|other| other.number == seat)?;
        seat.readiness = readiness;
        seat.taken = None;
        self.relieve(now)
    }

    /// An instance has ended.
    pub(super) fn leave(&mut self, seat: u64, now: Instant) -> Option<Relief> {
        let position = self.seats.iter().position(|other| other.number == seat)?;
        match self.seats.remove(position).readiness {
            // It never began, because its runtime has ended.
            Readiness::Starting => None,
            _ => self.relieve(now),
        }
    }

    /// Gives the first request that waits what it needs, where an instance that it may have
    /// waited for takes it no more. Those behind it have waited for others, or have that then.
    fn relieve(&mut self, now: Instant) -> Option<Relief> {
        while self.waiting.front().is_some_and(|(_, request)| request.is_given_up()) {
            self.waiting.pop_front();
        }
        if self.waiting.is_empty() {
            return None;
        }
        if let Some(free) = self.call() {
            return Some(Relief::Calls(free));
        }
        if !self.is_hopeless() {
            return None;
        }
        let (_, request) = self.waiting.pop_front()?;
        Some(Relief::Starts(self.start(request, now)))
    }

    /// The waker of a free instance, which is not free any more: of the oldest one, so that
    /// those that are not needed can end.
    fn call(&mut self) -> Option<Waker> {
        let mut all = self.seats.iter_mut().map(|seat| &mut seat.readiness);
        let free = all.find(|readiness| matches!(readiness, Readiness::Free(_)))?;
        match std::mem::replace(free, Readiness::Busy) {
            Readiness::Free(waker) => Some(waker),
            _ => None,
        }
    }

    fn start(&mut self, first: Arriving, now: Instant) -> Start {
        let seat = self.next_seat;
        self.next_seat += 1;
        self.seats.push(Seat { number: seat, readiness: Readiness::Starting, taken: None });
        self.last_started = now;
        Start { seat, first: Box::new(first) }
    }

    /// Whether only a new instance can take a request, and there can be one.
    fn is_hopeless(&self) -> bool {
        self.has_room() && !self.seats.iter().any(|seat| seat.readiness.is_in_prospect())
    }

    fn has_room(&self) -> bool {
        self.seats.len() < self.options.max_instances
    }

    /// Whether a request that has waited long enough may start an instance.
    fn may_start(&self, now: Instant) -> bool {
        let mut seats = self.seats.iter();
        self.has_room()
            && !seats.any(|seat| matches!(seat.readiness, Readiness::Starting))
            && now.duration_since(self.last_started) >= self.computing_patience()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;
    use crate::instances::slot::Answer;
    use futures_channel::oneshot::{self, Receiver};

    const PATIENCE: Duration = Duration::from_millis(5);

    /// A queue, the time there, and who waits for answers.
    struct Scene {
        queue: Queue,
        now: Instant,
        callers: Vec<Receiver<Answer>>,
    }

    impl Scene {
        fn new(max_instances: usize) -> Self {
            let options =
                InstanceOptions { max_instances, patience: PATIENCE, ..InstanceOptions::default() };
            let now = Instant::now();
            Self { queue: Queue::new(options, now), now, callers: Vec::new() }
        }

        fn arrive(&mut self) -> Arrival {
            let (answer, caller) = oneshot::channel();
            self.callers.push(caller);
            let request = http::Request::new(body::empty());
            self.queue.arrive(Arriving { request, answer, died: Default::default() }, self.now)
        }

        /// A request that has to wait.
        fn waits(&mut self) -> u64 {
            match self.arrive() {
                Arrival::Waits(ticket) => ticket,
                other => panic!("{other:?}"),
            }
        }

        /// A request for which a free instance is woken.
        fn calls(&mut self) {
            let arrival = self.arrive();
            assert!(matches!(arrival, Arrival::Calls(_)), "{arrival:?}");
        }

        /// A request for which an instance is started, which is then at work.
        fn starts(&mut self) -> u64 {
            let Arrival::Starts(start) = self.arrive() else { panic!("it waits") };
            self.queue.began(start.seat, self.now);
            start.seat
        }

        fn takes(&mut self, seat: u64) -> bool {
            self.queue.take(seat, Waker::noop(), self.now).is_some()
        }
    }

    #[test]
    fn an_instance_that_computes_takes_what_has_come_meanwhile() {
        let mut scene = Scene::new(2);
        let seat = scene.starts();
        scene.waits();
        scene.waits();
        assert!(scene.takes(seat));
        assert!(scene.takes(seat));
        assert!(!scene.takes(seat));
        // Now it is free, and woken once.
        scene.calls();
        scene.waits();
    }

    #[test]
    fn each_free_instance_is_woken_for_one_request() {
        let mut scene = Scene::new(2);
        let old = scene.starts();
        _ = scene.queue.fill(old, scene.now);
        let young = scene.starts();
        assert!(!scene.takes(young) && !scene.takes(old));
        scene.calls();
        scene.calls();
        scene.waits();
    }

    #[test]
    fn where_the_instance_that_was_woken_ends_another_one_is() {
        let mut scene = Scene::new(2);
        let old = scene.starts();
        _ = scene.queue.fill(old, scene.now);
        let young = scene.starts();
        assert!(!scene.takes(young) && !scene.takes(old));
        scene.calls();
        let relief = scene.queue.leave(old, scene.now);
        assert!(matches!(relief, Some(Relief::Calls(_))), "{relief:?}");
        assert!(scene.takes(young));
        assert!(scene.queue.leave(young, scene.now).is_none());
    }

    #[test]
    fn an_instance_is_started_where_none_will_be_free() {
        let mut scene = Scene::new(2);
        let first = scene.starts();
        scene.waits();
        let Some(Relief::Starts(start)) = scene.queue.fill(first, scene.now) else {
            panic!("one waits");
        };
        scene.queue.began(start.seat, scene.now);
        // There cannot be a third.
        scene.waits();
        assert!(scene.queue.close(start.seat, scene.now).is_none());
        assert!(scene.queue.leave(start.seat, scene.now).is_some());
    }

    #[test]
    fn one_that_waits_too_long_starts_an_instance() {
        let mut scene = Scene::new(3);
        scene.starts();
        let came = scene.now;
        let (second, third) = (scene.waits(), scene.waits());
        scene.now += PATIENCE / 2;
        assert!(matches!(scene.queue.overdue(second, came, scene.now), Overdue::Waits));
        scene.now += PATIENCE;
        let Overdue::Starts(start) = scene.queue.overdue(second, came, scene.now) else {
            panic!("all instances have computed for long");
        };
        // While that one is made, the others have it in prospect.
        scene.now += PATIENCE;
        assert!(matches!(scene.queue.overdue(third, came, scene.now), Overdue::Waits));
        scene.queue.began(start.seat, scene.now);
        assert!(scene.takes(start.seat));
        assert!(matches!(scene.queue.overdue(third, came, scene.now), Overdue::Taken));
    }

    #[test]
    fn a_queue_that_moves_is_waited_in_for_longer() {
        let mut scene = Scene::new(3);
        let seat = scene.starts();
        let came = scene.now;
        let mut last = 0;
        for _ in 0..100 {
            last = scene.waits();
        }
        for passed in 1.. {
            scene.now += PATIENCE / 2;
            assert!(scene.takes(seat));
            match scene.queue.overdue(last, came, scene.now) {
                Overdue::Waits => assert!(passed < 99),
                Overdue::Starts(_) => {
                    assert!(scene.now - came >= PATIENCE * QUEUE_PATIENCE_FACTOR);
                    break;
                }
                Overdue::Taken => panic!("many are before it"),
            }
        }
    }

    #[test]
    fn one_that_nobody_waits_for_any_more_is_passed_over() {
        let mut scene = Scene::new(1);
        let seat = scene.starts();
        scene.waits();
        scene.callers.clear();
        assert!(!scene.takes(seat));
    }

    #[test]
    fn an_instance_that_never_began_starts_no_other() {
        let mut scene = Scene::new(2);
        let Arrival::Starts(start) = scene.arrive() else { panic!("it waits") };
        scene.waits();
        assert!(scene.queue.leave(start.seat, scene.now).is_none());
    }
}

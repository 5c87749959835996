//! The senders of a run, and whatever befalls them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use http::Method;
use kafka_edge_sim::{Fate, StoreMode};
use tokio::time::{Instant, sleep};

use crate::log::{FailingLog, LogFaults};
use crate::model::{Counts, Event, Model};
use crate::plan::Plan;
use crate::scene::{Instance, SOURCES, Scene, body, ids, request, topics};

/// For how long faults go on.
const FAULTS: Duration = Duration::from_secs(40);
/// How soon after the faults each event has to be taken: the longest produce and the
/// longest wait for one that may be dead, each twice.
const SOON: Duration = Duration::from_secs(60);
const FOREVER: Duration = Duration::from_secs(3_600);

struct Run {
    plan: Plan,
    scene: Scene<FailingLog>,
    instances: RefCell<Vec<Instance<FailingLog>>>,
    model: RefCell<Model>,
    random: RefCell<fastrand::Rng>,
    calm: Cell<bool>,
    over: Cell<bool>,
    start: Instant,
}

impl Run {
    fn random<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.random.borrow_mut())
    }

    fn millis(&self, longest: u64) -> Duration {
        Duration::from_millis(self.random(|random| random.u64(..=longest)))
    }

    fn another(&self) -> Instance<FailingLog> {
        let skew = self.random(|random| random.i64(-self.plan.skew..=self.plan.skew));
        let instance = self.scene.skewed(skew);
        if self.plan.deaths && !self.calm.get() && self.random(fastrand::Rng::bool) {
            let (calls, done) = self.random(|random| (random.u64(1..60), random.bool()));
            instance.host.kill_at(calls, if done { Fate::Done } else { Fate::NotDone });
        }
        instance
    }

    fn instance(&self) -> Instance<FailingLog> {
        if self.plan.fresh && self.random(|random| random.u8(..4)) > 0 {
            return self.another();
        }
        let place = self.random(|random| random.usize(..self.plan.instances));
        let mut instances = self.instances.borrow_mut();
        if instances[place].host.is_dead() {
            instances[place] = self.another();
        }
        instances[place].clone()
    }
}

/// Plays a run to its end.
pub(crate) async fn play(plan: Plan) -> Counts {
    let log = FailingLog::new(topics(), plan.seed, plan.log);
    let scene = Scene::new(plan.seed, log.clone()).await;
    scene.world.set_store_mode(plan.store);
    let run = Rc::new(Run {
        plan,
        scene,
        instances: RefCell::default(),
        model: RefCell::new(Model::new(plan, log)),
        random: RefCell::new(fastrand::Rng::with_seed(plan.seed)),
        calm: Cell::new(false),
        over: Cell::new(false),
        start: Instant::now(),
    });
    let instances = (0..plan.instances).map(|_| run.another()).collect();
    *run.instances.borrow_mut() = instances;
    let chaos = tokio::task::spawn_local(chaos(run.clone()));
    let mut events: Vec<Event> = Vec::new();
    let mut tasks = Vec::new();
    for source in SOURCES {
        for id in ids(plan.ids, plan.crowded) {
            events.push((source, id));
        }
    }
    for event in &events {
        for number in 0..plan.senders {
            let sender = sender(run.clone(), event.clone(), number as u32);
            tasks.push(tokio::task::spawn_local(sender));
        }
    }
    for task in tasks {
        if let Err(error) = task.await {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    run.over.set(true);
    chaos.await.expect("chaos ends");
    let run = Rc::into_inner(run).expect("all is over");
    run.model.into_inner().end(&events)
}

/// Kills instances, and ends the faults after a while.
async fn chaos(run: Rc<Run>) {
    while !run.over.get() && run.start.elapsed() < FAULTS {
        sleep(run.millis(3_000)).await;
        if run.plan.deaths {
            let place = run.random(|random| random.usize(..run.plan.instances));
            let victim = run.instances.borrow()[place].clone();
            let (calls, done) = run.random(|random| (random.u64(1..20), random.bool()));
            let fate = if done { Fate::Done } else { Fate::NotDone };
            match run.random(|random| random.u8(..3)) {
                0 => victim.host.kill(),
                _ => victim.host.kill_at(victim.host.calls() + calls, fate),
            }
        }
    }
    run.calm.set(true);
    let StoreMode { latency, creates, .. } = run.plan.store;
    run.scene.world.set_store_mode(StoreMode { latency, creates, ..StoreMode::default() });
    run.scene.log.faults.set(LogFaults { rate: 0.0, delay: run.plan.log.delay });
    for instance in run.instances.borrow_mut().iter_mut().filter(|_| run.plan.deaths) {
        *instance = run.another();
    }
}

/// Sends an event until it is taken, and again some times after that.
async fn sender(run: Rc<Run>, event: Event, number: u32) {
    let gap = run.plan.gap;
    // Those who do not keep a distance begin at almost the same time.
    sleep(gap * number + if gap.is_zero() { run.millis(30) } else { Duration::ZERO }).await;
    let mut more = run.random(|random| random.u8(1..4));
    while more > 0 {
        let instance = run.instance();
        let patience = match run.plan.hang_ups && !run.calm.get() {
            true => run.millis(6_000),
            false => FOREVER,
        };
        let (source, id) = &event;
        let request = request(Method::POST, &format!("/in/{source}"), &body(source, id));
        let asked = Instant::now();
        let answer = instance.send(request, patience).await;
        let longest = match &answer {
            Some(answer) => {
                run.model.borrow_mut().answered(&event, answer);
                if answer.is_taken() {
                    more -= 1;
                }
                // Some come much later, when an instance knows nothing by itself any more.
                if answer.is_taken() && run.random(fastrand::Rng::bool) { 25_000 } else { 1_500 }
            }
            None => {
                let counts = &mut run.model.borrow_mut().counts;
                if instance.host.is_dead() {
                    counts.deaths += 1;
                } else {
                    counts.hang_ups += 1;
                }
                1_500
            }
        };
        if !answer.is_some_and(|answer| answer.is_taken()) {
            assert!(run.start.elapsed() < FAULTS + SOON, "{event:?} is not taken");
        }
        // Nor does anyone begin at the time of somebody else later on.
        let rest = gap.saturating_sub(asked.elapsed());
        sleep(rest + run.millis(longest)).await;
    }
}

//! The callers of a run, and whatever befalls them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use kafka_edge::error::ErrorKind;
use kafka_edge::services::consume::{Disposal, Handed};
use kafka_edge_sim::{Fate, SimLog, StoreMode, World};
use tokio::time::{Instant, sleep};

use crate::model::{Counts, Handing, Model};
use crate::plan::Plan;
use crate::scene::{DEAD, Instance, TOPIC};

/// How long receipts are kept, to be presented too late.
const MEMORY: usize = 60;

struct Scene {
    plan: Plan,
    world: World,
    log: SimLog,
    instances: RefCell<Vec<Instance>>,
    model: RefCell<Model>,
    receipts: RefCell<Vec<(Handing, String)>>,
    random: RefCell<fastrand::Rng>,
    start: Instant,
    over: Cell<bool>,
}

/// Plays a run to its end, and drains the group with a fresh instance.
pub(crate) async fn play(plan: Plan) -> Counts {
    let scene = Rc::new(Scene::new(plan));
    scene.any().set(plan.settings()).await;
    scene.world.set_store_mode(plan.store);
    let callers = (0..plan.callers).map(|_| tokio::task::spawn_local(caller(scene.clone())));
    let mut tasks: Vec<_> = callers.collect();
    tasks.push(tokio::task::spawn_local(events(scene.clone())));
    sleep(plan.time).await;
    scene.over.set(true);
    for task in tasks {
        task.await.expect("an actor does not fail");
    }
    scene.drain().await;
    scene.model.borrow().counts
}

impl Scene {
    fn new(plan: Plan) -> Self {
        let (world, log) = (World::new(plan.seed), SimLog::new());
        log.create_topic(TOPIC, plan.partitions);
        log.create_topic(DEAD, 1);
        log.set_delay(plan.log_delay);
        if let Some(page) = plan.page {
            log.read_in_places(page);
        }
        let scene = Self {
            plan,
            world,
            log,
            instances: RefCell::default(),
            model: RefCell::new(Model::new(plan)),
            receipts: RefCell::default(),
            random: RefCell::new(fastrand::Rng::with_seed(plan.seed)),
            start: Instant::now(),
            over: Cell::new(false),
        };
        for _ in 0..plan.instances {
            let instance = scene.instance();
            scene.instances.borrow_mut().push(instance);
        }
        scene
    }

    fn instance(&self) -> Instance {
        let instance = Instance::new(&self.world, &self.log);
        instance.host.set_skew(self.random.borrow_mut().i64(-self.plan.skew..=self.plan.skew));
        instance
    }

    fn draw(&self, below: u64) -> u64 {
        self.random.borrow_mut().u64(..below)
    }

    fn draw_millis(&self, below: u64) -> Duration {
        Duration::from_millis(self.draw(below))
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Any instance that lives.
    fn any(&self) -> Instance {
        let mut instances = self.instances.borrow_mut();
        let index = self.draw(instances.len() as u64) as usize;
        if instances[index].host.is_dead() {
            instances[index] = self.instance();
        }
        instances[index].clone()
    }

    fn take(&self, handed: Handed, lease: Duration) -> Vec<(Handing, String)> {
        let mut model = self.model.borrow_mut();
        let held = handed.records.iter().map(|consumed| {
            let at = (consumed.record.partition, consumed.record.offset);
            let value = consumed.record.value.as_deref();
            assert_eq!(value, Some(at.1.to_string().as_bytes()), "another record's value");
            let acquired = consumed.acquired.as_ref().expect("it was claimed");
            let handing = model.handed(at, self.now(), lease, acquired.delivery_count);
            (handing, acquired.receipt.clone())
        });
        let held = held.collect();
        handed.delivered();
        held
    }

    async fn dispose(&self, instance: &Instance, held: &[(Handing, String)], words: &[Disposal]) {
        let asked = self.now();
        let asks = |((handing, _), disposal): (&(Handing, String), &Disposal)| {
            self.model.borrow_mut().asks(*handing, *disposal, asked)
        };
        let deliveries: Vec<_> = held.iter().zip(words).map(asks).collect();
        let receipts = held.iter().zip(words);
        let receipts = receipts.map(|((_, text), disposal)| (text.clone(), *disposal)).collect();
        let answer = instance.dispose(receipts).await;
        let told = answer.and_then(Result::ok);
        for (place, ((handing, _), disposal)) in held.iter().zip(words).enumerate() {
            let (told, times) = (told.as_ref().map(|told| told[place]), (asked, self.now()));
            let (model, deliveries) = (&self.model, deliveries[place]);
            model.borrow_mut().told(*handing, *disposal, times, deliveries, told, &self.log);
        }
    }

    async fn drain(&self) {
        self.world.set_store_mode(StoreMode::default());
        self.log.clear_failures();
        self.log.set_delay(Duration::ZERO);
        for instance in self.instances.take() {
            if !instance.host.is_dead() {
                instance.host.idle().await;
            }
        }
        let fresh = self.instance();
        fresh.host.set_skew(0);
        let ends: i64 = (0..self.plan.partitions).map(|number| self.log.end(TOPIC, number)).sum();
        let start = Instant::now();
        let group = loop {
            let lease = Duration::from_secs(60);
            let claimed = fresh.claim(500, lease, Duration::from_secs(1)).await;
            if let Ok(handed) = claimed.expect("it lives") {
                let held = self.take(handed, lease);
                let words = vec![Disposal::Ack; held.len()];
                self.dispose(&fresh, &held, &words).await;
            }
            let group = fresh.group().await.expect("it lives").expect("the store works");
            let standings = group.topics.get(TOPIC).into_iter().flatten();
            let committed: i64 = standings.filter_map(|standing| standing.committed).sum();
            if committed == ends {
                break group;
            }
            // A lease, a dead holder's, and the wait after a dead letter that failed.
            assert!(start.elapsed() < Duration::from_secs(90), "{committed} of {ends} are done");
        };
        let mut model = self.model.borrow_mut();
        model.shown(&group, (self.now(), self.now()));
        model.check_end(&self.log, &group);
    }
}

async fn caller(scene: Rc<Scene>) {
    while !scene.over.get() {
        match scene.draw(10) {
            0..4 => claim(&scene).await,
            4..8 => acknowledge(&scene).await,
            8 => {
                let asked = scene.now();
                if let Some(Ok(group)) = scene.any().group().await {
                    scene.model.borrow_mut().shown(&group, (asked, scene.now()));
                }
            }
            _ => sleep(scene.draw_millis(2_000)).await,
        }
        if scene.draw(3) == 0 {
            sleep(scene.draw_millis(200)).await;
        }
    }
}

async fn claim(scene: &Scene) {
    let lease = Duration::from_secs(4) + scene.draw_millis(5_000);
    let max = [1, 3, 10][scene.draw(3) as usize];
    let wait = scene.draw_millis(1_500);
    let Some(Ok(handed)) = scene.any().claim(max, lease, wait).await else { return };
    let held = scene.take(handed, lease);
    scene.receipts.borrow_mut().extend(held);
}

/// Says of some records what becomes of them: in any order, through any instance, some
/// of them too late, and some twice.
async fn acknowledge(scene: &Scene) {
    let mut held = Vec::new();
    {
        let mut receipts = scene.receipts.borrow_mut();
        let count = receipts.len().min(1 + scene.draw(8) as usize);
        // Those that came last, but for some.
        while held.len() < count {
            let old = scene.draw(3) == 0;
            let place =
                if old { scene.draw(receipts.len() as u64) as usize } else { receipts.len() - 1 };
            held.push(receipts.remove(place));
        }
    }
    if held.is_empty() {
        return;
    }
    let word = || match scene.draw(9) {
        0..3 => Disposal::Ack,
        3..5 => Disposal::Nack { delay: scene.draw_millis(2_000) },
        5 => Disposal::Reject,
        _ => Disposal::Renew { lease: Duration::from_secs(1) + scene.draw_millis(9_000) },
    };
    let words: Vec<_> = held.iter().map(|_| word()).collect();
    scene.dispose(&scene.any(), &held, &words).await;
    let mut receipts = scene.receipts.borrow_mut();
    // They are presented again some time.
    receipts.splice(0..0, held);
    let few = receipts.len().saturating_sub(MEMORY);
    receipts.drain(..few);
}

/// Producers, deaths, and a dead-letter topic that fails.
async fn events(scene: Rc<Scene>) {
    let plan = scene.plan;
    while !scene.over.get() {
        for _ in 0..scene.draw(8) {
            let partition = scene.draw(plan.partitions as u64) as usize;
            let offset = scene.log.end(TOPIC, partition);
            scene.log.append(TOPIC, partition, offset.to_string());
        }
        if plan.deaths && scene.draw(2) == 0 {
            let host = scene.any().host;
            let fate = if scene.draw(2) == 0 { Fate::Done } else { Fate::NotDone };
            host.kill_at(host.calls() + 1 + scene.draw(40), fate);
        }
        if plan.undelivered {
            match scene.draw(3) {
                0 => scene.log.clear_failures(),
                1 => scene.log.set_failure_of("produce", ErrorKind::Timeout.into()),
                _ => {}
            }
        }
        sleep(scene.draw_millis(1_500)).await;
    }
}

//! The callers of a run, and whatever befalls them.

mod named;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use kafka_edge::services::consume::{Ack, Disposal, Handed, Next};
use kafka_edge::services::seek::SeekTo;
use kafka_edge_sim::{Fate, SimHost, SimLog, StoreMode, World};
use tokio::time::{Instant, sleep};

use self::named::Named;
use crate::model::{Counts, Handing, Lane, Model};
use crate::plan::{Plan, TOPICS};
use crate::scene::{Instance, everything};

const LONGEST_LEASE: Duration = Duration::from_secs(12);

/// A receipt, and what the model knows it by.
type Held = (Handing, String);

struct Scene {
    plan: Plan,
    world: World,
    log: SimLog,
    instances: RefCell<Vec<Instance>>,
    model: RefCell<Model>,
    receipts: RefCell<Vec<Held>>,
    /// Those who call in a name of theirs, and do not just now.
    named: RefCell<VecDeque<Named>>,
    random: RefCell<fastrand::Rng>,
    start: Instant,
    over: Cell<bool>,
}

/// Plays a run to its end, and drains the group with a fresh instance.
pub(crate) async fn play(plan: Plan) -> Counts {
    let scene = Rc::new(Scene::new(plan));
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
        for (topic, partitions) in TOPICS.into_iter().zip(plan.partitions) {
            log.create_topic(topic, partitions);
        }
        world.set_store_mode(plan.store);
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
            named: RefCell::new((0..2).map(Named::new).collect()),
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
        let instance = Instance::new(&self.world, &self.log, self.plan.params());
        instance.host.set_skew(self.draw_skew());
        instance
    }

    fn draw_skew(&self) -> i64 {
        self.random.borrow_mut().i64(-self.plan.skew..=self.plan.skew)
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

    fn draw_lane(&self) -> Lane {
        let topic = self.draw(TOPICS.len() as u64) as usize;
        (topic, self.draw(self.plan.partitions[topic] as u64) as i32)
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

    async fn drain(&self) {
        self.world.set_store_mode(StoreMode::default());
        self.log.set_failure(None);
        let instances = self.instances.take();
        for instance in instances.iter().filter(|instance| !instance.host.is_dead()) {
            instance.host.idle().await;
        }
        let fresh = self.instance();
        fresh.host.set_skew(0);
        // A lease on a lane and an unannounced claim, each with skew and age;
        // a lease on a record; and as much as clocks may be ahead.
        let age = self.plan.store.stale + Duration::from_secs(1);
        let ahead = Duration::from_millis(self.plan.skew.unsigned_abs());
        let limit = Duration::from_secs(10 + 3) * 2 + age * 4 + LONGEST_LEASE + ahead * 2;
        let start = Instant::now();
        loop {
            let next = everything(&TOPICS, Duration::from_secs(1));
            let answer = fresh.next(next, Duration::MAX).await.expect("it lives");
            if let Ok(handed) = answer {
                self.take(&fresh.host, handed, None);
            }
            let missing = self.model.borrow().missing(&self.log);
            if missing.is_empty() {
                break;
            }
            assert!(start.elapsed() < limit, "{missing:?} do not come");
        }
        self.check_standing(&fresh).await;
    }

    /// A caller gets records and says that it has them.
    fn take(&self, by: &SimHost, handed: Handed, lease: Option<Duration>) {
        let handings = self.note(by, &handed, lease);
        self.deliver(handed, &handings);
    }

    fn deliver(&self, handed: Handed, handings: &[Held]) {
        let mut model = self.model.borrow_mut();
        for ((handing, receipt), _) in handings.iter().zip(&handed.records) {
            if receipt.is_empty() {
                model.delivered(*handing, self.now());
            }
        }
        handed.delivered();
    }

    fn note(&self, by: &SimHost, handed: &Handed, lease: Option<Duration>) -> Vec<Held> {
        let mut model = self.model.borrow_mut();
        let mut reached = BTreeMap::new();
        let mut handings = Vec::new();
        for consumed in &handed.records {
            let topic = TOPICS.iter().position(|topic| **topic == *consumed.topic).unwrap();
            let (lane, offset) = ((topic, consumed.record.partition), consumed.record.offset);
            let before = reached.insert(lane, offset);
            assert!(before.is_none_or(|before| before < offset), "{lane:?} is out of order");
            let value = consumed.record.value.as_deref();
            assert_eq!(value, Some(offset.to_string().as_bytes()), "another record's value");
            let claim = consumed.acquired.as_ref();
            let count = claim.map(|claim| claim.delivery_count);
            let handing = model.handed((lane, offset), self.now(), by, lease.zip(count));
            handings.push((handing, claim.map_or(String::new(), |claim| claim.receipt.clone())));
        }
        handings
    }

    async fn check_standing(&self, instance: &Instance) {
        if let Some(Ok(group)) = instance.group().await {
            self.model.borrow().check_standing(&group, &self.log);
        }
    }
}

async fn caller(scene: Rc<Scene>) {
    while !scene.over.get() {
        match scene.draw(24) {
            0..8 => consume(&scene, false).await,
            8..13 => consume(&scene, true).await,
            13..17 => acknowledge(&scene).await,
            17 => {
                let instance = scene.any();
                scene.check_standing(&instance).await;
            }
            18 if scene.plan.moves && scene.draw(4) == 0 => seek(&scene).await,
            19 if scene.plan.moves && scene.draw(10) == 0 => delete(&scene).await,
            20..24 => named::act(&scene).await,
            _ => sleep(scene.draw_millis(800)).await,
        }
        if scene.draw(3) == 0 {
            sleep(scene.draw_millis(200)).await;
        }
    }
}

async fn consume(scene: &Scene, manual: bool) {
    let lease = Duration::from_secs(4) + scene.draw_millis(8_000);
    let next = Next {
        max: [1, 3, 10, 500][scene.draw(4) as usize],
        max_bytes: [4, 1_000_000][scene.draw(2) as usize],
        ack: if manual { Ack::Manual { lease } } else { Ack::Auto },
        ..everything(
            [&TOPICS[..1], &TOPICS[1..], &TOPICS[..]][scene.draw(3) as usize],
            scene.draw_millis(2_500),
        )
    };
    let leaves = scene.plan.hang_ups && scene.draw(6) == 0;
    let patience = if leaves { scene.draw_millis(600) } else { Duration::from_secs(3_600) };
    let wait = next.wait;
    let (instance, asked) = (scene.any(), Instant::now());
    let answer = instance.next(next, patience).await;
    let took = asked.elapsed();
    assert!(took <= wait + Duration::from_secs(11), "an answer after {took:?}");
    let Some(Ok(handed)) = answer else { return };
    if manual {
        let held = scene.note(&instance.host, &handed, Some(lease));
        handed.delivered();
        scene.receipts.borrow_mut().extend(held);
    } else if scene.plan.hang_ups && scene.draw(5) == 0 {
        scene.note(&instance.host, &handed, None);
    } else {
        let held = scene.note(&instance.host, &handed, None);
        if scene.draw(4) == 0 {
            sleep(scene.draw_millis(1_500)).await;
        }
        if !instance.host.is_dead() {
            scene.deliver(handed, &held);
        }
    }
}

/// Acknowledges, or gives back, some of the records that are out: in any
/// order, through any instance, some of them too late, some not at all.
async fn acknowledge(scene: &Scene) {
    let mut held = Vec::new();
    {
        let mut receipts = scene.receipts.borrow_mut();
        scene.random.borrow_mut().shuffle(&mut receipts);
        let count = receipts.len().min(1 + scene.draw(30) as usize);
        held.extend(receipts.drain(..count));
    }
    if held.is_empty() {
        return;
    }
    let ack = scene.draw(4) > 0;
    let delay = scene.draw_millis(3_000);
    let now = scene.now();
    for (handing, _) in &held {
        let mut model = scene.model.borrow_mut();
        if ack {
            model.acking(*handing, now);
        } else {
            model.giving_back(*handing, now + delay);
        }
    }
    let texts: Vec<_> = held.iter().map(|(_, receipt)| receipt.clone()).collect();
    let disposal = if ack { Disposal::Ack } else { Disposal::Nack { delay } };
    let repeats = 1 + usize::from(scene.draw(4) == 0);
    for _ in 0..repeats {
        let answer = scene.any().acknowledge(texts.clone(), disposal).await;
        let Some(Ok(answers)) = answer else { continue };
        for ((handing, _), answer) in held.iter().zip(answers) {
            scene.model.borrow_mut().answered(*handing, ack, answer);
        }
    }
}

async fn seek(scene: &Scene) {
    let (topic, partition) = scene.draw_lane();
    let count = scene.plan.partitions[topic] as i32;
    let end = scene.log.end(TOPICS[topic], partition as usize);
    let offset = scene.draw(end as u64 + 1) as i64;
    let (to, at_most, partitions) = match scene.draw(4) {
        0 => (SeekTo::Earliest, i64::MAX, 0..count),
        1 => (SeekTo::Latest, i64::MAX, 0..count),
        2 => (SeekTo::Time(offset), i64::MAX, 0..count),
        _ => (SeekTo::Offsets([(partition, offset)].into()), offset, partition..partition + 1),
    };
    let moving: Vec<_> = partitions
        .map(|partition| {
            let lane = (topic, partition);
            (lane, scene.model.borrow_mut().moving(lane, at_most, scene.now()))
        })
        .collect();
    if let Some(Ok(moved)) = scene.any().seek(TOPICS[topic], to).await {
        for (lane, number) in moving {
            let to = moved.get(&lane.1).copied();
            scene.model.borrow_mut().moved(lane, number, to, scene.now());
        }
    }
}

async fn delete(scene: &Scene) {
    let mut moving = Vec::new();
    for (topic, partitions) in scene.plan.partitions.into_iter().enumerate() {
        for lane in (0..partitions).map(|partition| (topic, partition as i32)) {
            let number = scene.model.borrow_mut().moving(lane, 0, scene.now());
            moving.push((lane, number));
        }
    }
    if let Some(Ok(())) = scene.any().delete().await {
        for (lane, number) in moving {
            // A partition that it had no position on was not touched.
            scene.model.borrow_mut().moved(lane, number, None, scene.now());
        }
    }
}

/// Producers, retention, deaths, failures of the log, clocks.
async fn events(scene: Rc<Scene>) {
    let plan = scene.plan;
    while !scene.over.get() {
        for _ in 0..scene.draw(12) {
            let (topic, partition) = scene.draw_lane();
            let (name, partition) = (TOPICS[topic], partition as usize);
            let offset = scene.log.end(name, partition);
            scene.log.append(name, partition, offset.to_string());
        }
        if plan.deaths && scene.draw(3) == 0 {
            let host = scene.any().host;
            let fate = [Fate::Done, Fate::NotDone][scene.draw(2) as usize];
            host.kill_at(host.calls() + 1 + scene.draw(40), fate);
            scene.model.borrow_mut().counts.deaths += 1;
        }
        if plan.retention && scene.draw(6) == 0 {
            let (topic, partition) = scene.draw_lane();
            let (name, partition) = (TOPICS[topic], partition as usize);
            let (first, end) = (scene.log.first(name, partition), scene.log.end(name, partition));
            let offset = first + scene.draw((end - first) as u64 / 2 + 1) as i64;
            scene.log.delete_before(name, partition, offset);
        }
        if scene.draw(2) == 0 {
            let host = scene.any().host;
            host.set_skew(scene.draw_skew());
        }
        if plan.log_failures && scene.draw(10) == 0 {
            scene.log.set_failure(Some(kafka_edge::error::ErrorKind::Timeout.into()));
            sleep(scene.draw_millis(300)).await;
            scene.log.set_failure(None);
        }
        sleep(scene.draw_millis(1_000)).await;
    }
}

//! What befalls a run: records are written, rounds are begun, instances die, calls of the
//! log fail, clocks jump.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use kafka_edge::error::ErrorKind;
use kafka_edge::record::NewRecord;
use kafka_edge::sorted::SortedMap;
use kafka_edge_sim::{Fate, SimLog, StoreMode, World};
use tokio::time::sleep;

use crate::callbacks::Callbacks;
use crate::model::{Counts, Model};
use crate::plan::{DEAD, Plan, TOPIC};
use crate::scene::Instance;

struct Scene {
    plan: Plan,
    world: World,
    log: SimLog,
    callbacks: Rc<Callbacks>,
    instances: RefCell<Vec<Instance>>,
    random: RefCell<fastrand::Rng>,
    written: Cell<u64>,
    is_over: Cell<bool>,
}

/// Plays a run to its end, and delivers the rest with fresh instances.
pub(crate) async fn play(plan: Plan) -> Counts {
    let scene = Rc::new(Scene::new(plan));
    scene.subscribe().await;
    scene.world.set_store_mode(plan.store);
    let tasks = [
        tokio::task::spawn_local(producer(scene.clone())),
        tokio::task::spawn_local(timer(scene.clone())),
        tokio::task::spawn_local(events(scene.clone())),
    ];
    sleep(plan.time).await;
    scene.is_over.set(true);
    for task in tasks {
        task.await.expect("an actor does not fail");
    }
    scene.drain().await;
    scene.callbacks.model.borrow().counts
}

impl Scene {
    fn new(plan: Plan) -> Self {
        let (world, log) = (World::new(plan.seed), SimLog::new());
        log.create_topic(TOPIC, plan.partitions);
        log.create_topic(DEAD, 1);
        let model = Model::new(plan, world.clone(), log.clone());
        let callbacks = Callbacks::new(plan, Rc::new(RefCell::new(model)));
        world.set_upstream(callbacks.upstream());
        let scene = Self {
            plan,
            world,
            log,
            callbacks,
            instances: RefCell::default(),
            random: RefCell::new(fastrand::Rng::with_seed(plan.seed)),
            written: Cell::new(0),
            is_over: Cell::new(false),
        };
        for _ in 0..plan.instances {
            let instance = scene.instance();
            scene.instances.borrow_mut().push(instance);
        }
        scene
    }

    /// While nothing misbehaves.
    async fn subscribe(&self) {
        let instance = Instance::new(&self.world, &self.log, self.plan.params());
        for (number, wish) in self.plan.wishes.iter().enumerate() {
            let id = instance.create(&wish.settings(number)).await;
            self.callbacks.model.borrow_mut().ids.push(id);
        }
        // What was written is seen everywhere by now.
        sleep(Duration::from_secs(5)).await;
        self.log.set_delay(self.plan.log_delay);
        if let Some(page) = self.plan.page {
            self.log.read_in_places(page);
        }
    }

    fn instance(&self) -> Instance {
        let instance = Instance::new(&self.world, &self.log, self.plan.params());
        let skew = self.random.borrow_mut().i64(-self.plan.skew..=self.plan.skew);
        instance.host.set_skew(skew);
        instance
    }

    fn draw(&self, below: u64) -> u64 {
        self.random.borrow_mut().u64(..below)
    }

    fn draw_millis(&self, below: u64) -> Duration {
        Duration::from_millis(self.draw(below))
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

    /// Writes a record; returns its partition and where that ends now.
    fn write(&self) -> (i32, i64) {
        let number = self.written.get();
        self.written.set(number + 1);
        let partition = self.draw(self.plan.partitions as u64) as usize;
        let key = (self.draw(4) > 0).then(|| self.draw(3) as u8);
        let record = NewRecord {
            key: key.map(|key| Bytes::from(vec![b'a' + key])),
            value: Some(format!(r#"{{"n":{number}}}"#).into()),
            ..NewRecord::default()
        };
        let offset = self.log.write(TOPIC, partition, record);
        self.callbacks.model.borrow_mut().wrote(number, partition, offset, key);
        (partition as i32, offset + 1)
    }

    /// With faults at an end, everything is delivered.
    async fn drain(&self) {
        let healthy = StoreMode { latency: self.plan.store.latency, ..StoreMode::default() };
        self.world.set_store_mode(healthy);
        self.log.clear_failures();
        self.callbacks.is_over.set(true);
        for _ in 0..200 {
            // A clock that was ahead may have written times that have to pass.
            sleep(Duration::from_secs(5)).await;
            let instance = Instance::new(&self.world, &self.log, self.plan.params());
            instance.round(Duration::from_secs(20)).await;
            let model = &self.callbacks.model;
            if model.borrow().is_whole() && self.is_at_the_end() {
                return model.borrow_mut().check_end();
            }
        }
        self.callbacks.model.borrow_mut().check_end();
        panic!("the positions never reached the end");
    }

    fn is_at_the_end(&self) -> bool {
        let model = self.callbacks.model.borrow();
        let mut lanes = (0..model.ids.len())
            .flat_map(|number| (0..self.plan.partitions).map(move |partition| (number, partition)));
        lanes.all(|(number, partition)| {
            model.position(number, partition) == self.log.end(TOPIC, partition)
        })
    }
}

async fn producer(scene: Rc<Scene>) {
    while !scene.is_over.get() {
        // Of each partition the last one is the end.
        let written: SortedMap<_, _> = (0..scene.draw(6)).map(|_| scene.write()).collect();
        if scene.draw(3) > 0 {
            let instance = scene.any();
            let (subscriptions, is_known) = (instance.subscriptions.clone(), scene.draw(3) > 0);
            let produced = async move {
                match is_known {
                    true => subscriptions.deliver_written(TOPIC, written),
                    false => subscriptions.deliver_in_background(TOPIC),
                }
            };
            instance.host.run(produced).await;
        }
        sleep(scene.draw_millis(700)).await;
    }
}

async fn timer(scene: Rc<Scene>) {
    while !scene.is_over.get() {
        let (instance, budget) = (scene.any(), scene.draw_millis(8_000));
        let round = tokio::task::spawn_local(async move { drop(instance.round(budget).await) });
        sleep(scene.draw_millis(3_000)).await;
        if scene.draw(2) == 0 {
            round.await.expect("a round does not fail");
        }
    }
}

async fn events(scene: Rc<Scene>) {
    while !scene.is_over.get() {
        sleep(scene.draw_millis(1_500)).await;
        if scene.plan.deaths && scene.draw(2) == 0 {
            let fate = if scene.draw(2) == 0 { Fate::Done } else { Fate::NotDone };
            let host = scene.any().host;
            host.kill_at(host.calls() + 1 + scene.draw(30), fate);
        }
        if scene.plan.wild && scene.draw(4) == 0 {
            let skew = scene.random.borrow_mut().i64(-scene.plan.skew..=scene.plan.skew);
            scene.any().host.set_skew(skew);
        }
        if scene.plan.log_failures {
            let failed = ["fetch", "ends", "produce", "cluster_id"][scene.draw(4) as usize];
            let error = ErrorKind::Unreachable { detail: "the simulated log failed".into() };
            scene.log.set_failure_of(failed, error.into());
            sleep(scene.draw_millis(1_000)).await;
            scene.log.clear_failures();
        }
    }
}

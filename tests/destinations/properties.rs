//! Random failures in any of the clusters, deaths, and repeats.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_edge::kafka::Log;
use kafka_edge_sim::{Fate, StoreMode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::log::LogFaults;
use crate::memory::{Stored, stored};
use crate::run;
use crate::scene::{Clusters, Instance, Scene};

/// How soon an event has to be taken once nothing fails any more.
const SOON: Duration = Duration::from_secs(60);

/// Everything about a run that is drawn before it begins.
#[derive(Debug, Clone, Copy)]
struct Plan {
    seed: u64,
    /// How often a produce fails, in each of the clusters.
    rates: [f64; 3],
    delay: Duration,
    deaths: bool,
    store: StoreMode,
    /// Each event becomes so many records.
    parts: usize,
    with_gateway: bool,
}

impl Plan {
    fn failing(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let millis = Duration::from_millis;
        let rate = |random: &mut fastrand::Rng| [0.0, 0.3, 0.7][random.usize(..3)];
        Self {
            seed,
            rates: [rate(&mut random), rate(&mut random), 0.5],
            delay: millis([0, 20, 900, 4_000][random.usize(..4)]),
            deaths: false,
            store: StoreMode {
                latency: millis([0, 5, 40][random.usize(..3)]),
                // The memory of repeats is another one then.
                creates: random.bool(),
                ..StoreMode::default()
            },
            parts: random.usize(1..=3),
            with_gateway: random.u8(..4) > 0,
        }
    }

    fn deadly(seed: u64) -> Self {
        Self { deaths: true, ..Self::failing(seed) }
    }

    fn failing_store(seed: u64) -> Self {
        let mut plan = Self { deaths: seed.is_multiple_of(2), ..Self::failing(seed) };
        (plan.store.failures, plan.store.refusals) = [(0.1, 0.0), (0.0, 0.1)][(seed % 2) as usize];
        plan
    }

    /// Whether each report is stored unless an instance dies.
    fn is_exact(&self) -> bool {
        !self.deaths && self.store.failures + self.store.refusals == 0.0
    }

    fn destinations(&self) -> Vec<&'static str> {
        if self.with_gateway { vec!["gateway", "A", "B"] } else { vec!["A", "B"] }
    }
}

#[derive(Debug, Default)]
struct Counts {
    taken: u64,
    failed: u64,
    deaths: u64,
    /// Copies beyond one, all of them where no report was stored.
    surplus: u64,
    /// Tries that found a part of the destinations written.
    partial: u64,
}

/// What the clusters hold of an event: how many copies of each part, by cluster.
type Copies = BTreeMap<(&'static str, i64), u64>;

struct Run {
    plan: Plan,
    scene: Scene,
    clusters: Clusters,
    /// The ids of the destinations, by name.
    ids: BTreeMap<&'static str, String>,
    random: fastrand::Rng,
    counts: Counts,
}

impl Run {
    async fn new(plan: Plan) -> Self {
        let faults = LogFaults { rate: 0.0, delay: plan.delay };
        let clusters = Clusters::new(plan.seed, faults);
        let scene = Scene::with_destinations(plan.seed, &clusters).await;
        let parts: Vec<_> = (0..plan.parts).map(|part| part.to_string()).collect();
        let transform = format!("{{id: .id, part: ({})}}", parts.join(", "));
        let shape = json!({"shape": {"transform": transform}});
        scene.source("s", json!(plan.destinations()), shape).await;
        let one = scene.instance();
        let mut ids = BTreeMap::from([("gateway", String::new())]);
        for name in ["A", "B"] {
            let answer = one.get(&format!("/destinations/{name}")).await;
            ids.insert(name, answer.json["id"].as_str().expect("an id").to_owned());
        }
        scene.world.set_store_mode(plan.store);
        let this = Self {
            plan,
            scene,
            clusters,
            ids,
            random: fastrand::Rng::with_seed(plan.seed),
            counts: Counts::default(),
        };
        this.fail(plan.rates);
        this
    }

    fn fail(&self, rates: [f64; 3]) {
        for (name, rate) in ["gateway", "A", "B"].into_iter().zip(rates) {
            self.clusters.of(name).faults.set(LogFaults { rate, delay: self.plan.delay });
        }
    }

    fn instance(&mut self, is_calm: bool) -> Instance {
        let instance = self.scene.instance();
        if self.plan.deaths && !is_calm && self.random.u8(..3) > 0 {
            let fate = if self.random.bool() { Fate::Done } else { Fate::NotDone };
            instance.host.kill_at(self.random.u64(1..40), fate);
        }
        instance
    }

    fn copies(&self, id: &str) -> Copies {
        let mut copies = Copies::new();
        for name in self.plan.destinations() {
            for part in 0..self.plan.parts as i64 {
                copies.insert((name, part), 0);
            }
            for record in self.clusters.of(name).log.records("t", 0) {
                let value = record.value.expect("a value");
                let json: Value = serde_json::from_slice(&value).expect("it is JSON");
                if json["id"] == id {
                    *copies.entry((name, json["part"].as_i64().unwrap())).or_default() += 1;
                }
            }
        }
        copies
    }

    /// How often a cluster did not say whether it has a part of an event.
    fn unknown(&self, name: &str, id: &str, part: i64) -> u64 {
        let value = format!("{{\"id\":\"{id}\",\"part\":{part}}}");
        self.clusters.of(name).unknown(value.as_bytes())
    }

    /// The parts of the event whose report is stored.
    fn reported(&self, id: &str) -> Vec<(&'static str, i64)> {
        let mut reported = Vec::new();
        for name in self.plan.destinations() {
            let records = self.clusters.of(name).log.records("t", 0);
            let is_stored = |entry: &Stored, part: i64| {
                let offset = entry.get(&(self.ids[name].clone(), part as usize));
                offset.is_some_and(|offset| {
                    let value = records[*offset as usize].value.clone().unwrap_or_default();
                    let json: Value = serde_json::from_slice(&value).expect("it is JSON");
                    json["id"] == id && json["part"] == part
                })
            };
            let entries = stored(&self.scene.world);
            for part in 0..self.plan.parts as i64 {
                if entries.iter().any(|entry| is_stored(entry, part)) {
                    reported.push((name, part));
                }
            }
        }
        reported
    }

    /// Sends an event, one try after the other, until it is taken; and some times after that.
    async fn send(&mut self, id: &str) {
        let calm_after = self.random.u64(1..5);
        let mut calm_since = None;
        let mut more = self.random.u8(1..4);
        for tries in 0.. {
            if tries == calm_after {
                self.fail([0.0; 3]);
                let StoreMode { latency, creates, .. } = self.plan.store;
                let calm = StoreMode { latency, creates, ..StoreMode::default() };
                self.scene.world.set_store_mode(calm);
                calm_since = Some(Instant::now());
            }
            let is_calm = calm_since.is_some();
            let (before, reported) = (self.copies(id), self.reported(id));
            let all = self.plan.parts * self.plan.destinations().len();
            self.counts.partial += u64::from(!reported.is_empty() && reported.len() < all);
            let instance = self.instance(is_calm);
            let answer = instance.event("s", id).await;
            // What a dead instance had on its way does not come any more.
            instance.host.idle().await;
            let after = self.copies(id);
            for place in &reported {
                assert_eq!(
                    before[place], after[place],
                    "{place:?} of {id} was written again, and its report was stored: {answer:?}"
                );
            }
            match answer {
                Some(answer) if answer.is_taken() => {
                    self.counts.taken += 1;
                    assert!(after.values().all(|copies| *copies > 0), "{id} is lost: {after:?}");
                    let named = answer.destinations();
                    for name in self.plan.destinations() {
                        let count = named.iter().filter(|known| **known == name).count();
                        assert_eq!(count, self.plan.parts, "{answer:?}");
                    }
                    more -= 1;
                    if more == 0 {
                        break;
                    }
                }
                Some(_) => {
                    assert!(!is_calm || calm_since.unwrap().elapsed() < SOON, "{id}: {answer:?}");
                    self.counts.failed += 1;
                }
                None => self.counts.deaths += 1,
            }
            sleep(Duration::from_millis(self.random.u64(..12_000))).await;
        }
        self.fail(self.plan.rates);
        self.scene.world.set_store_mode(self.plan.store);
        for ((name, part), copies) in self.copies(id) {
            let unknown = self.unknown(name, id, part);
            self.counts.surplus += copies - 1;
            if self.plan.is_exact() {
                assert!(
                    copies <= 1 + unknown,
                    "part {part} of {id} is at {name} {copies} times, and {unknown} reports on \
                     it were lost"
                );
            }
        }
    }
}

async fn play(plan: Plan) -> Counts {
    let mut run = Run::new(plan).await;
    for number in 0..6 {
        run.send(&format!("e{number}")).await;
    }
    run.counts
}

fn check(runs: u64, plan: impl Fn(u64) -> Plan) -> Counts {
    let number = |variable: &str, default: u64| {
        std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let first = number("DESTINATION_SEED", 0);
    let mut sum = Counts::default();
    for seed in first..first + number("DESTINATION_RUNS", runs) {
        let plan = plan(seed);
        println!("seed {seed}: {plan:?}");
        let counts = run(play(plan));
        sum.taken += counts.taken;
        sum.failed += counts.failed;
        sum.deaths += counts.deaths;
        sum.surplus += counts.surplus;
        sum.partial += counts.partial;
    }
    println!("{sum:?}");
    assert!(sum.failed > 0 && sum.partial > 0, "hardly anything was tried: {sum:?}");
    sum
}

#[test]
fn a_cluster_that_fails_does_not_make_others_be_written_twice() {
    check(40, Plan::failing);
}

#[test]
fn deaths_lose_nothing_and_repeat_nothing_whose_report_was_stored() {
    let sum = check(40, Plan::deadly);
    assert!(sum.deaths > 0 && sum.surplus > 0, "nobody died between a record and its report");
}

#[test]
fn a_store_that_fails_loses_nothing_and_repeats_nothing_whose_report_was_stored() {
    check(40, Plan::failing_store);
}

/// The clusters of a run are the ones that are written to.
#[test]
fn each_destination_has_a_cluster_of_its_own() {
    run(async {
        let clusters = Clusters::new(1, LogFaults::default());
        let scene = Scene::with_destinations(1, &clusters).await;
        scene.source("s", json!(["B"]), json!({})).await;
        let answer = scene.instance().event("s", "e").await.unwrap();
        assert_eq!(answer.destinations(), ["B"]);
        let count = |name: &str| clusters.of(name).log.records("t", 0).len();
        assert_eq!([count("gateway"), count("A"), count("B")], [0, 0, 1]);
        assert_eq!(
            clusters.of("A").cluster_id().await.unwrap(),
            clusters.of("B").cluster_id().await.unwrap()
        );
    });
}

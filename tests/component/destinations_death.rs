//! Events for several destinations, with failures in any of them and deaths at any call, as
//! `tests/destinations/properties.rs` has them without the component.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use kafka_edge_emulator::{Emulator, Options};
use kafka_edge_host::faults::{Fault, HostCall, Moment};
use kafka_edge_host::kv::Memory;
use kafka_edge_host::upstream::script::{from_fn, read_all};
use kafka_edge_host::upstream::{ErrorCode, Upstream};
use kafka_edge_host::{Body, Host, WallClock, body};
use serde_json::{Value, json};

use crate::calling::{get, post, request, try_send};
use crate::dying::{AHEAD_MS, Life, NOWHERE, Place, settle};
use crate::seen_memory::{Stored, stored_in};
use crate::world::{Sent, World};

/// Every other one is killed at times, too.
const SEEDS: u64 = 8;
const EVENTS: usize = 3;
const PARTS: usize = 2;

/// After so many tries nothing fails any more, and the next one has to succeed.
const WILD_TRIES: i64 = 3;

/// The Kafka of each destination, by its name.
type Clusters = BTreeMap<&'static str, Emulator>;

/// How many copies of each part there are, by destination.
type Copies = BTreeMap<(&'static str, usize), usize>;

/// What becomes of a produce.
#[derive(Clone, Copy, PartialEq)]
enum Produce {
    Works,
    IsRefused,
    /// It is done, and nobody is told.
    IsLost,
}

struct Run {
    world: World,
    store: Memory,
    clusters: Clusters,
    /// The ids of the destinations, by name.
    ids: BTreeMap<&'static str, String>,
    network: Arc<Mutex<Network>>,
    random: fastrand::Rng,
    deaths: bool,
    tries: i64,
}

struct Network {
    random: fastrand::Rng,
    is_calm: bool,
    /// How often nobody was told of a produce, by destination.
    lost: BTreeMap<&'static str, usize>,
}

impl Network {
    fn draw(&mut self) -> Produce {
        match self.random.u8(..6) {
            0 if !self.is_calm => Produce::IsRefused,
            1 if !self.is_calm => Produce::IsLost,
            _ => Produce::Works,
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    taken: usize,
    failed: usize,
    deaths: usize,
    /// Tries that found a part of the destinations written.
    partial: usize,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let world = World::new();
        let cluster = || {
            let cluster = Emulator::new(Options::quick()).unwrap();
            cluster.create_topic("t", 1).unwrap();
            cluster
        };
        let clusters = [("gateway", world.kafka.clone()), ("A", cluster()), ("B", cluster())];
        let random = fastrand::Rng::with_seed(seed);
        let network = Network { random: random.clone(), is_calm: true, lost: BTreeMap::new() };
        let mut run = Self {
            world,
            store: Memory::new(),
            clusters: clusters.into(),
            ids: BTreeMap::from([("gateway", String::new())]),
            network: Arc::new(Mutex::new(network)),
            random,
            deaths: seed % 2 == 1,
            tries: 0,
        };
        let (host, _) = run.instance(NOWHERE);
        for (name, url) in [("A", "http://a.test"), ("B", "http://b.test")] {
            let config = json!({"rest_url": url, "topic": "t"});
            let destination = json!({"name": name, "type": "kafka", "config": config});
            let made = post(&host, "/destinations", destination.to_string()).await;
            assert_eq!(made.status, 201, "{made:?}");
            let shown = get(&host, &format!("/destinations/{name}")).await.ok();
            run.ids.insert(name, shown["id"].as_str().unwrap().to_owned());
        }
        let source = json!({"name": "s", "topic": "t", "verify": {"none": {}},
            "destinations": ["gateway", "A", "B"], "dedupe": {"id": {"field": "/id"}},
            "shape": {"transform": "{id, part: (0, 1)}"}});
        let made = post(&host, "/sources", source.to_string()).await;
        assert_eq!(made.status, 201, "{made:?}");
        settle(host).await;
        run
    }

    /// The network, in which produces fail at random.
    fn upstream(&self) -> impl Upstream + use<> {
        let (clusters, network) = (self.clusters.clone(), self.network.clone());
        from_fn(move |request: http::Request<Body>| {
            let name = match request.uri().host() {
                Some("a.test") => "A",
                Some("b.test") => "B",
                _ => "gateway",
            };
            let is_produce = request.uri().path().ends_with("/records")
                && request.method() == http::Method::POST;
            let (cluster, network) = (clusters[name].clone(), network.clone());
            async move { answer(name, &cluster, is_produce, &network, request).await }
        })
    }

    /// A gateway whose first instance dies at a place. Each is so much later than the one
    /// before that this one counts as dead.
    fn instance(&mut self, place: Place) -> (Host, Life) {
        let life = Life::default();
        let faults = {
            let life = life.clone();
            move |call: &HostCall<'_>| match call.instance {
                1 => life.at(call, (call.number, call.moment) == place),
                _ => Fault::Continue,
            }
        };
        let offset = self.tries * AHEAD_MS;
        self.tries += 1;
        let clock = move |_| {
            let clock = WallClock::new();
            clock.set_offset_ms(offset);
            clock
        };
        let host = self.world.gateway_over(self.upstream()).store("default", self.store.clone());
        let host = host.wall_clock(clock).faults(faults).spread_over(1).build().unwrap();
        (host, life)
    }

    fn values(&self, name: &str) -> Vec<Value> {
        let records = self.clusters[name].records("t", 0).into_iter();
        records.map(|record| serde_json::from_slice(&record.value.unwrap()).unwrap()).collect()
    }

    fn copies(&self, id: &str) -> Copies {
        let places =
            self.clusters.keys().flat_map(|name| (0..PARTS).map(move |part| (*name, part)));
        let copies = |(name, part): &(&'static str, usize)| {
            let is_it = |value: &&Value| value["id"] == id && value["part"] == *part;
            self.values(name).iter().filter(is_it).count()
        };
        places.map(|place| (place, copies(&place))).collect()
    }

    /// The parts of an event whose report is stored.
    fn reported(&self, id: &str) -> Vec<(&'static str, usize)> {
        let entries = stored_in(self.store.entries());
        let mut reported = Vec::new();
        for name in self.clusters.keys() {
            let values = self.values(name);
            let is_stored = |entry: &Stored, part: usize| {
                let offset = entry.get(&(self.ids[name].clone(), part));
                offset.is_some_and(|offset| {
                    let value = &values[*offset as usize];
                    value["id"] == id && value["part"] == part
                })
            };
            for part in 0..PARTS {
                if entries.iter().any(|entry| is_stored(entry, part)) {
                    reported.push((*name, part));
                }
            }
        }
        reported
    }

    /// Sends an event until it is taken, and once more.
    async fn send(&mut self, id: &str, counts: &mut Counts) {
        let before_all = self.network.lock().unwrap().lost.clone();
        let mut taken = 0;
        for tries in 0.. {
            let is_calm = tries >= WILD_TRIES;
            self.network.lock().unwrap().is_calm = is_calm;
            let (before, reported) = (self.copies(id), self.reported(id));
            counts.partial += usize::from((1..3 * PARTS).contains(&reported.len()));
            let moment = if self.random.bool() { Moment::Before } else { Moment::After };
            let place = match self.deaths && !is_calm && self.random.bool() {
                true => (self.random.u64(..30), moment),
                false => NOWHERE,
            };
            let (host, life) = self.instance(place);
            let event = json!({"id": id}).to_string();
            let answer =
                try_send(&host, request(http::Method::POST, "/in/s", body::full(event))).await;
            settle(host).await;
            let after = self.copies(id);
            for place in &reported {
                assert_eq!(
                    before[place], after[place],
                    "{place:?} of {id} was written again, and its report was stored: {answer:?}"
                );
            }
            counts.deaths += usize::from(life.died());
            match answer {
                Ok(answer) if answer.status == 200 => {
                    assert!(after.values().all(|copies| *copies > 0), "{id} is lost: {after:?}");
                    counts.taken += 1;
                    taken += 1;
                    if taken == 2 {
                        break;
                    }
                }
                answer => {
                    assert!(!is_calm, "{id}: {answer:?}");
                    assert!(answer.is_ok() || life.died(), "{id}: {answer:?}");
                    counts.failed += 1;
                }
            }
        }
        let lost = self.network.lock().unwrap().lost.clone();
        for ((name, part), copies) in self.copies(id) {
            let count = |lost: &BTreeMap<_, usize>| lost.get(name).copied().unwrap_or(0);
            // One call carries all parts.
            let most = 1 + count(&lost) - count(&before_all);
            assert!(self.deaths || copies <= most, "{name}/{part} of {id}: {copies} of {most}");
        }
    }
}

async fn answer(
    name: &'static str,
    cluster: &Emulator,
    is_produce: bool,
    network: &Mutex<Network>,
    request: http::Request<Body>,
) -> Sent {
    let produce = match is_produce {
        true => network.lock().unwrap().draw(),
        false => Produce::Works,
    };
    if produce == Produce::IsRefused {
        read_all(request).await;
        let mut response = http::Response::new(body::full("{}"));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        return Ok(response);
    }
    let response = cluster.handle(request).await.map(body::boxed);
    if produce == Produce::IsLost {
        *network.lock().unwrap().lost.entry(name).or_default() += 1;
        return Err(ErrorCode::ConnectionTerminated);
    }
    Ok(response)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_and_deaths_lose_nothing_and_repeat_nothing_whose_report_was_stored() {
    let mut counts = Counts::default();
    for seed in 0..SEEDS {
        let mut run = Run::new(seed).await;
        for number in 0..EVENTS {
            run.send(&format!("e{number}"), &mut counts).await;
        }
    }
    println!("{counts:?}");
    let Counts { taken, failed, deaths, partial } = counts;
    assert_eq!(taken, 2 * EVENTS * SEEDS as usize);
    assert!(failed > 5 && deaths > 3 && partial > 3, "hardly anything was tried: {counts:?}");
}

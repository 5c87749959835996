//! Deliveries for minutes with faults on: calls that fail, are late or kill their instance,
//! and callbacks that answer 500, late, or not at all. What the store holds, the guest's
//! memory and the open connections are to stay as they are, and every record is to be
//! delivered: that is counted where they arrive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use http::Method;
use kafka_edge_host::faults::{CallKind, Failure, Fault, HostCall, Moment};
use kafka_edge_host::kv::{Memory, StoreError};
use kafka_edge_host::{Host, InstanceOptions};
use serde_json::{Value, json};

use crate::load;
use crate::receiver::{Reaction, Receiver, Request};
use crate::scene::{SECRETS_KEY, Scene, serve};

const TOPIC: &str = "soak";
const DEAD: &str = "soak.undelivered";
const PARTITIONS: i32 = 3;
const SUBSCRIPTIONS: usize = 20;
/// Between two records.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two rounds of deliveries.
const ROUND: Duration = Duration::from_secs(1);
/// Between two looks at what is to stay as it is.
const LOOK: Duration = Duration::from_secs(10);
/// Within this time after the last record everything is delivered.
const END: Duration = Duration::from_secs(180);

/// One call of so many fails, is late, or kills its instance, where instances die.
const FAILS: u64 = 200;
const IS_LATE: u64 = 50;
const KILLS: u64 = 2_000;

/// Numbers that look random, and are the same in each run.
fn mixed(number: u64) -> u64 {
    let one = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let two = (one ^ (one >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    two ^ (two >> 31)
}

/// What has come, by subscription.
#[derive(Default)]
struct Arrived {
    /// The records that were accepted, and how often.
    accepted: BTreeMap<(usize, u64), u64>,
    /// The ids under which each record came by itself.
    ids: BTreeMap<(usize, u64), BTreeSet<String>>,
    requests: u64,
}

#[derive(Clone, Default)]
struct Shared {
    arrived: Arc<Mutex<Arrived>>,
    /// Callbacks and calls of the host misbehave.
    is_faulty: Arc<AtomicBool>,
}

impl Shared {
    fn with<R>(&self, work: impl FnOnce(&mut Arrived) -> R) -> R {
        work(&mut self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn react(&self, request: &Request) -> Reaction {
        let Some(number) = request.path.rsplit('/').next().and_then(|text| text.parse().ok())
        else {
            return Reaction::Status(404);
        };
        self.with(|arrived| {
            arrived.requests += 1;
            let records = records(&request.body);
            if let [record] = records[..] {
                arrived.ids.entry((number, record)).or_default().insert(request.id.clone());
            }
            let is_poisonous = number % 5 == 4 && records.iter().any(|record| record % 50 == 7);
            let reaction = match mixed(arrived.requests) % 100 {
                _ if !self.is_faulty.load(Ordering::SeqCst) => Reaction::Status(204),
                _ if is_poisonous => Reaction::Status(422),
                0..=3 => Reaction::Status(500),
                4 => Reaction::Status(429),
                5 => Reaction::Close,
                6 => Reaction::Hang,
                7..=9 => Reaction::Late(Duration::from_millis(700), 204),
                _ => Reaction::Status(204),
            };
            if matches!(reaction, Reaction::Status(204) | Reaction::Late(_, 204)) {
                for record in records {
                    *arrived.accepted.entry((number, record)).or_default() += 1;
                }
            }
            reaction
        })
    }

    fn fault(&self, call: &HostCall<'_>, are_mortal: bool) -> Fault {
        if !self.is_faulty.load(Ordering::SeqCst) {
            return Fault::Continue;
        }
        let random = mixed(call.number * 2 + u64::from(call.moment == Moment::After));
        let is = |one_of: u64, salt: u64| mixed(random ^ salt).is_multiple_of(one_of);
        if are_mortal && is(KILLS, 1) {
            return Fault::Trap;
        }
        match call.kind {
            CallKind::Variable | CallKind::Sleep => Fault::Continue,
            _ if is(IS_LATE, 2) => Fault::Delay(Duration::from_millis(random % 80)),
            CallKind::Http if is(FAILS, 3) => {
                Fault::Fail(Failure::Other("the connection broke".into()))
            }
            CallKind::Http => Fault::Continue,
            _ if is(FAILS, 4) => Fault::Fail(Failure::Kv(StoreError::other("out of order"))),
            _ => Fault::Continue,
        }
    }
}

/// The numbers of the records that a body holds: `<17>` is one.
fn records(body: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(body);
    let parts = text.split('<').skip(1);
    parts.filter_map(|part| part.split_once('>')?.0.parse().ok()).collect()
}

fn settings(number: usize, receiver: &Receiver) -> Value {
    let mut settings = json!({
        "topics": [TOPIC],
        "callback_url": format!("{}/{number}", receiver.url),
        "from": "earliest",
        "timeout": 2,
        "retry": {"delays": [0.2, 0.5, 1, 2], "jitter": 0.2},
        "breaker": {"failures": 10, "cooldown": 2},
    });
    let more = match number % 5 {
        0 => json!({}),
        1 => json!({"order": "key", "concurrency": 4}),
        2 => json!({"order": "none", "concurrency": 4, "body": "value"}),
        3 => json!({"body": "envelopes", "batch": {"records": 20}}),
        _ => json!({"body": "cloudevents-binary", "exhausted": {"dead_letter": DEAD}}),
    };
    for (name, value) in more.as_object().into_iter().flatten() {
        settings[name] = value.clone();
    }
    settings
}

/// What is to stay as it is.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    store_keys: usize,
    store_bytes: usize,
    guest_memory: u64,
    callback_connections: usize,
    /// But for both ends of the connections to callbacks, whose number changes most.
    open_files: usize,
}

impl Look {
    fn at(store: &Memory, steady: &Host, receiver: &Receiver) -> Result<Self> {
        let entries = store.entries();
        let callback_connections = receiver.open();
        let open_files = std::fs::read_dir("/proc/self/fd")?.count();
        Ok(Self {
            store_keys: entries.len(),
            store_bytes: entries.iter().map(|(key, value)| key.len() + value.len()).sum(),
            guest_memory: steady.stats().peak_memory,
            callback_connections,
            open_files: open_files.saturating_sub(2 * callback_connections),
        })
    }

    fn most(looks: &[Self]) -> Self {
        looks.iter().fold(Self::default(), |most, look| Self {
            store_keys: most.store_keys.max(look.store_keys),
            store_bytes: most.store_bytes.max(look.store_bytes),
            guest_memory: most.guest_memory.max(look.guest_memory),
            callback_connections: most.callback_connections.max(look.callback_connections),
            open_files: most.open_files.max(look.open_files),
        })
    }
}

pub(crate) async fn run(scene: &Scene, time: Duration) -> Result<()> {
    scene.emulator.create_topic(TOPIC, PARTITIONS)?;
    scene.emulator.create_topic(DEAD, 1)?;
    let (shared, store) = (Shared::default(), Memory::new());
    let seen = shared.clone();
    let receiver = Receiver::start(move |request| seen.react(request)).await?;
    // One whose instance lives all the time, and one whose instances die.
    let gateway = |are_mortal: bool| {
        let shared = shared.clone();
        let instances = InstanceOptions { max_reuse: usize::MAX, ..InstanceOptions::default() };
        Host::builder(&scene.program)
            .store("default", store.clone())
            .variable("kafka_rest_url", scene.rest_url.as_str())
            .variable("kafka_consume_api", "cloud")
            .variable("open_access", "true")
            .variable("webhook_allow_private", "true")
            .variable("secrets_key", SECRETS_KEY)
            .faults(move |call: &HostCall<'_>| shared.fault(call, are_mortal))
            .output(|_| {})
            .instances(instances)
            .spread_over(1)
            .build()
    };
    let (steady, mortal) = (gateway(false)?, gateway(true)?);
    let mut urls = Vec::new();
    for host in [&steady, &mortal] {
        urls.push(format!("http://{}", serve(host.clone()).await?));
    }
    for number in 0..SUBSCRIPTIONS {
        let body = settings(number, &receiver).to_string().into();
        let target = format!("{}/subscriptions", urls[0]);
        load::call(&scene.client, Method::POST, &target, body).await?;
    }
    let rounds = urls.iter().map(|url| tokio::spawn(rounds(scene.client.clone(), url.clone())));
    let rounds: Vec<_> = rounds.collect();

    shared.is_faulty.store(true, Ordering::SeqCst);
    let (start, refused) = (Instant::now(), AtomicU64::new(0));
    let (mut looks, mut produced) = (Vec::new(), 0_u64);
    while start.elapsed() < time {
        let url = &urls[(produced % 2) as usize];
        let target = format!("{url}/producer/{TOPIC}?key=k{}", produced % 7);
        let body = format!("<{produced}>").into();
        produced += 1;
        // Whether it was written is seen at the end, in the log.
        if load::call(&scene.client, Method::POST, &target, body).await.is_err() {
            refused.fetch_add(1, Ordering::SeqCst);
        }
        if start.elapsed() > LOOK * u32::try_from(looks.len() + 1).unwrap_or(u32::MAX) {
            let look = Look::at(&store, &steady, &receiver)?;
            println!("{:>5} s {look:?}", start.elapsed().as_secs());
            looks.push(look);
        }
        tokio::time::sleep(PAUSE).await;
    }
    shared.is_faulty.store(false, Ordering::SeqCst);

    let written = written(scene, TOPIC, PARTITIONS);
    let end = Instant::now();
    let missing = loop {
        let dead = self::written(scene, DEAD, 1);
        let missing = shared.with(|arrived| {
            let all = written.iter().flat_map(|record| {
                (0..SUBSCRIPTIONS).map(move |subscription| (subscription, *record))
            });
            all.filter(|(subscription, record)| {
                let is_dead = subscription % 5 == 4 && dead.contains(record);
                !is_dead && !arrived.accepted.contains_key(&(*subscription, *record))
            })
            .count()
        });
        if missing == 0 || end.elapsed() > END {
            break missing;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    rounds.iter().for_each(tokio::task::JoinHandle::abort);
    let (again, of_several_ids, requests) = shared.with(|arrived| {
        let again: u64 = arrived.accepted.values().map(|count| count - 1).sum();
        let of_several_ids = arrived.ids.values().filter(|ids| ids.len() > 1).count();
        (again, of_several_ids, arrived.requests)
    });
    let stats = [steady.stats(), mortal.stats()];
    println!(
        "\n{produced} produces, {} of them without a success; {} records in the log; {requests} \
         requests to callbacks; {again} records accepted more than once; {} dead letters; \
         instances that died: {}; all delivered {:.1} s after the last record",
        refused.into_inner(),
        written.len(),
        self::written(scene, DEAD, 1).len(),
        stats[1].traps,
        end.elapsed().as_secs_f64(),
    );
    ensure!(missing == 0, "{missing} deliveries are missing");
    ensure!(of_several_ids == 0, "{of_several_ids} records came under several ids");
    ensure!(stats[0].traps == 0, "the instance that is to live died {} times", stats[0].traps);
    are_flat(&looks)
}

/// In the last half nothing is above what it was in the second quarter, but for a tenth: two
/// documents may lie beside each other, and a page of memory is 64 KiB.
fn are_flat(looks: &[Look]) -> Result<()> {
    let quarter = looks.len() / 4;
    ensure!(quarter > 0, "too short a time to compare anything");
    let before = Look::most(&looks[quarter..quarter * 2]);
    let after = Look::most(&looks[quarter * 2..]);
    println!(
        "the most in the second quarter: {before:?}\nthe most after that:            {after:?}"
    );
    let rows = [
        ("keys of the store", before.store_keys, after.store_keys, 0),
        ("bytes of the store", before.store_bytes, after.store_bytes, 4_096),
        ("the guest's memory", before.guest_memory as usize, after.guest_memory as usize, 65_536),
        ("connections to callbacks", before.callback_connections, after.callback_connections, 10),
        ("open files", before.open_files, after.open_files, 20),
    ];
    for (name, before, after, more) in rows {
        ensure!(after <= before + before / 10 + more, "{name} grew from {before} to {after}");
    }
    Ok(())
}

/// What drives deliveries where nothing else does.
async fn rounds(client: crate::scene::HttpClient, url: String) {
    loop {
        let target = format!("{url}/subscriptions/deliver");
        // One whose instance dies answers nothing.
        _ = load::call(&client, Method::POST, &target, "".into()).await;
        tokio::time::sleep(ROUND).await;
    }
}

/// The numbers of the records of a topic.
fn written(scene: &Scene, topic: &str, partitions: i32) -> BTreeSet<u64> {
    let all = (0..partitions).flat_map(|partition| scene.emulator.records(topic, partition));
    all.flat_map(|record| records(record.value.as_deref().unwrap_or_default())).collect()
}

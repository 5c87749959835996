//! Deliveries: how many a second, with a backlog, and what callbacks that misbehave cost
//! the others.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use http::Method;
use kafka_edge_emulator::{NewRecord, Options};
use kafka_edge_host::faults::{CallKind, Fault, HostCall, Moment};
use kafka_edge_host::kv::Memory;
use kafka_edge_host::{Host, HostBuilder};
use serde_json::json;

use crate::load::{self, Sample};
use crate::receiver::{Reaction, Receiver};
use crate::scene::{SECRETS_KEY, Scene, serve};

/// So many, and how many records each has before it.
const SUBSCRIPTIONS: [(usize, usize); 3] = [(1, 10_000), (10, 2_000), (100, 500)];

/// Records of which each is produced when nobody is at work.
const PRODUCED: usize = 30;
const SLOW: Slow = Some((Duration::from_millis(10), Duration::from_millis(40)));

/// Of these, so many hang, refuse the connection, or answer 500.
const MANY: usize = 1_000;
const BAD: usize = 50;
const RECORDS: usize = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// Subscriptions of one server at most: each round is to serve all of them.
const CALLERS: usize = 64;

pub(crate) async fn run(scene: &Scene, round: Duration, rounds: u32) -> Result<()> {
    let callbacks = Callbacks::start().await?;
    println!("\nDeliveries with a backlog, pages of 100, the store in memory\n");
    println!(
        "{:<20} {:>10} {:>7} {:>9} {:>10} {:>10}",
        "subscriptions", "per s", "to (b)", "CPU to (b)", "p50", "p99"
    );
    for (count, records) in SUBSCRIPTIONS {
        let (mut smallest, mut all) = (Sample::default(), Vec::new());
        for number in 0..rounds {
            // Whatever else the machine does falls on both: one before, one after.
            smallest.add(load::run(&scene.client, &scene.producers[1], CALLERS, round / 2).await?);
            all.push(backlog(scene, &callbacks, count, records, number).await?);
            smallest.add(load::run(&scene.client, &scene.producers[1], CALLERS, round / 2).await?);
        }
        let deliveries = (count * records) as f64 * f64::from(rounds);
        let took: f64 = all.iter().map(|one| one.took.as_secs_f64()).sum();
        let cpu: f64 = all.iter().map(|one| one.cpu.as_secs_f64()).sum();
        let mut gaps: Vec<f64> = all.into_iter().flat_map(|one| one.gaps).collect();
        println!(
            "{count:<20} {:>10.0} {:>7.2} {:>9.2} {:>7.2} ms {:>7.2} ms",
            deliveries / took,
            deliveries / took / smallest.per_second(),
            cpu / deliveries / smallest.cpu_per_call().as_secs_f64(),
            percentile(&mut gaps, 50),
            percentile(&mut gaps, 99),
        );
    }
    println!("\np50 and p99: between two deliveries to one callback\n");
    println!(
        "From a produce's report to the callback's POST, one subscription, {PRODUCED} records\n"
    );
    println!(
        "{:<44} {:>10} {:>10} {:>12} {:>10} {:>7}",
        "", "p50", "upstream", "store calls", "together", "ratio"
    );
    for (name, slow) in [("store and Kafka here", None), ("10 ms and 40 ms for each call", SLOW)] {
        latency(scene, &callbacks, name, slow).await?;
    }
    println!(
        "\n{MANY} subscriptions of one topic, a record every {PAUSE:?}: from its report to its POST\n"
    );
    println!("{:<44} {:>10} {:>10}", "", "p50", "p99");
    let without = crowd(scene, &callbacks, "crowd", 0).await?;
    let with = crowd(scene, &callbacks, "crowd-bad", BAD).await?;
    for (name, (p50, p99)) in [
        (format!("all {} are healthy", MANY - BAD), without),
        (format!("and {BAD} more hang, refuse or answer 500"), with),
    ] {
        println!("{name:<44} {p50:>7.2} ms {p99:>7.2} ms");
    }
    println!("{:<44} {:>10} {:>10.2}", "ratio of the p99", "", with.1 / without.1);
    Ok(())
}

/// How long each call of the store takes, and each to Kafka.
type Slow = Option<(Duration, Duration)>;

/// One call to Kafka's REST server reads records.
async fn upstream_call(scene: &Scene, topic: &str, slow: Slow) -> Result<Duration> {
    let cluster = Options::default().cluster_id;
    let url = format!("{}/v3/clusters/{cluster}/topics/{topic}", scene.rest_url);
    let start = Instant::now();
    load::call(&scene.client, Method::GET, &url, "".into()).await?;
    Ok(start.elapsed() + slow.map_or(Duration::ZERO, |(_, kafka)| kafka))
}

/// Prints what the way of a record to an idle callback takes.
async fn latency(scene: &Scene, callbacks: &Callbacks, name: &str, slow: Slow) -> Result<()> {
    let topic = format!("latency-{}", slow.is_some());
    scene.emulator.create_topic(&topic, 1)?;
    let calls = Arc::new(AtomicU64::new(0));
    let (count, rest_url) = (Arc::clone(&calls), scene.rest_url.clone());
    let faults = move |call: &HostCall<'_>| {
        let is_kafka = call.target.starts_with(&rest_url);
        let is_store = !matches!(call.kind, CallKind::Variable | CallKind::Http | CallKind::Sleep);
        if call.moment == Moment::After || !(is_kafka || is_store) {
            return Fault::Continue;
        }
        count.fetch_add(u64::from(is_store), Ordering::SeqCst);
        match slow {
            Some((store, kafka)) => Fault::Delay(if is_store { store } else { kafka }),
            None => Fault::Continue,
        }
    };
    let url = gateway_with(scene, |host| host.faults(faults).spread_over(1)).await?;
    subscribe(scene, &url, &topic, format!("{}/ok/0", callbacks.url)).await?;
    let (mut latencies, mut upstream, mut stores) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..PRODUCED {
        upstream.push(upstream_call(scene, &topic, slow).await?.as_secs_f64() * 1000.0);
        callbacks.arrived.clear();
        let target = format!("{url}/producer/{topic}/{number}");
        load::call(&scene.client, Method::GET, &target, "".into()).await?;
        let (reported, before) = (Instant::now(), calls.load(Ordering::SeqCst));
        while callbacks.arrived.count() == 0 {
            tokio::time::sleep(Duration::from_micros(100)).await;
            ensure!(reported.elapsed() < Duration::from_secs(30), "record {number} did not come");
        }
        let at = callbacks.arrived.times()[0];
        stores.push((calls.load(Ordering::SeqCst) - before) as f64);
        latencies.push(at.saturating_duration_since(reported).as_secs_f64() * 1000.0);
        // The next one finds nobody at work.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let [latency, upstream, stores] =
        [&mut latencies, &mut upstream, &mut stores].map(|values| percentile(values, 50));
    let together = upstream + stores * slow.map_or(0.0, |(store, _)| store.as_secs_f64() * 1000.0);
    println!(
        "{name:<44} {latency:>7.2} ms {upstream:>7.2} ms {stores:>12} {together:>7.2} ms {:>7.2}",
        latency / together
    );
    Ok(())
}

async fn gateway(scene: &Scene) -> Result<String> {
    gateway_with(scene, |host| host).await
}

async fn gateway_with(
    scene: &Scene,
    more: impl FnOnce(HostBuilder) -> HostBuilder,
) -> Result<String> {
    let gateway = Host::builder(&scene.program)
        .store("default", Memory::new())
        .variable("kafka_rest_url", scene.rest_url.as_str())
        .variable("kafka_consume_api", "cloud")
        .variable("open_access", "true")
        .variable("webhook_allow_private", "true")
        .variable("secrets_key", SECRETS_KEY)
        .output(|_| {});
    Ok(format!("http://{}", serve(more(gateway).build()?).await?))
}

async fn subscribe(scene: &Scene, url: &str, topic: &str, callback: String) -> Result<()> {
    let settings = json!({"topics": [topic], "callback_url": callback, "from": "earliest"});
    let target = format!("{url}/subscriptions");
    let body = settings.to_string().into();
    load::call(&scene.client, Method::POST, &target, body).await.map(drop)
}

/// What a backlog took.
struct Backlog {
    took: Duration,
    cpu: Duration,
    /// The milliseconds between two deliveries to the same callback.
    gaps: Vec<f64>,
}

async fn backlog(
    scene: &Scene,
    callbacks: &Callbacks,
    count: usize,
    records: usize,
    round: u32,
) -> Result<Backlog> {
    let (topic, wanted) = (format!("backlog-{count}-{round}"), count * records);
    scene.emulator.create_topic(&topic, 1)?;
    for number in 0..records {
        scene.emulator.append(&topic, 0, NewRecord::value(format!("record number {number}")))?;
    }
    let url = gateway(scene).await?;
    for number in 0..count {
        subscribe(scene, &url, &topic, format!("{}/ok/{number}", callbacks.url)).await?;
    }
    callbacks.arrived.clear();
    let (start, cpu) = (Instant::now(), load::cpu_time()?);
    let target = format!("{url}/subscriptions/deliver");
    while callbacks.arrived.count() < wanted {
        load::call(&scene.client, Method::POST, &target, "".into()).await?;
        ensure!(start.elapsed() < Duration::from_secs(120), "{} came", callbacks.arrived.count());
    }
    let cpu = load::cpu_time()? - cpu;
    let times = callbacks.arrived.times();
    let last = times.last().copied().unwrap_or(start);
    let by_path = callbacks.arrived.by_path();
    let gaps = by_path.values().flat_map(|times| times.windows(2));
    let gaps = gaps.map(|two| (two[1] - two[0]).as_secs_f64() * 1000.0).collect();
    Ok(Backlog { took: last - start, cpu, gaps })
}

/// The time from a record's report to its POST, for the healthy ones.
async fn crowd(
    scene: &Scene,
    callbacks: &Callbacks,
    topic: &str,
    bad: usize,
) -> Result<(f64, f64)> {
    scene.emulator.create_topic(topic, 1)?;
    let url = gateway(scene).await?;
    let healthy = MANY - BAD;
    for number in 0..healthy {
        subscribe(scene, &url, topic, format!("{}/ok/{number}", callbacks.url)).await?;
    }
    for number in 0..bad {
        let callback = match number % 3 {
            0 => format!("{}/hang/{number}", callbacks.url),
            1 => format!("{}/fail/{number}", callbacks.url),
            // Nobody listens there.
            _ => format!("http://127.0.0.1:9/{number}"),
        };
        subscribe(scene, &url, topic, callback).await?;
    }
    callbacks.arrived.clear();
    let mut reported = BTreeMap::new();
    for number in 0..RECORDS {
        let target = format!("{url}/producer/{topic}/{number}");
        load::call(&scene.client, Method::GET, &target, "".into()).await?;
        reported.insert(number, Instant::now());
        tokio::time::sleep(PAUSE).await;
    }
    let (wanted, start) = (healthy * RECORDS, Instant::now());
    while callbacks.arrived.count() < wanted {
        tokio::time::sleep(Duration::from_millis(50)).await;
        ensure!(
            start.elapsed() < Duration::from_secs(120),
            "{} of {wanted}",
            callbacks.arrived.count()
        );
    }
    // Each callback gets the records in their order.
    let mut latencies = Vec::new();
    for (_, times) in callbacks.arrived.by_path() {
        for (number, at) in times.iter().enumerate().take(RECORDS) {
            let latency = at.saturating_duration_since(reported[&number]);
            latencies.push(latency.as_secs_f64() * 1000.0);
        }
    }
    Ok((percentile(&mut latencies, 50), percentile(&mut latencies, 99)))
}

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(index).copied().unwrap_or_default()
}

/// What has come, and when.
#[derive(Clone, Default)]
struct Arrived(Arc<Mutex<Vec<(String, Instant)>>>);

struct Callbacks {
    url: String,
    arrived: Arrived,
}

impl Callbacks {
    /// `/ok/…` answers 204, `/fail/…` 500, `/hang/…` never.
    async fn start() -> Result<Self> {
        let arrived = Arrived::default();
        let kept = arrived.clone();
        let receiver = Receiver::start(move |request| match &request.path {
            path if path.starts_with("/hang") => Reaction::Hang,
            path if path.starts_with("/fail") => Reaction::Status(500),
            path => {
                kept.with(|all| all.push((path.clone(), Instant::now())));
                Reaction::Status(204)
            }
        });
        Ok(Self { url: receiver.await?.url, arrived })
    }
}

impl Arrived {
    fn with<R>(&self, work: impl FnOnce(&mut Vec<(String, Instant)>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn clear(&self) {
        self.with(Vec::clear);
    }

    fn count(&self) -> usize {
        self.with(|all| all.len())
    }

    fn times(&self) -> Vec<Instant> {
        self.with(|all| all.iter().map(|(_, at)| *at).collect())
    }

    fn by_path(&self) -> BTreeMap<String, Vec<Instant>> {
        let mut by_path = BTreeMap::<_, Vec<_>>::new();
        for (path, at) in self.with(|all| all.clone()) {
            by_path.entry(path).or_default().push(at);
        }
        by_path
    }
}

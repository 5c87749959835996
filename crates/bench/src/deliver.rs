//! Deliveries: how many a second, with a backlog, and what callbacks that misbehave cost
//! the others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use http::Method;
use kafka_edge_emulator::NewRecord;
use kafka_edge_host::Host;
use kafka_edge_host::kv::Memory;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::load::{self, Sample};
use crate::scene::{Scene, serve};

const SECRETS_KEY: &str = "a2Fma2EtZWRnZSB0ZXN0czoga2V5IG9mIDMyIGJ5dGU=";
const SUBSCRIPTIONS: [usize; 3] = [1, 10, 100];
/// What is delivered in all, to so many subscriptions together.
const DELIVERIES: usize = 10_000;

/// Of these, so many hang, refuse the connection, or answer 500.
const MANY: usize = 1_000;
const BAD: usize = 50;
const RECORDS: usize = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// Subscriptions of one server at most: each round is to serve all of them.
const CALLERS: usize = 64;

pub(crate) async fn run(scene: &Scene, round: Duration, rounds: u32) -> Result<()> {
    let receiver = Receiver::start().await?;
    println!("\nDeliveries with a backlog, pages of 100, the store in memory\n");
    println!("{:<20} {:>10} {:>7} {:>10} {:>10}", "subscriptions", "per s", "to (b)", "p50", "p99");
    for count in SUBSCRIPTIONS {
        let (mut smallest, mut rates, mut gaps) = (Sample::default(), Vec::new(), Vec::new());
        for number in 0..rounds {
            smallest.add(load::run(&scene.client, &scene.producers[1], CALLERS, round).await?);
            let (rate, more) = backlog(scene, &receiver, count, number).await?;
            rates.push(rate);
            gaps.extend(more);
        }
        let rate = rates.iter().sum::<f64>() / rates.len() as f64;
        println!(
            "{count:<20} {rate:>10.0} {:>7.2} {:>7.2} ms {:>7.2} ms",
            rate / smallest.per_second(),
            percentile(&mut gaps, 50),
            percentile(&mut gaps, 99),
        );
    }
    println!(
        "\n{MANY} subscriptions of one topic, a record every {PAUSE:?}: from its report to its POST\n"
    );
    println!("{:<44} {:>10} {:>10}", "", "p50", "p99");
    let without = crowd(scene, &receiver, "crowd", 0).await?;
    let with = crowd(scene, &receiver, "crowd-bad", BAD).await?;
    for (name, (p50, p99)) in [
        (format!("all {} are healthy", MANY - BAD), without),
        (format!("and {BAD} more hang, refuse or answer 500"), with),
    ] {
        println!("{name:<44} {p50:>7.2} ms {p99:>7.2} ms");
    }
    println!("{:<44} {:>10} {:>10.2}", "ratio of the p99", "", with.1 / without.1);
    Ok(())
}

async fn gateway(scene: &Scene) -> Result<String> {
    let gateway = Host::builder(&scene.program)
        .store("default", Memory::new())
        .variable("kafka_rest_url", scene.rest_url.as_str())
        .variable("kafka_consume_api", "cloud")
        .variable("open_access", "true")
        .variable("webhook_allow_private", "true")
        .variable("secrets_key", SECRETS_KEY)
        .build()?;
    Ok(format!("http://{}", serve(gateway).await?))
}

async fn subscribe(scene: &Scene, url: &str, topic: &str, callback: String) -> Result<()> {
    let settings = json!({"topics": [topic], "callback_url": callback, "from": "earliest"});
    let target = format!("{url}/subscriptions");
    let body = settings.to_string().into();
    load::call(&scene.client, Method::POST, &target, body).await.map(drop)
}

/// Deliveries a second, and the time between two that follow each other.
async fn backlog(
    scene: &Scene,
    receiver: &Receiver,
    count: usize,
    round: u32,
) -> Result<(f64, Vec<f64>)> {
    let (topic, records) = (format!("backlog-{count}-{round}"), DELIVERIES / count);
    scene.emulator.create_topic(&topic, 1)?;
    for number in 0..records {
        scene.emulator.append(&topic, 0, NewRecord::value(format!("record number {number}")))?;
    }
    let url = gateway(scene).await?;
    for number in 0..count {
        subscribe(scene, &url, &topic, format!("{}/ok/{number}", receiver.url)).await?;
    }
    receiver.clear();
    let start = Instant::now();
    let target = format!("{url}/subscriptions/deliver");
    while receiver.count() < DELIVERIES {
        load::call(&scene.client, Method::POST, &target, "".into()).await?;
        ensure!(start.elapsed() < Duration::from_secs(120), "{} came", receiver.count());
    }
    let times = receiver.times();
    let last = times.last().copied().unwrap_or(start);
    let gaps = times.windows(2).map(|two| (two[1] - two[0]).as_secs_f64() * 1000.0).collect();
    Ok((DELIVERIES as f64 / (last - start).as_secs_f64(), gaps))
}

/// The time from a record's report to its POST, for the healthy ones.
async fn crowd(scene: &Scene, receiver: &Receiver, topic: &str, bad: usize) -> Result<(f64, f64)> {
    scene.emulator.create_topic(topic, 1)?;
    let url = gateway(scene).await?;
    let healthy = MANY - BAD;
    for number in 0..healthy {
        subscribe(scene, &url, topic, format!("{}/ok/{number}", receiver.url)).await?;
    }
    for number in 0..bad {
        let callback = match number % 3 {
            0 => format!("{}/hang/{number}", receiver.url),
            1 => format!("{}/fail/{number}", receiver.url),
            // Nobody listens there.
            _ => format!("http://127.0.0.1:9/{number}"),
        };
        subscribe(scene, &url, topic, callback).await?;
    }
    receiver.clear();
    let mut reported = BTreeMap::new();
    for number in 0..RECORDS {
        let target = format!("{url}/producer/{topic}/{number}");
        load::call(&scene.client, Method::GET, &target, "".into()).await?;
        reported.insert(number, Instant::now());
        tokio::time::sleep(PAUSE).await;
    }
    let (wanted, start) = (healthy * RECORDS, Instant::now());
    while receiver.count() < wanted {
        tokio::time::sleep(Duration::from_millis(50)).await;
        ensure!(start.elapsed() < Duration::from_secs(120), "{} of {wanted}", receiver.count());
    }
    // Each callback gets the records in their order.
    let mut latencies = Vec::new();
    for (_, times) in receiver.by_path() {
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

/// A server for callbacks: `/ok/…` answers 204, `/fail/…` 500, `/hang/…` never.
struct Receiver {
    url: String,
    arrived: Arc<Mutex<Vec<(String, Instant)>>>,
}

impl Receiver {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let kept = arrived.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let arrived = kept.clone();
                tokio::spawn(async move { answer(stream, &arrived).await });
            }
        });
        Ok(Self { url, arrived })
    }

    fn all(&self) -> Vec<(String, Instant)> {
        self.arrived.lock().map(|all| all.clone()).unwrap_or_default()
    }

    fn clear(&self) {
        if let Ok(mut all) = self.arrived.lock() {
            all.clear();
        }
    }

    fn count(&self) -> usize {
        self.arrived.lock().map_or(0, |all| all.len())
    }

    fn times(&self) -> Vec<Instant> {
        self.all().into_iter().map(|(_, at)| at).collect()
    }

    fn by_path(&self) -> BTreeMap<String, Vec<Instant>> {
        let mut by_path = BTreeMap::<_, Vec<_>>::new();
        for (path, at) in self.all() {
            by_path.entry(path).or_default().push(at);
        }
        by_path
    }
}

/// Answers the requests of a connection.
async fn answer(mut stream: TcpStream, arrived: &Mutex<Vec<(String, Instant)>>) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
        let path = head.split(' ').nth(1)?.to_owned();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
        let length: usize = length.trim().parse().ok()?;
        while buffer.len() < end + length {
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        }
        buffer.drain(..end + length);
        if path.starts_with("/hang") {
            return std::future::pending().await;
        }
        let status = if path.starts_with("/ok") {
            arrived.lock().ok()?.push((path, Instant::now()));
            "204 No Content"
        } else {
            "500 Internal Server Error\r\ncontent-length: 0"
        };
        stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await.ok()?;
    }
}

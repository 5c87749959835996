//! The gateway against a server that costs what a REST Proxy costs ([`Costs`]), which is
//! reached directly for comparison. Both are on this machine and take its processors from
//! each other, as they do where a real proxy is measured: that at the URL that is given.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Method;
use kafka_edge_emulator::{Costs, Emulator, Offer, Options, Server};
use kafka_edge_host::Host;
use nix::unistd::{SysconfVar, sysconf};
use serde_json::{Value, json};

use crate::consume::{Reader, pages, v2};
use crate::load::{Sample, call, cpu_time, run as load};
use crate::scene::{HttpClient, Producer, Scene, serve};
use crate::table;

const CALLERS: usize = 64;
/// Requests of many records, as `recordings/measurements.jsonl` has them of the proxy, beside
/// those of one record: what the two cost there says what a call and what a record costs.
const STREAMS: usize = 8;
const STREAMED: usize = 1_000;
const PROXYS_RATIO: f64 = 70_344.0 / 9_572.0;
const PARTITIONS: i32 = 4;
const RECORDS: usize = 20_000;
const PRODUCED: &str = "bench-proxy";
const CONSUMED: &str = "bench-proxy-consume";

pub(crate) async fn run(
    scene: &Scene,
    round: Duration,
    rounds: u32,
    rest_url: Option<&str>,
    processes: &[u32],
) -> Result<()> {
    let options = Options { costs: Costs::OF_A_PROXY, offer: Offer::Proxy, ..Options::default() };
    let emulated = Server::bind("127.0.0.1:0", Emulator::new(options)?).await?;
    let emulated_url = format!("http://{}", emulated.local_addr());
    let rest_url = rest_url.unwrap_or(&emulated_url);
    let cluster = cluster_of(&scene.client, rest_url).await?;
    let topics_url = format!("{rest_url}/v3/clusters/{cluster}/topics");
    fill(&scene.client, &topics_url).await?;
    let gateway = Host::builder(&scene.program)
        .variable("kafka_rest_url", rest_url)
        .variable("kafka_consume_api", "v2")
        .variable("open_access", "true")
        .worker_threads(std::thread::available_parallelism().map_or(1, usize::from))
        .build()?;
    let gateway_url = format!("http://{}", serve(gateway).await?);
    match rest_url == emulated_url {
        true => println!("\nAgainst a server with a proxy's costs: {:?}\n", Costs::OF_A_PROXY),
        false => {
            let counted = match processes.len() {
                0 => "its own is not counted".to_owned(),
                more => format!("that of {more} of its processes is counted, too"),
            };
            println!("\nAgainst the server at {rest_url}; of CPU time {counted}\n")
        }
    }

    let producers = [
        Producer {
            name: "the server itself",
            method: Method::POST,
            url: format!("{topics_url}/{PRODUCED}/records"),
            body: Bytes::from_static(br#"{"value":{"type":"STRING","data":"hello"}}"#),
            headers: Vec::new(),
            id_header: None,
        },
        Producer {
            name: "kafka-edge",
            method: Method::GET,
            url: format!("{gateway_url}/producer/{PRODUCED}/hello"),
            body: Bytes::new(),
            headers: Vec::new(),
            id_header: None,
        },
    ];
    let one = &producers[0];
    let stream = Producer {
        name: "the same in streams",
        method: one.method.clone(),
        url: one.url.clone(),
        body: one.body.repeat(STREAMED).into(),
        headers: Vec::new(),
        id_header: None,
    };
    let mut samples = [Sample::default(), Sample::default()];
    let mut streamed = Sample::default();
    for _ in 0..rounds {
        for (producer, sample) in producers.iter().zip(&mut samples) {
            sample.add(load(&scene.client, producer, CALLERS, round).await?);
        }
        streamed.add(load(&scene.client, &stream, STREAMS, round).await?);
    }
    println!("Produce, {CALLERS} callers with a record each");
    table::rates(&[
        (producers[0].name, samples[0].per_second()),
        (producers[1].name, samples[1].per_second()),
    ]);
    println!(
        "The server itself takes {:.1} times as many in requests of {STREAMED} over {STREAMS} \
         connections; the proxy {PROXYS_RATIO:.1}",
        streamed.per_second() * STREAMED as f64 / samples[0].per_second(),
    );

    let reader = |server| Reader {
        client: &scene.client,
        server,
        topic: CONSUMED,
        partitions: (0..PARTITIONS).collect(),
    };
    let (direct, ours) = (reader(rest_url), reader(&gateway_url));
    let mut rates = [("its v2 consumer", 0.0), ("kafka-edge, pages of 500", 0.0)];
    let mut cpu = [Duration::ZERO; 2];
    for round in 0..rounds {
        let group = format!("proxy-{round}");
        let before = cpu_time_with(processes)?;
        let direct = v2(&direct, &group, RECORDS).await?;
        let between = cpu_time_with(processes)?;
        let ours = pages(&ours, &group, RECORDS, false).await?;
        cpu[0] += between - before;
        cpu[1] += cpu_time_with(processes)? - between;
        for ((_, rate), took) in rates.iter_mut().zip([direct, ours]) {
            *rate += RECORDS as f64 / took.as_secs_f64() / f64::from(rounds);
        }
    }
    println!("\nConsume, {RECORDS} records of {PARTITIONS} partitions, one caller");
    table::rates(&rates);
    let read = u32::try_from(RECORDS)? * rounds;
    println!(
        "CPU time of a record, to that of reading directly: {:.2} ({:.1?} and {:.1?})",
        cpu[1].div_duration_f64(cpu[0]),
        cpu[1] / read,
        cpu[0] / read,
    );
    Ok(())
}

/// The CPU time of this process and of these.
fn cpu_time_with(processes: &[u32]) -> Result<Duration> {
    let ticks_per_second = sysconf(SysconfVar::CLK_TCK)?.context("a system without ticks")?;
    let mut ticks = 0;
    for process in processes {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))
            .with_context(|| format!("there is no process {process}"))?;
        // The second field is a name in parentheses, which may hold spaces; utime and stime are the
        // fields 14 and 15 (proc_pid_stat(5)).
        let (_, fields) = stat.rsplit_once(')').context("not a stat of a process")?;
        for field in fields.split_whitespace().skip(11).take(2) {
            ticks += field.parse::<u64>()?;
        }
    }
    let theirs = Duration::from_secs(ticks) / u32::try_from(ticks_per_second)?;
    Ok(cpu_time()? + theirs)
}

async fn cluster_of(client: &HttpClient, rest_url: &str) -> Result<String> {
    let url = format!("{rest_url}/v3/clusters");
    let clusters = call(client, Method::GET, &url, Bytes::new()).await?;
    let clusters: Value = serde_json::from_slice(&clusters)?;
    Ok(clusters["data"][0]["cluster_id"].as_str().context("no cluster")?.to_owned())
}

/// Makes the topics, and writes what is consumed. Topics of another run are in the way.
async fn fill(client: &HttpClient, topics_url: &str) -> Result<()> {
    for topic in [PRODUCED, CONSUMED] {
        let topic = json!({"topic_name": topic, "partitions_count": PARTITIONS}).to_string();
        call(client, Method::POST, topics_url, topic.into()).await?;
    }
    let url = format!("{topics_url}/{CONSUMED}/records");
    for stream in 0..RECORDS / STREAMED {
        let records = (0..STREAMED).map(|number| {
            let number = stream * STREAMED + number;
            let partition = number % PARTITIONS as usize;
            let value = format!("record number {number}");
            let value = json!({"type": "STRING", "data": value});
            json!({"partition_id": partition, "value": value}).to_string()
        });
        call(client, Method::POST, &url, records.collect::<String>().into()).await?;
    }
    Ok(())
}

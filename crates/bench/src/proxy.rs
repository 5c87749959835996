//! The gateway against a server that costs what a REST Proxy costs ([`Costs`]), which is
//! reached directly for comparison. Both are on this machine and take its processors from
//! each other, as they do where the real proxy is measured.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use kafka_edge_emulator::{Costs, Emulator, NewRecord, Offer, Options, Server};
use kafka_edge_host::Host;

use crate::consume::{Reader, pages, v2};
use crate::load::{Sample, cpu_time, run as load};
use crate::scene::{Producer, Scene, serve};
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

pub(crate) async fn run(scene: &Scene, round: Duration, rounds: u32) -> Result<()> {
    let options = Options { costs: Costs::OF_A_PROXY, offer: Offer::Proxy, ..Options::default() };
    let cluster = options.cluster_id.clone();
    let emulator = Emulator::new(options)?;
    emulator.create_topic(PRODUCED, PARTITIONS)?;
    emulator.create_topic(CONSUMED, PARTITIONS)?;
    for number in 0..RECORDS {
        let record = NewRecord::value(format!("record number {number}"));
        emulator.append(CONSUMED, number as i32 % PARTITIONS, record)?;
    }
    let server = Server::bind("127.0.0.1:0", emulator.clone()).await?;
    let rest_url = format!("http://{}", server.local_addr());
    let gateway = Host::builder(&scene.program)
        .variable("kafka_rest_url", rest_url.as_str())
        .variable("kafka_consume_api", "v2")
        .variable("open_access", "true")
        .build()?;
    let gateway_url = format!("http://{}", serve(gateway).await?);
    println!("\nAgainst a server with a proxy's costs: {:?}\n", Costs::OF_A_PROXY);

    let producers = [
        Producer {
            name: "the server itself",
            method: http::Method::POST,
            url: format!("{rest_url}/v3/clusters/{cluster}/topics/{PRODUCED}/records"),
            body: Bytes::from_static(br#"{"value":{"type":"STRING","data":"hello"}}"#),
            headers: Vec::new(),
            id_header: None,
        },
        Producer {
            name: "kafka-edge",
            method: http::Method::GET,
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
    let (direct, ours) = (reader(&rest_url), reader(&gateway_url));
    let mut rates = [("its v2 consumer", 0.0), ("kafka-edge, pages of 500", 0.0)];
    let mut cpu = [Duration::ZERO; 2];
    for round in 0..rounds {
        let group = format!("proxy-{round}");
        let before = cpu_time()?;
        let direct = v2(&direct, &group, RECORDS).await?;
        let between = cpu_time()?;
        let ours = pages(&ours, &group, RECORDS, false).await?;
        cpu[0] += between - before;
        cpu[1] += cpu_time()? - between;
        for ((_, rate), took) in rates.iter_mut().zip([direct, ours]) {
            *rate += RECORDS as f64 / took.as_secs_f64() / f64::from(rounds);
        }
    }
    println!("\nConsume, {RECORDS} records of {PARTITIONS} partitions, one caller");
    table::rates(&rates);
    println!(
        "CPU time of a record, to that of reading directly: {:.2}",
        cpu[1].div_duration_f64(cpu[0])
    );
    Ok(())
}

//! Reads the same records in every available way.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt, Full};
use kafka_edge_emulator::NewRecord;
use serde_json::{Value, json};

use crate::load::{self, Sample, call, send};
use crate::scene::{HttpClient, Scene};
use crate::table;

/// How many records each way reads in one round.
pub(crate) const RECORDS: usize = 10_000;

/// Reading one record at a time takes much longer, so that way reads fewer
/// records.
const ONE_BY_ONE_RECORDS: usize = 200;

/// How long one caller produces in each round.
const ALONE: Duration = Duration::from_millis(500);

const TOPIC: &str = "bench-consume";
const V2: &str = "application/vnd.kafka.v2+json";

pub(crate) async fn run(scene: &Scene, rounds: u32) -> Result<()> {
    scene.emulator.create_topic(TOPIC, 1)?;
    for number in 0..RECORDS {
        scene.emulator.append(TOPIC, 0, NewRecord::value(format!("record number {number}")))?;
    }
    let mut rates = [
        ("the REST server's v2 consumer", 0.0),
        ("kafka-edge, a stream", 0.0),
        ("kafka-edge, pages of 500", 0.0),
        ("kafka-edge, pages of 500, one claim and ack each", 0.0),
        ("kafka-edge, one at a time", 0.0),
    ];
    let here = Reader {
        client: &scene.client,
        server: &scene.gateway_url,
        topic: TOPIC,
        partitions: vec![0],
    };
    let direct = Reader { server: &scene.rest_url, ..here.clone() };
    let mut alone = [Sample::default(), Sample::default()];
    for round in 0..rounds {
        let group = |way: &str| format!("{way}-{round}");
        let runs = [
            (RECORDS, v2(&direct, &group("v2"), RECORDS).await?),
            (RECORDS, stream(scene, &group("stream")).await?),
            (RECORDS, pages(&here, &group("pages"), RECORDS, false).await?),
            (RECORDS, pages(&here, &group("acked"), RECORDS, true).await?),
            (ONE_BY_ONE_RECORDS, one_by_one(scene, &group("one")).await?),
        ];
        for ((_, rate), (records, took)) in rates.iter_mut().zip(runs) {
            *rate += records as f64 / took.as_secs_f64();
        }
        for (producer, sample) in scene.producers[1..=2].iter().zip(&mut alone) {
            sample.add(load::run(&scene.client, producer, 1, ALONE).await?);
        }
    }
    for (_, rate) in &mut rates {
        *rate /= f64::from(rounds);
    }
    table::rates(&rates);
    let [smallest, gateway] = &alone;
    let [_, _, _, _, (_, one_by_one)] = rates;
    println!(
        "\nOne caller, a call after the other, ÷ the smallest component: records one at a time {:.2} \
         of its calls a second; a produce {:.2} of its p50",
        one_by_one / smallest.per_second(),
        gateway.percentile(50).div_duration_f64(smallest.percentile(50)),
    );
    Ok(())
}

/// Whoever reads pages, of a gateway or of a REST server.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    pub(crate) client: &'a HttpClient,
    pub(crate) server: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) partitions: Vec<i32>,
}

/// A consumer instance of the REST server, read to the end. Neither making it
/// nor its first page is counted.
pub(crate) async fn v2(reader: &Reader<'_>, group: &str, records: usize) -> Result<Duration> {
    let Reader { client, server, topic, partitions } = reader;
    let post = async |url: &str, body: Value| {
        send(client, Method::POST, url, V2, body.to_string().into()).await
    };
    let consumers = format!("{server}/consumers/{group}");
    let wish = json!({"name": "i", "format": "binary", "auto.offset.reset": "earliest", "fetch.min.bytes": 1});
    post(&consumers, wish).await?;
    let instance = format!("{consumers}/instances/i");
    let partitions: Vec<_> = partitions
        .iter()
        .map(|partition| json!({"topic": topic, "partition": partition}))
        .collect();
    let partitions = json!({"partitions": partitions});
    post(&format!("{instance}/assignments"), partitions.clone()).await?;
    post(&format!("{instance}/positions/beginning"), partitions).await?;
    let url = format!("{instance}/records");
    let page = async || -> Result<usize> {
        let page = send(client, Method::GET, &url, V2, Bytes::new()).await?;
        let page: Value = serde_json::from_slice(&page)?;
        Ok(page.as_array().context("no page of records")?.len())
    };
    // The first page of an instance takes the server half a second.
    let mut read = 0;
    while read == 0 {
        read = page().await?;
    }
    let start = Instant::now();
    while read < records {
        read += page().await?;
    }
    let took = start.elapsed();
    send(client, Method::DELETE, &instance, V2, Bytes::new()).await?;
    Ok(took)
}

/// Reads server-sent events until the last record has arrived, and then closes
/// the connection.
async fn stream(scene: &Scene, group: &str) -> Result<Duration> {
    let url = format!("{}/consumer/{TOPIC}?group={group}", scene.gateway_url);
    let request = http::Request::get(&url).header("accept", "text/event-stream");
    let request = request.body(Full::new(Bytes::new()))?;
    let start = Instant::now();
    let mut body = scene.client.request(request).await?.into_body();
    let (mut text, mut read) = (Vec::new(), 0);
    while read < RECORDS {
        let frame = body.frame().await.context("the stream ended")??;
        text.extend_from_slice(frame.data_ref().context("no data")?);
        let end = text.windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
        for event in std::str::from_utf8(&text[..end])?.split_terminator("\n\n") {
            // The first event has no record, it says where the stream begins.
            let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else {
                continue;
            };
            let record: Value = serde_json::from_str(data)?;
            ensure!(record["offset"] == read, "record {read} came as {record}");
            read += 1;
        }
        text.drain(..end);
    }
    Ok(start.elapsed())
}

pub(crate) async fn pages(
    reader: &Reader<'_>,
    group: &str,
    count: usize,
    acknowledge: bool,
) -> Result<Duration> {
    let Reader { client, server, topic, .. } = reader;
    let manual = if acknowledge { "&ack=manual" } else { "" };
    let url = format!("{server}/consumer/{topic}?group={group}&max=500{manual}");
    let ack = format!("{server}/consumer/{topic}/ack?group={group}");
    // Time counts from when each partition has been read once: over v2, an instance is
    // made for that.
    let (mut start, mut unseen) = (Instant::now(), reader.partitions.clone());
    let (mut read, mut before) = (0, 0);
    while read < count {
        let page = call(client, Method::GET, &url, Bytes::new()).await?;
        let page: Value = serde_json::from_slice(&page)?;
        let records = page["records"].as_array().context("no page of records")?;
        read += records.len();
        if acknowledge {
            let receipts: Vec<_> = records.iter().map(|record| &record["receipt"]).collect();
            let body = json!({"receipts": receipts}).to_string().into();
            call(client, Method::POST, &ack, body).await?;
        }
        if !unseen.is_empty() {
            unseen.retain(|unseen| records.iter().all(|record| record["partition"] != *unseen));
            (start, before) = (Instant::now(), read);
        }
    }
    // As if all had come at that rate.
    Ok(start.elapsed().mul_f64(count as f64 / (read - before).max(1) as f64))
}

async fn one_by_one(scene: &Scene, group: &str) -> Result<Duration> {
    let url = format!("{}/consumer/{TOPIC}?group={group}", scene.gateway_url);
    let start = Instant::now();
    for number in 0..ONE_BY_ONE_RECORDS {
        let answer = call(&scene.client, Method::GET, &url, Bytes::new()).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        ensure!(answer["offset"] == number, "record {number} came as {answer}");
    }
    Ok(start.elapsed())
}

//! What each stage of a source adds to a plain produce: an event of 1 KiB, unverified,
//! verified, and deduplicated as well, over the store in memory.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use kafka_edge_host::Host;
use kafka_edge_host::kv::Memory;
use sha2::Sha256;

use crate::load::{self, Sample};
use crate::scene::{Producer, SECRETS_KEY, Scene, TOPIC, serve};
use crate::table;

const CALLERS: usize = 64;
const SECRET: &str = "a secret of the benchmark";
const EVENT_BYTES: usize = 1024;

pub(crate) async fn run(scene: &Scene, round: Duration, rounds: u32) -> Result<()> {
    let gateway = Host::builder(&scene.program)
        .store("default", Memory::new())
        .variable("kafka_rest_url", scene.rest_url.as_str())
        .variable("kafka_consume_api", "cloud")
        .variable("open_access", "true")
        .variable("secrets_key", SECRETS_KEY)
        .build()?;
    let url = format!("http://{}", serve(gateway).await?);
    let event = event();
    let github = format!(r#"{{"provider":"github","secrets":["{SECRET}"]}}"#);
    for (name, verify, dedupe) in [
        ("unverified", r#"{"none":{}}"#, ""),
        ("verified", &*github, ""),
        ("deduplicated", &*github, r#","dedupe":{}"#),
    ] {
        let source = format!(r#"{{"name":"{name}","topic":"{TOPIC}","verify":{verify}{dedupe}}}"#);
        let target = format!("{url}/sources");
        load::call(&scene.client, http::Method::POST, &target, source.into()).await?;
    }
    // The four send the same body and headers, so that what a stage adds is the gateway's work.
    let to = |name, path: &str| Producer {
        name,
        method: http::Method::POST,
        url: format!("{url}{path}"),
        body: event.clone(),
        headers: vec![("x-hub-signature-256", signature(&event))],
        id_header: Some("x-github-delivery"),
    };
    let producers = [
        to("a plain produce", &format!("/producer/{TOPIC}")),
        to("unverified", "/in/unverified"),
        to("verified", "/in/verified"),
        to("and deduplicated", "/in/deduplicated"),
    ];
    let smallest = &scene.producers[1];
    let mut samples = vec![Sample::default(); producers.len() + 1];
    for _ in 0..rounds {
        for (producer, sample) in std::iter::once(smallest).chain(&producers).zip(&mut samples) {
            let before = scene.produce_calls();
            let mut run = load::run(&scene.client, producer, CALLERS, round).await?;
            run.upstream_calls = scene.produce_calls() - before;
            sample.add(run);
        }
    }
    println!("\nEvents of {EVENT_BYTES} bytes to a source, {CALLERS} callers\n");
    table::ingest(&producers, &samples[0], &samples[1..]);
    Ok(())
}

fn event() -> Bytes {
    let frame = r#"{"id":1234567890123456789,"text":""}"#.len();
    let text = "x".repeat(EVENT_BYTES - frame);
    format!(r#"{{"id":1234567890123456789,"text":"{text}"}}"#).into()
}

fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    format!("sha256={}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

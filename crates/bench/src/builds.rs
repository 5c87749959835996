//! What each build of the gateway costs its host before it does anything.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use kafka_edge_host::{Host, InstanceOptions, body};

use crate::scene::load;

const PACKAGES: [&str; 3] = ["kafka-edge-spin", "kafka-edge-wasi02", "kafka-edge-wasmcloud"];

/// How often everything is measured.
const TIMES: usize = 200;

pub(crate) async fn run() -> Result<()> {
    println!("\nBuilds: size, an instance made, and one call that makes none, in a new instance\n");
    println!("| build | bytes | instantiation | GET /healthz |");
    println!("|---|---|---|---|");
    for package in PACKAGES {
        let (program, bytes) = load(package)?;
        let host = Host::builder(&program)
            .variable("kafka_rest_url", "http://127.0.0.1:1")
            .variable("open_access", "true")
            .instances(InstanceOptions::one_request_each())
            .build()?;
        let (made, answered) = (instantiation(&host).await?, health(&host).await?);
        println!("| {package} | {bytes} | {made:.1?} | {answered:.1?} |");
    }
    println!("\nTimes are medians of {TIMES}.");
    Ok(())
}

/// How long it takes to make an instance.
pub(crate) async fn instantiation(host: &Host) -> Result<Duration> {
    let program = host.program();
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let mut store = host.new_store();
        let start = Instant::now();
        let instance = host.linker().instantiate_async(&mut store, program.component()).await;
        instance.map_err(|error| anyhow!("no instance could be made: {error:#}"))?;
        times.push(start.elapsed());
    }
    Ok(median(times))
}

async fn health(host: &Host) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let request = http::Request::get("http://gateway/healthz").body(body::empty())?;
        let start = Instant::now();
        let answer = host.handle(request).await?;
        times.push(start.elapsed());
        anyhow::ensure!(answer.status() == 200, "/healthz was answered with {}", answer.status());
    }
    Ok(median(times))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

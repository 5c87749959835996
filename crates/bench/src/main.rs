//! What the component costs, as ratios.
//!
//! The same load goes to (a) the emulated REST server itself, (b) the
//! smallest component that makes one upstream call, under our host, (c) our
//! component, under the same host. All of it runs in this process and over
//! TCP on this machine, in turns, so that whatever else the machine does falls
//! on all three alike. Absolute numbers mean nothing; look at the ratios.
//!
//! `cargo run --release -p kafka-edge-bench -- [seconds per turn] [turns]`

mod consume;
mod load;
mod scene;
mod table;

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use self::load::Sample;
use self::scene::Scene;

const CALLERS: [usize; 2] = [1, 64];

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| match arguments.next() {
        None => Ok(default),
        Some(text) => text.parse::<u32>(),
    };
    let turn = Duration::from_secs(number(2)?.into());
    let turns = number(5)?.max(1);

    let scene = Scene::start().await?;
    println!("component: {} KiB", scene.component_bytes / 1024);
    println!("instantiation: {:?} (median of 200)", instantiation(&scene).await?);

    println!("\nProduce, {turns} turns of {turn:?} each, interleaved\n");
    for callers in CALLERS {
        let mut samples = vec![Sample::default(); scene.producers.len()];
        for _ in 0..turns {
            for (producer, sample) in scene.producers.iter().zip(&mut samples) {
                let before = scene.produce_calls();
                let mut run = load::run(&scene.client, producer, callers, turn).await?;
                run.upstream_calls = scene.produce_calls() - before;
                sample.add(run);
            }
        }
        table::produce(callers, &scene.producers, &samples);
    }

    println!("\nConsume, up to {} records each way, in {turns} turns\n", consume::RECORDS);
    consume::run(&scene, turns).await
}

/// How long it takes to make an instance of our component.
async fn instantiation(scene: &Scene) -> Result<Duration> {
    let host = &scene.gateway;
    let program = host.program();
    let mut times = Vec::new();
    for _ in 0..200 {
        let mut store = host.new_store();
        let start = Instant::now();
        let instance = host.linker().instantiate_async(&mut store, program.component()).await;
        instance.map_err(|error| anyhow!("no instance could be made: {error:#}"))?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}

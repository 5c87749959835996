//! What the component costs, as ratios.
//!
//! The same load goes to (a) the emulated REST server itself, and, under our host, to (b)
//! the smallest component that makes one upstream call, (c) our component, and (d) a
//! component that makes no call. All of it runs in this process and over TCP on this
//! machine, in rounds, so that whatever else the machine does falls on all of them alike.
//! Absolute numbers mean nothing; look at the ratios.
//!
//! Then events go to sources, records to callbacks, and at the end the gateway runs against a server that costs what a REST Proxy costs.
//!
//! See [`USAGE`].

mod builds;
mod consume;
mod deliver;
mod ingest;
mod load;
mod proxy;
mod receiver;
mod scene;
mod soak;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use self::load::Sample;
use self::scene::Scene;

const CALLERS: [usize; 2] = [1, 64];

const USAGE: &str =
    "cargo run --release -p kafka-edge-bench -- [seconds per round] [rounds] [part] [proxy's URL]";

/// What can be run alone.
const PARTS: [&str; 7] = ["builds", "produce", "consume", "ingest", "deliver", "proxy", "soak"];

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let Some(plan) = plan(&arguments) else {
        eprintln!(
            "{USAGE}\n\nThe numbers are whole and from 1 on: 2 seconds and 5 rounds, if not said. \
             A part is one of {}; without it, all are run but for the soak, which takes one round. \
             The part proxy takes the URL of a REST Proxy in place of an emulated one.",
            PARTS.join(", ")
        );
        return ExitCode::from(2);
    };
    match run(plan).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

struct Plan<'a> {
    /// How long each round is.
    round: Duration,
    rounds: u32,
    /// What is to run alone.
    part: Option<&'a str>,
    /// A REST Proxy to measure against.
    rest_url: Option<&'a str>,
}

fn plan(arguments: &[String]) -> Option<Plan<'_>> {
    let number = |index: usize, default| match arguments.get(index) {
        None => Some(default),
        Some(text) => text.parse::<u32>().ok().filter(|number| *number > 0),
    };
    let (seconds, rounds) = (number(0, 2)?, number(1, 5)?);
    let part = arguments.get(2).map(String::as_str);
    let rest_url = arguments.get(3).map(String::as_str);
    let most = if part == Some("proxy") { 4 } else { 3 };
    let known = part.is_none_or(|part| PARTS.contains(&part)) && arguments.len() <= most;
    let round = Duration::from_secs(seconds.into());
    known.then_some(Plan { round, rounds, part, rest_url })
}

async fn run(plan: Plan<'_>) -> Result<()> {
    let Plan { round, rounds, part, rest_url } = plan;
    let wanted = |name| part.is_none_or(|part| part == name);
    if wanted("builds") {
        builds::run().await?;
    }
    if part == Some("builds") {
        return Ok(());
    }
    let scene = Scene::start().await?;
    println!("component: {} KiB", scene.component_bytes / 1024);
    println!("instantiation: {:?} (median of 200)", builds::instantiation(&scene.gateway).await?);
    if part == Some("soak") {
        return soak::run(&scene, round * rounds).await;
    }
    if wanted("produce") {
        produce(&scene, round, rounds).await?;
    }
    if wanted("consume") {
        println!("\nConsume, up to {} records each way, in {rounds} rounds\n", consume::RECORDS);
        consume::run(&scene, rounds).await?;
    }
    if wanted("ingest") {
        ingest::run(&scene, round, rounds).await?;
    }
    if wanted("deliver") {
        deliver::run(&scene, round, rounds).await?;
    }
    if wanted("proxy") {
        proxy::run(&scene, round, rounds, rest_url).await?;
    }
    Ok(())
}

async fn produce(scene: &Scene, round: Duration, rounds: u32) -> Result<()> {
    println!("\nProduce, {rounds} rounds of {round:?} each, interleaved\n");
    for callers in CALLERS {
        let mut samples = vec![Sample::default(); scene.producers.len()];
        for _ in 0..rounds {
            for (producer, sample) in scene.producers.iter().zip(&mut samples) {
                let before = scene.produce_calls();
                let mut run = load::run(&scene.client, producer, callers, round).await?;
                run.upstream_calls = scene.produce_calls() - before;
                sample.add(run);
            }
        }
        table::produce(callers, &scene.producers, &samples);
    }
    Ok(())
}

//! What the component costs, as ratios.
//!
//! The same load goes to (a) the emulated REST server itself, and, under our host, to (b)
//! the smallest component that makes one upstream call, (c) our component, and (d) a
//! component that makes no call. All of it runs in this process and over TCP on this
//! machine, in rounds, so that whatever else the machine does falls on all of them alike.
//! Absolute numbers mean nothing; look at the ratios.
//!
//! Then events go to sources. All of this runs on one thread, since what is compared is CPU
//! time. On two, the callers, the host and the server wake each other, and take each other's
//! memory out of the caches: the same produce by 64 callers took 207 to 240 µs, and 130 to 150
//! where other work kept one of the two processors busy; on one thread it took 111 to 114.
//!
//! Where rates are compared that callers see, all threads are used: records are read in every
//! way, and sent to callbacks, and the gateway runs against a server that costs what a REST
//! Proxy costs, with threads for its instances, as `cargo dev` has them.
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
use tokio::runtime::Builder;

use self::load::Sample;
use self::scene::{Programs, Scene};

const CALLERS: [usize; 2] = [1, 64];

const USAGE: &str = "cargo run --release -p kafka-edge-bench -- [seconds per round] [rounds] \
                     [part] [proxy's URL] [process ID]...";

/// What can be run alone.
const PARTS: [&str; 7] = ["builds", "produce", "consume", "ingest", "deliver", "proxy", "soak"];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let Some(plan) = plan(&arguments) else {
        eprintln!(
            "{USAGE}\n\nThe numbers are whole and from 1 on: 2 seconds and 5 rounds, if not said. \
             A part is one of {}; without it, all are run but for the soak, which takes one round. \
             The part proxy takes the URL of a REST Proxy in place of an emulated one, and the IDs of \
             the processes, its own and its broker's, whose CPU time counts as well.",
            PARTS.join(", ")
        );
        return ExitCode::from(2);
    };
    match run(&plan) {
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
    /// The processes behind it.
    processes: Vec<u32>,
}

fn plan(arguments: &[String]) -> Option<Plan<'_>> {
    let number = |index: usize, default| match arguments.get(index) {
        None => Some(default),
        Some(text) => text.parse::<u32>().ok().filter(|number| *number > 0),
    };
    let (seconds, rounds) = (number(0, 2)?, number(1, 5)?);
    let part = arguments.get(2).map(String::as_str);
    let rest_url = arguments.get(3).map(String::as_str);
    let processes = arguments.iter().skip(4).map(|text| text.parse().ok());
    let processes = processes.collect::<Option<_>>()?;
    let known = part.is_none_or(|part| PARTS.contains(&part))
        && (arguments.len() <= 3 || part == Some("proxy"));
    let round = Duration::from_secs(seconds.into());
    known.then_some(Plan { round, rounds, part, rest_url, processes })
}

impl Plan<'_> {
    fn wants(&self, part: &str) -> bool {
        self.part.map_or(part != "soak", |wanted| wanted == part)
    }
}

fn run(plan: &Plan<'_>) -> Result<()> {
    let one_thread = Builder::new_current_thread().enable_all().build()?;
    if plan.wants("builds") {
        one_thread.block_on(builds::run())?;
    }
    if plan.part == Some("builds") {
        return Ok(());
    }
    let programs = Programs::load()?;
    println!("component: {} KiB", programs.component_bytes / 1024);
    if ["produce", "ingest"].iter().any(|part| plan.wants(part)) {
        one_thread.block_on(of_cpu_time(&programs, plan))?;
    }
    drop(one_thread);
    if ["consume", "deliver", "proxy", "soak"].iter().any(|part| plan.wants(part)) {
        Builder::new_multi_thread().enable_all().build()?.block_on(of_rates(&programs, plan))?;
    }
    Ok(())
}

async fn of_cpu_time(programs: &Programs, plan: &Plan<'_>) -> Result<()> {
    let &Plan { round, rounds, .. } = plan;
    let scene = Scene::start(programs).await?;
    println!("instantiation: {:?} (median of 200)", builds::instantiation(&scene.gateway).await?);
    if plan.wants("produce") {
        produce(&scene, round, rounds).await?;
    }
    if plan.wants("ingest") {
        ingest::run(&scene, round, rounds).await?;
    }
    Ok(())
}

async fn of_rates(programs: &Programs, plan: &Plan<'_>) -> Result<()> {
    let &Plan { round, rounds, rest_url, ref processes, .. } = plan;
    let scene = Scene::start(programs).await?;
    if plan.wants("consume") {
        println!("\nConsume, up to {} records each way, in {rounds} rounds\n", consume::RECORDS);
        consume::run(&scene, rounds).await?;
    }
    if plan.wants("deliver") {
        deliver::run(&scene, round, rounds).await?;
    }
    if plan.wants("proxy") {
        proxy::run(&scene, round, rounds, rest_url, processes).await?;
    }
    if plan.wants("soak") {
        soak::run(&scene, round * rounds).await?;
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

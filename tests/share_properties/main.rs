//! What groups promise whose callers accept, release, reject and renew: the states that
//! KIP-932 gives a record of a share group (available, acquired, acknowledged, archived)
//! under random callers on several instances, deaths at any call of the host, leases that
//! end, and a dead-letter topic that cannot be written now and then.
//!
//! Every run follows from its seed, which is printed. `SHARE_RUNS` says how many runs each
//! property gets, `SHARE_SEED` where their seeds begin.
//!
//! - [`plan`]: what may happen in a run
//! - [`scene`]: the instances, and what a caller can do
//! - [`actors`]: the callers, and whatever befalls them
//! - [`model`]: the state of each record as its callers know it, and what must hold of it

mod actors;
mod model;
mod plan;
mod scene;

use kafka_edge_sim::local;

use crate::model::Counts;
use crate::plan::Plan;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs a test alone, under virtual time.
fn run<T>(test: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(local(test))
}

fn check(runs: u64, plan: impl Fn(u64) -> Plan) {
    let first = number("SHARE_SEED", 0);
    let mut sum = Counts::default();
    for seed in first..first + number("SHARE_RUNS", runs) {
        let plan = plan(seed);
        println!("seed {seed}: {plan:?}");
        sum += run(actors::play(plan));
    }
    println!("{sum:?}");
    let Counts { handed, again, accepted, released, rejected, renewed, refused, letters } = sum;
    let all = [handed, again, accepted, released, rejected, renewed, refused, letters];
    assert!(all.iter().all(|count| *count > 0), "something was hardly tried");
}

#[test]
fn without_faults_each_record_is_in_one_state() {
    check(14, Plan::calm);
}

#[test]
fn deaths_lose_no_record_and_break_no_lease() {
    check(16, Plan::deadly);
}

#[test]
fn a_store_that_fails_loses_no_record_and_breaks_no_lease() {
    check(10, Plan::failing);
}

#[test]
fn dead_letters_that_cannot_be_written_lose_no_record() {
    check(12, Plan::undelivered);
}

//! What deliveries promise, under random subscriptions, records and callbacks, on several
//! instances that die, a store and a log that misbehave, and clocks that are off.
//!
//! Every run follows from its seed, which is printed. `DELIVERY_RUNS` says how many runs
//! each property gets, `DELIVERY_SEED` where their seeds begin.
//!
//! - [`plan`]: what may happen in a run
//! - [`scene`]: instances over one store and one log
//! - [`callbacks`]: whoever is called, and how they misbehave
//! - [`actors`]: what befalls a run
//! - [`model`]: what has come, and what must hold of it

mod actors;
mod callbacks;
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

fn check(runs: u64, plan: impl Fn(u64) -> Plan) -> Counts {
    let first = number("DELIVERY_SEED", 0);
    let mut sum = Counts::default();
    for seed in first..first + number("DELIVERY_RUNS", runs) {
        let plan = plan(seed);
        println!("seed {seed}: {plan:?}");
        let counts = run(actors::play(plan));
        println!("  {counts:?}");
        sum += counts;
    }
    println!("{sum:?}");
    assert!(sum.accepted > 0 && sum.filtered > 0, "hardly anything was tried");
    sum
}

#[test]
fn without_faults_all_comes_once_and_in_order() {
    let sum = check(8, Plan::calm);
    assert_eq!((sum.again, sum.refused), (0, 0));
}

#[test]
fn callbacks_that_fail_hang_and_answer_late_lose_nothing() {
    let sum = check(12, Plan::rude);
    assert!(sum.refused > 0 && sum.dead > 0 && sum.skipped > 0, "nothing was given up");
}

#[test]
fn deaths_repeat_only_what_was_not_written() {
    let sum = check(12, Plan::deadly);
    assert!(sum.again > 0, "nobody died between an answer and its write");
}

#[test]
fn a_store_and_a_log_that_fail_lose_nothing() {
    check(12, Plan::failing);
}

#[test]
fn stale_reads_lose_nothing() {
    check(6, Plan::stale);
}

#[test]
fn clocks_that_jump_lose_nothing() {
    check(6, Plan::wild);
}

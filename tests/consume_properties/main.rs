//! What consuming promises, under random callers on several instances that
//! die, a store and a log that misbehave, and clocks that are off.
//!
//! Every run follows from its seed, which is printed. `CONSUME_RUNS` says how
//! many runs each property gets, `CONSUME_SEED` where their seeds begin.
//!
//! - [`plan`]: what may happen in a run
//! - [`scene`]: the instances, and what a caller can do
//! - [`actors`]: the callers, some of them in a name, and whatever befalls them
//! - [`model`]: what was handed out and disposed of, and what must hold of it
//! - [`found`]: runs that once went wrong, each by itself
//! - [`bounded`]: the store does not grow with what a group has consumed

mod actors;
mod bounded;
mod found;
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
    let first = number("CONSUME_SEED", 0);
    let mut sum = Counts::default();
    for seed in first..first + number("CONSUME_RUNS", runs) {
        let plan = plan(seed);
        println!("seed {seed}: {plan:?}");
        sum += run(actors::play(plan));
    }
    println!("{sum:?}");
    assert!(sum.handed > 0 && sum.again > 0 && sum.acked > 0, "hardly anything was tried");
    assert!(sum.committed > 0 || !plan(first).is_certain(), "nothing was committed in a name");
}

#[test]
fn without_faults_nothing_is_lost_repeated_or_out_of_order() {
    check(10, Plan::calm);
}

#[test]
fn callers_that_hang_up_and_groups_that_move_lose_nothing() {
    check(9, Plan::restless);
}

#[test]
fn deaths_repeat_only_what_the_dead_had_handed_out() {
    check(10, Plan::deadly);
}

#[test]
fn a_store_and_a_log_that_fail_lose_nothing_and_break_no_lease() {
    check(10, Plan::failing);
}

#[test]
fn stale_reads_lose_nothing() {
    check(6, Plan::stale);
}

#[test]
fn clocks_that_jump_lose_nothing() {
    check(6, Plan::wild);
}

//! What sources promise: under random senders that repeat, on several instances that
//! die, over a store and a log that misbehave. What an event costs, and what is answered
//! when something that a source needs fails.
//!
//! Every run follows from its seed, which is printed. `SOURCE_RUNS` says how many runs
//! each property gets, `SOURCE_SEED` where their seeds begin.
//!
//! - [`plan`]: what may happen in a run
//! - [`log`]: a log that fails
//! - [`scene`]: the instances, and sending to them
//! - [`senders`]: the senders, and whatever befalls them
//! - [`model`]: what was answered, and what must hold of it
//! - [`deaths`]: a death at each single call
//! - [`memory`]: the memory of repeats by itself, and that it is bounded
//! - [`exact`]: the same where the store can create keys
//! - [`statistics`]: what is counted when the store fails
//! - [`costs`]: operations of the store, as `docs/state.md` has them
//! - [`faults`], [`keys`], [`registry`]: what a source needs and does not get
//!
//! Each of these rules was left out once, and a test failed: that a failure is forgotten;
//! that a success is noted, with its places, after the record and not before; that the
//! parts of an event that were written are kept; that an instance keeps its own notes,
//! and that they do not spoil those of others; that a pending event waits, and not for
//! ever; the window, the scope and the caps; what is fetched, how often, and that older
//! keys and schemas are kept.

mod costs;
mod deaths;
mod exact;
mod faults;
mod keys;
mod log;
mod memory;
mod model;
mod plan;
mod registry;
mod scene;
mod senders;
mod statistics;

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
    let first = number("SOURCE_SEED", 0);
    let mut sum = Counts::default();
    for seed in first..first + number("SOURCE_RUNS", runs) {
        let plan = plan(seed);
        println!("seed {seed}: {plan:?}");
        sum += run(senders::play(plan));
    }
    println!("{sum:?}");
    assert!(sum.written > 0 && sum.repeats > 0, "hardly anything was tried");
    sum
}

#[test]
fn one_instance_writes_no_event_twice_even_if_repeats_overlap() {
    check(20, Plan::alone);
}

/// Once the older one of two writes of an instance landed last.
#[test]
fn writes_of_one_instance_do_not_overtake_each_other() {
    run(senders::play(Plan::alone(326)));
}

/// Once an older mark, which was read meanwhile, hid what was written of an event.
#[test]
fn what_was_read_before_hides_nothing_that_was_noted_since() {
    run(senders::play(Plan::failing_log(303)));
}

#[test]
fn instances_write_no_event_twice_if_repeats_come_after_the_answer() {
    check(20, Plan::calm);
}

#[test]
fn a_repeat_of_a_pending_event_waits_or_comes_again() {
    let sum = check(20, Plan::overlapping);
    assert!(sum.pending > 0, "no repeat had to come again");
}

#[test]
fn a_log_that_fails_repeats_only_what_it_may_have_written() {
    let sum = check(20, Plan::failing_log);
    assert!(sum.unknown > 0 && sum.failed > 0, "the log failed hardly ever");
}

#[test]
fn deaths_lose_nothing() {
    let sum = check(20, Plan::deadly);
    assert!(sum.deaths > 0, "nobody died");
}

#[test]
fn senders_that_hang_up_lose_nothing() {
    let sum = check(20, Plan::restless);
    assert!(sum.hang_ups > 0, "nobody hung up");
}

#[test]
fn a_store_that_fails_loses_nothing() {
    let sum = check(20, Plan::failing_store);
    assert!(sum.failed > 0, "the store failed hardly ever");
}

#[test]
fn stale_reads_lose_nothing() {
    check(20, Plan::stale);
}

#[test]
fn where_keys_are_created_overlapping_repeats_are_written_once_by_any_instance() {
    check(40, Plan::colliding);
}

#[test]
fn where_keys_are_created_nothing_is_lost_either() {
    let deaths = check(20, |seed| Plan::deadly(seed).creating());
    assert!(deaths.deaths > 0, "nobody died");
    let failures = check(20, |seed| Plan::failing_store(seed).creating());
    assert!(failures.failed > 0, "the store failed hardly ever");
    check(20, |seed| Plan::failing_log(seed).creating());
    check(20, |seed| Plan::restless(seed).creating());
}

//! What holds, searched for a violation.

use crate::scenario::{Promises, Scenario, ticks};
use crate::search::{Found, exhaustive, random};
use crate::store::Stale;

fn none(name: &str, found: &Found) {
    println!("{name}: {} states", found.states);
    assert_eq!(found.violation, None, "{name}: {:?}", found.trace);
}

/// Every run of a small world in which instances interrupt each other at most
/// so often.
fn every(name: &str, switches: u8, change: impl FnOnce(&mut Scenario)) {
    let mut scenario = Scenario { until: 2, draws: 3, remembers: false, ..Scenario::new() };
    (scenario.params.lease, scenario.params.grace) = (ticks(1), ticks(1));
    // Without a memory there is no second look.
    scenario.params.glances = true;
    change(&mut scenario);
    let found = exhaustive(&scenario, switches, 4_000_000);
    none(name, &found);
    assert!(found.complete, "{name}: more than can be searched");
}

/// Many long runs of three instances, two of which die.
fn many(name: &str, change: impl FnOnce(&mut Scenario)) {
    let mut scenario = Scenario {
        instances: 3,
        deaths: 2,
        records: 2,
        until: 30,
        draws: 30,
        steps: 200,
        ..Scenario::new()
    };
    change(&mut scenario);
    let runs = std::env::var("LANE_RUNS").ok().and_then(|runs| runs.parse().ok());
    none(name, &random(&scenario, runs.unwrap_or(3_000)));
}

#[test]
fn every_run_of_two() {
    every("two, two switches", 2, |_| {});
}

#[test]
fn every_run_of_two_one_of_which_dies() {
    every("two, a death, no switch", 0, |s| s.deaths = 1);
}

#[test]
fn every_run_of_two_within_a_tick() {
    every("two, three switches, a tick", 3, |s| s.until = 1);
}

#[test]
fn every_run_of_three_within_a_tick() {
    every("three, one switch, a tick", 1, |s| (s.instances, s.until) = (3, 1));
}

#[test]
fn long_runs() {
    many("long", |_| {});
}

#[test]
fn long_runs_with_clocks_apart() {
    many("clocks apart", |s| {
        s.params.skew = ticks(2);
        s.clocks_move = Some(2);
    });
}

#[test]
fn long_runs_with_seeks() {
    many("seeks", |s| s.seeks = 2);
}

#[test]
fn long_runs_from_latest() {
    many("from=latest", |s| {
        s.caller.from_latest = true;
        s.appends = 2;
    });
}

#[test]
fn a_stale_read_within_the_bound_makes_no_second_holder() {
    many("stale up to two ticks", |s| {
        s.stale = Stale::UpTo(2);
        s.params.stale = ticks(2);
        s.until = 60;
        // The ticket is the next one, and the position is read as it was before.
        s.promises = Promises { one_holder: true, ..Promises::NO_LOSS };
    });
}

#[test]
fn nothing_is_passed_over_whatever_reads_answer() {
    many("stale without bound", |s| {
        s.stale = Stale::Any;
        s.promises = Promises::NO_LOSS;
    });
    many("stale without bound, from=latest", |s| {
        s.stale = Stale::Any;
        s.promises = Promises::NO_LOSS;
        s.caller.from_latest = true;
        s.appends = 2;
    });
}

#[test]
fn nothing_is_passed_over_whatever_clocks_say() {
    many("wrong clocks", |s| {
        s.params.skew = ticks(1);
        s.clocks_move = Some(20);
        s.promises = Promises { progress: true, ..Promises::NO_LOSS };
    });
}

#[test]
fn nothing_is_passed_over_when_a_ticket_is_drawn_twice() {
    many("tickets drawn twice", |s| {
        s.double_draws = 2;
        s.promises = Promises::NO_LOSS;
    });
}

//! Each rule left out on its own, and what goes wrong then. The search is the
//! one of `holds`, so it shows that a violation would be found there.

use kafka_edge::state::lane::Rules;

use crate::scenario::{Caller, Promises, Scenario, ticks};
use crate::search::random;
use crate::store::Stale;
use crate::world::Violation;

/// What is expected goes wrong, and with all rules it does not.
fn wrong(name: &str, expected: Violation, change: impl FnOnce(&mut Scenario)) {
    let mut scenario = Scenario {
        instances: 2,
        deaths: 1,
        until: 12,
        epochs: 8,
        promises: Promises::only(expected),
        ..Scenario::new()
    };
    change(&mut scenario);
    let from_latest = scenario.caller.from_latest;
    let found = random(&scenario, 40_000);
    println!("{name}: {} states, {} events", found.states, found.trace.len());
    assert_eq!(found.violation, Some(expected), "{name}");
    let right =
        Scenario { rules: Rules::ALL, caller: Caller { from_latest, ..Caller::RIGHT }, ..scenario };
    assert_eq!(random(&right, 2_000).violation, None, "{name}: {:?}", found.trace);
}

#[test]
fn the_position_is_written_before_the_answer() {
    wrong("position first", Violation::PassedOver, |s| s.caller.answer_first = false);
}

#[test]
fn a_group_starts_from_the_document_that_the_hint_names() {
    wrong("the hint's document", Violation::StepBack, |s| {
        s.rules.highest_document = false;
        s.remembers = false;
    });
}

#[test]
fn a_claim_without_a_document_is_passed_at_once() {
    wrong("no watch", Violation::TwoHolders, |s| s.rules.watch_claims = false);
}

#[test]
fn an_announcement_is_not_timed() {
    wrong("late announcement", Violation::TwoHolders, |s| s.rules.timed_announcement = false);
}

#[test]
fn a_renewal_is_not_timed() {
    wrong("late renewal", Violation::TwoHolders, |s| s.rules.timed_renewal = false);
}

#[test]
fn who_waits_adds_no_skew() {
    wrong("no skew margin", Violation::TwoHolders, |s| {
        s.params.skew = ticks(2);
        s.ahead = [0, 2, 1];
        s.rules.skew_margin = false;
    });
}

#[test]
fn an_end_is_judged_by_the_clock_after_the_read() {
    wrong("late judgement", Violation::TwoHolders, |s| s.rules.judge_by_the_asking = false);
}

#[test]
fn all_epochs_write_one_document() {
    wrong("one document", Violation::StepBack, |s| s.caller.key_per_epoch = false);
}

#[test]
fn the_newest_claim_is_swept() {
    wrong("newest claim swept", Violation::TwoHolders, |s| {
        s.rules.keep_claims = false;
        // Else that catches it, unless a hint comes late.
        s.rules.hint_after_claim = false;
        s.deaths = 0;
    });
}

#[test]
fn the_document_is_not_read_again_after_the_claim() {
    wrong("not read again", Violation::TwoHolders, |s| s.rules.document_after_claim = false);
}

#[test]
fn the_hint_is_not_read_again_when_there_is_a_document() {
    wrong("hint not read again", Violation::StepBack, |s| {
        s.rules.hint_after_claim = false;
        (s.instances, s.deaths, s.until, s.steps) = (3, 2, 20, 150);
    });
}

#[test]
fn the_hint_is_not_read_again_when_there_is_no_document() {
    wrong("hint ignored", Violation::TwoHolders, |s| {
        s.rules.hint_without_document = false;
        s.rules.hint_after_claim = false;
    });
}

#[test]
fn a_later_epoch_begins_at_the_end() {
    wrong("late from=latest", Violation::PassedOver, |s| {
        s.caller.from_latest = true;
        (s.records, s.appends) = (0, 2);
        s.stale = Stale::Any;
        s.rules = Rules { only_the_first_chooses: false, ..Rules::ALL };
    });
}

//! Each rule left out on its own, and what goes wrong then. The search is the one of
//! `holds`, so it shows that a violation would be found there.

use kafka_edge::state::lane::Rules;

use crate::scenario::{Caller, Promises, Scenario, ticks};
use crate::search::random;
use crate::world::{Event, Violation, World};

const RUNS: u64 = 100_000;

/// What is expected goes wrong, and with all rules it does not.
fn wrong(name: &str, expected: Violation, change: impl FnOnce(&mut Scenario)) {
    let mut scenario = Scenario {
        instances: 2,
        deaths: 1,
        until: 14,
        draws: 10,
        promises: Promises::only(expected),
        ..Scenario::new()
    };
    change(&mut scenario);
    let from_latest = scenario.caller.from_latest;
    let found = random(&scenario, RUNS);
    println!("{name}: {} states, {} events", found.states, found.trace.len());
    assert_eq!(found.violation, Some(expected), "{name}");
    let right =
        Scenario { rules: Rules::ALL, caller: Caller { from_latest, ..Caller::RIGHT }, ..scenario };
    assert_eq!(random(&right, 2_000).violation, None, "{name}: {:?}", found.trace);
}

/// Three instances and more time, for what takes a longer run.
fn longer(scenario: &mut Scenario) {
    (scenario.instances, scenario.deaths, scenario.until, scenario.steps) = (3, 2, 24, 150);
    scenario.draws = 16;
}

#[test]
fn the_position_is_written_before_the_answer() {
    wrong("position first", Violation::PassedOver, |s| s.caller.answer_first = false);
}

#[test]
fn a_ticket_holds_that_is_not_the_next_one() {
    wrong("any ticket", Violation::TwoHolders, |s| s.rules.exact_ticket = false);
}

#[test]
fn a_ticket_without_a_document_is_not_waited_for() {
    wrong("no watch", Violation::TwoHolders, |s| s.rules.wait_for_tickets = false);
}

#[test]
fn a_watch_names_no_ticket() {
    wrong("watch without a ticket", Violation::TwoHolders, |s| {
        longer(s);
        s.rules.watch_names_ticket = false;
    });
}

/// To one clock the end of the dead one's document is past, to the other it is too far off.
#[test]
fn what_is_past_and_what_is_far_off_are_watched_apart() {
    wrong("two watches", Violation::NoProgress, |s| {
        (s.ahead, s.deaths) = ([100, 0, 0], 2);
        s.rules.one_watch = false;
    });
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
fn a_ticket_has_no_end() {
    wrong("no end of grace", Violation::TwoHolders, |s| s.rules.end_of_grace = false);
}

#[test]
fn a_late_write_counts() {
    wrong("late write", Violation::TwoHolders, |s| s.rules.timed_writes = false);
}

#[test]
fn the_dead_are_followed_in_their_own_era() {
    wrong("no new era", Violation::StepBack, |s| {
        longer(s);
        (s.instances, s.steps, s.draws) = (2, 250, 20);
        s.records = 2;
        s.rules.new_era = false;
    });
}

#[test]
fn a_founder_holds_though_somebody_has_drawn() {
    wrong("inexact founding", Violation::TwoHolders, |s| {
        longer(s);
        s.rules.exact_founding = false;
    });
}

#[test]
fn a_founder_acts_and_tidies_before_its_document_is_there() {
    wrong("founder acts first", Violation::StepBack, |s| {
        longer(s);
        (s.instances, s.until, s.steps, s.draws) = (2, 30, 250, 20);
        s.records = 2;
        s.rules.found_before_acting = false;
    });
}

#[test]
fn a_lost_ticket_holds_behind_a_document_that_was_not_released() {
    wrong("next after an end", Violation::TwoHolders, |s| {
        longer(s);
        (s.params.grace, s.params.lease, s.deaths) = (ticks(4), ticks(3), 1);
        s.rules.next_after_release = false;
    });
}

/// Few runs meet all of this, so it is written out: the second ticket gets its turn
/// late, while somebody watches it.
#[test]
fn the_grace_of_a_lost_ticket_counts_from_its_turn() {
    let look = |i| [Event::Begin(i), Event::Count(i), Event::Read(i, 0), Event::Arrive(i)];
    let watch = |i| [Event::Read(i, 0), Event::Arrive(i)];
    let releases = [Event::Release(0), Event::Land(0), Event::Return(0)];
    let founds = [Event::Draw(2), Event::Found(2), Event::Land(2), Event::Return(2)];
    let mut script = [look(0), look(1)].concat();
    script.extend([Event::Draw(0), Event::CountForRelease(0), Event::Tick, Event::Draw(1)]);
    script.extend(look(2).into_iter().chain(watch(2)).chain([Event::Land(2)]));
    script.extend([Event::Tick, Event::Tick].into_iter().chain(releases).chain(look(1)));
    script.extend([Event::Tick, Event::Tick].into_iter().chain(look(2)).chain(watch(2)));
    script.extend([Event::Count(2), Event::Arrive(2)].into_iter().chain(founds));
    for own_grace in [true, false] {
        let mut scenario = Scenario { instances: 3, until: 9, draws: 3, ..Scenario::new() };
        (scenario.params.grace, scenario.params.lease) = (ticks(4), ticks(5));
        (scenario.params.glances, scenario.rules.own_grace) = (true, own_grace);
        let mut world = World::new(&scenario);
        let mut result = Ok(());
        for event in &script {
            assert!(world.events(&scenario).contains(event), "{event:?} in {script:?}");
            result = result.and(world.apply(*event, &scenario));
        }
        let expected = if own_grace { Ok(()) } else { Err(Violation::TwoHolders) };
        assert_eq!(result, expected);
    }
}

#[test]
fn a_lease_in_a_lower_era_is_ignored() {
    wrong("lower era ignored", Violation::TwoHolders, |s| {
        longer(s);
        s.rules.heed_lower_era = false;
    });
}

#[test]
fn what_is_finished_with_is_read_after_the_end() {
    wrong("upto after the end", Violation::TwoHolders, |s| {
        longer(s);
        s.rules.upto_before_end = false;
    });
}

#[test]
fn a_ticket_with_an_unknown_write_is_used_again() {
    wrong("not spent", Violation::StepBack, |s| {
        longer(s);
        s.records = 2;
        s.unknown = 1;
        s.rules.spent = false;
    });
}

#[test]
fn a_later_ticket_begins_at_the_end() {
    wrong("late from=latest", Violation::PassedOver, |s| {
        s.caller.from_latest = true;
        (s.records, s.appends) = (0, 2);
        s.rules.only_the_first_chooses = false;
    });
}

#[test]
fn the_first_document_is_deleted_and_the_counter_lost() {
    wrong("d/0 deleted", Violation::PassedOver, |s| {
        longer(s);
        s.caller.from_latest = true;
        (s.instances, s.records, s.appends, s.losses) = (2, 0, 2, 1);
        s.rules.keep_first = false;
    });
}

use std::time::Duration;

use kafka_edge::error::Error;
use kafka_edge::state::keys::LaneName;
use kafka_edge::state::lane::params::KNOCK_CHECK;
use kafka_edge::state::lane::{Claim, Held, Lane, Origin, Params, Take, Written};

use crate::memory::{Memory, run};

const NAME: &str = "kafka-edge/1/registry/";

type Position = u64;

fn lane(host: &Memory) -> Lane<Memory, Position> {
    Lane::new(host.clone(), LaneName::subscriptions(), Params::default())
}

fn take(lane: &Lane<Memory, Position>) -> Take<Memory, Position> {
    run(lane.try_take(async |_| Ok(100))).0.unwrap()
}

fn held(lane: &Lane<Memory, Position>) -> Held<Memory, Position> {
    match take(lane) {
        Take::Held(held) => held,
        Take::Busy { .. } => panic!("busy"),
    }
}

fn is_busy(lane: &Lane<Memory, Position>) -> bool {
    matches!(take(lane), Take::Busy { .. })
}

#[test]
fn alone_and_cold_costs_what_the_table_says() {
    let host = Memory::default();
    for position in 0..40 {
        run(held(&lane(&host)).release(position)).0.unwrap();
    }
    host.calls(NAME);
    let (take, round_trips) = run(lane(&host).try_take(async |_| Ok(0)));
    let Take::Held(held) = take.unwrap() else { panic!("busy") };
    assert_eq!(host.calls(NAME), ["get h", "claim c/41", "get s/40", "get h", "set s/41"]);
    assert_eq!(round_trips, 4);
    assert_eq!(*held.payload(), 39);
    assert_eq!(run(held.release(40)).0.unwrap(), Written::Kept);
    let after = ["set s/41", "delete s/25", "delete w/25", "set h", "delete c/25"];
    assert_eq!(host.calls(NAME), after);
}

#[test]
fn the_store_stays_small() {
    let host = Memory::default();
    for position in 0..300 {
        run(held(&lane(&host)).release(position)).0.unwrap();
    }
    // 16 claims, 16 documents, the first claim, the hint.
    assert_eq!(host.world.values.borrow().len(), 34);
}

#[test]
fn only_the_winner_of_a_new_lane_is_asked_where_to_begin() {
    let host = Memory::default();
    let lane = lane(&host);
    let taken = run(lane.try_take(async |origin| {
        assert_eq!(origin, Origin::New);
        Ok(7)
    }));
    let Take::Held(held) = taken.0.unwrap() else { panic!("busy") };
    assert_eq!(*held.payload(), 7);
    run(held.release(8)).0.unwrap();
    let taken = run(lane.try_take(async |_| panic!("there is a document")));
    let Take::Held(held) = taken.0.unwrap() else { panic!("busy") };
    assert_eq!(*held.payload(), 8);
    assert_eq!(run(held.delete()).0.unwrap(), Written::Kept);
    let taken = run(lane.try_take(async |origin| {
        assert_eq!(origin, Origin::New);
        Ok(9)
    }));
    let Take::Held(held) = taken.0.unwrap() else { panic!("busy") };
    assert_eq!((*held.payload(), held.generation(), held.epoch()), (9, 2, 3));
}

#[test]
fn a_first_winner_that_died_is_passed_by() {
    let host = Memory::default();
    let error = run(lane(&host).try_take(async |_| Err(Error::Timeout))).0.unwrap_err();
    assert_eq!(error, Error::Timeout);
    let next = lane(&host.beside());
    assert!(is_busy(&next));
    host.pass(3_900);
    assert!(is_busy(&next));
    host.pass(200);
    let taken = run(next.try_take(async |origin| {
        assert_eq!(origin, Origin::Restart);
        Ok(0)
    }));
    let Take::Held(held) = taken.0.unwrap() else { panic!("busy") };
    assert_eq!(held.epoch(), 2);
}

#[test]
fn a_claim_that_was_swept_before_the_next_poll_is_not_waited_for() {
    let host = Memory::default();
    let waiting = lane(&host.beside());
    let Claim::Won(claimed) = run(lane(&host).try_claim(async |_| Ok(0))).0.unwrap() else {
        panic!("busy")
    };
    assert!(is_busy(&waiting));
    let Take::Held(first) = run(claimed.announce()).0.unwrap() else { panic!("busy") };
    run(first.release(0)).0.unwrap();
    for position in 1..40 {
        run(held(&lane(&host)).release(position)).0.unwrap();
    }
    assert_eq!(held(&waiting).epoch(), 41);
}

#[test]
fn a_holder_keeps_others_out_until_its_lease_and_the_skew_are_over() {
    let host = Memory::default();
    let mut first = held(&lane(&host));
    let other = lane(&host.beside());
    assert!(is_busy(&other));
    host.pass(5_000);
    assert!(first.renew_due());
    assert_eq!(run(first.write(101)).0.unwrap(), Written::Kept);
    assert_eq!(first.remaining(), Duration::from_secs(10));
    host.pass(9_999);
    assert!(first.is_live());
    host.pass(1);
    assert!(!first.is_live());
    assert!(is_busy(&other));
    host.pass(1_000);
    let second = held(&other);
    assert_eq!(*second.payload(), 101);
    // The first one writes late: where nobody looks any more.
    assert_eq!(run(first.release(102)).0.unwrap(), Written::Lost);
    run(second.release(103)).0.unwrap();
    assert_eq!(*held(&other).payload(), 103);
}

#[test]
fn a_wall_clock_that_goes_back_does_not_stretch_the_lease() {
    let host = Memory::default();
    let first = held(&lane(&host));
    host.ahead.set(-60_000);
    host.pass(9_999);
    assert!(first.is_live());
    host.pass(1);
    assert!(!first.is_live());
    assert_eq!(first.remaining(), Duration::ZERO);
}

#[test]
fn a_document_from_the_far_future_is_waited_for_one_lease() {
    let host = Memory::default();
    let ahead = host.beside();
    ahead.ahead.set(3_600_000);
    drop(held(&lane(&ahead)));
    let other = lane(&host);
    assert!(is_busy(&other));
    host.pass(10_900);
    assert!(is_busy(&other));
    host.pass(200);
    assert_eq!(held(&other).epoch(), 2);
}

#[test]
fn who_waits_is_heard_and_gets_its_turn() {
    let host = Memory::default();
    let (ours, theirs) = (lane(&host), lane(&host.beside()));
    let mut first = held(&ours);
    assert!(!run(first.knocked(KNOCK_CHECK)).0.unwrap());
    assert!(is_busy(&theirs));
    host.calls(NAME);
    assert!(is_busy(&theirs));
    assert_eq!(host.calls(NAME), ["get s/1"], "a poll is one get");
    assert!(!run(first.knocked(KNOCK_CHECK)).0.unwrap(), "it looks now and then only");
    host.pass(200);
    assert!(run(first.knocked(KNOCK_CHECK)).0.unwrap());
    run(first.release(101)).0.unwrap();
    assert!(is_busy(&ours), "stays away after a knock");
    let second = held(&theirs);
    host.pass(200);
    assert!(is_busy(&ours));
    run(second.release(102)).0.unwrap();
    let mut third = held(&ours);
    host.pass(200);
    assert!(!run(third.knocked(KNOCK_CHECK)).0.unwrap(), "the knock was for an earlier turn");
}

#[test]
fn a_write_without_an_answer_ends_the_tenure() {
    let host = Memory::default();
    for done in [true, false] {
        let lane = lane(&host);
        let mut first = held(&lane);
        let before = *first.payload();
        host.fail_next_set("/s/", done);
        assert!(matches!(run(first.write(before + 1)).0, Err(Error::Store { .. })));
        assert!(!first.is_live());
        assert_eq!(run(first.write(before + 2)).0.unwrap(), Written::Lost);
        host.pass(11_001);
        assert_eq!(*held(&lane).payload(), before + u64::from(done));
        host.pass(11_001);
    }
}

#[test]
fn an_announcement_that_takes_too_long_is_none() {
    let host = Memory::default();
    host.slow_next_set(3_000);
    assert!(is_busy(&lane(&host)));
    assert!(is_busy(&lane(&host)));
}

#[test]
fn a_write_that_returns_after_the_lease_is_lost() {
    let host = Memory::default();
    let mut first = held(&lane(&host));
    host.slow_next_set(10_000);
    assert_eq!(run(first.write(101)).0.unwrap(), Written::Lost);
    assert!(!first.is_live());
}

#[test]
fn a_hint_from_before_a_sweep_leads_to_the_latest_document_all_the_same() {
    let host = Memory::default();
    for position in 0..40 {
        run(held(&lane(&host)).release(position)).0.unwrap();
    }
    let hint = format!("{NAME}h");
    host.put(&hint, r#"{"n":2,"r":true}"#);
    assert_eq!(run(lane(&host).peek()).0.unwrap().unwrap().0, 40);
    assert_eq!(run(lane(&host).peek()).0.unwrap().unwrap().1.payload, Some(39));
    host.put(&hint, r#"{"n":2}"#);
    let late = held(&lane(&host));
    assert_eq!((late.epoch(), *late.payload()), (41, 39));
}

#[test]
fn peek_sees_the_holder_and_takes_nothing() {
    let host = Memory::default();
    assert_eq!(run(lane(&host).peek()).0.unwrap(), None);
    assert_eq!(host.calls(NAME), ["get h", "get s/1", "get w/1"]);
    let mut first = held(&lane(&host));
    run(first.write(101)).0.unwrap();
    let (epoch, document) = run(lane(&host).peek()).0.unwrap().unwrap();
    assert_eq!((epoch, document.payload, document.released), (1, Some(101), false));
    assert!(first.is_live());
}

#[test]
fn a_document_that_does_not_parse_is_an_error_and_no_fresh_start() {
    let host = Memory::default();
    run(held(&lane(&host)).release(1)).0.unwrap();
    for text in ["", "{}", r#"{"v":2,"u":0,"l":0,"r":true,"p":1}"#] {
        host.put(&format!("{NAME}s/1"), text);
        let taken = run(lane(&host).try_take(async |_| panic!("a fresh start"))).0;
        assert!(matches!(taken, Err(Error::Store { .. })), "{text}");
        assert!(run(lane(&host).peek()).0.is_err(), "{text}");
        // Each try has claimed an epoch that is dead now.
        host.world.values.borrow_mut().retain(|key, _| !key.contains("/c/2"));
    }
}

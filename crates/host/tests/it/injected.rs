//! Faults at the host boundary, clocks that are wrong, variables.

use crate::common::{get, get_with_status, host, until};
use kafka_edge_host::WallClock;
use kafka_edge_host::faults::{CallKind, Failure, Fault, HostCall, Moment};
use kafka_edge_host::kv::{Memory, Store, StoreError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Does one thing at one side of the calls of one kind.
fn at(
    kind: CallKind,
    moment: Moment,
    fault: Fault,
) -> impl Fn(&HostCall<'_>) -> Fault + Send + Sync + 'static {
    move |call| {
        if call.kind == kind && call.moment == moment { fault.clone() } else { Fault::Continue }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_killed_before_a_call_has_not_made_it_and_after_has() {
    for (moment, made) in [(Moment::Before, false), (Moment::After, true)] {
        let memory = Memory::new();
        let host = host()
            .store("default", memory.clone())
            .faults(at(CallKind::KvSet, moment, Fault::Trap))
            .build()
            .unwrap();
        for interface in ["spin", "wasi"] {
            let path = format!("/kv/default/{interface}/set/{interface}/value");
            assert_eq!(get_with_status(&host, &path).await.0, 500);
            assert_eq!(memory.get(interface).await.unwrap().is_some(), made);
        }
        until(async || (host.stats().traps == 2).then_some(())).await;
        assert_eq!(get(&host, "/hello").await, "hello");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_can_be_killed_in_every_run() {
    // What a test does that kills at call k, for each k.
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let record = move |call: &HostCall<'_>| {
        let entry = (call.number, call.kind, call.target.to_owned(), call.moment, call.instance);
        seen.lock().unwrap().push(entry);
        Fault::Continue
    };
    let host = host().faults(record).build().unwrap();
    get(&host, "/kv/default/spin/set/a/1").await;
    get(&host, "/kv/default/wasi/increment/b/1").await;
    let expected = [
        (0, CallKind::KvSet, "a".to_owned(), Moment::Before, 1),
        (0, CallKind::KvSet, "a".to_owned(), Moment::After, 1),
        (1, CallKind::KvIncrement, "b".to_owned(), Moment::Before, 1),
        (1, CallKind::KvIncrement, "b".to_owned(), Moment::After, 1),
    ];
    assert_eq!(*calls.lock().unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_can_fail_with_an_error_of_its_own() {
    let denied = Fault::Fail(Failure::Kv(StoreError::AccessDenied));
    let failing = host().faults(at(CallKind::KvGet, Moment::Before, denied)).build().unwrap();
    assert_eq!(get(&failing, "/kv/default/spin/get/a").await, "Error::AccessDenied");
    let broken = Fault::Fail(Failure::Other("the vault is sealed".to_owned()));
    let failing = host()
        .variable("name", "value")
        .faults(at(CallKind::Variable, Moment::Before, broken))
        .build()
        .unwrap();
    assert!(get(&failing, "/variable/name").await.contains("the vault is sealed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_can_take_longer() {
    let delay = Fault::Delay(Duration::from_millis(200));
    let slow = host().faults(at(CallKind::KvGet, Moment::After, delay)).build().unwrap();
    let start = Instant::now();
    get(&slow, "/kv/default/spin/get/a").await;
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_can_be_the_place_of_death() {
    let host = host().faults(at(CallKind::Sleep, Moment::After, Fault::Trap)).build().unwrap();
    assert_eq!(get_with_status(&host, "/together/1").await.0, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn wall_clocks_can_be_wrong() {
    let clock = WallClock::new();
    let shared = clock.clone();
    let host = host().wall_clock(move |_| shared.clone()).build().unwrap();
    let times = async || {
        let text = get(&host, "/time").await;
        let (ours, std) = text.split_once(' ').unwrap();
        (ours.parse::<i64>().unwrap(), std.parse::<i64>().unwrap())
    };
    let (before, _) = times().await;
    clock.set_offset_ms(-3_600_000);
    let (ours, std) = times().await;
    assert!((before - ours - 3_600_000).abs() < 60_000, "{before} {ours}");
    assert!((ours - std).abs() < 60_000, "{ours} {std}");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_have_values_or_errors() {
    let host = host().variable("name", "value").build().unwrap();
    assert_eq!(get(&host, "/variable/name").await, "value");
    assert!(get(&host, "/variable/other").await.contains("Undefined"));
    assert!(get(&host, "/variable/NAME").await.contains("InvalidName"));
}

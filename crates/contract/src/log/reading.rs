//! What is promised of reading.

use std::time::Duration;

use kafka_edge::host::Clock;
use kafka_edge::kafka::{Fetch, Log, Place};

use super::{at, offsets_of};
use crate::Logs;

pub(super) async fn a_partition_is_read_to_its_end_without_a_gap(world: impl Logs) {
    world.append(0, 250).await;
    let log = world.log();
    let (mut next, mut place) = (0, None);
    while next < 250 {
        let fetched = log.fetch(at(next, place)).await.unwrap();
        assert!(!fetched.records.is_empty(), "nothing at {next}");
        assert_eq!(offsets_of(&fetched), (next..fetched.next).collect::<Vec<_>>());
        assert!(fetched.records.iter().all(|record| record.partition == 0));
        (next, place) = (fetched.next, fetched.place);
    }
    assert_eq!(next, 250);
}

pub(super) async fn any_offset_can_be_read_first(world: impl Logs) {
    world.append(0, 120).await;
    for offset in [0, 119, 63, 7] {
        let fetched = world.log().fetch(at(offset, None)).await.unwrap();
        assert_eq!(fetched.records[0].offset, offset);
    }
}

/// Without a place to be handed back.
pub(super) async fn any_offset_is_read_at_once_where_that_is_stated(world: impl Logs) {
    world.append(0, 120).await;
    let log = world.log();
    let stated = log.capabilities().await.unwrap().random_access;
    for offset in [119, 0, 63] {
        let fetched = log.fetch(at(offset, None)).await.unwrap();
        assert_eq!(fetched.place.is_none(), stated, "{fetched:?}");
    }
}

pub(super) async fn an_offset_below_the_first_is_moved_up_to_it(world: impl Logs) {
    world.append(0, 20).await;
    world.delete_before(0, 15).await;
    let fetched = world.log().fetch(at(3, None)).await.unwrap();
    assert_eq!(offsets_of(&fetched), (15..20).collect::<Vec<_>>());
    assert_eq!(fetched.next, 20);
}

pub(super) async fn nothing_is_read_past_the_end(world: impl Logs) {
    world.append(0, 3).await;
    for offset in [3, 4, 1_000] {
        let fetched = world.log().fetch(at(offset, None)).await.unwrap();
        assert_eq!(offsets_of(&fetched), [0; 0]);
        assert_eq!(fetched.next, offset, "the reader's position is its own");
    }
}

pub(super) async fn a_fetch_waits_no_longer_than_asked(world: impl Logs) {
    let (log, clock) = (world.log(), world.clock());
    for wait in [0, 500, 2_000].map(Duration::from_millis) {
        let before = clock.monotonic();
        let fetched = log.fetch(Fetch { wait, ..at(0, None) }).await.unwrap();
        assert!(fetched.records.is_empty());
        let taken = clock.monotonic() - before;
        assert!(taken <= wait + world.slack(), "{wait:?}: {taken:?}");
    }
}

pub(super) async fn a_fetch_returns_with_the_record_that_it_waited_for(world: impl Logs) {
    let (log, clock) = (world.log(), world.clock());
    let wait = Duration::from_secs(20);
    let append = async {
        clock.sleep(Duration::from_secs(1)).await;
        world.append(0, 1).await;
    };
    let before = clock.monotonic();
    let fetch = log.fetch(Fetch { wait, ..at(0, None) });
    let (fetched, ()) = futures_util::future::join(fetch, append).await;
    assert_eq!(offsets_of(&fetched.unwrap()), [0]);
    let taken = clock.monotonic() - before;
    assert!(taken < Duration::from_secs(4) + world.slack(), "{taken:?}");
}

pub(super) async fn a_place_goes_from_one_instance_to_the_next(world: impl Logs) {
    world.append(0, 90).await;
    let (mut next, mut place, mut read) = (0, None, Vec::new());
    while next < 90 {
        let fetched = world.log().fetch(at(next, place)).await.unwrap();
        read.extend(offsets_of(&fetched));
        (next, place) = (fetched.next, fetched.place);
    }
    assert_eq!(read, (0..90).collect::<Vec<_>>());
}

pub(super) async fn a_place_that_is_lost_costs_no_record(world: impl Logs) {
    world.append(0, 90).await;
    let (mut next, mut read) = (0, Vec::new());
    while next < 90 {
        // The answer came, and its place was never written down.
        let fetched = world.log().fetch(at(next, None)).await.unwrap();
        read.extend(offsets_of(&fetched));
        next = fetched.next;
    }
    assert_eq!(read, (0..90).collect::<Vec<_>>());
}

pub(super) async fn a_place_that_was_closed_costs_no_record(world: impl Logs) {
    world.append(0, 90).await;
    let log = world.log();
    let (mut next, mut place, mut read) = (0, None::<Place>, Vec::new());
    while next < 90 {
        if let Some(place) = place.clone() {
            log.close(place).await;
        }
        let fetched = log.fetch(at(next, place)).await.unwrap();
        read.extend(offsets_of(&fetched));
        (next, place) = (fetched.next, fetched.place);
    }
    assert_eq!(read, (0..90).collect::<Vec<_>>());
}

pub(super) async fn partitions_are_read_apart(world: impl Logs) {
    world.append(0, 3).await;
    world.append(2, 2).await;
    let log = world.log();
    for (partition, count) in [(0, 3), (1, 0), (2, 2)] {
        let fetched = log.fetch(Fetch { partition, ..at(0, None) }).await.unwrap();
        assert_eq!(offsets_of(&fetched), (0..count).collect::<Vec<_>>());
        assert!(fetched.records.iter().all(|record| record.partition == partition));
    }
}

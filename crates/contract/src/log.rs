//! What every [`Log`] promises, and that it does what its capabilities state.

mod reading;

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use kafka_edge::error::{Error, ErrorKind, Result};
use kafka_edge::host::Clock;
use kafka_edge::kafka::{Fetch, Fetched, Log, Offsets, Place};
use kafka_edge::record::{Header, NewRecord, RecordMetadata};

use self::reading::*;
use crate::names::play;
use crate::{Logs, with_promises};

/// Plays the promise of this name. Returns whether there is one.
pub async fn play(name: &str, world: impl Logs) -> bool {
    with_promises!(log, play, name, world);
    false
}

fn value(value: &str) -> NewRecord {
    NewRecord { value: Some(value.to_owned().into()), ..NewRecord::default() }
}

/// A fetch of `orders/0` with room for everything, that does not wait.
fn at(offset: i64, place: Option<Place>) -> Fetch<'static> {
    Fetch {
        topic: "orders",
        partition: 0,
        offset,
        place,
        max_records: 100,
        end: None,
        max_bytes: 1 << 20,
        wait: Duration::ZERO,
    }
}

fn offsets_of(fetched: &Fetched) -> Vec<i64> {
    fetched.records.iter().map(|record| record.offset).collect()
}

/// The report on each record, in the order of the records.
pub async fn produce(
    log: &impl Log,
    topic: &str,
    records: Vec<NewRecord>,
) -> Vec<Result<RecordMetadata>> {
    let reports = RefCell::new(vec![None; records.len()]);
    let report = |index: usize, report| {
        let before = reports.borrow_mut()[index].replace(report);
        assert_eq!(before, None, "record {index} was reported on twice");
    };
    log.produce(topic, records, report).await;
    let reports = reports.into_inner().into_iter();
    reports.map(|report| report.expect("each record is reported on")).collect()
}

/// It makes the ids of records differ from another cluster's.
async fn every_instance_is_told_the_same_cluster(world: impl Logs) {
    let id = world.log().cluster_id().await.unwrap();
    assert!(!id.is_empty());
    assert_eq!(world.log().cluster_id().await, Ok(id));
}

async fn the_server_answers_a_ping(world: impl Logs) {
    assert_eq!(world.log().ping().await, Ok(()));
}

async fn a_topic_has_a_name_and_partitions(world: impl Logs) {
    let log = world.log();
    let topic = log.topic("orders").await.unwrap();
    assert_eq!((topic.name.as_str(), topic.partitions), ("orders", 3));
    let names: Vec<_> = log.topics().await.unwrap().into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["orders"]);
}

/// And soon: a server of Kafka's own would wait a minute for it.
async fn an_unknown_topic_is_refused_by_every_function(world: impl Logs) {
    let log = world.log();
    let unknown = || Error::from(ErrorKind::UnknownTopic("none".into()));
    let clock = world.clock();
    let before = clock.monotonic();
    assert_eq!(log.topic("none").await, Err(unknown()));
    assert_eq!(log.offsets("none").await, Err(unknown()));
    assert_eq!(log.ends("none").await, Err(unknown()));
    let fetched = log.fetch(Fetch { topic: "none", ..at(0, None) }).await;
    assert_eq!(fetched.unwrap_err(), unknown());
    let reports = produce(&log, "none", vec![value("a"), value("b")]).await;
    assert_eq!(reports, [Err(unknown()), Err(unknown())]);
    if log.capabilities().await.unwrap().offset_by_time {
        assert_eq!(log.offset_at("none", 0).await, Err(unknown()));
    }
    let taken = clock.monotonic() - before;
    assert!(taken < Duration::from_secs(1) + world.slack(), "{taken:?}");
}

async fn offsets_bound_what_is_there(world: impl Logs) {
    world.append(0, 10).await;
    world.append(2, 1).await;
    world.delete_before(0, 4).await;
    let offsets = world.log().offsets("orders").await.unwrap();
    let expected = [(0, 4, 10), (1, 0, 0), (2, 0, 1)];
    assert_eq!(
        offsets,
        expected.map(|(partition, first, end)| (partition, Offsets { first, end }))
    );
}

async fn ends_move_with_what_is_written(world: impl Logs) {
    let (log, other) = (world.log(), world.log());
    assert_eq!(log.ends("orders").await, Ok(vec![(0, 0), (1, 0), (2, 0)]));
    world.append(1, 2).await;
    assert_eq!(log.ends("orders").await, Ok(vec![(0, 0), (1, 2), (2, 0)]));
    let record = NewRecord { partition: Some(2), ..value("a") };
    produce(&other, "orders", vec![record]).await.remove(0).unwrap();
    assert_eq!(log.ends("orders").await, Ok(vec![(0, 0), (1, 2), (2, 1)]));
}

/// Of the first record at or after it; the end where there is none.
async fn a_time_has_an_offset_where_that_is_stated(world: impl Logs) {
    let log = world.log();
    let record = |n: i64| NewRecord {
        partition: Some(0),
        timestamp: Some(1_772_360_000_000 + 1_000 * n),
        ..value("v")
    };
    let reports = produce(&log, "orders", (0..10).map(record).collect()).await;
    assert!(reports.iter().all(Result::is_ok));
    for (time, offset) in [(0, 0), (6_500, 7), (7_000, 7), (9_001, 10)] {
        let answer = log.offset_at("orders", 1_772_360_000_000 + time).await;
        match log.capabilities().await.unwrap().offset_by_time {
            true => assert_eq!(answer, Ok(vec![(0, offset), (1, 0), (2, 0)]), "{time}"),
            false => assert!(
                answer.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Unsupported(_))),
                "{answer:?}"
            ),
        }
    }
}

async fn what_is_written_is_reported_where_it_lies(world: impl Logs) {
    let log = world.log();
    world.append(1, 5).await;
    let record = |text: &str| NewRecord { partition: Some(1), ..value(text) };
    let reports = produce(&log, "orders", vec![record("a"), record("b")]).await;
    for (report, (offset, text)) in reports.iter().zip([(5, "a"), (6, "b")]) {
        let written = report.as_ref().unwrap();
        assert_eq!((written.partition, written.offset), (1, offset));
        let fetched = log.fetch(Fetch { partition: 1, ..at(offset, None) }).await.unwrap();
        assert_eq!(fetched.records[0].value.as_deref(), Some(text.as_bytes()));
    }
}

/// In the order given, however many there are.
async fn each_record_is_reported_on_once(world: impl Logs) {
    let record = |n: usize| NewRecord { partition: Some(0), ..value(&n.to_string()) };
    let reports = produce(&world.log(), "orders", (0..700).map(record).collect()).await;
    let offsets: Vec<_> = reports.into_iter().map(|report| report.unwrap().offset).collect();
    assert_eq!(offsets, (0..700).collect::<Vec<_>>());
    assert_eq!(produce(&world.log(), "orders", Vec::new()).await, []);
}

async fn a_record_that_is_refused_takes_no_other_with_it(world: impl Logs) {
    let log = world.log();
    let to = |partition| NewRecord { partition: Some(partition), ..value("a") };
    let reports = produce(&log, "orders", vec![to(0), to(3), to(0)]).await;
    assert!(reports[0].is_ok() && reports[2].is_ok(), "{reports:?}");
    assert!(
        reports[1].as_ref().is_err_and(|error| matches!(**error, ErrorKind::Invalid { .. })),
        "{reports:?}"
    );
    assert_eq!(log.ends("orders").await.unwrap()[0], (0, 2));
}

/// Byte for byte; none is not the same as an empty one.
async fn keys_and_values_are_read_as_they_were_written(world: impl Logs) {
    let log = world.log();
    let bytes = |bytes: &'static [u8]| Some(Bytes::from_static(bytes));
    let pairs = [
        (None, bytes(b"{\"n\": 1.10 }")),
        (bytes(b"\xfe\0key"), bytes(b"\xff\xfe")),
        (bytes(b"deleted"), None),
        (bytes(b""), bytes(b"")),
        (None, None),
    ];
    let record = |(key, value): (Option<Bytes>, Option<Bytes>)| NewRecord {
        key,
        value,
        partition: Some(0),
        ..NewRecord::default()
    };
    let reports = produce(&log, "orders", pairs.clone().map(record).into()).await;
    assert!(reports.iter().all(Result::is_ok), "{reports:?}");
    let fetched = log.fetch(at(0, None)).await.unwrap();
    let read = fetched.records.into_iter().map(|record| (record.key, record.value));
    assert_eq!(read.collect::<Vec<_>>(), pairs);
}

/// In their order, with names that repeat; elsewhere they are absent and
/// not empty.
async fn headers_are_read_where_that_is_stated(world: impl Logs) {
    let log = world.log();
    let header = |name: &str, value: Option<&'static [u8]>| Header {
        name: name.into(),
        value: value.map(Bytes::from_static),
    };
    let headers = vec![header("b", Some(b"\x80")), header("a", None), header("b", Some(b""))];
    let record =
        NewRecord { headers: headers.clone(), partition: Some(0), ..value("with headers") };
    let reports = produce(&log, "orders", vec![record]).await;
    assert!(reports[0].is_ok(), "{reports:?}");
    let fetched = log.fetch(at(0, None)).await.unwrap();
    let stated = log.capabilities().await.unwrap().headers;
    assert_eq!(fetched.records[0].headers, stated.then_some(headers));
}

async fn times_are_read_where_that_is_stated(world: impl Logs) {
    let log = world.log();
    let time = Some(1_772_360_130_250);
    let record = NewRecord { partition: Some(0), timestamp: time, ..value("then") };
    let reports = produce(&log, "orders", vec![record]).await;
    assert_eq!(reports[0].as_ref().unwrap().timestamp, time);
    let fetched = log.fetch(at(0, None)).await.unwrap();
    let stated = log.capabilities().await.unwrap().timestamps;
    assert_eq!(fetched.records[0].timestamp, time.filter(|_| stated));
}

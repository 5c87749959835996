//! What every [`Log`] promises, and that it does what its capabilities state.
//!
//! Each log has a topic `orders` with three partitions, empty at first.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use kafka_edge::error::{Error, ErrorKind, Result};
use kafka_edge::kafka::{Fetch, Fetched, Log, Offsets, Place};
use kafka_edge::record::{Header, NewRecord, RecordMetadata};
use kafka_edge_emulator::Version;
use kafka_edge_sim::local;
use tokio::time::Instant;

use crate::logs::{Served, Simulated, confluent_cloud, confluent_v2};

/// The tests of one implementation. `$open` gives a server with an empty topic.
macro_rules! log_contract {
    ($name:ident, $open:expr) => {
        mod $name {
            use super::*;
            log_contract!(@promises $open =>
                every_instance_is_told_the_same_cluster
                the_server_answers_a_ping
                a_topic_has_a_name_and_partitions
                an_unknown_topic_is_refused_by_every_function
                offsets_bound_what_is_there
                ends_move_with_what_is_written
                a_time_has_an_offset_where_that_is_stated
                what_is_written_is_reported_where_it_lies
                each_record_is_reported_on_once
                a_record_that_is_refused_takes_no_other_with_it
                keys_and_values_are_read_as_they_were_written
                headers_are_read_where_that_is_stated
                times_are_read_where_that_is_stated
                a_partition_is_read_to_its_end_without_a_gap
                any_offset_can_be_read_first
                any_offset_is_read_at_once_where_that_is_stated
                an_offset_below_the_first_is_moved_up_to_it
                nothing_is_read_past_the_end
                a_fetch_waits_no_longer_than_asked
                a_fetch_returns_with_the_record_that_it_waited_for
                a_place_goes_from_one_instance_to_the_next
                a_place_that_is_lost_costs_no_record
                a_place_that_was_closed_costs_no_record
                partitions_are_read_apart
            );
        }
    };
    (@promises $open:expr => $($promise:ident)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $promise() {
            local(async { promises::$promise($open).await }).await;
        })*
    };
}

log_contract!(simulated, Simulated::new());
log_contract!(simulated_in_places, Simulated::read_in_places());
log_contract!(confluent_v2_of_7_9_9, confluent_v2(Version::V7_9_9));
log_contract!(confluent_v2_of_8_3_1, confluent_v2(Version::V8_3_1));
log_contract!(confluent_in_the_cloud, confluent_cloud());

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

async fn produce(
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

mod promises {
    use super::*;

    /// It makes the ids of records differ from another cluster's.
    pub(super) async fn every_instance_is_told_the_same_cluster(served: impl Served) {
        let id = served.log().cluster_id().await.unwrap();
        assert!(!id.is_empty());
        assert_eq!(served.log().cluster_id().await, Ok(id));
    }

    pub(super) async fn the_server_answers_a_ping(served: impl Served) {
        assert_eq!(served.log().ping().await, Ok(()));
    }

    pub(super) async fn a_topic_has_a_name_and_partitions(served: impl Served) {
        let log = served.log();
        let topic = log.topic("orders").await.unwrap();
        assert_eq!((topic.name.as_str(), topic.partitions), ("orders", 3));
        let names: Vec<_> = log.topics().await.unwrap().into_iter().map(|t| t.name).collect();
        assert_eq!(names, ["orders"]);
    }

    /// And soon: a server of Kafka's own would wait a minute for it.
    pub(super) async fn an_unknown_topic_is_refused_by_every_function(served: impl Served) {
        let log = served.log();
        let unknown = || Error::from(ErrorKind::UnknownTopic("none".into()));
        let before = Instant::now();
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
        assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    }

    pub(super) async fn offsets_bound_what_is_there(served: impl Served) {
        served.append(0, 10);
        served.append(2, 1);
        served.delete_before(0, 4);
        let offsets = served.log().offsets("orders").await.unwrap();
        let expected = [(0, 4, 10), (1, 0, 0), (2, 0, 1)];
        assert_eq!(
            offsets,
            expected.map(|(partition, first, end)| (partition, Offsets { first, end }))
        );
    }

    pub(super) async fn ends_move_with_what_is_written(served: impl Served) {
        let (log, other) = (served.log(), served.log());
        assert_eq!(log.ends("orders").await, Ok(vec![(0, 0), (1, 0), (2, 0)]));
        served.append(1, 2);
        assert_eq!(log.ends("orders").await, Ok(vec![(0, 0), (1, 2), (2, 0)]));
        let record = NewRecord { partition: Some(2), ..value("a") };
        produce(&other, "orders", vec![record]).await.remove(0).unwrap();
        assert_eq!(log.ends("orders").await, Ok(vec![(0, 0), (1, 2), (2, 1)]));
    }

    /// Of the first record at or after it; the end where there is none.
    pub(super) async fn a_time_has_an_offset_where_that_is_stated(served: impl Served) {
        let log = served.log();
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
                    matches!(&answer, Err(error) if matches!(**error, ErrorKind::Unsupported(_))),
                    "{answer:?}"
                ),
            }
        }
    }

    pub(super) async fn what_is_written_is_reported_where_it_lies(served: impl Served) {
        let log = served.log();
        served.append(1, 5);
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
    pub(super) async fn each_record_is_reported_on_once(served: impl Served) {
        let record = |n: usize| NewRecord { partition: Some(0), ..value(&n.to_string()) };
        let reports = produce(&served.log(), "orders", (0..700).map(record).collect()).await;
        let offsets: Vec<_> = reports.into_iter().map(|report| report.unwrap().offset).collect();
        assert_eq!(offsets, (0..700).collect::<Vec<_>>());
        assert_eq!(produce(&served.log(), "orders", Vec::new()).await, []);
    }

    pub(super) async fn a_record_that_is_refused_takes_no_other_with_it(served: impl Served) {
        let log = served.log();
        let to = |partition| NewRecord { partition: Some(partition), ..value("a") };
        let reports = produce(&log, "orders", vec![to(0), to(3), to(0)]).await;
        assert!(reports[0].is_ok() && reports[2].is_ok(), "{reports:?}");
        assert!(
            matches!(&reports[1], Err(error) if matches!(**error, ErrorKind::Invalid { .. })),
            "{reports:?}"
        );
        assert_eq!(log.ends("orders").await.unwrap()[0], (0, 2));
    }

    /// Byte for byte; none is not the same as an empty one.
    pub(super) async fn keys_and_values_are_read_as_they_were_written(served: impl Served) {
        let log = served.log();
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
    pub(super) async fn headers_are_read_where_that_is_stated(served: impl Served) {
        let log = served.log();
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

    pub(super) async fn times_are_read_where_that_is_stated(served: impl Served) {
        let log = served.log();
        let time = Some(1_772_360_130_250);
        let record = NewRecord { partition: Some(0), timestamp: time, ..value("then") };
        let reports = produce(&log, "orders", vec![record]).await;
        assert_eq!(reports[0].as_ref().unwrap().timestamp, time);
        let fetched = log.fetch(at(0, None)).await.unwrap();
        let stated = log.capabilities().await.unwrap().timestamps;
        assert_eq!(fetched.records[0].timestamp, time.filter(|_| stated));
    }

    pub(super) async fn a_partition_is_read_to_its_end_without_a_gap(served: impl Served) {
        served.append(0, 250);
        let log = served.log();
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

    pub(super) async fn any_offset_can_be_read_first(served: impl Served) {
        served.append(0, 120);
        for offset in [0, 119, 63, 7] {
            let fetched = served.log().fetch(at(offset, None)).await.unwrap();
            assert_eq!(fetched.records[0].offset, offset);
        }
    }

    /// Without a place to be handed back.
    pub(super) async fn any_offset_is_read_at_once_where_that_is_stated(served: impl Served) {
        served.append(0, 120);
        let log = served.log();
        let stated = log.capabilities().await.unwrap().random_access;
        for offset in [119, 0, 63] {
            let fetched = log.fetch(at(offset, None)).await.unwrap();
            assert_eq!(fetched.place.is_none(), stated, "{fetched:?}");
        }
    }

    pub(super) async fn an_offset_below_the_first_is_moved_up_to_it(served: impl Served) {
        served.append(0, 20);
        served.delete_before(0, 15);
        let fetched = served.log().fetch(at(3, None)).await.unwrap();
        assert_eq!(offsets_of(&fetched), (15..20).collect::<Vec<_>>());
        assert_eq!(fetched.next, 20);
    }

    pub(super) async fn nothing_is_read_past_the_end(served: impl Served) {
        served.append(0, 3);
        for offset in [3, 4, 1_000] {
            let fetched = served.log().fetch(at(offset, None)).await.unwrap();
            assert_eq!(offsets_of(&fetched), [0; 0]);
            assert_eq!(fetched.next, offset, "the reader's position is its own");
        }
    }

    pub(super) async fn a_fetch_waits_no_longer_than_asked(served: impl Served) {
        let log = served.log();
        for wait in [0, 500, 2_000].map(Duration::from_millis) {
            let before = Instant::now();
            let fetched = log.fetch(Fetch { wait, ..at(0, None) }).await.unwrap();
            assert!(fetched.records.is_empty());
            let slack = Duration::from_secs(1);
            assert!(before.elapsed() <= wait + slack, "{wait:?}: {:?}", before.elapsed());
        }
    }

    pub(super) async fn a_fetch_returns_with_the_record_that_it_waited_for(served: impl Served) {
        let log = served.log();
        let wait = Duration::from_secs(20);
        let append = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            served.append(0, 1);
        };
        let before = Instant::now();
        let fetch = log.fetch(Fetch { wait, ..at(0, None) });
        let (fetched, ()) = futures_util::future::join(fetch, append).await;
        assert_eq!(offsets_of(&fetched.unwrap()), [0]);
        assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    }

    pub(super) async fn a_place_goes_from_one_instance_to_the_next(served: impl Served) {
        served.append(0, 90);
        let (mut next, mut place, mut read) = (0, None, Vec::new());
        while next < 90 {
            let fetched = served.log().fetch(at(next, place)).await.unwrap();
            read.extend(offsets_of(&fetched));
            (next, place) = (fetched.next, fetched.place);
        }
        assert_eq!(read, (0..90).collect::<Vec<_>>());
    }

    pub(super) async fn a_place_that_is_lost_costs_no_record(served: impl Served) {
        served.append(0, 90);
        let (mut next, mut read) = (0, Vec::new());
        while next < 90 {
            // The answer came, and its place was never written down.
            let fetched = served.log().fetch(at(next, None)).await.unwrap();
            read.extend(offsets_of(&fetched));
            next = fetched.next;
        }
        assert_eq!(read, (0..90).collect::<Vec<_>>());
    }

    pub(super) async fn a_place_that_was_closed_costs_no_record(served: impl Served) {
        served.append(0, 90);
        let log = served.log();
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

    pub(super) async fn partitions_are_read_apart(served: impl Served) {
        served.append(0, 3);
        served.append(2, 2);
        let log = served.log();
        for (partition, count) in [(0, 3), (1, 0), (2, 2)] {
            let fetched = log.fetch(Fetch { partition, ..at(0, None) }).await.unwrap();
            assert_eq!(offsets_of(&fetched), (0..count).collect::<Vec<_>>());
            assert!(fetched.records.iter().all(|record| record.partition == partition));
        }
    }
}

//! The files behind the log.

use bytes::Bytes;
use kafka_edge_emulator::{Emulator, Header, NewRecord, Options, Record, StartError};
use std::fs;
use std::path::Path;

fn open(folder: &Path) -> Emulator {
    try_open(folder).expect("an emulator")
}

fn try_open(folder: &Path) -> Result<Emulator, StartError> {
    Emulator::new(Options { data_dir: Some(folder.to_owned()), ..Options::quick() })
}

fn offsets(records: &[Record]) -> Vec<i64> {
    records.iter().map(|record| record.offset).collect()
}

#[test]
fn topics_and_records_are_there_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = NewRecord {
        key: Some(Bytes::from_static(b"\0k")),
        value: None,
        headers: vec![Header { name: "h".into(), value: None }],
        timestamp: Some(5),
    };
    {
        let emulator = open(folder.path());
        emulator.create_topic_with("a.b", 2, [("max.message.bytes", "1000")]).expect("a topic");
        emulator.create_topic("gone", 1).expect("a topic");
        emulator.append("a.b", 1, record.clone()).expect("an offset");
        emulator.append("a.b", 1, NewRecord::value("second")).expect("an offset");
        emulator.delete_topic("gone").expect("a topic");
    }
    let emulator = open(folder.path());
    assert_eq!(emulator.topics(), [("a.b".to_owned(), 2)]);
    let records = emulator.records("a.b", 1);
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].key.clone(), records[0].value.clone()), (record.key, record.value));
    assert_eq!((records[0].headers.clone(), records[0].timestamp), (record.headers, 5));
    assert_eq!(emulator.append("a.b", 1, NewRecord::value("third")).expect("an offset"), 2);
    assert_eq!(emulator.append("a.b", 0, NewRecord::value("other")).expect("an offset"), 0);
}

#[test]
fn a_moved_start_and_gaps_are_there_again() {
    let folder = tempfile::tempdir().expect("a folder");
    {
        let emulator = open(folder.path());
        emulator.create_topic("t", 1).expect("a topic");
        for i in 0..6 {
            emulator.append("t", 0, NewRecord::value(i.to_string())).expect("an offset");
        }
        emulator.delete_records_before("t", 0, 2).expect("a partition");
        assert!(emulator.remove_record("t", 0, 4).expect("a partition"));
        assert!(!emulator.remove_record("t", 0, 4).expect("a partition"));
        emulator.skip_offsets_to("t", 0, 10).expect("a partition");
    }
    let emulator = open(folder.path());
    assert_eq!(emulator.first_offset("t", 0), Some(2));
    assert_eq!(emulator.end_offset("t", 0), Some(10));
    assert_eq!(offsets(&emulator.records("t", 0)), [2, 3, 5]);
}

/// Wherever a write was cut short, the records before it are whole, and what
/// is written next is found again.
#[test]
fn a_torn_tail_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("t").join("0.log");
    {
        let emulator = open(folder.path());
        emulator.create_topic("t", 1).expect("a topic");
        emulator.append("t", 0, NewRecord::value("first")).expect("an offset");
    }
    let one = fs::read(&file).expect("a file");
    {
        let emulator = open(folder.path());
        emulator.append("t", 0, NewRecord::value("second")).expect("an offset");
    }
    let two = fs::read(&file).expect("a file");
    for cut in one.len()..two.len() {
        fs::write(&file, &two[..cut]).expect("a file");
        {
            let emulator = open(folder.path());
            assert_eq!(offsets(&emulator.records("t", 0)), [0], "cut at {cut}");
            emulator.append("t", 0, NewRecord::value("after")).expect("an offset");
        }
        let emulator = open(folder.path());
        let values: Vec<_> = emulator.records("t", 0).into_iter().map(|r| r.value).collect();
        assert_eq!(values, [Some("first".into()), Some("after".into())], "cut at {cut}");
    }
}

#[test]
fn a_damaged_entry_ends_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("t").join("0.log");
    {
        let emulator = open(folder.path());
        emulator.create_topic("t", 1).expect("a topic");
        for value in ["first", "second", "third"] {
            emulator.append("t", 0, NewRecord::value(value)).expect("an offset");
        }
    }
    let mut bytes = fs::read(&file).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).expect("a file");
    assert_eq!(offsets(&open(folder.path()).records("t", 0)), [0]);
}

#[test]
fn a_folder_has_one_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path());
    let second = try_open(folder.path()).expect_err("a refusal");
    assert!(second.to_string().contains("used by another process"), "{second}");
    drop(first);
    open(folder.path());
}

#[tokio::test]
async fn a_topic_that_grew_is_as_large_again() {
    use http::Request;
    use http_body_util::Full;
    let folder = tempfile::tempdir().expect("a folder");
    {
        let emulator = open(folder.path());
        emulator.create_topic("t", 1).expect("a topic");
        let request = Request::patch("http://rest/v3/clusters/lkc-emulator/topics/t")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(b"{\"partitions_count\":4}")))
            .expect("a request");
        assert_eq!(emulator.handle(request).await.status(), 200);
        emulator.append("t", 3, NewRecord::value("new")).expect("an offset");
    }
    let emulator = open(folder.path());
    assert_eq!(emulator.topics(), [("t".to_owned(), 4)]);
    assert_eq!(emulator.end_offset("t", 3), Some(1));
}

//! The store in a file, without a component.

use kafka_edge_host::kv::{Database, Durability, OpenError, Store, Swap};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Set for the child that is to be killed: the file it shall write to.
const CHILD: &str = "KAFKA_EDGE_TEST_DATABASE";

fn open(path: &Path) -> Database {
    Database::open(path, Durability::Process).unwrap()
}

/// Not a test of its own: the program that is killed. It writes from several
/// tasks at once and names each write once it is acknowledged.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        let database = open(Path::new(&path));
        let writers = (0..8).map(|writer| {
            let database = database.clone();
            tokio::spawn(async move {
                for value in 0u64.. {
                    let key = format!("key-{writer}-{}", value % 100);
                    database.set(&key, value.to_le_bytes().to_vec()).await.unwrap();
                    let mut stdout = std::io::stdout().lock();
                    writeln!(stdout, "acknowledged {key} {value}").unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

#[tokio::test]
async fn everything_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv");
    let mut acknowledged = BTreeMap::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_writes_until_it_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut count = 0;
        while let Some(Ok(line)) = lines.next() {
            // The test harness prints on the same pipe.
            let Some(rest) = line.split("acknowledged ").nth(1) else {
                continue;
            };
            let Some((key, value)) = rest.split_once(' ') else {
                continue;
            };
            acknowledged.insert(key.to_owned(), value.parse::<u64>().unwrap());
            count += 1;
            if count == 500 * round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(count >= 500 * round);
        let database = open(&path);
        for (key, least) in &acknowledged {
            let value = database.get(key).await.unwrap().unwrap();
            let value = u64::from_le_bytes(value.try_into().unwrap());
            // A later write of the same task may have landed unacknowledged.
            assert!(value >= *least, "{key}: {value} after {least} was acknowledged");
        }
        acknowledged.clear();
    }
}

#[tokio::test]
async fn increments_of_many_callers_are_all_different() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("kv"));
    let tasks = (0..64).map(|_| {
        let database = database.clone();
        tokio::spawn(async move { database.increment("counter", 1).await.unwrap() })
    });
    let mut numbers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_listing_comes_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("kv"));
    let entries = (0..2_500).map(|n| (format!("{n:05}"), Vec::new())).collect();
    database.set_many(entries).await.unwrap();
    let mut keys = Vec::new();
    let mut cursor = None;
    let mut pages = 0;
    loop {
        let page = database.list_keys(cursor).await.unwrap();
        keys.extend(page.keys);
        pages += 1;
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((keys.len(), pages), (2_500, 3));
    assert_eq!(keys, database.keys().await.unwrap());
}

#[tokio::test]
async fn a_swap_needs_the_value_it_expects() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("kv"));
    let swap = async |expected: Option<&[u8]>, value: &[u8]| {
        database.swap("key", expected.map(<[u8]>::to_vec), value.to_vec()).await.unwrap()
    };
    assert_eq!(swap(Some(b"a"), b"b").await, Swap::Failed);
    assert_eq!(swap(None, b"a").await, Swap::Done);
    assert_eq!(swap(None, b"b").await, Swap::Failed);
    assert_eq!(swap(Some(b"a"), b"b").await, Swap::Done);
    assert_eq!(database.get("key").await.unwrap(), Some(b"b".to_vec()));
}

#[test]
fn a_database_that_was_dropped_can_be_opened_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv");
    for _ in 0..200 {
        drop(open(&path));
    }
}

#[test]
fn a_second_opener_is_told_that_it_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv");
    let _first = open(&path);
    let second = Database::open(&path, Durability::Process);
    assert!(matches!(second, Err(OpenError::InUse(_))), "{second:?}");
}

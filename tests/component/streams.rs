//! `/consumer/{topic}` as a stream, through the built component.

use std::time::Duration;

use kafka_edge_emulator::{NewRecord, Options};
use kafka_edge_host::Host;
use kafka_edge_host::kv::Memory;
use serde_json::Value;

use crate::calling::{PATIENCE, get, until};
use crate::consuming::Id;
use crate::stream_reader::{Format, StreamReader, Streamed};
use crate::world::{ConsumeApi, World};

/// Longer than the longest pause between two looks at the server.
const QUIET: Duration = Duration::from_secs(1);

/// Appends so many records to the partitions of `t3`.
fn append(world: &World, counts: [i64; 3]) {
    for (partition, count) in (0..).zip(counts) {
        let end = world.kafka.end_offset("t3", partition).unwrap();
        for offset in end..end + count {
            let text = message((partition.into(), offset));
            world.kafka.append("t3", partition, NewRecord::value(text)).unwrap();
        }
    }
}

fn message((partition, offset): Id) -> String {
    format!("{offset} of partition {partition}: {}", "and so on, ".repeat(10))
}

/// What has come of each partition: everything up to here, in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Progress([i64; 3]);

impl Progress {
    fn add(&mut self, record: &Streamed) {
        let (partition, offset) = record.id;
        let next = &mut self.0[partition as usize];
        assert_eq!(offset, *next, "in partition {partition}");
        assert_eq!(record.message, message(record.id));
        *next += 1;
    }
}

/// How often the server was asked for anything.
fn calls(world: &World) -> u64 {
    world.kafka.calls().values().sum()
}

/// Waits until the server is not asked any more, and says how often it was.
async fn calls_when_quiet(world: &World) -> u64 {
    until("nobody asks the server for anything", async || {
        let before = calls(world);
        tokio::time::sleep(QUIET).await;
        (calls(world) == before).then_some(before)
    })
    .await
}

async fn a_long_stream(api: ConsumeApi, format: Format, target: &str) {
    const COUNTS: [i64; 3] = [50_000, 30_000, 20_000];
    let world = World::with(api, Options::quick());
    append(&world, COUNTS);
    let host = world.gateway().spread_over(1).build().unwrap();
    let mut reader = StreamReader::open(&host, target, format, None).await;
    let mut progress = Progress::default();
    let mut peaks = Vec::new();
    for count in 1..=COUNTS.iter().sum() {
        progress.add(&reader.next().await);
        if count % 5_000 == 0 {
            peaks.push(host.stats().peak_memory / 1024);
        }
    }
    println!(
        "{target} as {format:?} over {api:?}: peak guest memory by 5000 records: {peaks:?} KiB"
    );
    assert_eq!(progress, Progress(COUNTS));
    let grown = peaks.last().unwrap() - peaks[0];
    assert!(grown <= 512, "{grown} KiB more than after 5000 records");
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_stream_of_events_is_whole_and_in_order_and_memory_stays_flat() {
    a_long_stream(ConsumeApi::Cloud, Format::Events, "/consumer/t3?from=earliest").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_is_one_of_lines_that_a_group_reads() {
    a_long_stream(ConsumeApi::V2, Format::Lines, "/consumer/t3?group=g").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_holds_up_the_fetches() {
    for target in ["/consumer/t3?from=earliest", "/consumer/t3?group=g"] {
        const COUNTS: [i64; 3] = [4_000, 4_000, 4_000];
        let world = World::with(ConsumeApi::Cloud, Options::quick());
        append(&world, COUNTS);
        let host = world.gateway().spread_over(1).build().unwrap();
        let mut reader = StreamReader::open(&host, target, Format::Events, None).await;
        let held_up = calls_when_quiet(&world).await;
        let mut progress = Progress::default();
        for _ in 0..COUNTS.iter().sum::<i64>() {
            progress.add(&reader.next().await);
        }
        let all = calls(&world);
        println!("{target}: {held_up} calls before anything was read, {all} for all of it");
        assert!(held_up <= 12 && all >= 24, "{target}: {held_up} of {all} calls");
        assert_eq!(progress, Progress(COUNTS));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_hangs_up_ends_the_polls_and_the_work() {
    for api in [ConsumeApi::Cloud, ConsumeApi::V2] {
        for target in ["/consumer/t3?from=earliest", "/consumer/t3?group=g"] {
            let world = World::with(api, Options::quick());
            append(&world, [3, 3, 3]);
            let host = world.gateway().spread_over(1).build().unwrap();
            let mut reader = StreamReader::open(&host, target, Format::Events, None).await;
            assert_eq!(reader.take(9).await.len(), 9);
            let before = calls(&world);
            let goes_on = async || (calls(&world) > before + 5).then_some(());
            until("it looks for more", goes_on).await;
            drop(reader);
            // That nobody is there shows when there is something to be sent.
            until("nobody looks for records any more", async || {
                let before = calls(&world);
                append(&world, [1, 0, 0]);
                tokio::time::sleep(QUIET).await;
                (calls(&world) == before).then_some(())
            })
            .await;
            assert_eq!(get(&host, "/healthz").await.status, 200);
            assert!(host.close(PATIENCE).await);
            assert_eq!(host.stats().traps, 0, "{api:?} {target}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_is_resumed_by_any_instance() {
    for (api, format) in [(ConsumeApi::Cloud, Format::Events), (ConsumeApi::V2, Format::Lines)] {
        let world = World::with(api, Options::quick());
        append(&world, [300, 200, 100]);
        let mut progress = Progress::default();
        let mut cursor: Option<String> = None;
        while progress != Progress([300, 200, 100]) {
            let host = world.gateway().build().unwrap();
            let target = "/consumer/t3?from=earliest";
            let mut reader = StreamReader::open(&host, target, format, cursor.as_deref()).await;
            for record in reader.take(150).await {
                progress.add(&record);
                cursor = Some(record.cursor);
            }
        }
    }
}

/// Where a group stands on the first partition.
async fn committed(host: &Host) -> i64 {
    let group = get(host, "/groups/g").await;
    let committed = |group: Value| group["topics"][0]["partitions"][0]["committed"].as_i64();
    committed(group.ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_moves_past_what_was_taken_and_no_cursor_moves_it_back() {
    const COUNT: i64 = 10_000;
    for api in [ConsumeApi::Cloud, ConsumeApi::V2] {
        let world = World::with(api, Options::quick());
        append(&world, [COUNT, 0, 0]);
        let store = Memory::new();
        let gateway = || world.gateway().store("default", store.clone()).build().unwrap();
        let (one, two) = (gateway(), gateway());
        let target = "/consumer/t3?group=g";
        let mut reader = StreamReader::open(&one, target, Format::Events, None).await;
        let taken = reader.take(1_000).await;
        drop(reader);
        assert!(one.close(PATIENCE).await, "it finds out that nobody reads");
        let at = committed(&two).await;
        println!("{api:?}: the group stands at {at} when its reader had taken 1000 records");
        // What was on its way may count as taken. It is some pages at most.
        assert!((500..=3_000).contains(&at), "{at}");

        let last = &taken[699];
        let mut again = StreamReader::open(&two, target, Format::Events, Some(&last.cursor)).await;
        let mut progress = Progress([at, 0, 0]);
        for record in again.take((COUNT - at) as usize).await {
            progress.add(&record);
        }
        assert_eq!(progress, Progress([COUNT, 0, 0]));
    }
}

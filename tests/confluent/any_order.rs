//! Reading a partition while everything happens to it: whatever the order,
//! each record that is in the log is read once and none is passed over.

use std::time::Duration;

use kafka_edge::config::ConsumeApi;
use kafka_edge::kafka::{Log, Place};
use kafka_edge_emulator::{self as emulator, Options};
use kafka_edge_sim::{Fate, Fault, local};

use crate::emulated::Emulated;
use crate::setup::{at, offsets_of};

/// A reader as the services are one: a position and a place, which move with
/// what a fetch gave and stay when it failed.
#[derive(Default)]
struct Reader {
    next: i64,
    place: Option<Place>,
    failures: usize,
}

impl Reader {
    /// Fetches as a new holder of the lease, and compares with the log.
    async fn step(&mut self, test: &Emulated, wait: Duration) {
        let (host, log) = test.log();
        let there: Vec<i64> =
            test.server.records("orders", 0).iter().map(|record| record.offset).collect();
        match log.fetch(at(self.next, self.place.clone(), wait)).await {
            Ok(fetched) => {
                let got = offsets_of(&fetched.records);
                let passed: Vec<_> = there
                    .iter()
                    .copied()
                    .filter(|o| (self.next..fetched.next).contains(o))
                    .collect();
                assert_eq!(got, passed, "from {} to {}", self.next, fetched.next);
                (self.next, self.place) = (fetched.next, fetched.place);
                self.failures = 0;
            }
            Err(error) => {
                self.failures += 1;
                assert!(self.failures < 12, "never heals: {error:?}");
            }
        }
        host.idle().await;
    }
}

async fn read_through_everything(seed: u64, api: ConsumeApi) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let options = if dice.bool() { Options::default() } else { Options::quick() };
    let max_poll_records = dice.usize(1..40);
    let test = Emulated::seeded(seed, api, Options { max_poll_records, ..options });
    let mut reader = Reader::default();
    let mut old_places = Vec::new();
    for _ in 0..60 {
        match dice.u8(..13) {
            0..=2 => test.append(dice.usize(1..50)),
            3 => {
                // Retention.
                let end = test.server.end_offset("orders", 0).unwrap();
                let first = dice.i64(0..=end).min(reader.next + dice.i64(0..40));
                test.server.delete_records_before("orders", 0, first).unwrap();
            }
            4 => {
                // Compaction, ahead of the reader.
                let offset = reader.next + dice.i64(0..40);
                test.server.remove_record("orders", 0, offset).unwrap();
            }
            5 => {
                // The marker of a transaction.
                let end = test.server.end_offset("orders", 0).unwrap();
                test.server.skip_offsets_to("orders", 0, end + dice.i64(1..3)).unwrap();
            }
            6 => {
                let faults = [
                    Fault::Refuse,
                    Fault::DropAnswer,
                    Fault::BreakBefore,
                    Fault::Hang,
                    Fault::Status(502),
                    Fault::CutBody(dice.usize(0..400)),
                ];
                let fault = faults[dice.usize(..faults.len())].clone();
                test.faults.times(dice.usize(1..4), "/", fault);
            }
            7 if api == ConsumeApi::V2 => {
                // A holder whose lease has ended reads all the same, and
                // nobody hands out what it gets.
                let late = [old_places.last().cloned().flatten(), reader.place.clone()];
                let (_, log) = test.log();
                let late = late[dice.usize(..2)].clone();
                let _ = log.fetch(at(reader.next, late, Duration::ZERO)).await;
            }
            8 => {
                // A holder that dies at any of its calls.
                let (host, log) = test.log();
                let fate = if dice.bool() { Fate::Done } else { Fate::NotDone };
                host.kill_at(dice.u64(1..15), fate);
                let (next, place) = (reader.next, reader.place.clone());
                let fetch =
                    async move { log.fetch(at(next, place, Duration::ZERO)).await.map(drop) };
                let _ = host.run(fetch).await;
            }
            9 => tokio::time::sleep(Duration::from_secs(dice.u64(0..500))).await,
            _ => {
                let wait = Duration::from_millis(dice.u64(0..3_000));
                old_places.push(reader.place.clone());
                reader.step(&test, wait).await;
            }
        }
    }
    // Whatever happened, the reader comes to the end.
    test.append(1);
    let last = test.server.records("orders", 0).last().map(|record| record.offset).unwrap();
    for round in 0.. {
        if reader.next > last {
            break;
        }
        assert!(round < 2_000, "stuck at {} of {last}", reader.next);
        reader.step(&test, Duration::ZERO).await;
    }
}

#[tokio::test(start_paused = true)]
async fn consumer_instances() {
    local(async {
        for seed in 0..40 {
            println!("seed {seed}");
            read_through_everything(seed, ConsumeApi::V2).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_stateless_call() {
    local(async {
        for seed in 0..40 {
            println!("seed {seed}");
            read_through_everything(seed, ConsumeApi::Cloud).await;
        }
    })
    .await;
}

/// Two readers who both believe that they hold the lease: one of them may
/// be told nothing for a while, but neither is told anything wrong.
#[tokio::test(start_paused = true)]
async fn two_holders_of_one_instance() {
    local(async {
        for seed in 0..10 {
            println!("seed {seed}");
            let options = Options { max_poll_records: 7, ..Options::quick() };
            let test = Emulated::seeded(seed, ConsumeApi::V2, options);
            for _ in 0..100 {
                test.server.append("orders", 0, emulator::NewRecord::value("v")).unwrap();
            }
            let mut first = Reader::default();
            first.step(&test, Duration::ZERO).await;
            let mut second = Reader { next: first.next, place: first.place.clone(), failures: 0 };
            while first.next < 100 || second.next < 100 {
                let (a, b) =
                    (first.step(&test, Duration::ZERO), second.step(&test, Duration::ZERO));
                futures_util::future::join(a, b).await;
            }
        }
    })
    .await;
}

//! Replays every recorded exchange with the real REST proxy, of both versions,
//! against the emulator.
//!
//! Status, content type, location, framing, the body and (in produce streams)
//! the borders of its pieces have to agree. Times, addresses and random names
//! are masked, and `Date`, `Vary` and the order of headers are not looked at.
//! What differs on purpose stands in [`differences`], with its reason. Time is
//! virtual, so that waits of minutes cost nothing.

mod compare;
mod differences;
mod drive;
mod recording;
mod requests;
mod stage;
mod wire;
mod world;

use differences::DIFFERENCES;
use recording::{Exchange, Kind, Recording};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Write;

/// What came of one file.
#[derive(Debug, Default)]
struct Tally {
    agree: usize,
    on_purpose: usize,
    summaries: usize,
    used: BTreeSet<(String, usize)>,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.agree += other.agree;
        self.on_purpose += other.on_purpose;
        self.summaries += other.summaries;
        self.used.extend(other.used);
        self.wrong.extend(other.wrong);
    }
}

/// How many exchanges the recordings hold, for those who do not have them.
const EXCHANGES: usize = 1492;

#[test]
fn recorded_exchanges_agree() {
    if !recording::are_there() {
        // Past the test harness, which shows nothing that a passing test prints.
        let mut told = std::io::stderr();
        _ = writeln!(told, "skipped: {EXCHANGES} recorded exchanges (../shared is absent)");
        return;
    }
    let recordings = recording::all();
    let measurements = recording::measurement_lines();
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let runs: Vec<_> = recordings
            .iter()
            .map(|recording| scope.spawn(move || replay_file(recording)))
            .collect();
        runs.into_iter().map(|run| run.join().expect("a replay does not panic")).collect()
    });
    let mut total = Tally::default();
    tallies.into_iter().for_each(|tally| total.add(tally));
    for row in DIFFERENCES {
        if !total.used.contains(&(row.file.to_owned(), row.line)) {
            total.wrong.push(format!(
                "{} line {} ({}) is listed as a difference ({}) but agrees, or does not exist",
                row.file, row.line, row.name, row.reason
            ));
        }
    }
    println!(
        "replayed {} exchanges: {} agree, {} differ on purpose; {} summary lines and {} measurements are no exchanges",
        total.agree + total.on_purpose,
        total.agree,
        total.on_purpose,
        total.summaries,
        measurements,
    );
    assert_eq!(total.agree + total.on_purpose, EXCHANGES, "as `EXCHANGES` says");
    assert!(
        total.wrong.is_empty(),
        "{} unexpected:\n\n{}",
        total.wrong.len(),
        total.wrong.join("\n\n")
    );
}

fn replay_file(recording: &Recording) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut tally = Tally::default();
        let mut world = world::World::new(recording);
        let mut done: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for exchange in &recording.exchanges {
            if exchange.kind == Kind::Summary {
                tally.summaries += 1;
                continue;
            }
            if !done.contains_key(&exchange.line) {
                done.extend(drive::perform(&mut world, recording, exchange).await);
            }
            let found = done.remove(&exchange.line).unwrap_or_default();
            judge(&mut tally, recording, exchange, found);
        }
        tally
    })
}

/// Holds what was found against the table of what differs on purpose.
fn judge(tally: &mut Tally, recording: &Recording, exchange: &Exchange, found: Vec<String>) {
    let row =
        DIFFERENCES.iter().find(|row| row.file == recording.name && row.line == exchange.line);
    match (row, found.is_empty()) {
        (None, true) => tally.agree += 1,
        (Some(row), false) if row.name == exchange.name => {
            tally.on_purpose += 1;
            tally.used.insert((recording.name.clone(), exchange.line));
        }
        (Some(row), false) => tally.wrong.push(format!(
            "{} line {}: the table calls it {:?}, the recording {:?}",
            recording.name, exchange.line, row.name, exchange.name
        )),
        // Reported by the check of unused rows.
        (Some(_), true) => {}
        (None, false) => tally.wrong.push(format!(
            "{} line {} ({}):\n  {}",
            recording.name,
            exchange.line,
            exchange.name,
            found.join("\n  ")
        )),
    }
}

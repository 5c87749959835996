//! Stage directions: what happened around the recorded exchanges.
//!
//! Most exchanges came one after another. Some came together, and between
//! some something happened that is not an exchange of its own.

use crate::recording::{Exchange, Recording};
use crate::world::written;

/// Something that happens beside the exchanges.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// A record is written.
    Append {
        topic: &'static str,
        value: &'static [u8],
    },
    /// A topic appears.
    CreateTopic(&'static str),
    /// Others write up to this offset.
    SkipTo {
        topic: &'static str,
        partition: i32,
        offset: i64,
    },
    /// A call whose answer does not matter.
    Post {
        path: String,
        body: &'static str,
    },
    /// A read whose records are discarded.
    Get {
        path: String,
    },
    /// A read whose caller closes the connection after this number of
    /// milliseconds.
    HangUp {
        path: String,
        after: u64,
    },
    Wait(u64),
    /// From here on the general rate limit is on as well.
    BothLimits,
}

const ASSIGN_SL: &str = r#"{"partitions":[{"topic":"sl","partition":0}]}"#;

/// What happens before an exchange.
pub(crate) fn before(recording: &Recording, exchange: &Exchange) -> Vec<Action> {
    match (recording.stem(), exchange.name.as_str()) {
        ("configured-instance-timeout-5s", "GET assignments after 4 s (renews)")
        | ("configured-instance-timeout-5s", "GET assignments after 4 s more") => {
            vec![Action::Wait(4000)]
        }
        ("configured-instance-timeout-5s", "GET assignments after 6.5 s") => {
            vec![Action::Wait(6500)]
        }
        ("configured-produce-rate-limit", name)
            if name.starts_with("both rate limits on: ten records") =>
        {
            vec![Action::BothLimits]
        }
        ("v2-consumer", "read after an earlier read whose client hung up at 600 ms of 1000") => {
            let path = "/consumers/gct/instances/t5/records".to_owned();
            vec![Action::HangUp { path, after: 600 }]
        }
        ("v2-consumer-concurrency", "read after an earlier read whose client hung up") => {
            let path = "/consumers/gc/instances/x5/records".to_owned();
            vec![Action::HangUp { path, after: 990 }]
        }
        ("v2-consumer-concurrency", "commit 200 ms into that read") => {
            let path = "/consumers/gc/instances/x3/positions/end".to_owned();
            let body = r#"{"partitions":[{"topic":"cc","partition":0}]}"#;
            vec![Action::Post { path, body }]
        }
        ("v2-consumer-concurrency", name)
            if name.starts_with("fetch.min.bytes 1: read waiting (5 s)") =>
        {
            let path = "/consumers/gc/instances/x4/records".to_owned();
            vec![Action::Get { path: path.clone() }, Action::Get { path }]
        }
        ("v2-stateless-reading", "seek") => {
            let path = exchange.path.replace("/positions", "/assignments");
            vec![Action::Post { path, body: ASSIGN_SL }]
        }
        _ => vec![],
    }
}

/// What happens while an exchange is under way: when, and what.
pub(crate) fn during(recording: &Recording, exchange: &Exchange) -> Vec<(u64, Action)> {
    match (recording.stem(), exchange.name.as_str()) {
        (
            "v2-consumer-concurrency",
            "read waiting on an empty partition (1 s), then a record is produced",
        ) => vec![(300, Action::Append { topic: "cc", value: &[1, 2] })],
        ("v3-produce-unknown-topic", "good record, then partition 99, then good record") => {
            let topic = "test-topic";
            let (partition, offset) = *written(exchange).last().expect("a report");
            vec![(30_000, Action::SkipTo { topic, partition, offset })]
        }
        _ => vec![],
    }
}

/// Exchanges that were under way together: by name, with when each began. The
/// first name is that of the line that comes first in the file.
const TOGETHER: &[(&str, &[(&str, u64)])] = &[
    (
        "v3-produce-stream",
        &[
            (EVERY_20_S, 0),
            ("Expect: 100-continue", 13_950),
            ("HTTP/1.0", 14_000),
            ("Connection: close", 14_050),
        ],
    ),
    (
        "v3-produce-stream",
        &[
            ("idle stream: one record, then silence", 0),
            ("five records sent 300 ms apart in one chunked request", 300),
        ],
    ),
    (
        "v2-consumer-concurrency",
        &[
            ("two reads at once, read A (records available, default fetch.min.bytes)", 0),
            ("two reads at once, read B", 0),
        ],
    ),
    (
        "v2-consumer-concurrency",
        &[
            ("two reads at once on an empty queue, A", 0),
            ("two reads at once on an empty queue, B", 0),
        ],
    ),
    (
        "v2-consumer-concurrency",
        &[
            ("commit 200 ms into that read", 200),
            ("GET offsets 250 ms into that read", 250),
            ("GET assignments 300 ms into that read", 300),
            ("read waiting on an empty partition (1 s)", 0),
        ],
    ),
    (
        "v2-consumer-concurrency",
        &[
            ("seek to 990 at 300 ms into that read", 300),
            ("read waiting on an empty partition (1 s), then a seek comes", 0),
        ],
    ),
    (
        "v2-consumer-concurrency",
        &[("read waiting, then the instance is deleted", 0), ("delete 300 ms into that read", 300)],
    ),
    (
        "v3-produce-odd-topics",
        &[
            ("while an unknown topic is waited for (1 s in): record to a known topic", 1000),
            ("while an unknown topic is waited for (1 s in): first record to a fresh topic", 1010),
            ("while an unknown topic is waited for (16 s in): record to a known topic", 16_000),
            (
                "while an unknown topic is waited for (16 s in): first record to a fresh topic",
                16_010,
            ),
            ("unknown topic (60 s), background", 0),
        ],
    ),
];

const EVERY_20_S: &str = "a record every 20 s (a single space instead of the third)";

/// Those that belong together with `name`, itself among them.
pub(crate) fn together(
    recording: &Recording,
    name: &str,
) -> Option<&'static [(&'static str, u64)]> {
    let groups = TOGETHER.iter().filter(|(stem, _)| *stem == recording.stem());
    groups.map(|(_, group)| *group).find(|group| group.iter().any(|(n, _)| *n == name))
}

/// What happens while a group of exchanges is under way.
pub(crate) fn during_group(first: &str) -> &'static [(u64, Action)] {
    match first {
        "while an unknown topic is waited for (1 s in): record to a known topic" => {
            &[(17_700, Action::CreateTopic("no-such-topic-9"))]
        }
        _ => &[],
    }
}

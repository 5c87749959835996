//! How each request is sent: in one piece, in many, or not to its end.

use crate::recording::Exchange;
use bytes::Bytes;
use serde_json::Value;

/// A step of sending a body, at some time after the head.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Piece(Bytes),
    End,
    /// The sending side is closed before the body is complete.
    Cut,
}

/// How a body is sent.
#[derive(Debug)]
pub(crate) struct Sending {
    /// Whether the length is told in advance, so that an empty body is known
    /// to be one.
    pub(crate) sized: bool,
    /// Milliseconds since the head, and what happens then. A body without an
    /// end stays open.
    pub(crate) steps: Vec<(u64, Step)>,
}

impl Sending {
    fn at_once(body: impl Into<Bytes>, sized: bool) -> Sending {
        Sending { sized, steps: vec![(0, Step::Piece(body.into())), (0, Step::End)] }
    }

    fn pieces(pieces: &[(u64, &str)], last: Option<(u64, Step)>) -> Sending {
        let piece = |(at, text): &(u64, &str)| (*at, Step::Piece(Bytes::from(text.to_string())));
        let mut steps: Vec<_> = pieces.iter().map(piece).collect();
        steps.extend(last);
        Sending { sized: false, steps }
    }
}

fn record(data: &str) -> String {
    format!("{{\"value\":{{\"type\":\"STRING\",\"data\":\"{data}\"}}}}")
}

/// How `exchange` was sent.
pub(crate) fn sending(exchange: &Exchange) -> Sending {
    let body = whole_body(exchange);
    let text = String::from_utf8_lossy(&body).into_owned();
    let name = exchange.name.as_str();
    if let Some(sending) = by_name(name, &text, exchange) {
        return sending;
    }
    match exchange.sent_as.as_str() {
        "chunked, then shutdown of the sending side"
        | "content-length + 50, then shutdown of the sending side" => {
            Sending::pieces(&[(0, &text)], Some((200, Step::Cut)))
        }
        "chunked, one record, then nothing" | "chunked without final chunk" => {
            Sending::pieces(&[(0, &text)], None)
        }
        "chunked" => Sending::at_once(body, false),
        _ => Sending::at_once(body, true),
    }
}

fn by_name(name: &str, text: &str, exchange: &Exchange) -> Option<Sending> {
    if name.starts_with("five records sent 300 ms apart") {
        let records: Vec<String> = (0..5).map(|i| record(&format!("d{i}"))).collect();
        return Some(spaced(&records, 300));
    }
    if name.starts_with("four records 300 ms apart") {
        let records: Vec<String> = (0..4).map(|i| record(&format!("e{i}"))).collect();
        return Some(spaced(&records, 300));
    }
    if name.starts_with("one record split over two chunks") {
        let (first, rest) = text.split_at(10);
        return Some(Sending::pieces(&[(0, first), (300, rest)], Some((600, Step::End))));
    }
    if name.starts_with("two records and most of a third") {
        let (first, rest) = text.split_at(text.len() - 10);
        return Some(Sending::pieces(&[(0, first), (500, rest)], Some((800, Step::End))));
    }
    if name.starts_with("a record every 20 s") {
        let records = [record("k0"), record("k1"), record("k3")];
        let pieces =
            [(0, records[0].as_str()), (20_000, &records[1]), (40_000, " "), (60_000, &records[2])];
        return Some(Sending::pieces(&pieces, Some((80_000, Step::End))));
    }
    if name.starts_with("idle stream: one record") {
        return Some(Sending::pieces(&[(0, &record("i0"))], None));
    }
    if name.starts_with("content-length 100, nine bytes sent") {
        return Some(Sending::pieces(&[(0, text)], None));
    }
    if name.starts_with("a record every 250 ms") {
        let sent = exchange
            .events
            .iter()
            .filter(|e| e[0].as_str().is_some_and(|e| e.starts_with("sent ")))
            .count();
        let steps = (0..sent as u64)
            .map(|i| (i * 250, Step::Piece(Bytes::from(record(&format!("a{i:03}"))))));
        return Some(Sending { sized: false, steps: steps.collect() });
    }
    if name.starts_with("burst after the age limit") {
        let burst: String = (1..11).map(|i| record(&format!("b{i}"))).collect();
        let pieces = [(0, record("b0")), (2_300, burst)];
        let steps = pieces.map(|(at, text)| (at, Step::Piece(Bytes::from(text))));
        return Some(Sending { sized: false, steps: steps.into() });
    }
    None
}

fn spaced(records: &[String], ms: u64) -> Sending {
    let pieces: Vec<(u64, &str)> =
        records.iter().zip(0u64..).map(|(record, i)| (i * ms, record.as_str())).collect();
    let end = records.len() as u64 * ms;
    Sending::pieces(&pieces, Some((end, Step::End)))
}

/// The body as it was sent. Long ones are cut in the recordings.
pub(crate) fn whole_body(exchange: &Exchange) -> Vec<u8> {
    let shown = exchange.body.clone().unwrap_or_default();
    let name = exchange.name.as_str();
    if name.starts_with("1000 records in one request") {
        return (0..1000).map(|i| record(&format!("r{i}"))).collect::<String>().into_bytes();
    }
    if name.starts_with("20000 records in one request") {
        return record(&"x".repeat(100)).repeat(20_000).into_bytes();
    }
    if let Some(rest) = name.strip_prefix("broken JSON followed by ") {
        let more: usize = rest.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
        let text = String::from_utf8_lossy(&shown).trim_end_matches('.').to_owned();
        let filled = format!("{text}{}\"}}}}", "b".repeat(more));
        return filled.into_bytes();
    }
    let Some(total) = exchange.body_total else { return shown };
    fill(name, &String::from_utf8_lossy(&shown), total).into_bytes()
}

/// Continues a cut body to its recorded length.
fn fill(name: &str, shown: &str, total: usize) -> String {
    let of_x = |length: usize| "x".repeat(length);
    if name.starts_with("thirty records of 1000") {
        return record(&of_x(1000)).repeat(30);
    }
    if name.starts_with("batch of ten 5000-byte entries") {
        return batch((0..10).map(|i| (i.to_string(), of_x(5000))));
    }
    if name.starts_with("batch with one 50000-byte entry") {
        return batch([("1".to_owned(), of_x(50_000))].into_iter());
    }
    let tail = match name {
        "small, 50000, small, limit 20000" => {
            "\"}}{\"value\":{\"type\":\"STRING\",\"data\":\"a\"}}"
        }
        "good, over the limit, good" => "\"}}{\"value\": {\"type\": \"STRING\", \"data\": \"b\"}}",
        "too large record" => "\"},{\"value\":2}]}",
        "too large entry" => "\"}}]}",
        _ => "\"}}",
    };
    let length = total - shown.len() - tail.len();
    format!("{shown}{}{tail}", of_x(length))
}

fn batch(entries: impl Iterator<Item = (String, String)>) -> String {
    let entries: Vec<Value> = entries
        .map(|(id, data)| serde_json::json!({"value": {"type": "STRING", "data": data}, "id": id}))
        .collect();
    serde_json::json!({ "entries": entries }).to_string()
}

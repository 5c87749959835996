//! Holding an answer against the recorded one.

use crate::recording::Answer;
use regex_lite::Regex;
use std::sync::LazyLock;

/// What the emulator answered.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The pieces of the body in order.
    pub(crate) pieces: Vec<Vec<u8>>,
    /// The length, if it was told in advance.
    pub(crate) length: Option<u64>,
    /// Milliseconds until the body was complete.
    pub(crate) ms: f64,
}

impl Given {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

const HEADERS: &[&str] =
    &["content-type", "location", "content-encoding", "allow", "cache-control", "connection"];

/// Everything that does not agree; nothing if all does.
pub(crate) fn differences(recorded: &Answer, given: &Given, streamed: bool) -> Vec<String> {
    let mut found = Vec::new();
    if recorded.status != Some(given.status) {
        found.push(format!("status {:?}, recorded {:?}", given.status, recorded.status));
    }
    for name in HEADERS {
        let (ours, theirs) = (given.header(name), recorded.header(name));
        if ours != theirs {
            found.push(format!("{name}: {ours:?}, recorded {theirs:?}"));
        }
    }
    compare_framing(recorded, given, &mut found);
    compare_bodies(recorded, given, &mut found);
    if streamed && recorded.body_total.is_none() {
        compare_pieces(recorded, given, &mut found);
    }
    found
}

fn compare_framing(recorded: &Answer, given: &Given, found: &mut Vec<String>) {
    let closes = recorded.header("connection") == Some("close");
    let chunked = recorded.header("transfer-encoding") == Some("chunked");
    let length = recorded.header("content-length").and_then(|l| l.parse::<u64>().ok());
    if !chunked && length.is_none() && given.header("transfer-encoding").is_some() {
        found.push("sent in chunks, recorded up to the end of the connection".to_owned());
    }
    if given.status == 204 {
        return;
    }
    match (chunked, length) {
        (true, _) if given.length.is_some() => {
            found.push(format!("sent with length {:?}, recorded chunked", given.length));
        }
        (false, Some(length)) if given.length != Some(length) => {
            found.push(format!("length {:?}, recorded {length}", given.length));
        }
        (false, None) if given.length.is_some() && !closes => {
            found.push(format!("length {:?}, recorded none", given.length));
        }
        _ => {}
    }
}

const CUT: &str = " ...cut here in the recording... ";

fn compare_bodies(recorded: &Answer, given: &Given, found: &mut Vec<String>) {
    let compressed = recorded.header("content-encoding") == Some("gzip");
    let body = given.body();
    let ours = if compressed { unzip(&body) } else { body };
    let theirs = match recorded.body.starts_with(&[0x1f, 0x8b]) {
        true => unzip(&recorded.body),
        false => recorded.body.clone(),
    };
    let ours = mask(&String::from_utf8_lossy(&ours));
    let theirs = mask(&String::from_utf8_lossy(&theirs));
    let agree = match (theirs.split_once(CUT), recorded.body_total) {
        (Some((start, end)), Some(total)) => {
            let length_agrees = ours.contains("\"timestamp\"") || ours.chars().count() == total;
            ours.starts_with(&whole_tokens(start))
                && ours.ends_with(tail_tokens(end))
                && length_agrees
        }
        // A long stream of reports is cut at its end.
        _ if theirs.starts_with("{\"error_code\"")
            && !theirs.ends_with("}\r\n")
            && given.status == 200 =>
        {
            ours.starts_with(&whole_tokens(&theirs))
        }
        _ => ours == theirs,
    };
    if !agree {
        let at = ours.bytes().zip(theirs.bytes()).take_while(|(a, b)| a == b).count();
        let (ours, theirs) = (around(&ours, at), around(&theirs, at));
        found.push(format!("body at {at}\n    {ours}\n  recorded\n    {theirs}"));
    }
}

/// A cut may fall into the middle of something that is masked.
fn whole_tokens(start: &str) -> String {
    match start.rfind(',') {
        Some(at) => start[..at].to_owned(),
        None => start.to_owned(),
    }
}

fn tail_tokens(end: &str) -> &str {
    match end.find(',') {
        Some(at) => &end[at..],
        None => end,
    }
}

/// The pieces of a stream, told apart by their recorded sizes.
fn compare_pieces(recorded: &Answer, given: &Given, found: &mut Vec<String>) {
    let total: usize = recorded.chunk_sizes.iter().sum();
    if total != recorded.body.len() {
        return;
    }
    let mut rest = recorded.body.as_slice();
    let mut theirs = Vec::new();
    for size in &recorded.chunk_sizes {
        let (piece, after) = rest.split_at(*size);
        theirs.push(mask(&String::from_utf8_lossy(piece)));
        rest = after;
    }
    let ours: Vec<String> =
        given.pieces.iter().map(|piece| mask(&String::from_utf8_lossy(piece))).collect();
    if ours != theirs {
        let sizes: Vec<usize> = given.pieces.iter().map(Vec::len).collect();
        found.push(format!("pieces {sizes:?}, recorded {:?}", recorded.chunk_sizes));
    }
}

/// Hides what is different every time: times of day, ports, random names.
pub(crate) fn mask(text: &str) -> String {
    static NOW: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#""timestamp":"2026-11-2\d[^"]*""#).expect("a pattern"));
    static PORT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"127\.0\.0\.1:[12]9\d+|"port":\d+"#).expect("a pattern"));
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"rest-consumer-[0-9a-f-]{36}").expect("a pattern"));
    static RANGE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"should be within \[[-0-9, ]+\]").expect("a pattern"));
    let text = NOW.replace_all(text, "\"timestamp\":\"NOW\"");
    let text = PORT.replace_all(&text, "PORT");
    let text = RANGE.replace_all(&text, "should be within RANGE");
    NAME.replace_all(&text, "NAME").into_owned()
}

fn unzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut plain = Vec::new();
    match flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain) {
        Ok(_) => plain,
        // Recorded after decompression.
        Err(_) => bytes.to_vec(),
    }
}

/// The part of a text that matters.
fn around(text: &str, at: usize) -> String {
    let part = text.as_bytes().get(at.saturating_sub(60)..).unwrap_or_default();
    let part = String::from_utf8_lossy(&part[..part.len().min(300)]).into_owned();
    format!("{part:?} ({} characters)", text.chars().count())
}

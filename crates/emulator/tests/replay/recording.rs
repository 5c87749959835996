//! Reading the recordings.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// One file of exchanges.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The file's name without ending, with `8.3.1/` before it for that
    /// version.
    pub(crate) name: String,
    pub(crate) exchanges: Vec<Exchange>,
}

impl Recording {
    pub(crate) fn is_newer(&self) -> bool {
        self.name.starts_with("8.3.1/")
    }

    /// The name without the version.
    pub(crate) fn stem(&self) -> &str {
        self.name.trim_start_matches("8.3.1/")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Exchange,
    /// The result of many rounds; nothing that could be replayed as it stands.
    Summary,
}

/// One line of a file.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) body_total: Option<usize>,
    pub(crate) sent_as: String,
    pub(crate) answer: Answer,
    pub(crate) note: String,
    pub(crate) events: Vec<Value>,
}

/// What the proxy answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// None if no answer could be read.
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// How long the body was, where its middle was cut.
    pub(crate) body_total: Option<usize>,
    pub(crate) chunk_sizes: Vec<usize>,
    pub(crate) ms: f64,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings")
}

/// Whether the recordings are there: they lie in `../shared` beside the
/// repository, and not everybody has that.
pub(crate) fn are_there() -> bool {
    folder().is_dir()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    files.sort();
    files
}

/// All files of exchanges, of both versions.
pub(crate) fn all() -> Vec<Recording> {
    let folder = folder();
    let mut paths = files(&folder);
    paths.extend(files(&folder.join("8.3.1")));
    paths
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&folder).expect("below the folder").with_extension("");
            Recording { name: name.display().to_string(), exchanges: read(path) }
        })
        .filter(|recording| recording.name != "measurements")
        .collect()
}

/// How many measurements stand beside the exchanges.
pub(crate) fn measurement_lines() -> usize {
    let text = std::fs::read_to_string(folder().join("measurements.jsonl"));
    text.expect("the measurements").lines().count()
}

fn read(path: &Path) -> Vec<Exchange> {
    let text = std::fs::read_to_string(path).expect("a readable recording");
    let lines = text.lines().enumerate();
    lines
        .map(|(i, line)| exchange(i + 1, &serde_json::from_str(line).expect("a line of JSON")))
        .collect()
}

fn exchange(line: usize, json: &Value) -> Exchange {
    let request = &json["request"];
    let response = &json["response"];
    let name = text(&json["name"]);
    let status = response["status"].as_u64().map(|s| s as u16);
    // Statistics of many calls have a request at most, and no answer.
    let replayable = status.is_some()
        || !response["error"].is_null()
        || !response["responses"].is_null()
        || !response["raw"].is_null()
        || !response["first"].is_null()
        || !response["before_body"].is_null();
    let replayable = replayable && request["method"].is_string();
    let kind = if replayable { Kind::Exchange } else { Kind::Summary };
    let chunks = response["chunks_ms_size"].as_array();
    Exchange {
        line,
        name,
        kind,
        method: text(&request["method"]),
        path: text(&request["path"]),
        headers: pairs(&request["headers"]),
        body: body(request),
        body_total: request["body_total_bytes"].as_u64().map(|n| n as usize),
        sent_as: text(&request["sent_as"]),
        answer: Answer {
            status,
            headers: pairs(&response["headers"]),
            body: body(response).unwrap_or_default(),
            body_total: response["body_total_characters"].as_u64().map(|n| n as usize),
            chunk_sizes: chunks
                .map(|list| list.iter().map(|c| c[1].as_u64().unwrap_or(0) as usize).collect())
                .unwrap_or_default(),
            ms: response["ms"].as_f64().unwrap_or(0.0),
            json: response.clone(),
        },
        note: text(&json["note"]),
        events: json["events"].as_array().cloned().unwrap_or_default(),
    }
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// Headers; one recorded as null was not sent.
fn pairs(json: &Value) -> Vec<(String, String)> {
    let list = json.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter(|pair| pair[1].is_string())
        .map(|pair| (text(&pair[0]), text(&pair[1])))
        .collect()
}

fn body(json: &Value) -> Option<Vec<u8>> {
    use base64::Engine;
    match (json["body"].as_str(), json["body_b64"].as_str()) {
        (Some(text), _) => Some(text.as_bytes().to_vec()),
        (None, Some(encoded)) => {
            Some(base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64"))
        }
        (None, None) => None,
    }
}

//! `records:batch`: up to ten records with ids, each with its own outcome.

use super::report::{Failure, Success, Written, prepare, send};
use crate::core::Core;
use crate::http::{Call, JSON, Reply, RequestBody, RestError, collect, json, require_content_type};
use crate::json::{BindError, Parser, Stop, Token};
use crate::options::Version;
use crate::produce::{ProduceRecord, RecordError, RecordReader};
use http::{StatusCode, header};
use serde::Serialize;
use std::collections::HashSet;

#[derive(Serialize)]
struct BatchBody<'a> {
    successes: Vec<Success<'a>>,
    failures: Vec<FailedEntry<'a>>,
}

/// A record and how many bytes of JSON it is.
struct Entry {
    record: ProduceRecord,
    size: usize,
}

#[derive(Serialize)]
struct FailedEntry<'a> {
    id: &'a str,
    error_code: u32,
    message: String,
}

pub(super) async fn produce(
    core: &Core,
    call: &Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    require_content_type(call.header(header::CONTENT_TYPE), &[JSON])?;
    let mut entries = read_entries(&collect(body).await?)?;
    check(&entries, core.options.batch_max_entries)?;
    let (cluster, topic) = (&call.segments[1], &call.segments[3]);
    let ids: Vec<String> =
        entries.iter_mut().map(|e| e.record.id.take().unwrap_or_default()).collect();
    let mut answer = BatchBody { successes: Vec::new(), failures: Vec::new() };
    for (entry, id) in entries.into_iter().zip(&ids) {
        match produce_one(core, topic, entry).await {
            Ok(written) => answer.successes.push(written.report(cluster, topic, None, Some(id))),
            Err(Failure::Told { code, message }) => {
                answer.failures.push(FailedEntry { id, error_code: code, message });
            }
            Err(Failure::Silence) => std::future::pending().await,
        }
    }
    Ok(json(StatusCode::MULTI_STATUS, Some(JSON), &answer))
}

async fn produce_one(core: &Core, topic: &str, entry: Entry) -> Result<Written, Failure> {
    send(core, topic, prepare(core, topic, entry.record, entry.size)?).await
}

fn batch_error(text: &str) -> RestError {
    RestError::new(422, 42208, text)
}

fn check(entries: &[Entry], max: usize) -> Result<(), RestError> {
    if entries.is_empty() {
        return Err(batch_error("Empty batch."));
    }
    if entries.len() > max {
        return Err(batch_error("Too many entries in batch."));
    }
    Ok(())
}

/// Reads all entries before anything is produced: one that cannot be read
/// fails the call.
fn read_entries(bytes: &[u8]) -> Result<Vec<Entry>, RestError> {
    let mut parser = Parser::complete(bytes);
    let mut entries = Vec::new();
    match parser.next_token().map_err(RecordError::Stop).map_err(refuse)? {
        None | Some(Token::Null) => {
            return Err(batch_error("Request body is empty. Data is required."));
        }
        Some(Token::StartArray) => {
            return Err(BindError::invalid(
                "Cannot deserialize value of type `ProduceBatchRequest` from Array value (token `JsonToken.START_ARRAY`)",
            )
            .into());
        }
        Some(_) => {}
    }
    read_fields(&mut parser, &mut entries).map_err(refuse)?;
    let mut ids = HashSet::new();
    for entry in &entries {
        let id = entry.record.id.as_deref().unwrap_or_default();
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if id.is_empty() || id.len() > 80 || !id.bytes().all(legal) {
            return Err(batch_error("Batch entry identifier is not a valid string."));
        }
        if !ids.insert(id.to_owned()) {
            return Err(batch_error("Batch entry IDs are not distinct."));
        }
    }
    Ok(entries)
}

fn read_fields(parser: &mut Parser, entries: &mut Vec<Entry>) -> Result<(), RecordError> {
    while parser.next_token()? == Some(Token::FieldName) {
        let name = parser.take_name();
        parser.next_token()?;
        if name != "entries" {
            return Err(RecordError::Unrecognized { field: name, message: String::new() });
        }
        if parser.current() != Some(Token::StartArray) {
            parser.read_tree()?;
            continue;
        }
        while parser.next_token()? != Some(Token::EndArray) {
            if parser.current() == Some(Token::Null) {
                return Err(RecordError::Invalid(format!(
                    "Cannot construct instance of `ProduceBatchRequest`, problem: at index {}",
                    entries.len()
                )));
            }
            let start = parser.position();
            let record =
                RecordReader { in_batch: true, version: Version::default() }.read(parser)?;
            let size = (parser.position() - start) as usize;
            entries.push(Entry { record, size });
        }
    }
    Ok(())
}

fn refuse(error: RecordError) -> RestError {
    match error {
        RecordError::Unrecognized { field, .. } => BindError::Unrecognized(field).into(),
        RecordError::Invalid(message)
        | RecordError::Stop(Stop::Syntax(message) | Stop::Limit(message)) => {
            BindError::invalid(message).into()
        }
        RecordError::Stop(_) | RecordError::Internal => BindError::Internal.into(),
    }
}

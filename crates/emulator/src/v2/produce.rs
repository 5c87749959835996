//! v2 produce.

use super::format::Embedded;
use super::{ok, require_json};
use crate::core::Core;
use crate::http::{Call, Reply, RequestBody, RestError};
use crate::json::{Fields, Json};
use crate::log::NewRecord;
use crate::produce::{ProduceError, decode_base64, json_bytes};
use bytes::Bytes;
use http::header;
use serde::Serialize;

#[derive(Serialize)]
struct ProduceBody {
    offsets: Vec<Outcome>,
    key_schema_id: Option<i32>,
    value_schema_id: Option<i32>,
}

#[derive(Serialize)]
struct Outcome {
    partition: Option<i32>,
    offset: Option<i64>,
    error_code: Option<u32>,
    error: Option<String>,
}

/// A record of the request and the partition it asks for.
struct Wanted {
    record: NewRecord,
    partition: Option<i64>,
}

pub(super) async fn produce(
    core: &Core,
    call: &Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    let media = call.header(header::CONTENT_TYPE).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    let format = Embedded::of_media(essence);
    let to_partition = match call.segments.get(3) {
        Some(id) => Some(id.parse::<i64>().map_err(|_| RestError::not_found())?),
        None => None,
    };
    let method = match essence {
        "application/vnd.kafka.binary.v2+json" => "produceBinary",
        "application/vnd.kafka.json.v2+json" => "produceJson",
        "application/vnd.kafka.avro.v2+json" => "produceAvro",
        "application/vnd.kafka.jsonschema.v2+json" => "produceJsonSchema",
        _ => "produceProtobuf",
    };
    let json = require_json(body, &format!("{method}.request")).await?;
    let records = read(core, json, format, method)?;
    if records.iter().any(|r| r.partition.or(to_partition).is_some_and(|p| p < 0)) {
        return Err(RestError::internal());
    }
    let topic = &call.segments[1];
    let mut offsets = Vec::with_capacity(records.len());
    for wanted in records {
        let partition = wanted.partition.or(to_partition);
        let partition = partition.map(|p| i32::try_from(p).unwrap_or(i32::MAX));
        offsets.push(match core.producer.send(core, topic, partition, wanted.record).await {
            Ok(written) => Outcome {
                partition: Some(written.partition),
                offset: Some(written.offset),
                error_code: None,
                error: None,
            },
            Err(ProduceError::Dead) => std::future::pending().await,
            Err(error) => Outcome {
                partition: None,
                offset: None,
                error_code: Some(error.v2_code()),
                error: Some(error.to_string()),
            },
        });
    }
    Ok(ok(&ProduceBody { offsets, key_schema_id: None, value_schema_id: None }))
}

fn read(core: &Core, json: Json, format: Embedded, method: &str) -> Result<Vec<Wanted>, RestError> {
    let known = ["records", "key_schema", "key_schema_id", "value_schema", "value_schema_id"];
    let mut fields = Fields::new(json, "ProduceRequest", &known)?;
    let records = fields.list("records")?.unwrap_or_default();
    if records.is_empty() {
        return Err(RestError::new(
            422,
            422,
            format!("{method}.request.records must not be empty (was [])"),
        ));
    }
    let mut wanted = Vec::with_capacity(records.len());
    for record in records {
        let mut record = Fields::new(record, "ProduceRecord", &["key", "value", "partition"])?;
        let partition = record.integer("partition")?;
        let (key, value) = (record.take("key"), record.take("value"));
        if format == Embedded::Schema {
            return Err(without_schema(&mut fields, key.is_some(), core.options.schema_registry));
        }
        let record = NewRecord {
            key: bytes_of(key, format)?,
            value: bytes_of(value, format)?,
            ..NewRecord::default()
        };
        wanted.push(Wanted { record, partition });
    }
    Ok(wanted)
}

fn without_schema(fields: &mut Fields, has_key: bool, registry: bool) -> RestError {
    let mut given =
        |name: &str| fields.take(name).is_some() || fields.take(&format!("{name}_id")).is_some();
    if has_key && !given("key_schema") {
        let text = "Request includes keys but does not include key schema";
        return RestError::new(422, 42201, text);
    }
    if !given("value_schema") {
        let text = "Request includes values but does not include value schema";
        return RestError::new(422, 42202, text);
    }
    if !registry {
        return RestError::no_schema_registry();
    }
    RestError::new(422, 42207, "Error serializing message. Error when registering schema.")
}

fn bytes_of(json: Option<Json>, format: Embedded) -> Result<Option<Bytes>, RestError> {
    let Some(json) = json else { return Ok(None) };
    match format {
        Embedded::Binary => decode_base64(&json)
            .map(Some)
            .map_err(|why| RestError::bad_request(format!("Bad Request: {why}"))),
        _ => Ok(Some(json_bytes(&json))),
    }
}

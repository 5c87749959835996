//! `produce`: writes one record.

use super::{Call, Called, Tool, Topics, done};
use crate::access::{AccessError, Permission};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::mcp::arguments::{Arguments, missing};
use crate::record::{Header, NewRecord};
use crate::render::timestamp;
use crate::services::produce::once::{Once, Reports};

pub(super) const TOOL: Tool =
    Tool { name: "produce", permission: Some(Permission::Produce), topics: Topics::One };

const KNOWN: [&str; 9] = [
    "topic",
    "value",
    "encoding",
    "key",
    "key_encoding",
    "partition",
    "timestamp",
    "headers",
    "idempotency_key",
];

struct Asked {
    record: NewRecord,
    idempotency_key: Option<String>,
}

#[inline(never)]
fn read(arguments: &Arguments<'_>) -> Result<Asked> {
    arguments.only(&KNOWN)?;
    if !arguments.has("value") {
        return Err(missing("value"));
    }
    let mut headers = Vec::new();
    for header in arguments.objects("headers", &["name", "value", "encoding"])? {
        let name = header.needed("name")?;
        headers.push(Header { name, value: header.bytes("value", "encoding")? });
    }
    let record = NewRecord {
        key: arguments.bytes("key", "key_encoding")?,
        value: arguments.bytes("value", "encoding")?,
        headers,
        partition: arguments.partition()?,
        timestamp: arguments.time("timestamp")?,
    };
    let idempotency_key = arguments.text("idempotency_key")?;
    // As in the header of the HTTP API, so that a key there and one here are the same.
    let is_plain = |key: &String| key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if idempotency_key.as_ref().is_some_and(|key| !is_plain(key)) {
        let sentence = "Not a key of printable ASCII characters";
        return Err(Error::invalid("idempotency_key", sentence));
    }
    Ok(Asked { record, idempotency_key })
}

pub(super) async fn call<H: Host, L: Log>(call: Call<'_, H, L>) -> Result<Called, AccessError> {
    let Asked { record, idempotency_key } = read(call.arguments)?;
    let name = call.grant.name().unwrap_or_default();
    let once = idempotency_key.as_deref().map(|key| Once { key, caller: name });
    let topic = call.topic()?;
    let written = call.services.producer.write_once(topic, vec![record], once).await?;
    Ok(write(topic, written)?)
}

#[inline(never)]
fn write(topic: &str, Reports { mut reports, is_repeat }: Reports) -> Result<Called> {
    let no_report = || {
        Error::from(ErrorKind::OutcomeUnknown {
            detail: "there is no report on this record".into(),
        })
    };
    let record = reports.pop().ok_or_else(no_report)??;
    Ok(done(|json| {
        json.text("topic", topic);
        json.number("partition", record.partition.into());
        json.number("offset", record.offset);
        json.text_or_null("timestamp", record.timestamp.map(timestamp).as_deref());
        json.bool("repeat", is_repeat);
    }))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn field(arguments: &str) -> &'static str {
        match read(&Arguments::parse(Some(arguments)).unwrap()).map_err(Error::into_kind) {
            Err(ErrorKind::Invalid { field, .. }) => field,
            other => panic!("{arguments}: {:?}", other.err()),
        }
    }

    #[test]
    fn a_record_is_read_with_all_that_it_may_have() {
        let of = |text| read(&Arguments::parse(Some(text)).unwrap()).unwrap();
        let asked = of(concat!(
            r#"{"topic":"t","value":"/w==","encoding":"base64","key":"k","partition":2,"#,
            r#""timestamp":"1970-01-01T00:00:01Z","headers":[{"name":"a","value":"1"},{"name":"b"}],"#,
            r#""idempotency_key":"order 42"}"#
        ));
        let header = |name: &str, value| Header { name: name.into(), value };
        let expected = NewRecord {
            key: Some(Bytes::from_static(b"k")),
            value: Some(Bytes::from_static(&[0xff])),
            headers: vec![header("a", Some(Bytes::from_static(b"1"))), header("b", None)],
            partition: Some(2),
            timestamp: Some(1000),
        };
        assert_eq!(asked.record, expected);
        assert_eq!(asked.idempotency_key.as_deref(), Some("order 42"));
        assert_eq!(of(r#"{"topic":"t","value":null}"#).record.value, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, named) in [
            ("{}", "value"),
            (r#"{"topic":"t"}"#, "value"),
            (r#"{"topic":"t","value":{"a":1}}"#, "value"),
            (r#"{"topic":"t","value":"%","encoding":"base64"}"#, "value"),
            (r#"{"topic":"t","value":"x","encoding":"hex"}"#, "encoding"),
            (r#"{"topic":"t","value":"x","partition":-1}"#, "partition"),
            (r#"{"topic":"t","value":"x","timestamp":"noon"}"#, "timestamp"),
            (r#"{"topic":"t","value":"x","headers":{"a":"b"}}"#, "headers"),
            (r#"{"topic":"t","value":"x","headers":[{"value":"b"}]}"#, "name"),
            (r#"{"topic":"t","value":"x","idempotency_key":"ü"}"#, "idempotency_key"),
            (r#"{"topic":"t","message":"x"}"#, "arguments"),
        ] {
            assert_eq!(field(arguments), named, "{arguments}");
        }
    }
}

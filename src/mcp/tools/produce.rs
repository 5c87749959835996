//! `produce`: writes one record.

use super::{Called, Caller, Tool, done};
use crate::access::{AccessError, Permission};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::mcp::arguments::{Arguments, missing};
use crate::record::{Header, NewRecord};
use crate::render::timestamp;
use crate::services::produce::once::Once;

pub(super) const TOOL: Tool = Tool {
    name: "produce",
    permission: Some(Permission::Produce),
    names_topics: true,
    listed: concat!(
        r#"{"name":"produce","title":"Produce a record","#,
        r#""description":"Writes one record to a Kafka topic and says where it is. A record cannot be changed or taken back.","#,
        r#""annotations":{"readOnlyHint":false,"destructiveHint":false,"idempotentHint":false,"openWorldHint":false},"#,
        r#""inputSchema":{"type":"object","required":["topic","value"],"additionalProperties":false,"properties":{"#,
        r#""topic":{"type":"string"},"#,
        r#""value":{"type":["string","null"],"description":"The value. JSON is given as text. Null is a tombstone: with a key it deletes what a compacted topic has under that key."},"#,
        r#""encoding":{"enum":["base64"],"description":"The value is base64 of bytes that are not text."},"#,
        r#""key":{"type":"string","description":"Records with the same key go to the same partition, in order."},"#,
        r#""key_encoding":{"enum":["base64"]},"#,
        r#""partition":{"type":"integer","minimum":0,"description":"Without it Kafka chooses, by the key if there is one."},"#,
        r#""timestamp":{"type":"string","description":"RFC 3339; without it, now."},"#,
        r#""headers":{"type":"array","items":{"type":"object","required":["name"],"additionalProperties":false,"properties":{"name":{"type":"string"},"value":{"type":["string","null"]},"encoding":{"enum":["base64"]}}}},"#,
        r#""idempotency_key":{"type":"string","minLength":1,"maxLength":255,"description":"Any text that names this record. A call with the same key and record within 24 hours writes nothing again and says where the record is, so that a call whose outcome is unknown can be made again."}}},"#,
        r#""outputSchema":{"type":"object","required":["topic","partition","offset","timestamp","repeat"],"additionalProperties":false,"properties":{"topic":{"type":"string"},"partition":{"type":"integer"},"offset":{"type":"integer"},"timestamp":{"type":["string","null"]},"repeat":{"type":"boolean","description":"The record was written by an earlier call with this idempotency_key."}}}}"#
    ),
};

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
    topic: String,
    record: NewRecord,
    idempotency_key: Option<String>,
}

fn read(arguments: Option<&str>) -> Result<Asked> {
    let arguments = Arguments::parse(arguments, &KNOWN)?;
    let topic = arguments.needed("topic")?;
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
    Ok(Asked { topic, record, idempotency_key })
}

pub(super) async fn call<H: Host, L: Log>(
    caller: &Caller<H, L>,
    arguments: Option<&str>,
) -> Result<Called, AccessError> {
    let Asked { topic, record, idempotency_key } = read(arguments)?;
    let topic = caller.topic(topic, Permission::Produce).await?;
    let name = caller.grant.name().unwrap_or_default();
    let once = idempotency_key.as_deref().map(|key| Once { key, caller: name });
    let producer = &caller.app.services().await?.producer;
    let mut written = producer.write_once(&topic, vec![record], once).await?;
    let no_report = || Error::OutcomeUnknown { detail: "there is no report on this record".into() };
    let record = written.reports.pop().ok_or_else(no_report)??;
    Ok(done(|json| {
        json.text("topic", &topic);
        json.number("partition", record.partition.into());
        json.number("offset", record.offset);
        json.text_or_null("timestamp", record.timestamp.map(timestamp).as_deref());
        json.bool("repeat", written.is_repeat);
    }))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn field(arguments: &str) -> &'static str {
        match read(Some(arguments)).err() {
            Some(Error::Invalid { field, .. }) => field,
            other => panic!("{arguments}: {other:?}"),
        }
    }

    #[test]
    fn a_record_is_read_with_all_that_it_may_have() {
        let asked = read(Some(concat!(
            r#"{"topic":"t","value":"/w==","encoding":"base64","key":"k","partition":2,"#,
            r#""timestamp":"1970-01-01T00:00:01Z","headers":[{"name":"a","value":"1"},{"name":"b"}],"#,
            r#""idempotency_key":"order 42"}"#
        )))
        .unwrap();
        let header = |name: &str, value| Header { name: name.into(), value };
        let expected = NewRecord {
            key: Some(Bytes::from_static(b"k")),
            value: Some(Bytes::from_static(&[0xff])),
            headers: vec![header("a", Some(Bytes::from_static(b"1"))), header("b", None)],
            partition: Some(2),
            timestamp: Some(1000),
        };
        assert_eq!((asked.topic.as_str(), asked.record), ("t", expected));
        assert_eq!(asked.idempotency_key.as_deref(), Some("order 42"));
        assert_eq!(read(Some(r#"{"topic":"t","value":null}"#)).unwrap().record.value, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, named) in [
            ("{}", "topic"),
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

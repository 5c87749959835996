//! Events of the Rust SDK, the crate `cloudevents-sdk`, through sources and back.
//!
//! Its own binding for Kafka needs librdkafka. What it parses here are the same two traits'
//! messages, read by the text of the Kafka binding.

use bytes::Bytes;
use cloudevents::message::{
    BinaryDeserializer, BinarySerializer, Encoding, MessageAttributeValue, MessageDeserializer,
    Result, StructuredDeserializer, StructuredSerializer,
};
use cloudevents::{AttributesReader, Data, Event, EventBuilder, EventBuilderV10};
use http::Method;
use kafka_edge::record::Record;
use kafka_edge_sim::local;
use serde_json::json;

use super::support::{answer, plain, records, with};
use crate::gateway::{Taken, header, request};

const STRUCTURED: &str = "application/cloudevents+json";

/// A record as the SDK reads messages of Kafka.
struct Message {
    headers: Vec<(String, String)>,
    value: Option<Bytes>,
}

impl Message {
    fn of(record: Record) -> Self {
        let text = |value: Option<Bytes>| String::from_utf8(value.unwrap().to_vec()).unwrap();
        let headers = record.headers.unwrap().into_iter();
        let headers = headers.map(|header| (header.name, text(header.value))).collect();
        Self { headers, value: record.value }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl MessageDeserializer for Message {
    fn encoding(&self) -> Encoding {
        let content_type = self.header("content-type").unwrap_or_default();
        match self.header("ce_specversion") {
            _ if content_type.starts_with(STRUCTURED) => Encoding::STRUCTURED,
            Some(_) => Encoding::BINARY,
            None => Encoding::UNKNOWN,
        }
    }
}

impl StructuredDeserializer for Message {
    fn deserialize_structured<R: Sized, V: StructuredSerializer<R>>(self, visitor: V) -> Result<R> {
        visitor.set_structured_event(self.value.unwrap().to_vec())
    }
}

impl BinaryDeserializer for Message {
    fn deserialize_binary<R: Sized, V: BinarySerializer<R>>(self, mut visitor: V) -> Result<R> {
        let version = self.header("ce_specversion").unwrap().try_into()?;
        visitor = visitor.set_spec_version(version)?;
        for (name, value) in self.headers {
            let value = MessageAttributeValue::String(value);
            visitor = match name.strip_prefix("ce_") {
                Some("specversion") => visitor,
                Some(name @ ("id" | "source" | "type" | "subject" | "time" | "dataschema")) => {
                    visitor.set_attribute(name, value)?
                }
                Some(name) => visitor.set_extension(name, value)?,
                None if name == "content-type" => {
                    visitor.set_attribute("datacontenttype", value)?
                }
                None => visitor,
            };
        }
        match self.value {
            Some(value) => visitor.end_with_data(value.to_vec()),
            None => visitor.end(),
        }
    }
}

fn builder(id: &str) -> EventBuilderV10 {
    let builder = EventBuilderV10::new().id(id).source("/tests").ty("com.example.test");
    builder.time("2026-11-29T08:00:00.125Z")
}

fn events() -> Vec<Event> {
    let built = [
        builder("json").data("application/json", json!({"a": [1, null, "ü"]})).subject("a b"),
        builder("schema").data_with_schema("a/b+json", "https://example.com/s?a=b", json!([])),
        builder("none"),
        builder("text").data("text/plain; charset=utf-8", "a\n\"ü\" 😀"),
        builder("binary").data("application/octet-stream", vec![0xff, 0x00, 0x0a]),
        builder("extensions").extension("text", "7").extension("count", -7).extension("flag", true),
    ];
    built.into_iter().map(|builder| builder.build().unwrap()).collect()
}

/// Whatever an event has, in a form that its way does not change.
fn told(event: &Event) -> (Vec<String>, Option<Vec<u8>>) {
    let core = event.iter_attributes().map(|(name, value)| format!("{name}: {value}"));
    let own = event.iter_extensions().map(|(name, value)| format!("{name}: {value}"));
    let mut attributes: Vec<_> = core.chain(own).collect();
    attributes.sort();
    let data = event.data().map(|data| match data {
        // Read out of bytes, so that the order of members and spaces count no more.
        Data::Binary(bytes) if event.datacontenttype().is_some_and(|t| t.ends_with("json")) => {
            serde_json::from_slice::<serde_json::Value>(bytes).unwrap().to_string().into_bytes()
        }
        data => Vec::try_from(data.clone()).unwrap(),
    });
    (attributes, data)
}

fn in_http(event: &Event, structured: bool) -> http::Request<Option<Vec<u8>>> {
    if !structured {
        return event.clone().try_into().unwrap();
    }
    let request = http::Request::builder().header("content-type", STRUCTURED);
    request.body(Some(serde_json::to_vec(event).unwrap())).unwrap()
}

#[tokio::test(start_paused = true)]
async fn events_of_the_sdk_come_back_as_they_were() {
    local(async {
        for mode in ["binary", "structured"] {
            let gateway = with(plain(json!({"cloud_events": {"mode": mode}}))).await;
            for event in events() {
                for structured in [false, true] {
                    let message = in_http(&event, structured);
                    let mut sent = request(Method::POST, "/in/s");
                    sent.headers = message
                        .headers()
                        .iter()
                        .map(|(name, value)| header(name.as_str(), value.as_bytes()))
                        .collect();
                    sent.body = message.into_body().unwrap_or_default().into();
                    let (status, json) = answer(&gateway, sent).await.taken();
                    assert_eq!(status, 200, "{json}");
                    let place = &json["records"][0];
                    let mut written = records(&gateway, "t").into_iter();
                    let record = written.find(|record| {
                        place["partition"] == record.partition && place["offset"] == record.offset
                    });
                    let read = MessageDeserializer::into_event(Message::of(record.unwrap()));
                    let read = read.unwrap();
                    assert_eq!(told(&read), told(&event), "{mode}, sent structured: {structured}");
                    if structured && mode == "structured" {
                        // Here types come through as well.
                        let extensions = |event: &Event| -> Vec<_> {
                            let mut all: Vec<_> = event
                                .iter_extensions()
                                .map(|(name, value)| format!("{name}: {value:?}"))
                                .collect();
                            all.sort();
                            all
                        };
                        assert_eq!(extensions(&read), extensions(&event));
                    }
                }
            }
        }
    })
    .await;
}

//! What the API description says about an endpoint beyond its declaration.

use std::collections::BTreeMap;

use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};

use crate::http::ndjson;

/// Makes the schema of a type. The generator collects the schemas it refers to.
pub(super) type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// A typical request to an endpoint. Tests make these requests, and the
/// description shows the answers.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// The path and query. `{webhook_id}` stands for the id of an existing
    /// webhook.
    pub target: &'static str,
    pub body: &'static str,
}

/// The answer with a certain status.
#[derive(Debug, Default)]
pub(super) struct AnswerKind {
    pub(super) about: &'static str,
    /// By content type.
    pub(super) contents: BTreeMap<&'static str, Content>,
}

#[derive(Debug)]
pub(super) enum Content {
    Json(Vec<MakeSchema>),
    Error,
    Text,
    Any,
}

/// A body that the call accepts.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) required: bool,
    pub(super) contents: BTreeMap<&'static str, Content>,
}

/// The description of an endpoint.
#[derive(Debug, Default)]
pub struct Operation {
    pub(super) detail: Option<&'static str>,
    pub(super) required_query: Vec<&'static str>,
    pub(super) body: Option<Taken>,
    pub(super) answers: BTreeMap<u16, AnswerKind>,
    pub(super) passes_on: bool,
    /// Request headers that mean something to the call, with what they mean.
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub example: Option<Example>,
}

const JSON: &str = "application/json";

impl Operation {
    /// Adds to the declaration's one sentence.
    pub(in crate::http) fn detail(&mut self, detail: &'static str) -> &mut Self {
        self.detail = Some(detail);
        self
    }

    /// The call is refused without this query parameter.
    pub(in crate::http) fn requires(&mut self, name: &'static str) -> &mut Self {
        self.required_query.push(name);
        self
    }

    /// The body is JSON.
    pub(in crate::http) fn takes<T: JsonSchema>(&mut self) -> &mut Self {
        self.take(JSON, Content::Json(vec![|generator| generator.subschema_for::<T>()]), true)
    }

    /// The body is JSON, or there is none.
    pub(in crate::http) fn takes_optionally<T: JsonSchema>(&mut self) -> &mut Self {
        self.take(JSON, Content::Json(vec![|generator| generator.subschema_for::<T>()]), false)
    }

    /// The body is read byte for byte. Any content type is accepted; `types` are
    /// examples.
    pub(in crate::http) fn takes_bytes(&mut self, types: &[&'static str]) -> &mut Self {
        for content_type in types {
            self.take(content_type, Content::Any, false);
        }
        self
    }

    /// The body may be lines of JSON.
    pub(in crate::http) fn takes_lines(&mut self) -> &mut Self {
        self.take(ndjson::CONTENT_TYPE, Content::Text, false)
    }

    fn take(&mut self, content_type: &'static str, content: Content, required: bool) -> &mut Self {
        let body = self.body.get_or_insert_with(|| Taken { required, contents: BTreeMap::new() });
        body.contents.insert(content_type, content);
        self
    }

    /// The answer is JSON.
    pub(in crate::http) fn gives<T: JsonSchema>(
        &mut self,
        status: u16,
        about: &'static str,
    ) -> &mut Self {
        let schema: MakeSchema = |generator| generator.subschema_for::<T>();
        self.give(status, about, JSON, Content::Json(vec![schema]))
    }

    /// The answer is JSON in one of two forms.
    pub(in crate::http) fn gives_either<T: JsonSchema, U: JsonSchema>(
        &mut self,
        status: u16,
        about: &'static str,
    ) -> &mut Self {
        let schemas: Vec<MakeSchema> =
            vec![|generator| generator.subschema_for::<T>(), |generator| {
                generator.subschema_for::<U>()
            }];
        self.give(status, about, JSON, Content::Json(schemas))
    }

    /// The answer may also be lines of JSON.
    pub(in crate::http) fn gives_lines(&mut self) -> &mut Self {
        let about = self.answers.get(&200).map_or("Lines", |answer| answer.about);
        self.give(200, about, ndjson::CONTENT_TYPE, Content::Text)
    }

    /// The answer may also be a stream of events or of lines.
    pub(in crate::http) fn gives_stream(&mut self) -> &mut Self {
        let about = self.answers.get(&200).map_or("A stream", |answer| answer.about);
        self.give(200, about, "text/event-stream", Content::Text).gives_lines()
    }

    /// The answer is a text of this type.
    pub(in crate::http) fn gives_text(
        &mut self,
        content_type: &'static str,
        about: &'static str,
    ) -> &mut Self {
        self.give(200, about, content_type, Content::Text)
    }

    /// The answer has no body.
    pub(in crate::http) fn gives_nothing(&mut self, about: &'static str) -> &mut Self {
        self.gives_nothing_at(204, about)
    }

    /// The answer with this status has no body.
    pub(in crate::http) fn gives_nothing_at(
        &mut self,
        status: u16,
        about: &'static str,
    ) -> &mut Self {
        self.answers.insert(status, AnswerKind { about, ..AnswerKind::default() });
        self
    }

    fn give(
        &mut self,
        status: u16,
        about: &'static str,
        content_type: &'static str,
        content: Content,
    ) -> &mut Self {
        let answer = self.answers.entry(status).or_default();
        answer.about = about;
        answer.contents.insert(content_type, content);
        self
    }

    /// The call can fail with this status. The first text for a status is kept.
    pub(in crate::http) fn fails(&mut self, status: u16, about: &'static str) -> &mut Self {
        let contents = BTreeMap::from([(JSON, Content::Error)]);
        self.answers.entry(status).or_insert(AnswerKind { about, contents });
        self
    }

    /// The call needs Kafka and can fail with its errors.
    pub(in crate::http) fn asks_kafka(&mut self) -> &mut Self {
        self.fails(404, "The topic does not exist")
            .fails(429, "Too many requests, here or to Kafka's server")
            .fails(501, "Kafka's server does not offer this")
            .fails(502, "Kafka's server failed, or refused the gateway's credentials")
            .fails(503, "Kafka's server, the store or the partition is not available for now")
            .fails(504, "Kafka's server took too long to answer")
    }

    /// The call heeds this request header.
    pub(in crate::http) fn heeds(&mut self, name: &'static str, about: &'static str) -> &mut Self {
        self.headers.push((name, about));
        self
    }

    /// The call writes what its caller sends: once for each key.
    pub(in crate::http) fn produces(&mut self) -> &mut Self {
        let about = "A call with a key that came before writes nothing again, for 24 hours; the \
                     answer has `idempotent-replayed: true`";
        self.heeds("Idempotency-Key", about).writes_to_kafka()
    }

    /// The call writes records and can fail with the errors of a write.
    pub(in crate::http) fn writes_to_kafka(&mut self) -> &mut Self {
        self.fails(413, "The record is too large")
            .fails(504, "The outcome is unknown: the record may or may not have been written")
            .asks_kafka()
    }

    /// The call passes on another server's answer unchanged.
    pub(in crate::http) fn passes_on(&mut self) -> &mut Self {
        self.passes_on = true;
        self.fails(501, "No other server is configured")
            .fails(502, "The other server failed, or refused the gateway's credentials")
            .fails(503, "The gateway is not configured, or the other server cannot be reached")
            .fails(504, "The other server took too long to answer")
    }

    /// Adds a typical request without a body.
    pub(in crate::http) fn example(&mut self, target: &'static str) -> &mut Self {
        self.example_with(target, "")
    }

    /// Adds a typical request with a body.
    pub(in crate::http) fn example_with(
        &mut self,
        target: &'static str,
        body: &'static str,
    ) -> &mut Self {
        self.example = Some(Example { target, body });
        self
    }
}

//! Builds the OpenAPI document from the operations.

use std::collections::BTreeMap;

use http::Method;
use schemars::Schema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::operation::{AnswerKind, Content, Operation};
use super::operations;
use crate::http::admission;
use crate::http::answer::ErrorBody;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule, TopicPlace};
use crate::http::endpoints::Listed;
use crate::http::parameter::{Kind, Parameter};
use crate::http::routing::Params;

/// The answers of a gateway to the examples: status and JSON body, by the name
/// of the operation.
pub type Answers = BTreeMap<String, (u16, Value)>;

/// The whole description, with these answers as examples.
pub fn document(answers: &Answers) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for (listed, operation) in operations() {
        let path = listed.declaration.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        for method in listed.declaration.methods {
            let described = described(&mut schemas, listed, &operation, method, answers);
            item[method.as_str().to_ascii_lowercase()] = described;
        }
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "kafka-edge",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Kafka over HTTP, at the edge",
            "description": "Errors are JSON as well: a sentence, the status, and a detail that \
                            names the field at fault or says more.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        // Relative to this document's own URL, so that it is right under a base
        // path and behind any proxy.
        "servers": [{ "url": "./" }],
        "security": [{ "basic": [] }, { "bearer": [] }, { "apiKey": [] }],
        "paths": paths,
        "components": {
            "responses": schemas.take_errors(),
            "schemas": schemas.into_definitions(),
            "securitySchemes": {
                "basic": {
                    "type": "http", "scheme": "basic",
                    "description": "The name and the secret of a credential",
                },
                "bearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "The secret of a credential",
                },
                "apiKey": {
                    "type": "apiKey", "in": "header", "name": "X-API-Key",
                    "description": "The secret of a credential",
                },
            },
        },
    })
}

/// Schemas of requests and of answers differ: a field with a default is optional
/// in a request and always present in an answer.
struct Schemas {
    taken: SchemaGenerator,
    given: SchemaGenerator,
    /// Names of the error responses, which calls share, by status and text.
    errors: BTreeMap<(u16, &'static str), String>,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            taken: settings().for_deserialize().into_generator(),
            given: settings().for_serialize().into_generator(),
            errors: BTreeMap::new(),
        }
    }

    /// A reference to an error response, which all calls share.
    fn error(&mut self, status: u16, about: &'static str) -> Value {
        let others = self.errors.keys().filter(|(known, _)| *known == status).count();
        let name = self.errors.entry((status, about)).or_insert_with(|| {
            let code = http::StatusCode::from_u16(status).unwrap_or_default();
            let reason = code.canonical_reason().unwrap_or_default().replace(' ', "");
            if others == 0 { reason } else { format!("{reason}{}", others + 1) }
        });
        json!({ "$ref": format!("#/components/responses/{name}") })
    }

    fn take_errors(&mut self) -> Map<String, Value> {
        let schema = json!(self.given.subschema_for::<ErrorBody>());
        let errors = std::mem::take(&mut self.errors).into_iter();
        errors
            .map(|((_, about), name)| {
                let content = json!({ "application/json": { "schema": schema } });
                (name, json!({ "description": about, "content": content }))
            })
            .collect()
    }

    fn into_definitions(mut self) -> Map<String, Value> {
        let mut definitions = self.taken.take_definitions(true);
        for (name, schema) in self.given.take_definitions(true) {
            let same = definitions.get(&name).is_none_or(|known| *known == schema);
            assert!(same, "two types are called {name} in the API description");
            definitions.insert(name, schema);
        }
        definitions
    }
}

fn described(
    schemas: &mut Schemas,
    listed: &Listed,
    operation: &Operation,
    method: &Method,
    answers: &Answers,
) -> Value {
    let Listed { declaration, topics, .. } = listed;
    let first = declaration.methods.first() == Some(method);
    let id = if first {
        declaration.name.to_owned()
    } else {
        let mut name = method.as_str().to_ascii_lowercase();
        name[..1].make_ascii_uppercase();
        format!("{}By{name}", declaration.name)
    };
    let mut described = json!({
        "operationId": id,
        "summary": declaration.about,
        "tags": [tag(declaration.path)],
        "parameters": parameters(declaration, *topics, operation),
        "responses": responses(schemas, declaration, operation, answers),
    });
    if let Some(detail) = operation.detail {
        described["description"] = detail.into();
    }
    match declaration.caller {
        Caller::Anyone => described["security"] = json!([]),
        // The first of the alternatives is none (OpenAPI 3.1, "Security Requirement Object").
        Caller::ByMessage => {
            described["security"] =
                json!([{}, { "basic": [] }, { "bearer": [] }, { "apiKey": [] }]);
        }
        Caller::Known => {}
        Caller::Allowed(permission) => described["x-permission"] = permission.name().into(),
    }
    // The gateway accepts a GET with a body, but many clients cannot send one:
    // they should use the other method.
    if let Some(body) = operation.body.as_ref().filter(|_| method != Method::GET) {
        let example = operation.example.as_ref().map(|example| example.body);
        let example = example.and_then(|body| serde_json::from_str::<Value>(body).ok());
        let mut contents = Map::new();
        for (content_type, content) in &body.contents {
            let mut media = json!({ "schema": schema(&mut schemas.taken, content) });
            if *content_type == "application/json"
                && let Some(example) = &example
            {
                media["example"] = example.clone();
            }
            contents.insert((*content_type).to_owned(), media);
        }
        described["requestBody"] = json!({ "required": body.required, "content": contents });
    }
    described
}

fn tag(path: &str) -> &str {
    path.split('/').nth(1).filter(|tag| !tag.is_empty()).unwrap_or("gateway")
}

fn schema(generator: &mut SchemaGenerator, content: &Content) -> Value {
    match content {
        Content::Json(make) => {
            let schemas: Vec<Schema> = make.iter().map(|make| make(generator)).collect();
            match &schemas[..] {
                [schema] => json!(schema),
                several => json!({ "anyOf": several }),
            }
        }
        Content::Error => json!(generator.subschema_for::<ErrorBody>()),
        Content::Text => json!({ "type": "string" }),
        Content::Any => json!({}),
    }
}

fn responses(
    schemas: &mut Schemas,
    declaration: &Declaration,
    operation: &Operation,
    answers: &Answers,
) -> Value {
    let mut common = Operation::default();
    common
        .fails(400, "A parameter, a header or the body is not right; `detail` names it")
        .fails(414, "The path and query are too long")
        .fails(431, "There are too many headers, or too much in them");
    if declaration.caller != Caller::Anyone {
        common
            .fails(401, "A credential is needed, or is not known")
            .fails(403, "The credential does not allow this")
            .fails(503, "The gateway is not configured, or its store is not available");
    }
    if declaration.body != BodyRule::Ignored {
        common
            .fails(413, "The body is too large")
            .fails(415, "The body has an encoding other than gzip and deflate");
    }
    let mut responses = Map::new();
    let own = operation.answers.iter();
    for (status, answer) in own
        .chain(common.answers.iter().filter(|(status, _)| !operation.answers.contains_key(status)))
    {
        let is_error = answer.contents.values().any(|content| matches!(content, Content::Error));
        let response = if is_error {
            schemas.error(*status, answer.about)
        } else {
            let example = answers.get(declaration.name).filter(|(given, _)| given == status);
            response(schemas, answer, example.map(|(_, body)| body))
        };
        responses.insert(status.to_string(), response);
    }
    if operation.passes_on {
        let answer =
            json!({ "description": "The other server's own answer", "content": { "*/*": {} } });
        responses.insert("default".into(), answer);
    }
    responses.into()
}

fn response(schemas: &mut Schemas, answer: &AnswerKind, example: Option<&Value>) -> Value {
    let mut contents = Map::new();
    for (content_type, content) in &answer.contents {
        let mut media = json!({ "schema": schema(&mut schemas.given, content) });
        if let (Some(example), Content::Json(_)) = (example, content) {
            media["example"] = example.clone();
        }
        contents.insert((*content_type).to_owned(), media);
    }
    let mut response = json!({ "description": answer.about });
    if !contents.is_empty() {
        response["content"] = contents.into();
    }
    response
}

fn parameters(declaration: &Declaration, topics: TopicPlace, operation: &Operation) -> Vec<Value> {
    let example = operation.example.clone().unwrap_or_default();
    let (path, query) = example.target.split_once('?').unwrap_or((example.target, ""));
    let in_path = Params::of(declaration.path, path).unwrap_or_default();
    let mut all = Vec::new();
    for name in names(declaration.path) {
        let (about, schema) = path_parameter(name, topics);
        let mut parameter = json!({ "name": name, "in": "path", "required": true, "description": about, "schema": schema });
        if let Some(example) = in_path.get(name) {
            parameter["example"] = match name {
                "partition" => example.parse::<i32>().map_or(Value::Null, Value::from),
                _ => example.into(),
            };
        }
        all.push(parameter);
    }
    let credential: &[Parameter] =
        if declaration.credential_in_query { admission::CREDENTIAL } else { &[] };
    let declared = declaration.query.parameters().iter().chain(credential);
    for Parameter { name, about, kind } in declared {
        let required = operation.required_query.contains(name);
        let mut parameter = json!({
            "name": name, "in": "query", "required": required, "description": about,
            "schema": kind_schema(*kind),
        });
        let given = query.split('&').filter_map(|pair| pair.split_once('='));
        if let Some((_, example)) = given.clone().find(|(known, _)| known == name) {
            let number = serde_json::from_str(example).ok().filter(Value::is_number);
            parameter["example"] = number.unwrap_or_else(|| example.into());
        }
        all.push(parameter);
    }
    for (name, about) in &operation.headers {
        all.push(json!({
            "name": name, "in": "header", "required": false, "description": about,
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        }));
    }
    if let QueryRule::PartOfPath = declaration.query {
        debug_assert!(declaration.path.contains("{*"), "{}", declaration.path);
    }
    all
}

/// The names of the parameters in a path, in order.
fn names(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/')
        .filter_map(|piece| piece.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| name.trim_start_matches('*'))
}

fn path_parameter(name: &str, topics: TopicPlace) -> (&'static str, Value) {
    const TOPIC: &str = "[A-Za-z0-9._-]{1,249}";
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let name_of = json!({ "type": "string", "minLength": 1, "maxLength": 200 });
    match name {
        "topic" if topics == TopicPlace::ListInPath => (
            "The topic, or several with commas between them",
            text(&format!("^{TOPIC}(,{TOPIC}){{0,19}}$")),
        ),
        "topic" => ("The topic", text(&format!("^{TOPIC}$"))),
        "group" | "consumer_group" => ("The consumer group", name_of),
        "instance" => ("The consumer instance", name_of),
        "partition" => (
            "The partition, counted from 0",
            json!({ "type": "integer", "format": "int32", "minimum": 0 }),
        ),
        "id" => ("The id of the webhook", json!({ "type": "string", "minLength": 1 })),
        "identifier" => ("The action's identifier", name_of),
        "run_id" => ("The id of the run", json!({ "type": "string", "minLength": 1 })),
        "node_run_id" => (
            "The id of its node, which has the same digits",
            json!({ "type": "string", "minLength": 1 }),
        ),
        "name" if topics == TopicPlace::OfSource => ("The source's name", name_of),
        "source" => ("The source's name", name_of),
        "file" => ("The file's name", name_of),
        "name" => ("The name of the credential", json!({ "type": "string", "minLength": 1 })),
        "time" => (
            "`earliest`, `latest`, or a Unix timestamp in seconds or milliseconds",
            json!({ "anyOf": [
                { "enum": ["earliest", "latest"] },
                { "type": "string", "pattern": "^[0-9]{1,15}$" },
            ] }),
        ),
        "message" => (
            "The value: the whole rest of the path, percent-decoded",
            json!({ "type": "string", "minLength": 1 }),
        ),
        "callback_url" => (
            "The callback's URL: the whole rest of the path, and the query",
            json!({ "type": "string", "minLength": 1 }),
        ),
        _ => ("The rest of the path", json!({ "type": "string" })),
    }
}

fn kind_schema(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string", "minLength": 1 }),
        Kind::Bytes => json!({ "type": "string" }),
        Kind::OneOf(values) => json!({ "type": "string", "enum": values }),
        Kind::Number { least, most } => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Kind::Seconds { default, most } => json!({
            "type": "number", "minimum": 0, "maximum": most.as_secs(),
            "default": default.as_secs_f64(),
        }),
        Kind::Time => json!({ "anyOf": [
            { "type": "string", "format": "date-time" },
            { "type": "integer", "minimum": 0, "maximum": LAST_TIME },
        ] }),
        Kind::Milliseconds => json!({ "type": "integer", "minimum": 0 }),
    }
}

/// The last millisecond of the year 9999.
const LAST_TIME: i64 = 253_402_300_799_999;

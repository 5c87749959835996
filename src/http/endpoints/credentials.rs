//! Everything under `/credentials`, for administrators.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::json;
use crate::http::limits::JSON_BYTES;
use crate::http::percent;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;
use crate::render::timestamp;
use crate::services::credentials::{Created, Listed, Wish};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    allow: Vec<String>,
    #[serde(default)]
    topics: Vec<String>,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    /// Only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    allow: Vec<String>,
    topics: Vec<String>,
    /// Where it is kept: `variable` or `store`.
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
}

#[derive(Serialize)]
struct List {
    credentials: Vec<Shown>,
}

pub(in crate::http) async fn list<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
) -> Result<Response, Refusal> {
    Query::parse(request.query(), &[])?;
    let credentials = app.credentials().await?.list().await?;
    let credentials = credentials.into_iter().map(Shown::from).collect();
    Ok(Response::json(StatusCode::OK, &List { credentials }))
}

pub(in crate::http) async fn create<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
) -> Result<Response, Refusal> {
    Query::parse(request.query(), &[])?;
    let body = request.read_body(JSON_BYTES).await?;
    let New { name, allow, topics } = json::object(&body)
        .map_err(|error| Error::invalid("body", format!("Not a new credential: {error}")))?;
    let wish = Wish { name, allow, topics };
    let Created { credential, secret } = app.credentials().await?.create(wish).await?;
    let secret = Some(secret.reveal().to_owned());
    Ok(Response::json(StatusCode::CREATED, &Shown { secret, ..credential.into() }))
}

pub(in crate::http) async fn delete<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
) -> Result<Response, Refusal> {
    let name = percent::decode_text("name", segment)?;
    Query::parse(request.query(), &[])?;
    app.credentials().await?.delete(&name).await?;
    Ok(Response::empty())
}

impl From<Listed> for Shown {
    fn from(listed: Listed) -> Self {
        Self {
            name: listed.name.into(),
            secret: None,
            allow: listed.allow.into(),
            topics: listed.topics.into(),
            source: if listed.created.is_some() { "store" } else { "variable" },
            created: listed.created.map(timestamp),
        }
    }
}

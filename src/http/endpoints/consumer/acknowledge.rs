//! `POST /consumer/{topic}/ack` and `POST /consumer/{topic}/nack`.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{group, topics};
use crate::app::App;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::json;
use crate::http::limits::RECEIPTS_BYTES;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;
use crate::limits;
use crate::services::consume::{Acknowledged, Disposal};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Receipts {
    receipts: Vec<String>,
    /// Seconds.
    delay: Option<f64>,
}

#[derive(Serialize)]
struct Answers<'a> {
    receipts: Vec<Answer<'a>>,
}

#[derive(Serialize)]
struct Answer<'a> {
    receipt: &'a str,
    status: &'static str,
}

pub(in crate::http) async fn ack<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    segment: &str,
) -> Result<Response, Refusal> {
    let given = receipts(request).await?;
    if given.delay.is_some() {
        return Err(Error::invalid("delay", "There is a delay only where records go back").into());
    }
    dispose(app, request, segment, &given.receipts, Disposal::Ack, "acked").await
}

pub(in crate::http) async fn nack<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    segment: &str,
) -> Result<Response, Refusal> {
    let given = receipts(request).await?;
    let delay = Duration::try_from_secs_f64(given.delay.unwrap_or_default())
        .map_err(|_| Error::invalid("delay", "Not a number of seconds"))?;
    let delay = limits::check_time("delay", delay, limits::DELAY)?;
    dispose(app, request, segment, &given.receipts, Disposal::Nack { delay }, "nacked").await
}

async fn receipts<B: RequestBody>(request: &mut Request<B>) -> Result<Receipts, Refusal> {
    let body = request.read_body(RECEIPTS_BYTES).await?;
    let given: Receipts = json::object(&body)
        .map_err(|error| Error::invalid("body", format!("Not a list of receipts: {error}")))?;
    limits::check_receipts(&given.receipts)?;
    Ok(given)
}

async fn dispose<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
    receipts: &[String],
    disposal: Disposal,
    done: &'static str,
) -> Result<Response, Refusal> {
    let topics = topics(segment)?;
    let query = Query::parse(request.query(), &["group"])?;
    let group = group(&query)?;
    // The caller's leave is for the topics in the path, whatever a receipt
    // may name.
    let is_of_caller = |topic: &str| topics.iter().any(|known| known == topic);
    let consume = &app.services().await?.consume;
    let acknowledged = consume.acknowledge(&group, is_of_caller, receipts, disposal).await?;
    let answers = receipts.iter().zip(acknowledged).map(|(receipt, acknowledged)| Answer {
        receipt,
        status: match acknowledged {
            Acknowledged::Done => done,
            Acknowledged::DoneBefore => "acked",
            Acknowledged::Expired => "expired",
            Acknowledged::Unknown => "unknown",
        },
    });
    Ok(Response::json(StatusCode::OK, &Answers { receipts: answers.collect() }))
}

//! `GET /topics/{topic}/partitions/{partition}/records`.

use http::StatusCode;
use serde::Serialize;

use super::record::RecordJson;
use super::topic;
use crate::app::App;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::limits::DEFAULT_WAIT;
use crate::http::percent;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::Request;
use crate::kafka::Log;
use crate::limits;
use crate::services::read::At;

#[derive(Serialize)]
struct Page<'a> {
    records: Vec<RecordJson<'a>>,
    /// Where to go on.
    next_offset: i64,
}

pub(in crate::http) async fn read<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
    partition: &str,
) -> Result<Response, Refusal> {
    let topic = topic(segment)?;
    let partition = self::partition(partition)?;
    let query = Query::parse(request.query(), &["offset", "max", "max_bytes", "wait"])?;
    let at = At {
        topic: &topic,
        partition,
        offset: query.offset()?.unwrap_or(0),
        max: query.number("max", limits::PAGE_RECORDS)?.unwrap_or(*limits::PAGE_RECORDS.end()),
        max_bytes: query
            .number("max_bytes", limits::PAGE_BYTES)?
            .unwrap_or(*limits::PAGE_BYTES.end()),
        wait: query.seconds("wait", DEFAULT_WAIT, limits::WAIT)?,
    };
    let page = app.services().await?.read.at(at).await?;
    let records = page.records.iter().map(|record| RecordJson::of(&topic, record)).collect();
    Ok(Response::json(StatusCode::OK, &Page { records, next_offset: page.next }))
}

fn partition(segment: &str) -> Result<i32, Error> {
    let text = percent::decode_text("partition", segment)?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let partition = text.parse().ok().filter(|_| digits);
    partition
        .ok_or_else(|| Error::invalid("partition", "Not the number of a partition, counted from 0"))
}

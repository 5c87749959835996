//! `GET /consumer/{topic}`: one record, a page or a stream; and acknowledging what it gave.

mod acknowledge;
mod stream;

use http::StatusCode;
use serde::Serialize;

pub(in crate::http) use self::acknowledge::{ack, nack};
use self::stream::Format;
use super::record::RecordJson;
use super::topics;
use crate::app::App;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::limits::{DEFAULT_LEASE, DEFAULT_WAIT};
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::Request;
use crate::kafka::Log;
use crate::services::consume::{Ack, Consumed, Next};
use crate::sorted::SortedMap;
use crate::{limits, names};

/// The group of a caller who names none.
const DEFAULT_GROUP: &str = "default";

/// A page of records.
#[derive(Serialize)]
struct Page<'a> {
    records: Vec<RecordJson<'a>>,
    /// For each topic and partition in the page, the offset after its last
    /// record here.
    next: SortedMap<&'a str, SortedMap<i32, i64>>,
}

pub(in crate::http) async fn next<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
) -> Result<Response, Refusal> {
    let topics = topics(segment)?;
    if let Some(format) = Format::asked_for(request) {
        return stream::open(app, request, topics, format).await;
    }
    let known = ["group", "from", "wait", "max", "max_bytes", "ack", "lease"];
    let query = Query::parse(request.query(), &known)?;
    let max = query.number("max", limits::PAGE_RECORDS)?;
    let max_bytes = query.number("max_bytes", limits::PAGE_BYTES)?;
    let as_page = max.is_some() || max_bytes.is_some();
    let next = Next {
        group: group(&query)?,
        topics: topics.clone(),
        from: query.from()?.unwrap_or_default(),
        wait: query.seconds("wait", DEFAULT_WAIT, limits::WAIT)?,
        max: max.unwrap_or(if as_page { *limits::PAGE_RECORDS.end() } else { 1 }),
        max_bytes: max_bytes.unwrap_or(*limits::PAGE_BYTES.end()),
        ack: acknowledgement(&query)?,
    };
    let handed = app.services().await?.consume.next(next).await?.unwrap_or_default();
    let mut response = if as_page {
        Response::json(StatusCode::OK, &page(&handed.records))
    } else if let [consumed] = &handed.records[..] {
        Response::json(StatusCode::OK, &RecordJson::from(consumed))
    } else {
        Response::json(StatusCode::OK, &RecordJson::nothing(&topics.join(",")))
    };
    // The group moves on once the caller has the records, not before: dropped
    // unsent, they go to the next caller.
    response.on_sent = Some(Box::new(move || handed.delivered()));
    Ok(response)
}

fn group(query: &Query) -> Result<String, Error> {
    let group = query.text("group")?.unwrap_or(DEFAULT_GROUP);
    names::check_group(group)?;
    Ok(group.to_owned())
}

/// How the records are acknowledged: `ack` and `lease`.
fn acknowledgement(query: &Query) -> Result<Ack, Error> {
    let lease = query.seconds("lease", DEFAULT_LEASE, *limits::LEASE.end())?;
    match query.text("ack")? {
        Some("manual") => Ok(Ack::Manual { lease: limits::check_lease(lease)? }),
        None | Some("auto") if query.bytes("lease").is_none() => Ok(Ack::Auto),
        None | Some("auto") => {
            Err(Error::invalid("lease", "There is a lease only with ack=manual"))
        }
        Some(_) => Err(Error::invalid("ack", "Neither \"auto\" nor \"manual\"")),
    }
}

fn page(consumed: &[Consumed]) -> Page<'_> {
    let mut next = SortedMap::<_, SortedMap<_, _>>::new();
    for Consumed { topic, record, .. } in consumed {
        next.get_or_default(&**topic).insert(record.partition, record.offset + 1);
    }
    Page { records: consumed.iter().map(RecordJson::from).collect(), next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    #[test]
    fn a_page_tells_where_each_partition_goes_on() {
        let record = |partition, offset| Consumed {
            topic: "t".into(),
            record: Record {
                partition,
                offset,
                key: None,
                value: None,
                headers: None,
                timestamp: None,
            },
            acquired: None,
        };
        let text = serde_json::to_string(&page(&[record(1, 7), record(0, 3), record(1, 8)]));
        let next = r#""next":{"t":{"0":4,"1":9}}}"#;
        assert!(text.as_ref().unwrap().ends_with(next), "{text:?}");
        let empty = serde_json::to_string(&page(&[])).unwrap();
        assert_eq!(empty, r#"{"records":[],"next":{}}"#);
    }
}

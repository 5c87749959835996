//! `/fetch`: records at offsets, for no group.

use http::StatusCode;
use serde::Deserialize;

use super::{json, permit, record};
use crate::access::Grant;
use crate::app::App;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::limits as http_limits;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;
use crate::limits;
use crate::services::read::At;

/// Partitions that are read together.
const MAX_PLACES: usize = 100;

/// What a body asks for: one place, several, or both.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    topic: Option<String>,
    partition: Option<i32>,
    offset: Option<i64>,
    topic_partition_offsets: Option<Vec<Place>>,
    timeout: Option<i64>,
}

/// Numbers that are left out are zero.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Place {
    topic: String,
    #[serde(default)]
    partition: i32,
    #[serde(default)]
    offset: i64,
}

impl Wanted {
    fn places(self) -> Result<Vec<Place>, Error> {
        let Self { topic, partition, offset, topic_partition_offsets, .. } = self;
        let (partition, offset) = (partition.unwrap_or(0), offset.unwrap_or(0));
        let single = topic.map(|topic| Place { topic, partition, offset });
        let places: Vec<_> =
            single.into_iter().chain(topic_partition_offsets.into_iter().flatten()).collect();
        if places.is_empty() || places.len() > MAX_PLACES {
            let problem = format!("Not 1 to {MAX_PLACES} topics with partition and offset");
            return Err(Error::invalid("body", problem));
        }
        if places.iter().any(|place| place.offset < 0) {
            return Err(Error::invalid("offset", "An offset below zero"));
        }
        Ok(places)
    }
}

pub(super) async fn fetch<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let body = request.read_body(http_limits::JSON_BYTES).await?;
    let wanted: Wanted = json::one(&body)?;
    let wait = json::wait(wanted.timeout)?;
    let places = wanted.places()?;
    permit(grant, places.iter().map(|place| &place.topic))?;
    let services = app.services().await?;
    let count = places.len();
    let at = places.iter().map(|place| At {
        topic: &place.topic,
        partition: place.partition,
        offset: place.offset,
        max: (*limits::PAGE_RECORDS.end() / count).max(1),
        max_bytes: (*limits::PAGE_BYTES.end() / count).max(1),
        wait,
    });
    let pages = services.read.each(&at.collect::<Vec<_>>()).await?;
    let records = places.iter().zip(&pages).flat_map(|(place, page)| {
        page.records.iter().map(|record| record::RecordJson::of(&place.topic, record))
    });
    Ok(Response::json(StatusCode::OK, &records.collect::<Vec<_>>()))
}

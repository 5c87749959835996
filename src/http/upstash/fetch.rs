//! `/fetch`: records at offsets, for no group.

use http::StatusCode;
use serde::Deserialize;

use super::{GET_OR_POST, allowed, json, record};
use crate::access::Permission;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, InBody};
use crate::http::limits as http_limits;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::limits;
use crate::services::read::At;

/// The maximum number of partitions in one call.
const MAX_PLACES: usize = 100;

/// What a body asks for: one place, several, or both.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "UpstashFetch"))]
struct Wanted {
    topic: Option<String>,
    partition: Option<i32>,
    offset: Option<i64>,
    topic_partition_offsets: Option<Vec<Place>>,
    /// How long to wait, in milliseconds.
    timeout: Option<i64>,
}

/// Numbers that are left out are zero.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "UpstashPlace"))]
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

pub(in crate::http) struct Fetch;

impl Endpoint for Fetch {
    const DECLARATION: Declaration = Declaration {
        name: "upstashFetch",
        methods: GET_OR_POST,
        path: "/upstash/fetch",
        caller: Caller::Allowed(Permission::Consume),
        safe: false,
        about: "Upstash: reads at offsets, for no group",
        query: QueryRule::Among(&[]),
        body: BodyRule::Json { limit: http_limits::JSON_BYTES },
        credential_in_query: false,
    };

    type Topics = InBody;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InBody(grant): InBody,
    ) -> Result<Response, Refusal> {
        let body = call.body().await?;
        let wanted: Wanted = json::one(&body)?;
        let wait = json::wait(wanted.timeout)?;
        let places = wanted.places()?;
        let topics = allowed(&grant, places.iter().map(|place| place.topic.clone()))?;
        let services = call.app.services().await?;
        let count = places.len();
        let at = places.iter().zip(&topics).map(|(place, topic)| At {
            topic,
            partition: place.partition,
            offset: place.offset,
            max: (*limits::PAGE_RECORDS.end() / count).max(1),
            max_bytes: (*limits::PAGE_BYTES.end() / count).max(1),
            wait,
        });
        let pages = services.read.each(&at.collect::<Vec<_>>()).await?;
        let records = topics.iter().zip(&pages).flat_map(|(topic, page)| {
            page.records.iter().map(|record| record::RecordJson::of(topic, record))
        });
        Ok(Response::json(StatusCode::OK, &records.collect::<Vec<_>>()))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<Wanted>()
            .gives::<Vec<record::RecordJson<'_>>>(200, "The records")
            .asks_kafka()
            .example_with(
                "/upstash/fetch",
                r#"{"topic":"orders","partition":0,"offset":0,"timeout":0}"#,
            );
    }
}

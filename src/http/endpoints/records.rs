//! `GET /topics/{topic}/partitions/{partition}/records`.

use http::{Method, StatusCode};
use serde::Serialize;

use super::record::RecordJson;
use crate::access::Permission;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, InPath};
use crate::http::parameter::{Kind, MAX, MAX_BYTES, Parameter, WAIT};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::limits;
use crate::services::read::At;

const OFFSET: Parameter = Parameter::new(
    "offset",
    Kind::Number { least: 0, most: i64::MAX as u64 },
    "The offset of the first record, 0 by default; an offset below the first record means that record",
);

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct PartitionPage<'a> {
    records: Vec<RecordJson<'a>>,
    /// Where to go on.
    next_offset: i64,
}

pub(super) struct ReadPartition;

impl Endpoint for ReadPartition {
    const DECLARATION: Declaration = Declaration {
        name: "readPartition",
        methods: &[Method::GET],
        path: "/topics/{topic}/partitions/{partition}/records",
        caller: Caller::Allowed(Permission::Consume),
        safe: true,
        about: "Reads records at an offset, for no group",
        query: QueryRule::Only(&[OFFSET, MAX.declared(), MAX_BYTES.declared(), WAIT.declared()]),
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = InPath;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        InPath(topic): InPath,
    ) -> Result<Response, Refusal> {
        let query = &call.query;
        let at = At {
            topic: &topic,
            partition: partition(&call.path_text("partition")?)?,
            offset: query.offset()?.unwrap_or(0),
            max: MAX.of(query)?.unwrap_or(*limits::PAGE_RECORDS.end()),
            max_bytes: MAX_BYTES.of(query)?.unwrap_or(*limits::PAGE_BYTES.end()),
            wait: WAIT.of(query)?,
        };
        let page = call.app.services().await?.read.at(at).await?;
        let records = page.records.iter().map(|record| RecordJson::of(&topic, record)).collect();
        Ok(Response::json(StatusCode::OK, &PartitionPage { records, next_offset: page.next }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<PartitionPage<'_>>(200, "The records from the offset on")
            .asks_kafka()
            .example("/topics/orders/partitions/0/records?offset=0&max=2&wait=0");
    }
}

fn partition(text: &str) -> Result<i32, Error> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let partition = text.parse().ok().filter(|_| digits);
    partition
        .ok_or_else(|| Error::invalid("partition", "Not the number of a partition, counted from 0"))
}

//! `GET /consumer/{topic}` gives one record, a page or a stream. Other calls
//! acknowledge the records.

mod acknowledge;
mod stream;

use http::{Method, StatusCode};
use serde::Serialize;

pub(super) use self::acknowledge::{Acknowledge, Dispose, GiveBack, Reject, Renew};
use self::stream::Format;
use super::record::RecordJson;
use crate::access::{AllowedTopic, Permission};
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, ListInPath};
use crate::http::limits::DEFAULT_LEASE;
use crate::http::parameter::{FROM, Kind, MAX, MAX_BYTES, Parameter, Seconds, WAIT};
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::services::consume::{Ack, Consumed, Next};
use crate::sorted::SortedMap;
use crate::{limits, names};

/// The group if the caller names none.
const DEFAULT_GROUP: &str = "default";

const GROUP: Parameter =
    Parameter::new("group", Kind::Text, "The consumer group, `default` by default");
const ACK: Parameter = Parameter::new(
    "ack",
    Kind::OneOf(&["auto", "manual"]),
    "Whether records are committed when the caller has them, or claimed until they are acknowledged",
);
/// In the query for clients that cannot set the header, such as
/// `event-source-polyfill`.
const LAST_EVENT_ID: Parameter = Parameter::new(
    "lastEventId",
    Kind::Text,
    "On a stream: the cursor to go on behind, if the header last-event-id is not there",
);
const LEASE: Seconds = Seconds {
    name: "lease",
    default: DEFAULT_LEASE,
    most: *limits::LEASE.end(),
    about: "With ack=manual: how long the group's other callers do not get the records",
};

/// A page of records.
#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct RecordPage<'a> {
    records: Vec<RecordJson<'a>>,
    /// For each topic and partition in the page, the offset after its last
    /// record here.
    #[cfg_attr(
        feature = "description",
        schemars(
            with = "std::collections::BTreeMap<String, std::collections::BTreeMap<i32, i64>>"
        )
    )]
    next: SortedMap<&'a str, SortedMap<i32, i64>>,
}

pub(super) struct Consume;

impl Endpoint for Consume {
    const DECLARATION: Declaration = Declaration {
        name: "consume",
        methods: &[Method::GET],
        path: "/consumer/{topic}",
        caller: Caller::Allowed(Permission::Consume),
        safe: false,
        about: "The next record of a consumer group",
        query: QueryRule::Only(&[
            GROUP,
            FROM,
            WAIT.declared(),
            MAX.declared(),
            MAX_BYTES.declared(),
            ACK,
            LEASE.declared(),
            LAST_EVENT_ID,
        ]),
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = ListInPath;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> Result<Response, Refusal> {
        if let Some(format) = Format::asked_for(call.request) {
            return stream::open(call, topics, format).await;
        }
        let query = &call.query;
        query.without(&[LAST_EVENT_ID.name])?;
        let (max, max_bytes) = (MAX.of(query)?, MAX_BYTES.of(query)?);
        let as_page = max.is_some() || max_bytes.is_some();
        let named = names_of(&topics);
        let group = group(query)?;
        let ack = acknowledgement(&call, &group).await?;
        let next = Next {
            group,
            topics,
            from: query.from()?.unwrap_or_default(),
            wait: WAIT.of(query)?,
            max: max.unwrap_or(if as_page { *limits::PAGE_RECORDS.end() } else { 1 }),
            max_bytes: max_bytes.unwrap_or(*limits::PAGE_BYTES.end()),
            ack,
        };
        let handed = call.app.services().await?.consume.next(next).await?;
        let mut response = if as_page {
            Response::json(StatusCode::OK, &page(&handed.records))
        } else if let [consumed] = &handed.records[..] {
            Response::json(StatusCode::OK, &RecordJson::from(consumed))
        } else {
            Response::json(StatusCode::OK, &RecordJson::nothing(&named))
        };
        // The group moves on only after the records were sent. If they are
        // dropped unsent, the next caller gets them.
        response.on_sent = Some(Box::new(move || handed.delivered()));
        Ok(response)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "Several topics are named with commas between them. With `max` or `max_bytes` the \
                 answer is a page. With `accept: text/event-stream` or `accept: \
                 application/x-ndjson` it is a stream, which takes `group`, `from`, `ack` and \
                 `lease` alone and goes on behind the cursor in the header `last-event-id`; \
                 without a group a stream moves nothing.",
            )
            .gives_either::<RecordJson<'_>, RecordPage<'_>>(
                200,
                "A record, whose message and offset are null when there is none; or a page",
            )
            .gives_stream()
            .fails(409, "The maximum number of groups has been reached")
            .asks_kafka()
            .example("/consumer/orders?group=billing&wait=0");
    }
}

/// The topics, as they are written in the path.
fn names_of(topics: &[AllowedTopic]) -> String {
    topics.iter().map(|topic| &**topic).collect::<Vec<_>>().join(",")
}

fn group(query: &Query) -> Result<String, Error> {
    let group = query.text(GROUP.name)?.unwrap_or(DEFAULT_GROUP);
    names::check_group(group)?;
    Ok(group.to_owned())
}

/// How the records are acknowledged, from `ack` and `lease`.
async fn acknowledgement<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
    group: &str,
) -> Result<Ack, Error> {
    let query = &call.query;
    let lease = LEASE.of(query)?;
    match query.text(ACK.name)? {
        Some("manual") if query.bytes(LEASE.name).is_none() => {
            let consume = &call.app.services().await?.consume;
            Ok(Ack::Manual { lease: consume.default_lease(group, lease).await? })
        }
        Some("manual") => Ok(Ack::Manual { lease: limits::check_lease(lease)? }),
        None | Some("auto") if query.bytes(LEASE.name).is_none() => Ok(Ack::Auto),
        None | Some("auto") => {
            Err(Error::invalid("lease", "There is a lease only with ack=manual"))
        }
        Some(_) => Err(Error::invalid("ack", "Neither \"auto\" nor \"manual\"")),
    }
}

fn page(consumed: &[Consumed]) -> RecordPage<'_> {
    let mut next = SortedMap::<_, SortedMap<_, _>>::new();
    for Consumed { topic, record, .. } in consumed {
        next.get_or_default(&**topic).insert(record.partition, record.offset + 1);
    }
    RecordPage { records: consumed.iter().map(RecordJson::from).collect(), next }
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

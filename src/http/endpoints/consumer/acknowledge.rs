//! `POST /consumer/{topic}/ack` and `POST /consumer/{topic}/nack`.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Consume, GROUP, group};
use crate::access::AllowedTopic;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, ListInPath};
use crate::http::json;
use crate::http::limits::RECEIPTS_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::limits;
use crate::services::consume::{Acknowledged, Disposal};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct Receipts {
    receipts: Vec<String>,
    /// For nack: seconds for which the records are kept from other callers.
    delay: Option<f64>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct ReceiptAnswers<'a> {
    receipts: Vec<ReceiptAnswer<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct ReceiptAnswer<'a> {
    receipt: &'a str,
    /// `acked`, `nacked`, `expired` or `unknown`.
    status: &'static str,
}

pub(in crate::http::endpoints) struct Acknowledge;

impl Endpoint for Acknowledge {
    const DECLARATION: Declaration = Declaration {
        name: "acknowledge",
        methods: &[Method::POST],
        path: "/consumer/{topic}/ack",
        about: "Acknowledges records by their receipts",
        query: QueryRule::Only(&[GROUP]),
        body: BodyRule::Json { limit: RECEIPTS_BYTES },
        ..Consume::DECLARATION
    };

    type Topics = ListInPath;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> Result<Response, Refusal> {
        let given = receipts(&mut call).await?;
        if given.delay.is_some() {
            let problem = "`delay` is accepted only by /nack";
            return Err(Error::invalid("delay", problem).into());
        }
        dispose(&call, &topics, &given.receipts, Disposal::Ack, "acked").await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<Receipts>()
            .gives::<ReceiptAnswers<'_>>(200, "What became of each receipt, in order")
            .example_with("/consumer/orders/ack?group=billing", r#"{"receipts":[]}"#);
    }
}

pub(in crate::http::endpoints) struct GiveBack;

impl Endpoint for GiveBack {
    const DECLARATION: Declaration = Declaration {
        name: "giveBack",
        path: "/consumer/{topic}/nack",
        about: "Gives records back, to be handed out again",
        ..Acknowledge::DECLARATION
    };

    type Topics = ListInPath;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> Result<Response, Refusal> {
        let given = receipts(&mut call).await?;
        let delay = Duration::try_from_secs_f64(given.delay.unwrap_or_default())
            .map_err(|_| Error::invalid("delay", "Not a number of seconds"))?;
        let delay = limits::check_time("delay", delay, limits::DELAY)?;
        dispose(&call, &topics, &given.receipts, Disposal::Nack { delay }, "nacked").await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<Receipts>()
            .gives::<ReceiptAnswers<'_>>(200, "What became of each receipt, in order")
            .example_with("/consumer/orders/nack?group=billing", r#"{"receipts":[],"delay":5}"#);
    }
}

async fn receipts<H: Host, L: Log, B: RequestBody>(
    call: &mut Call<'_, H, L, B>,
) -> Result<Receipts, Refusal> {
    let body = call.body().await?;
    let given: Receipts = json::object(&body)
        .map_err(|error| Error::invalid("body", format!("Not a list of receipts: {error}")))?;
    limits::check_receipts(&given.receipts)?;
    Ok(given)
}

/// The caller is allowed the topics in the path. Receipts for other topics are
/// answered with `unknown`.
async fn dispose<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
    topics: &[AllowedTopic],
    receipts: &[String],
    disposal: Disposal,
    done: &'static str,
) -> Result<Response, Refusal> {
    let group = group(&call.query)?;
    let consume = &call.app.services().await?.consume;
    let acknowledged = consume.acknowledge(&group, topics, receipts, disposal).await?;
    let answers = receipts.iter().zip(acknowledged).map(|(receipt, acknowledged)| ReceiptAnswer {
        receipt,
        status: match acknowledged {
            Acknowledged::Done => done,
            Acknowledged::DoneBefore => "acked",
            Acknowledged::Expired => "expired",
            Acknowledged::Unknown => "unknown",
        },
    });
    Ok(Response::json(StatusCode::OK, &ReceiptAnswers { receipts: answers.collect() }))
}

//! Trials, the last attempts, and sending again.

use http::StatusCode;
use serde::Serialize;

use super::ListSubscriptions;
use super::operating::{PauseSubscription, SeekSubscription};
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, OfSubscription};
use crate::http::json::without_mark;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::render::timestamp;
use crate::services::subscriptions::{AttemptReport, Run, RunPart, TestReport};

/// What became of a sample.
#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct TestJson {
    /// Whether the callback accepted it.
    accepted: bool,
    /// Whether the filter or the transform left it out, so that nothing was sent.
    filtered: bool,
    /// What the callback answered, if it did.
    status: Option<u16>,
    /// How long the request took.
    millis: u64,
    /// Why it failed, if it did.
    error: Option<String>,
    /// How the callback's answer begins, if it failed.
    answer: Option<String>,
}

impl From<TestReport> for TestJson {
    fn from(report: TestReport) -> Self {
        let TestReport { accepted, filtered, status, millis, error, answer } = report;
        Self { accepted, filtered, status, millis, error, answer }
    }
}

pub(in crate::http::endpoints) struct TestSubscription;

impl Endpoint for TestSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "testSubscription",
        path: "/subscriptions/{id}/test",
        about: "Sends a sample to the callback, which counts nowhere",
        ..SeekSubscription::DECLARATION
    };

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = call.path_text("id")?;
        let body = call.body().await?;
        let subscriptions = &call.app.services().await?.subscriptions;
        let report = subscriptions.test(&id, without_mark(&body), &grant).await?;
        Ok(Response::json(StatusCode::OK, &TestJson::from(report)))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail("The body may hold a `topic`, a `key` and a `message` of the sample.")
            .takes::<std::collections::BTreeMap<String, serde_json::Value>>()
            .gives::<TestJson>(200, "What the callback answered")
            .fails(404, "There is no such subscription")
            .fails(422, "The topic is none of the subscription's")
            .asks_kafka()
            .example_with("/subscriptions/{webhook_id}/test", r#"{"message":"sample"}"#);
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct AttemptList {
    /// The latest first.
    attempts: Vec<AttemptJson>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct AttemptJson {
    time: String,
    topic: String,
    partition: i32,
    /// Of the record, or of the first one of a batch.
    offset: i64,
    status: Option<u16>,
    millis: u32,
    /// Why it failed, if it did.
    error: Option<String>,
    /// How the callback's answer to a failed attempt begins.
    answer: Option<String>,
}

impl From<AttemptReport> for AttemptJson {
    fn from(attempt: AttemptReport) -> Self {
        Self {
            time: timestamp(attempt.time),
            topic: attempt.topic,
            partition: attempt.partition,
            offset: attempt.offset,
            status: attempt.status,
            millis: attempt.millis,
            error: attempt.error,
            answer: attempt.answer,
        }
    }
}

pub(in crate::http::endpoints) struct ListAttempts;

impl Endpoint for ListAttempts {
    const DECLARATION: Declaration = Declaration {
        name: "listAttempts",
        path: "/subscriptions/{id}/attempts",
        about: "The last attempts to deliver",
        query: QueryRule::NONE,
        ..ListSubscriptions::DECLARATION
    };

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = call.path_text("id")?;
        let attempts = call.app.services().await?.subscriptions.attempts(&id, &grant).await?;
        let attempts = attempts.into_iter().map(AttemptJson::from).collect();
        Ok(Response::json(StatusCode::OK, &AttemptList { attempts }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<AttemptList>(200, "The last ones of each partition")
            .fails(404, "There is no such subscription")
            .asks_kafka()
            .example("/subscriptions/{webhook_id}/attempts");
    }
}

/// Records that are sent once more, beside the live position.
#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
pub(super) struct RunJson {
    run_id: String,
    topic: String,
    /// Whether these are dead letters.
    redrive: bool,
    partitions: Vec<RunPartJson>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct RunPartJson {
    partition: i32,
    from: i64,
    /// The first offset that is not sent.
    to: i64,
    /// The offset of the next record that is sent.
    position: i64,
    /// Records that the callback accepted.
    delivered: u64,
    /// Attempts that failed.
    failed: u64,
}

impl From<Run> for RunJson {
    fn from(run: Run) -> Self {
        let Run { id: run_id, topic, redrive, parts } = run;
        let part = |part: RunPart| {
            let RunPart { partition, from, to, position, delivered, failed } = part;
            RunPartJson { partition, from, to, position, delivered, failed }
        };
        Self { run_id, topic, redrive, partitions: parts.into_iter().map(part).collect() }
    }
}

fn begun(run: Run) -> Response {
    Response::json(StatusCode::ACCEPTED, &RunJson::from(run))
}

pub(in crate::http::endpoints) struct ReplaySubscription;

impl Endpoint for ReplaySubscription {
    const DECLARATION: Declaration = Declaration {
        name: "replaySubscription",
        path: "/subscriptions/{id}/replay",
        about: "Sends records once more, beside the live position",
        ..SeekSubscription::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = call.path_text("id")?;
        let body = call.body().await?;
        let subscriptions = &call.app.services().await?.subscriptions;
        Ok(begun(subscriptions.replay(&id, without_mark(&body), &grant).await?))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "`from` and `to` are `earliest`, `latest`, `{\"offset\":n}` or \
                 `{\"time\":\"…\"}`; `topic` and `partition` narrow it down.",
            )
            .takes::<std::collections::BTreeMap<String, serde_json::Value>>()
            .gives::<RunJson>(202, "What is sent once more")
            .fails(404, "There is no such subscription")
            .fails(409, "Four replays of the subscription are under way")
            .fails(422, "A field is not taken, or there is no record")
            .asks_kafka()
            .example_with("/subscriptions/{webhook_id}/replay", r#"{"from":"earliest"}"#);
    }
}

pub(in crate::http::endpoints) struct RedriveSubscription;

impl Endpoint for RedriveSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "redriveSubscription",
        path: "/subscriptions/{id}/redrive",
        about: "Sends the dead letters of a subscription again",
        ..PauseSubscription::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = call.path_text("id")?;
        let subscriptions = &call.app.services().await?.subscriptions;
        Ok(begun(subscriptions.redrive(&id, &grant).await?))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<RunJson>(202, "What is sent again")
            .fails(404, "There is no such subscription")
            .fails(409, "Four replays of the subscription are under way")
            .fails(422, "The subscription has no dead-letter topic, or it holds nothing new")
            .asks_kafka()
            .example("/subscriptions/{webhook_id}/redrive");
    }
}

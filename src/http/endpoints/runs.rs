//! Runs of actions: publishing one, seeing it, and reporting on it.

use std::borrow::Cow;

use http::header::LOCATION;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::access::{Grant, Permission};
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::{ErrorBody, Response};
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, OfAction, OfRun};
use crate::http::idempotency::{self, replayed};
use crate::http::json::without_mark;
use crate::http::limits::JSON_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::record::RecordMetadata;
use crate::render::timestamp;
use crate::services::actions::{Published, RunView};

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct RunRequest {
    outputs: Outputs,
}

/// The outputs of nodes, by their identifiers. Templates read them as `.outputs`.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct Outputs {
    trigger: std::collections::BTreeMap<String, serde_json::Value>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct PublishedJson<'a> {
    #[serde(flatten)]
    error: Option<ErrorBody>,
    run_id: &'a str,
    node_run_id: &'a str,
    /// In the order of the payload.
    records: Vec<PublishedRecord<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[serde(untagged)]
enum PublishedRecord<'a> {
    Written { topic: &'a str, partition: i32, offset: i64, timestamp: Option<String> },
    Failed(ErrorBody),
}

/// A run, and its one node.
#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct RunJson<'a> {
    run_id: &'a str,
    /// `IN_PROGRESS` or `COMPLETED`.
    status: &'static str,
    /// `SUCCESS`, `FAILED` or `CANCELLED`.
    result: Option<&'static str>,
    action: &'a str,
    topic: &'a str,
    created: String,
    /// When somebody last reported.
    updated: Option<String>,
    kept_until: String,
    nodes: [NodeJson<'a>; 1],
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct NodeJson<'a> {
    node_run_id: &'a str,
    status: &'static str,
    result: Option<&'static str>,
    /// As it was reported.
    #[cfg_attr(feature = "description", schemars(with = "serde_json::Value"))]
    output: Cow<'a, RawValue>,
    /// In the order of the payload. `null` stands for one that was not written, as far as
    /// is known. It is empty if the gateway could not note where they are.
    records: Vec<Option<PlaceJson>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct PlaceJson {
    partition: i32,
    offset: i64,
}

fn run(view: &RunView) -> Response {
    let (status, result) = (view.status.name(), view.result.map(|result| result.name()));
    let output = view.output.as_deref().and_then(|text| kafka_edge_json::from_str(text).ok());
    let place = |place: &Option<(i32, i64)>| {
        place.map(|(partition, offset)| PlaceJson { partition, offset })
    };
    let node = NodeJson {
        node_run_id: &view.node_run_id,
        status,
        result,
        output: Cow::Borrowed(output.unwrap_or(RawValue::NULL)),
        records: view.places.iter().map(place).collect(),
    };
    let json = RunJson {
        run_id: &view.run_id,
        status,
        result,
        action: &view.action,
        topic: &view.topic,
        created: timestamp(view.created),
        updated: view.updated.map(timestamp),
        kept_until: timestamp(view.kept_until),
        nodes: [node],
    };
    Response::json(StatusCode::OK, &json)
}

fn record<'a>(topic: &'a str, report: &Result<RecordMetadata, Error>) -> PublishedRecord<'a> {
    match report {
        Ok(RecordMetadata { partition, offset, timestamp: time }) => PublishedRecord::Written {
            topic,
            partition: *partition,
            offset: *offset,
            timestamp: time.map(timestamp),
        },
        Err(error) => PublishedRecord::Failed(error.into()),
    }
}

/// Shows a run, after a report on it if there is one.
async fn shown<H: Host, L: Log, B: RequestBody>(
    mut call: Call<'_, H, L, B>,
    grant: Grant,
    is_report: bool,
) -> Result<Response, Refusal> {
    let run_id = call.path_text("run_id")?;
    let (node, body) = match is_report {
        true => (call.path_text("node_run_id")?, call.body().await?),
        false => Default::default(),
    };
    let report = is_report.then(|| (node.as_str(), without_mark(&body)));
    Ok(run(&call.app.services().await?.actions.report(&run_id, report, &grant).await?))
}

pub(super) struct RunAction;

impl Endpoint for RunAction {
    const DECLARATION: Declaration = Declaration {
        name: "runAction",
        methods: &[Method::POST],
        path: "/actions/{identifier}/runs",
        caller: Caller::Allowed(Permission::Produce),
        safe: false,
        about: "Runs an action: its payload is published",
        query: QueryRule::NONE,
        body: BodyRule::Json { limit: JSON_BYTES },
        credential_in_query: false,
    };

    type Topics = OfAction;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        OfAction(grant): OfAction,
    ) -> Result<Response, Refusal> {
        let identifier = call.path_text("identifier")?;
        let key = idempotency::key(call.request)?;
        let body = call.body().await?;
        let services = call.app.services().await?;
        let once = call.once(key.as_deref());
        let published =
            services.actions.run(&identifier, without_mark(&body), once, &grant).await?;
        let Published { run_id, node_run_id, topic, reports, is_repeat } = &published;
        let failed = reports.iter().find_map(|report| report.as_ref().err());
        let error = failed.map(ErrorBody::from);
        let status = match &error {
            Some(error) => error.status(),
            None if *is_repeat => StatusCode::OK,
            None => StatusCode::CREATED,
        };
        let records = reports.iter().map(|report| record(topic, report)).collect();
        let json = PublishedJson { error, run_id, node_run_id, records };
        let place = call.app.gateway().await?.link(&format!("/v1/workflows/runs/{run_id}"));
        let response = Response::json(status, &json).with_header(LOCATION, place);
        Ok(replayed(response, *is_repeat))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "The caller needs the permission `produce` for the action's topic. A failed \
                 expression is answered with its place in the payload, and publishes nothing. If \
                 some records were written, or may have been, an error names the run, too.",
            )
            .takes::<RunRequest>()
            .gives::<PublishedJson<'_>>(201, "The run, and where each of its records is")
            .gives::<PublishedJson<'_>>(200, "The same, of an earlier call with the same key")
            .fails(404, "There is no such action, or no such topic")
            .fails(422, "An expression failed, or {orgId} is not known")
            .produces()
            .example_with(
                "/actions/publish-event/runs",
                r#"{"outputs":{"trigger":{"user":"ada@example.com"}}}"#,
            );
    }
}

pub(super) struct GetRun;

impl Endpoint for GetRun {
    const DECLARATION: Declaration = Declaration {
        name: "getRun",
        methods: &[Method::GET],
        path: "/v1/workflows/runs/{run_id}",
        caller: Caller::Allowed(Permission::Consume),
        safe: true,
        about: "A run of an action, and what was reported on it",
        query: QueryRule::NONE,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = OfRun;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfRun(grant): OfRun,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        shown(call, grant, false)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail("The caller needs the permission `consume` for the run's topic.")
            .gives::<RunJson<'_>>(200, "The run")
            .fails(404, "There is no such run, or it is over 7 days or 1,000 runs old")
            .example("/v1/workflows/runs/{run_id}");
    }
}

/// What a consumer reports.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct ReportFields {
    /// `IN_PROGRESS` or `COMPLETED`.
    status: String,
    /// `SUCCESS`, `FAILED` or `CANCELLED`, of a run that is `COMPLETED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    /// Any JSON of up to 16 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<serde_json::Value>,
}

pub(super) struct ReportRun;

impl Endpoint for ReportRun {
    const DECLARATION: Declaration = Declaration {
        name: "reportRun",
        methods: &[Method::PATCH],
        path: "/v1/workflows/runs/{run_id}/nodes/{node_run_id}",
        safe: false,
        about: "Reports on a run",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..GetRun::DECLARATION
    };

    type Topics = OfRun;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfRun(grant): OfRun,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        shown(call, grant, true)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "The same report again changes nothing. The caller needs the permission \
                 `consume` for the run's topic.",
            )
            .takes::<ReportFields>()
            .gives::<RunJson<'_>>(200, "The run as it is now")
            .fails(404, "There is no such run, or no such node of it")
            .fails(409, "The run is finished, with another result")
            .example_with(
                "/v1/workflows/runs/{run_id}/nodes/{node_run_id}",
                r#"{"status":"COMPLETED","result":"SUCCESS","output":{"order":42}}"#,
            );
    }
}

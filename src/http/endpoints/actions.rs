//! `/actions`: making, listing, changing and removing actions. `runs.rs` has their runs.

use bytes::Bytes;
use http::header::{ETAG, LOCATION};
use http::{Method, StatusCode};

use crate::access::Permission;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::if_match::{self, as_condition, quoted};
use crate::http::json::without_mark;
use crate::http::limits::JSON_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::render::timestamp;
use crate::services::actions::{ActionView, Change, Changed, find};

/// The fields of an action that a caller sets. `docs/actions.md` has them all.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct ActionFields {
    identifier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// What `{orgId}` in the topic stands for, in place of the variable `org_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<String>,
    config: ActionConfig,
}

/// An action that is put under its identifier.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct ActionFragment {
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<String>,
    config: ActionConfig,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct ActionConfig {
    r#type: ActionType,
    /// An object, which is a record, or a list, each element of which is one. Strings in it
    /// may hold templates.
    payload: serde_json::Value,
    /// `{orgId}.runs` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
enum ActionType {
    #[serde(rename = "KAFKA")]
    Kafka,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct ActionJson {
    #[serde(flatten)]
    action: ActionFields,
    created: String,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct ActionListJson {
    actions: Vec<ActionJson>,
}

/// An action as JSON: what is known beside the settings is put behind their text.
fn json(view: &ActionView) -> String {
    let settings = view.settings.strip_suffix('}').unwrap_or_default();
    format!("{settings},\"created\":\"{}\"}}", timestamp(view.created))
}

/// What is done with an action.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    Put,
    Patch,
    Delete,
}

/// Changes the list of actions. All calls that do are this one, to be there once.
async fn changed<H: Host, L: Log, B: RequestBody>(
    mut call: Call<'_, H, L, B>,
    verb: Verb,
) -> Result<Response, Refusal> {
    let (identifier, tags) = match verb {
        Verb::Create => (String::new(), None),
        _ => (call.path_text("identifier")?, if_match::condition(call.request)?),
    };
    let body = if verb == Verb::Delete { Bytes::new() } else { call.body().await? };
    let (body, condition) = (without_mark(&body), as_condition(tags.as_deref()));
    let change = match verb {
        Verb::Create => Change::Create(body),
        Verb::Put => Change::Put(body),
        Verb::Patch => Change::Patch(body),
        Verb::Delete => Change::Delete,
    };
    let services = call.app.services().await?;
    let Changed { view, is_new } = services.actions.change(&identifier, change, condition).await?;
    let Some(view) = view else { return Ok(Response::empty()) };
    if !is_new {
        return Ok(answer(StatusCode::OK, &view));
    }
    let place = call.app.gateway().await?.link(&format!("/actions/{}", view.identifier));
    Ok(answer(StatusCode::CREATED, &view).with_header(LOCATION, place))
}

/// One action, or all of them.
async fn shown<H: Host, L: Log, B: RequestBody>(
    call: Call<'_, H, L, B>,
    is_one: bool,
) -> Result<Response, Refusal> {
    let actions = call.app.services().await?.actions.list().await?;
    if is_one {
        return Ok(answer(StatusCode::OK, &find(actions, &call.path_text("identifier")?)?));
    }
    let actions: Vec<_> = actions.iter().map(json).collect();
    let json = format!("{{\"actions\":[{}]}}", actions.join(","));
    Ok(Response::json_text(StatusCode::OK, json))
}

fn answer(status: StatusCode, view: &ActionView) -> Response {
    Response::json_text(status, json(view)).with_header(ETAG, quoted(&view.tag))
}

pub(super) struct CreateAction;

impl Endpoint for CreateAction {
    const DECLARATION: Declaration = Declaration {
        name: "createAction",
        methods: &[Method::POST],
        path: "/actions",
        caller: Caller::Allowed(Permission::Admin),
        safe: false,
        about: "Makes an action, whose runs publish its payload",
        query: QueryRule::NONE,
        body: BodyRule::Json { limit: JSON_BYTES },
        credential_in_query: false,
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        changed(call, Verb::Create)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail("docs/actions.md has all fields, and what templates there are.")
            .takes::<ActionFields>()
            .gives::<ActionJson>(201, "The new action")
            .fails(409, "There is an action of this identifier, or the maximum number of them")
            .example_with(
                "/actions",
                r#"{"identifier":"publish-event","title":"Publish an event","config":{"type":"KAFKA","topic":"orders","payload":{"by":"{{ .outputs.trigger.user }}","at":"{{ now | date \"2006-01-02T15:04:05Z\" }}","callback":{}}}}"#,
            );
    }
}

#[cfg(feature = "description")]
const IF_MATCH: &str = "`*`, or the entity tags of versions of the action";

pub(super) struct ListActions;

impl Endpoint for ListActions {
    const DECLARATION: Declaration = Declaration {
        name: "listActions",
        methods: &[Method::GET],
        safe: true,
        about: "All actions",
        body: BodyRule::Ignored,
        ..CreateAction::DECLARATION
    };

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        shown(call, false)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation.gives::<ActionListJson>(200, "The actions, oldest first").example("/actions");
    }
}

pub(super) struct GetAction;

impl Endpoint for GetAction {
    const DECLARATION: Declaration = Declaration {
        name: "getAction",
        path: "/actions/{identifier}",
        about: "An action",
        ..ListActions::DECLARATION
    };

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        shown(call, true)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<ActionJson>(200, "The action")
            .fails(404, "There is no such action")
            .example("/actions/publish-event");
    }
}

pub(super) struct PutAction;

impl Endpoint for PutAction {
    const DECLARATION: Declaration = Declaration {
        name: "putAction",
        methods: &[Method::PUT],
        safe: false,
        about: "Makes an action, or replaces it",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..GetAction::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        changed(call, Verb::Put)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail("The `config` alone is enough.")
            .heeds("If-Match", IF_MATCH)
            .takes::<ActionFragment>()
            .gives::<ActionJson>(200, "The action as it is now")
            .gives::<ActionJson>(201, "The new action")
            .fails(409, "The maximum number of actions has been reached")
            .fails(412, "The action is in another version than that of If-Match")
            .example_with(
                "/actions/publish-event",
                r#"{"config":{"type":"KAFKA","topic":"orders","payload":{"callback":{}}}}"#,
            );
    }
}

pub(super) struct PatchAction;

impl Endpoint for PatchAction {
    const DECLARATION: Declaration = Declaration {
        name: "patchAction",
        methods: &[Method::PATCH],
        about: "Changes an action by JSON Merge Patch (RFC 7396)",
        ..PutAction::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        changed(call, Verb::Patch)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .heeds("If-Match", IF_MATCH)
            .takes::<std::collections::BTreeMap<String, serde_json::Value>>()
            .gives::<ActionJson>(200, "The action as it is now")
            .fails(404, "There is no such action")
            .fails(412, "The action is in another version than that of If-Match")
            .example_with("/actions/publish-event", r#"{"title":"Another title"}"#);
    }
}

pub(super) struct DeleteAction;

impl Endpoint for DeleteAction {
    const DECLARATION: Declaration = Declaration {
        name: "deleteAction",
        methods: &[Method::DELETE],
        about: "Removes an action; its runs are not shown any more",
        body: BodyRule::Ignored,
        ..PutAction::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        changed(call, Verb::Delete)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .heeds("If-Match", IF_MATCH)
            .gives_nothing("The action is removed")
            .fails(404, "There is no such action")
            .fails(412, "The action is in another version than that of If-Match")
            .example("/actions/publish-event");
    }
}

//! `/destinations`, and the same calls below `/v1`, as hookstream documents them: what is
//! not said means something else there.

mod json;

use bytes::Bytes;
use http::header::{ETAG, LOCATION};
use http::{Method, StatusCode};

use self::json::DestinationTrialJson;
#[cfg(feature = "description")]
use self::json::{DestinationFields, DestinationJson, DestinationListJson};
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
use crate::services::destinations::{Change, Changed, DestinationView, Dialect, find};

/// A destination as JSON: what is known beside the settings is put behind their text.
fn json(view: &DestinationView) -> String {
    let settings = view.settings.strip_suffix('}').unwrap_or_default();
    let gone = if view.secret_gone { ",\"secret_gone\":true" } else { "" };
    format!("{settings},\"created\":\"{}\"{gone}}}", timestamp(view.created))
}

/// What is done with a destination.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    Put,
    Patch,
    Delete,
    Get,
    List,
    Test,
}

const fn dialect(v1: bool) -> Dialect {
    if v1 { Dialect::Hookstream } else { Dialect::Gateway }
}

/// Every call of destinations is this one, to be there once.
async fn answer<H: Host, L: Log, B: RequestBody>(
    mut call: Call<'_, H, L, B>,
    verb: Verb,
    dialect: Dialect,
) -> Result<Response, Refusal> {
    let reference = match verb {
        Verb::Create | Verb::List => String::new(),
        _ => call.path_text("id")?,
    };
    let services = call.app.services().await?;
    match verb {
        Verb::Get => {
            let view = find(services.destinations.list().await?, &reference)?;
            return Ok(one(StatusCode::OK, &view));
        }
        Verb::List => {
            let all: Vec<_> = services.destinations.list().await?.iter().map(json).collect();
            let json = format!("{{\"destinations\":[{}]}}", all.join(","));
            return Ok(Response::json_text(StatusCode::OK, json));
        }
        Verb::Test => {
            let trial = services.destinations.trial(&reference).await?;
            return Ok(Response::json(StatusCode::OK, &DestinationTrialJson::from(trial)));
        }
        Verb::Create | Verb::Put | Verb::Patch | Verb::Delete => {}
    }
    let tags = match verb {
        Verb::Create => None,
        _ => if_match::condition(call.request)?,
    };
    let body = if verb == Verb::Delete { Bytes::new() } else { call.body().await? };
    let (body, condition) = (without_mark(&body), as_condition(tags.as_deref()));
    let change = match verb {
        Verb::Put => Change::Put(body),
        Verb::Patch => Change::Patch(body),
        Verb::Delete => Change::Delete,
        _ => Change::Create(body),
    };
    let changed = services.change_destination(&reference, change, condition, dialect).await?;
    let Changed { view, is_new } = changed;
    let Some(view) = view else { return Ok(Response::empty()) };
    if !is_new {
        return Ok(one(StatusCode::OK, &view));
    }
    let above = if dialect == Dialect::Hookstream { "/v1" } else { "" };
    let place = call.app.gateway().await?.link(&format!("{above}/destinations/{}", view.id));
    Ok(one(StatusCode::CREATED, &view).with_header(LOCATION, place))
}

fn one(status: StatusCode, view: &DestinationView) -> Response {
    Response::json_text(status, json(view)).with_header(ETAG, quoted(&view.tag))
}

const ALL: [&str; 2] = ["/destinations", "/v1/destinations"];
const ONE: [&str; 2] = ["/destinations/{id}", "/v1/destinations/{id}"];
const TEST: [&str; 2] = ["/destinations/{id}/test", "/v1/destinations/{id}/test"];

#[cfg(feature = "description")]
const IF_MATCH: &str = "`*`, or the entity tags of versions of the destination";

#[cfg(feature = "description")]
const EXAMPLE: &str = r#"{"name":"Event Stream","type":"kafka","config":{"bootstrap_servers":"pkc-1.eu.aws.confluent.cloud:9092","cluster_id":"lkc-1","topic":"orders"}}"#;

#[cfg(feature = "description")]
const EXAMPLE_TARGETS: [&str; 2] =
    ["/destinations/Event%20Stream", "/v1/destinations/Event%20Stream"];

#[cfg(feature = "description")]
const TEST_TARGETS: [&str; 2] =
    ["/destinations/Event%20Stream/test", "/v1/destinations/Event%20Stream/test"];

pub(super) struct CreateDestination<const V1: bool>;

impl<const V1: bool> Endpoint for CreateDestination<V1> {
    const DECLARATION: Declaration = Declaration {
        name: ["createDestination", "createDestinationV1"][V1 as usize],
        methods: &[Method::POST],
        path: ALL[V1 as usize],
        caller: Caller::Allowed(Permission::Admin),
        safe: false,
        about: "Makes a destination: a Kafka cluster to which sources write",
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
        answer(call, Verb::Create, dialect(V1))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "`format` is `bytes` and `header_prefix` is `kafka-edge-` where they are not \
                 given; below /v1 they are `json` and `hookstream-`. docs/destinations.md has all \
                 fields.",
            )
            .takes::<DestinationFields>()
            .gives::<DestinationJson>(201, "The new destination, with its secret masked")
            .fails(409, "There is a destination of this name, or the maximum number of them")
            .example_with(ALL[V1 as usize], EXAMPLE);
    }
}

pub(super) struct ListDestinations<const V1: bool>;

impl<const V1: bool> Endpoint for ListDestinations<V1> {
    const DECLARATION: Declaration = Declaration {
        name: ["listDestinations", "listDestinationsV1"][V1 as usize],
        methods: &[Method::GET],
        safe: true,
        about: "All destinations",
        body: BodyRule::Ignored,
        ..CreateDestination::<V1>::DECLARATION
    };

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        answer(call, Verb::List, dialect(V1))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<DestinationListJson>(200, "The destinations, oldest first")
            .example(ALL[V1 as usize]);
    }
}

pub(super) struct GetDestination<const V1: bool>;

impl<const V1: bool> Endpoint for GetDestination<V1> {
    const DECLARATION: Declaration = Declaration {
        name: ["getDestination", "getDestinationV1"][V1 as usize],
        path: ONE[V1 as usize],
        about: "A destination, by its id or its name",
        ..ListDestinations::<V1>::DECLARATION
    };

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        answer(call, Verb::Get, dialect(V1))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<DestinationJson>(200, "The destination, with its secret masked")
            .fails(404, "There is no such destination")
            .example(EXAMPLE_TARGETS[V1 as usize]);
    }
}

pub(super) struct PutDestination<const V1: bool>;

impl<const V1: bool> Endpoint for PutDestination<V1> {
    const DECLARATION: Declaration = Declaration {
        name: ["putDestination", "putDestinationV1"][V1 as usize],
        methods: &[Method::PUT],
        safe: false,
        about: "Makes a destination, or replaces it",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..GetDestination::<V1>::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        answer(call, Verb::Put, dialect(V1))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail("A secret that is masked in the body stays what it is.")
            .heeds("If-Match", IF_MATCH)
            .takes::<DestinationFields>()
            .gives::<DestinationJson>(200, "The destination as it is now")
            .gives::<DestinationJson>(201, "The new destination")
            .fails(409, "The name is taken, or a source uses it; or the maximum is reached")
            .fails(412, "The destination is in another version than that of If-Match")
            .example_with(EXAMPLE_TARGETS[V1 as usize], EXAMPLE);
    }
}

pub(super) struct PatchDestination<const V1: bool>;

impl<const V1: bool> Endpoint for PatchDestination<V1> {
    const DECLARATION: Declaration = Declaration {
        name: ["patchDestination", "patchDestinationV1"][V1 as usize],
        methods: &[Method::PATCH],
        about: "Changes a destination by JSON Merge Patch (RFC 7396)",
        ..PutDestination::<V1>::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        answer(call, Verb::Patch, dialect(V1))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .heeds("If-Match", IF_MATCH)
            .takes::<std::collections::BTreeMap<String, serde_json::Value>>()
            .gives::<DestinationJson>(200, "The destination as it is now")
            .fails(404, "There is no such destination")
            .fails(409, "The name is taken, or a source uses the name that it had")
            .fails(412, "The destination is in another version than that of If-Match")
            .example_with(EXAMPLE_TARGETS[V1 as usize], r#"{"enabled":false}"#);
    }
}

pub(super) struct DeleteDestination<const V1: bool>;

impl<const V1: bool> Endpoint for DeleteDestination<V1> {
    const DECLARATION: Declaration = Declaration {
        name: ["deleteDestination", "deleteDestinationV1"][V1 as usize],
        methods: &[Method::DELETE],
        about: "Removes a destination to which no source writes",
        body: BodyRule::Ignored,
        ..PutDestination::<V1>::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        answer(call, Verb::Delete, dialect(V1))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .heeds("If-Match", IF_MATCH)
            .gives_nothing("The destination is removed")
            .fails(404, "There is no such destination")
            .fails(409, "A source writes to it")
            .fails(412, "The destination is in another version than that of If-Match")
            .example(EXAMPLE_TARGETS[V1 as usize]);
    }
}

pub(super) struct TestDestination<const V1: bool>;

impl<const V1: bool> Endpoint for TestDestination<V1> {
    const DECLARATION: Declaration = Declaration {
        name: ["testDestination", "testDestinationV1"][V1 as usize],
        methods: &[Method::POST],
        path: TEST[V1 as usize],
        about: "Says whether a destination could be written to, and writes nothing",
        body: BodyRule::Ignored,
        ..PutDestination::<V1>::DECLARATION
    };

    type Topics = NoTopic;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        answer(call, Verb::Test, dialect(V1))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<DestinationTrialJson>(200, "What was found out")
            .fails(404, "There is no such destination")
            .example(TEST_TARGETS[V1 as usize]);
    }
}

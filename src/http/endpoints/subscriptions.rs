//! Everything under `/subscriptions`: deliveries of records to callbacks.

mod operating;
mod repeating;

use http::header::{ETAG, LOCATION};
use http::{Method, StatusCode};
use serde::Serialize;

pub(super) use self::operating::{
    DeliverDue, PauseSubscription, ResumeSubscription, RotateSubscription, SeekSubscription,
};
pub(super) use self::repeating::{
    ListAttempts, RedriveSubscription, ReplaySubscription, TestSubscription,
};
use crate::access::Permission;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, Filtered, InBody, OfSubscription};
use crate::http::if_match::{as_condition, condition, quoted};
use crate::http::json::without_mark;
use crate::http::limits::JSON_BYTES;
use crate::http::parameter::{Kind, Parameter};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::render::timestamp;
use crate::services::subscriptions::{Progress, Standing, SubscriptionView, add};
use crate::sorted::SortedMap;

/// What a caller sets a subscription to. `docs/subscriptions.md` has all fields.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
pub(super) struct SubscriptionFields {
    /// Names of topics, and beginnings of names with a `*`.
    topics: Vec<String>,
    callback_url: String,
    /// `latest`, `earliest`, `{"offset":n}` or `{"time":"…"}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transform: Option<String>,
    /// `exhaust`, `pass`, `skip` or `{"dead_letter":"…"}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_error: Option<serde_json::Value>,
    /// `envelope`, `envelopes`, `value`, `cloudevents-binary`, `cloudevents-structured` or
    /// `cloudevents-batch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    /// `v1`, and `v1a` beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<std::collections::BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    /// `partition`, `key` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    /// `wait`, `skip` or `{"dead_letter":"…"}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    exhausted: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    /// Null: it is never disabled. Left out: it is the default, 5 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_after: Option<u64>,
    /// `off`, `preferred` or `required`.
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<String>,
}

/// A subscription and what is known of it.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
pub(super) struct SubscriptionJson {
    id: String,
    #[serde(flatten)]
    settings: SubscriptionFields,
    created: String,
    /// `active`, `paused` or `disabled`.
    state: String,
    /// When it was paused or disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Why it was disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Until when the secret before the current one signs, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_overlaps_until: Option<String>,
    /// Of `v1a`, the current one first.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_keys: Option<Vec<String>>,
    /// Requests in a minute, as the callback has granted them.
    #[serde(skip_serializing_if = "Option::is_none")]
    granted_rate: Option<u32>,
    /// Present and true where a secret cannot be read, because its key is not in
    /// `secrets_key` any more or nobody has given it yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    secret_gone: bool,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct SubscriptionListJson {
    subscriptions: Vec<SubscriptionJson>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
}

/// A subscription and where it stands.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct SubscriptionDescription {
    #[serde(flatten)]
    subscription: SubscriptionJson,
    partitions: Vec<PartitionJson>,
    /// How many offsets lie between all positions and the ends, where the log tells these.
    lag: Option<i64>,
    /// Since when the oldest record waits that is not done with, as far as is known.
    waiting_since: Option<String>,
    /// Since when something is due: at least since now, where nobody has tried to deliver it
    /// and the log reads no times.
    overdue_since: Option<String>,
    /// How many deliveries are under way, as far as is known.
    in_flight: u64,
    /// `delivered`, `failed`, `retried`, `dead_lettered`, `skipped` and `filtered`.
    totals: std::collections::BTreeMap<String, u64>,
    /// What is sent once more.
    runs: Vec<repeating::RunJson>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct PartitionJson {
    topic: String,
    partition: i32,
    /// The offset of the next record to be delivered.
    position: i64,
    /// How many offsets lie between that and the end, where the log tells it.
    lag: Option<i64>,
    failures: u32,
    next_attempt: Option<String>,
    last_error: Option<String>,
    /// Present and true where nothing is delivered until the subscription is moved:
    /// the topic was made anew, or has lost records.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "description", serde(default))]
    beyond_end: bool,
}

impl From<Progress> for PartitionJson {
    fn from(progress: Progress) -> Self {
        Self {
            lag: progress.lag(),
            topic: progress.topic,
            partition: progress.partition,
            position: progress.position,
            failures: progress.failures,
            next_attempt: progress.next_attempt.map(timestamp),
            last_error: progress.last_error,
            beyond_end: progress.beyond_end,
        }
    }
}

/// A subscription and where it stands, and its entity tag.
fn described(standing: Standing) -> (String, String) {
    let lag = standing.lag();
    let Standing { view, progress, totals, waiting_since, overdue_since, in_flight, runs } =
        standing;
    let mut json = view.to_json();
    let partitions: Vec<_> = progress.into_iter().map(PartitionJson::from).collect();
    add(&mut json, "partitions", &partitions);
    add(&mut json, "lag", &lag);
    add(&mut json, "waiting_since", &waiting_since.map(timestamp));
    add(&mut json, "overdue_since", &overdue_since.map(timestamp));
    add(&mut json, "in_flight", &in_flight);
    add(&mut json, "totals", &totals.into_iter().collect::<SortedMap<_, _>>());
    let runs: Vec<_> = runs.into_iter().map(repeating::RunJson::from).collect();
    add(&mut json, "runs", &runs);
    (json, view.tag)
}

/// The answer with a subscription. A secret that is told stands where the mask is.
async fn answer<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
    view: &SubscriptionView,
    secret: Option<&str>,
    is_new: bool,
) -> Result<Response, Refusal> {
    let place = call.app.gateway().await?.link(&format!("/subscriptions/{}", view.id));
    let json = match secret {
        Some(secret) => view.with_secret(secret).to_json(),
        None => view.to_json(),
    };
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let response = Response::json_text(status, json).with_header(ETAG, quoted(&view.tag));
    Ok(if is_new { response.with_header(LOCATION, place) } else { response })
}

pub(super) struct CreateSubscription;

impl Endpoint for CreateSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "createSubscription",
        methods: &[Method::POST],
        path: "/subscriptions",
        caller: Caller::Allowed(Permission::Webhooks),
        safe: false,
        about: "Has records of topics POSTed to a URL",
        query: QueryRule::NONE,
        body: BodyRule::Json { limit: JSON_BYTES },
        credential_in_query: false,
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = InBody;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InBody(grant): InBody,
    ) -> Result<Response, Refusal> {
        let body = call.body().await?;
        let services = call.app.services().await?;
        let made = services.subscriptions.create(without_mark(&body), &grant).await?;
        answer(&call, &made.view, made.secret.as_deref(), true).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "The caller needs the permission `consume` for all topics, and `produce` for \
                 those that take what cannot be delivered. docs/subscriptions.md has all fields.",
            )
            .takes::<SubscriptionFields>()
            .gives::<SubscriptionJson>(201, "The new subscription, with its secret")
            .fails(409, "The maximum number of subscriptions has been reached")
            .fails(422, "A field is not taken")
            .asks_kafka()
            .example_with("/subscriptions", EXAMPLE);
    }
}

#[cfg(feature = "description")]
const EXAMPLE: &str =
    r#"{"topics":["orders"],"callback_url":"https://example.com/subscribed","from":"earliest"}"#;

#[cfg(feature = "description")]
const IF_MATCH: &str = "`*`, or the entity tags of versions of the subscription";

pub(super) const CURSOR: Parameter =
    Parameter::new("cursor", Kind::Text, "`next` of the answer before");

pub(super) struct ListSubscriptions;

impl Endpoint for ListSubscriptions {
    const DECLARATION: Declaration = Declaration {
        name: "listSubscriptions",
        methods: &[Method::GET],
        safe: true,
        about: "The subscriptions, in pages of at most 500",
        query: QueryRule::Only(&[CURSOR]),
        body: BodyRule::Ignored,
        ..CreateSubscription::DECLARATION
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        Filtered(grant): Filtered,
    ) -> Result<Response, Refusal> {
        let cursor = call.query.text(CURSOR.name)?;
        let page = call.app.services().await?.subscriptions.page(cursor, &grant).await?;
        let subscriptions: Vec<_> = page.subscriptions.iter().map(|view| view.to_json()).collect();
        let mut json = format!("{{\"subscriptions\":[{}]}}", subscriptions.join(","));
        add(&mut json, "next", &page.next);
        Ok(Response::json_text(StatusCode::OK, json))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "A page may hold few subscriptions, or none, though others follow: those of \
                 other callers are left out.",
            )
            .gives::<SubscriptionListJson>(200, "Those all of whose topics the caller may use")
            .example("/subscriptions");
    }
}

pub(super) struct GetSubscription;

impl Endpoint for GetSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "getSubscription",
        path: "/subscriptions/{id}",
        about: "A subscription and how far it is",
        query: QueryRule::NONE,
        ..ListSubscriptions::DECLARATION
    };

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = call.path_text("id")?;
        let services = call.app.services().await?;
        let standing = services.subscriptions.describe(&id, &grant).await?;
        let (json, tag) = described(standing);
        Ok(Response::json_text(StatusCode::OK, json).with_header(ETAG, quoted(&tag)))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<SubscriptionDescription>(200, "The subscription, with its secrets masked")
            .fails(404, "There is no such subscription")
            .asks_kafka()
            .example("/subscriptions/{webhook_id}");
    }
}

pub(super) struct PutSubscription;

impl Endpoint for PutSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "putSubscription",
        methods: &[Method::PUT],
        safe: false,
        about: "Makes a subscription of this id, or replaces what it is set to",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..GetSubscription::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = call.path_text("id")?;
        let tags = condition(call.request)?;
        let body = call.body().await?;
        let services = call.app.services().await?;
        let (body, condition) = (without_mark(&body), as_condition(tags.as_deref()));
        let put = services.subscriptions.put(&id, body, condition, &grant).await?;
        answer(&call, &put.view, put.secret.as_deref(), put.is_new).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "An id is `webhook_` and up to 64 letters, digits, `_` and `-`. A secret that is \
                 masked in the body stays what it is, unless it would be sent to another host. \
                 `If-Match` is honoured, here and wherever a subscription is changed.",
            )
            .heeds("If-Match", IF_MATCH)
            .takes::<SubscriptionFields>()
            .gives::<SubscriptionJson>(200, "The subscription as it is now")
            .gives::<SubscriptionJson>(201, "The new subscription, with its secret")
            .fails(409, "The maximum number of subscriptions has been reached")
            .fails(412, "The subscription is in another version than that of If-Match")
            .fails(422, "A field is not taken")
            .asks_kafka()
            .example_with("/subscriptions/{webhook_id}", EXAMPLE);
    }
}

pub(super) struct PatchSubscription;

impl Endpoint for PatchSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "patchSubscription",
        methods: &[Method::PATCH],
        about: "Changes what a subscription is set to by JSON Merge Patch (RFC 7396)",
        ..PutSubscription::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = call.path_text("id")?;
        let tags = condition(call.request)?;
        let body = call.body().await?;
        let services = call.app.services().await?;
        let (body, condition) = (without_mark(&body), as_condition(tags.as_deref()));
        let view = services.subscriptions.patch(&id, body, condition, &grant).await?;
        answer(&call, &view, None, false).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail("A topic that is added begins at `from`.")
            .heeds("If-Match", IF_MATCH)
            .takes::<std::collections::BTreeMap<String, serde_json::Value>>()
            .gives::<SubscriptionJson>(200, "The subscription as it is now")
            .fails(404, "There is no such subscription")
            .fails(412, "The subscription is in another version than that of If-Match")
            .fails(422, "A field is not taken")
            .asks_kafka()
            .example_with("/subscriptions/{webhook_id}", r#"{"from":"earliest"}"#);
    }
}

pub(super) struct DeleteSubscription;

impl Endpoint for DeleteSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "deleteSubscription",
        methods: &[Method::DELETE],
        about: "Removes a subscription",
        body: BodyRule::Ignored,
        ..PutSubscription::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = call.path_text("id")?;
        let tags = condition(call.request)?;
        let condition = as_condition(tags.as_deref());
        call.app.services().await?.subscriptions.delete(&id, condition, &grant).await?;
        Ok(Response::empty())
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .heeds("If-Match", IF_MATCH)
            .gives_nothing("The subscription is removed")
            .fails(404, "There is no such subscription")
            .fails(412, "The subscription is in another version than that of If-Match")
            .asks_kafka()
            .example("/subscriptions/{webhook_id}");
    }
}

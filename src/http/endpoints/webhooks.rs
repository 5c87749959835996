//! `GET /webhook/{topic}/{callback_url}` and everything under `/webhooks`.
//!
//! Callers of this API register webhooks; inside the gateway, a webhook is a
//! subscription.

use http::header::LOCATION;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::seek::seek_to;
use super::subscriptions::CURSOR;
use crate::access::{AllowedTopic, Permission};
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, Filtered, InBody, InPath, OfSubscription};
use crate::http::json;
use crate::http::limits::{DEFAULT_BUDGET, JSON_BYTES};
use crate::http::parameter::Seconds;
use crate::http::percent;
use crate::http::query::start_from;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::limits;
use crate::render::timestamp;
use crate::services::consume::StartFrom;
use crate::services::subscriptions::{
    Condition, Progress, Registered, RoundReport, SubscriptionSummary,
};
use crate::sorted::SortedMap;

pub(super) const BUDGET: Seconds = Seconds {
    name: "budget",
    default: DEFAULT_BUDGET,
    most: limits::BUDGET,
    about: "How long new attempts are begun",
};

/// The order of the first four is what users' code was written for.
#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct WebhookJson {
    /// The first one, of a webhook that was made with several.
    topic: String,
    callback_url: String,
    webhook_id: String,
    /// Only in the answer that makes the webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    created: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct NewWebhook {
    topic: String,
    callback_url: String,
    /// `earliest` or `latest`, the default.
    from: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct WebhookList {
    webhooks: Vec<WebhookJson>,
    /// Where the next page begins, if there is one: `?cursor=` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct WebhookDescription {
    #[serde(flatten)]
    webhook: WebhookJson,
    partitions: Vec<WebhookPosition>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct WebhookPosition {
    partition: i32,
    /// The offset of the next record to be delivered.
    position: i64,
    failures: u32,
    next_attempt: Option<String>,
    last_error: Option<String>,
    /// Present and true where nothing is delivered until the webhook is moved:
    /// the topic was made anew, or has lost records.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "description", serde(default))]
    beyond_end: bool,
}

/// Where to move a webhook: exactly one of `to`, `offsets` and `timestamp`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
pub(super) struct WebhookSeek<'a> {
    /// `earliest` or `latest`.
    to: Option<String>,
    /// An offset for each partition.
    #[cfg_attr(
        feature = "description",
        schemars(with = "Option<std::collections::BTreeMap<i32, i64>>")
    )]
    offsets: Option<SortedMap<i32, i64>>,
    /// RFC 3339 as a string, or milliseconds since 1970.
    #[serde(borrow)]
    #[cfg_attr(feature = "description", schemars(with = "Option<serde_json::Value>"))]
    timestamp: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct WebhookMoved {
    webhook_id: String,
    #[cfg_attr(feature = "description", schemars(with = "std::collections::BTreeMap<i32, i64>"))]
    offsets: SortedMap<i32, i64>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
pub(super) struct DeliveryRound {
    pub(super) webhooks: Vec<WebhookDelivery>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
pub(super) struct WebhookDelivery {
    webhook_id: String,
    topic: String,
    delivered: u64,
    failed: u64,
    /// Some of it is being delivered by another call, here or elsewhere.
    busy: bool,
    next_attempt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Delivery starts at the topic's end: a caller that registers by opening a link
/// does not expect older records.
pub(super) struct RegisterWebhookByPath;

impl Endpoint for RegisterWebhookByPath {
    const DECLARATION: Declaration = Declaration {
        name: "registerWebhookByPath",
        methods: &[Method::GET],
        path: "/webhook/{topic}/{*callback_url}",
        caller: Caller::Allowed(Permission::Webhooks),
        safe: false,
        about: "Has each new record of a topic POSTed to the URL in the rest of the path",
        query: QueryRule::PartOfPath,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = InPath;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        InPath(topic): InPath,
    ) -> Result<Response, Refusal> {
        let url = callback_url(call.path_raw("callback_url"), call.request.query())?;
        register(&call, &topic, &url, StartFrom::Latest).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail("The URL and its query stand as they are, or percent-encoded as a whole.")
            .gives::<WebhookJson>(200, "The webhook was there already")
            .gives::<WebhookJson>(201, "The new webhook, with its secret")
            .fails(409, "The maximum number of webhooks has been reached")
            .asks_kafka()
            .example("/webhook/orders/https://example.com/hook");
    }
}

pub(super) struct RegisterWebhook;

impl Endpoint for RegisterWebhook {
    const DECLARATION: Declaration = Declaration {
        name: "registerWebhook",
        methods: &[Method::POST],
        path: "/webhooks",
        about: "The same with a JSON body",
        query: QueryRule::NONE,
        body: BodyRule::Json { limit: JSON_BYTES },
        ..RegisterWebhookByPath::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = InBody;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InBody(grant): InBody,
    ) -> Result<Response, Refusal> {
        let body = call.body().await?;
        let new: NewWebhook = json::object(&body)?;
        let topic = grant.topic(new.topic)?;
        let from = new.from.as_deref().map_or(Ok(StartFrom::Latest), start_from)?;
        register(&call, &topic, &new.callback_url, from).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<NewWebhook>()
            .gives::<WebhookJson>(200, "The webhook was there already")
            .gives::<WebhookJson>(201, "The new webhook, with its secret")
            .fails(409, "The maximum number of webhooks has been reached")
            .asks_kafka()
            .example_with(
                "/webhooks",
                r#"{"topic":"orders","callback_url":"https://example.com/new","from":"earliest"}"#,
            );
    }
}

async fn register<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
    topic: &AllowedTopic,
    url: &str,
    from: StartFrom,
) -> Result<Response, Refusal> {
    let Registered { subscription, secret } =
        call.app.services().await?.subscriptions.register(topic, url, from).await?;
    // Only a new webhook comes with its secret.
    let is_new = secret.is_some();
    let place = call.app.gateway().await?.link(&format!("/webhooks/{}", subscription.id));
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let response = Response::json(status, &WebhookJson { secret, ..subscription.into() });
    Ok(if is_new { response.with_header(LOCATION, place) } else { response })
}

/// The callback URL in a path: the whole rest of the path and the query, either
/// plain or percent-encoded as a whole. Some proxies merge slashes and turn
/// `https://` into `https:/`; that is repaired here.
fn callback_url(rest: &str, query: Option<&str>) -> Result<String, Error> {
    let scheme = |url: &str| {
        ["https:/", "http:/"].iter().find_map(|scheme| {
            let start = url.get(..scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some(scheme.len())
        })
    };
    let mut url = match scheme(rest) {
        Some(_) => rest.to_owned(),
        None => percent::decode_text("callback_url", rest)?,
    };
    if let Some(length) = scheme(&url)
        && !url[length..].starts_with('/')
    {
        url.insert(length, '/');
    }
    if let Some(query) = query {
        url.push('?');
        url.push_str(query);
    }
    Ok(url)
}

pub(super) struct ListWebhooks;

impl Endpoint for ListWebhooks {
    const DECLARATION: Declaration = Declaration {
        name: "listWebhooks",
        path: "/webhooks",
        safe: true,
        about: "All webhooks, in pages of at most 500",
        query: QueryRule::Only(&[CURSOR]),
        ..RegisterWebhookByPath::DECLARATION
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        Filtered(grant): Filtered,
    ) -> Result<Response, Refusal> {
        let cursor = call.query.text(CURSOR.name)?;
        let (webhooks, next) =
            call.app.services().await?.subscriptions.list(cursor, &grant).await?;
        let webhooks = webhooks.into_iter().map(WebhookJson::from).collect();
        Ok(Response::json(StatusCode::OK, &WebhookList { webhooks, next }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<WebhookList>(200, "The webhooks on topics of the caller's")
            .example("/webhooks");
    }
}

pub(super) struct GetWebhook;

impl Endpoint for GetWebhook {
    const DECLARATION: Declaration = Declaration {
        name: "getWebhook",
        path: "/webhooks/{id}",
        about: "A webhook and how far it is",
        query: QueryRule::NONE,
        ..ListWebhooks::DECLARATION
    };

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = percent::decode_text("webhook_id", call.path_raw("id"))?;
        let services = call.app.services().await?;
        let (webhook, progress) = services.subscriptions.get(&id, &grant).await?;
        let partitions = progress.into_iter().map(WebhookPosition::from).collect();
        let described = WebhookDescription { webhook: webhook.into(), partitions };
        Ok(Response::json(StatusCode::OK, &described))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<WebhookDescription>(200, "The webhook, and its position on each partition")
            .fails(404, "There is no such webhook")
            .asks_kafka()
            .example("/webhooks/{webhook_id}");
    }
}

pub(super) struct SeekWebhook;

impl Endpoint for SeekWebhook {
    const DECLARATION: Declaration = Declaration {
        name: "seekWebhook",
        methods: &[Method::POST],
        path: "/webhooks/{id}/seek",
        safe: false,
        about: "Moves a webhook",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..GetWebhook::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let webhook_id = percent::decode_text("webhook_id", call.path_raw("id"))?;
        let body = call.body().await?;
        let WebhookSeek { to, offsets, timestamp } = json::object(&body)?;
        let to = seek_to(to.as_deref(), offsets, timestamp)?;
        let subscriptions = &call.app.services().await?.subscriptions;
        let moved = subscriptions.seek(&webhook_id, None, to, &grant).await?;
        // Webhooks of this API have one topic.
        let offsets = moved.into_iter().next().map(|(_, offsets)| offsets).unwrap_or_default();
        Ok(Response::json(StatusCode::OK, &WebhookMoved { webhook_id, offsets }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<WebhookSeek<'_>>()
            .gives::<WebhookMoved>(200, "Where the webhook is now")
            .fails(404, "There is no such webhook")
            .asks_kafka()
            .example_with("/webhooks/{webhook_id}/seek", r#"{"to":"earliest"}"#);
    }
}

pub(super) struct DeleteWebhook;

impl Endpoint for DeleteWebhook {
    const DECLARATION: Declaration = Declaration {
        name: "deleteWebhook",
        methods: &[Method::DELETE],
        safe: false,
        about: "Removes a webhook",
        ..GetWebhook::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = percent::decode_text("webhook_id", call.path_raw("id"))?;
        call.app.services().await?.subscriptions.delete(&id, Condition::None, &grant).await?;
        Ok(Response::empty())
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives_nothing("The webhook is removed")
            .fails(404, "There is no such webhook")
            .asks_kafka()
            .example("/webhooks/{webhook_id}");
    }
}

pub(super) struct Deliver;

impl Endpoint for Deliver {
    const DECLARATION: Declaration = Declaration {
        name: "deliver",
        methods: &[Method::POST],
        path: "/webhooks/deliver",
        safe: false,
        about: "Delivers what is due now",
        query: QueryRule::Only(&[BUDGET.declared()]),
        ..ListWebhooks::DECLARATION
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        Filtered(grant): Filtered,
    ) -> Result<Response, Refusal> {
        let budget = BUDGET.of(&call.query)?;
        let reports = call.app.services().await?.subscriptions.deliver(budget, &grant).await?;
        let webhooks = reports.into_iter().map(WebhookDelivery::from).collect();
        Ok(Response::json(StatusCode::OK, &DeliveryRound { webhooks }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<DeliveryRound>(
                200,
                "What was done for each webhook on a topic of the caller's",
            )
            .example("/webhooks/deliver?budget=0");
    }
}

impl From<SubscriptionSummary> for WebhookJson {
    fn from(webhook: SubscriptionSummary) -> Self {
        Self {
            topic: webhook.topic,
            callback_url: webhook.callback_url,
            webhook_id: webhook.id,
            secret: None,
            created: timestamp(webhook.created),
        }
    }
}

impl From<Progress> for WebhookPosition {
    fn from(progress: Progress) -> Self {
        Self {
            partition: progress.partition,
            position: progress.position,
            failures: progress.failures,
            next_attempt: progress.next_attempt.map(timestamp),
            last_error: progress.last_error,
            beyond_end: progress.beyond_end,
        }
    }
}

impl From<RoundReport> for WebhookDelivery {
    fn from(delivery: RoundReport) -> Self {
        Self {
            webhook_id: delivery.webhook_id,
            topic: delivery.topic,
            delivered: delivery.delivered,
            failed: delivery.failed,
            busy: delivery.busy,
            next_attempt: delivery.next_attempt.map(timestamp),
            error: delivery.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_url_is_found_however_it_was_written() {
        for (rest, query, url) in [
            ("https://h/a//b%2F/", None, "https://h/a//b%2F/"),
            ("https:/h/a", None, "https://h/a"),
            ("HTTP:/h:81", None, "HTTP://h:81"),
            ("https%3A%2F%2Fh%2Fa%3Fb%3Dc", None, "https://h/a?b=c"),
            ("https%3A%2Fh", None, "https://h"),
            ("http://h/", Some("a=b&topic=%20"), "http://h/?a=b&topic=%20"),
            ("http://h", Some(""), "http://h?"),
            // These are not callback URLs; the service refuses them.
            ("ftp://h", None, "ftp://h"),
            ("example.test", None, "example.test"),
            ("https:", None, "https:"),
            ("", None, ""),
        ] {
            assert_eq!(callback_url(rest, query).unwrap(), url, "{rest}");
        }
        for malformed in ["https%3A%2F%2Fh%", "%ff"] {
            assert!(callback_url(malformed, None).is_err(), "{malformed}");
        }
    }
}

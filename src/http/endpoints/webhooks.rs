//! `GET /webhook/{topic}/{callback_url}` and everything under `/webhooks`.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::topic;
use crate::access::Grant;
use crate::app::App;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::json;
use crate::http::limits::{DEFAULT_BUDGET, JSON_BYTES};
use crate::http::percent;
use crate::http::query::{Query, start_from};
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;
use crate::limits;
use crate::names;
use crate::render::timestamp;
use crate::services::consume::StartFrom;
use crate::services::subscriptions::{Progress, Registered, RoundReport, SubscriptionSummary};

/// The order of the first four is what users' code was written for.
#[derive(Serialize)]
struct Registration {
    topic: String,
    callback_url: String,
    webhook_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    created: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    topic: String,
    callback_url: String,
    from: Option<String>,
}

#[derive(Serialize)]
struct List {
    webhooks: Vec<Registration>,
}

#[derive(Serialize)]
struct Described {
    #[serde(flatten)]
    webhook: Registration,
    partitions: Vec<PartitionProgress>,
}

#[derive(Serialize)]
struct PartitionProgress {
    partition: i32,
    /// The offset of the next record to be delivered.
    position: i64,
    failures: u32,
    next_attempt: Option<String>,
    last_error: Option<String>,
}

#[derive(Serialize)]
struct Deliveries {
    webhooks: Vec<Delivered>,
}

#[derive(Serialize)]
struct Delivered {
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

/// Delivery starts at the topic's end: whoever registers with a link does not
/// expect the past.
pub(in crate::http) async fn register_path<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
    rest: &str,
) -> Result<Response, Refusal> {
    let topic = topic(segment)?;
    let url = callback_url(rest, request.query())?;
    register(app, &topic, &url, StartFrom::Latest).await
}

pub(in crate::http) async fn register_body<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    Query::parse(request.query(), &[])?;
    let body = request.read_body(JSON_BYTES).await?;
    let wish: Wish = json::object(&body)
        .map_err(|error| Error::invalid("body", format!("Not a registration: {error}")))?;
    names::check_topic(&wish.topic)?;
    grant.permits_topic(&wish.topic)?;
    let from = wish.from.as_deref().map_or(Ok(StartFrom::Latest), start_from)?;
    register(app, &wish.topic, &wish.callback_url, from).await
}

async fn register<H: Host, L: Log>(
    app: &App<H, L>,
    topic: &str,
    url: &str,
    from: StartFrom,
) -> Result<Response, Refusal> {
    let Registered { subscription, secret } =
        app.services().await?.subscriptions.register(topic, url, from).await?;
    // Only a new one comes with its secret.
    let status = if secret.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Response::json(status, &Registration { secret, ..subscription.into() }))
}

/// The callback URL that a path was meant to hold: the whole rest of it and
/// the query, either as it stands or percent-encoded as a whole. Proxies that
/// fold slashes turn `https://` into `https:/`, which is mended here.
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

pub(in crate::http) async fn list<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    Query::parse(request.query(), &[])?;
    let mut webhooks = app.services().await?.subscriptions.list().await?;
    webhooks.retain(|webhook| grant.covers(&webhook.topic));
    let webhooks = webhooks.into_iter().map(Registration::from).collect();
    Ok(Response::json(StatusCode::OK, &List { webhooks }))
}

/// The id of the webhook that a path names. Refuses who may not see its topic,
/// before the log is asked about that. That there is no such webhook is left to
/// the call itself to say.
async fn permitted<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
    grant: &Grant,
) -> Result<String, Refusal> {
    let id = percent::decode_text("webhook_id", segment)?;
    Query::parse(request.query(), &[])?;
    let webhooks = app.services().await?.subscriptions.list().await?;
    if let Some(webhook) = webhooks.iter().find(|webhook| webhook.id == id) {
        grant.permits_topic(&webhook.topic)?;
    }
    Ok(id)
}

pub(in crate::http) async fn get<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let id = permitted(app, request, segment, grant).await?;
    let (webhook, progress) = app.services().await?.subscriptions.get(&id).await?;
    let partitions = progress.into_iter().map(PartitionProgress::from).collect();
    Ok(Response::json(StatusCode::OK, &Described { webhook: webhook.into(), partitions }))
}

pub(in crate::http) async fn delete<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let id = permitted(app, request, segment, grant).await?;
    app.services().await?.subscriptions.delete(&id).await?;
    Ok(Response::empty())
}

pub(in crate::http) async fn deliver<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let query = Query::parse(request.query(), &["budget"])?;
    let budget = query.seconds("budget", DEFAULT_BUDGET, limits::BUDGET)?;
    // All of them are worked on, whoever asks: it does what is due anyway.
    let mut deliveries = app.services().await?.subscriptions.deliver(budget).await?;
    deliveries.retain(|delivery| grant.covers(&delivery.topic));
    let webhooks = deliveries.into_iter().map(Delivered::from).collect();
    Ok(Response::json(StatusCode::OK, &Deliveries { webhooks }))
}

impl From<SubscriptionSummary> for Registration {
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

impl From<Progress> for PartitionProgress {
    fn from(progress: Progress) -> Self {
        Self {
            partition: progress.partition,
            position: progress.position,
            failures: progress.failures,
            next_attempt: progress.next_attempt.map(timestamp),
            last_error: progress.last_error,
        }
    }
}

impl From<RoundReport> for Delivered {
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
            // None of these is one; the service says so.
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

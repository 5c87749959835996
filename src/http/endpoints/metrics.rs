//! `GET /metrics`: figures for Prometheus, from documents that are kept anyway.

use http::{Method, StatusCode};

use crate::access::Permission;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, Filtered};
use crate::http::exposition::{Exposition, Format, Kind};
use crate::http::parameter::{Kind as Value, Parameter};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::services::groups::{AllFigures, GroupFigures};
#[cfg(feature = "sources")]
use crate::services::sources::SourceFigures;
use crate::services::subscriptions::{AllSubscriptions, SubscriptionFigures, TopicFigures};
use crate::telemetry::{self, Done};

/// The maximum number of partitions of groups in an answer: each is a read of the store.
const MOST_LANES: usize = 500;

const GROUP: Parameter = Parameter::new(
    "group",
    Value::Text,
    "Only this group, or with a `*` at its end those that begin so; then nothing else",
);
const SUBSCRIPTION: Parameter = Parameter::new(
    "subscription",
    Value::Text,
    "Only this subscription, or with a `*` at its end those that begin so; then nothing else",
);
const TOPIC: Parameter = Parameter::new(
    "topic",
    Value::Text,
    "Only what is on this topic, or with a `*` at its end on those that begin so",
);

pub(super) struct GetMetrics;

impl Endpoint for GetMetrics {
    const DECLARATION: Declaration = Declaration {
        name: "getMetrics",
        methods: &[Method::GET],
        path: "/metrics",
        caller: Caller::Allowed(Permission::Metrics),
        safe: true,
        about: "Lag, claims, events and deliveries, for Prometheus",
        query: QueryRule::Only(&[GROUP, SUBSCRIPTION, TOPIC]),
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        Filtered(grant): Filtered,
    ) -> Result<Response, Refusal> {
        let format = Format::asked_for(call.request);
        let services = call.app.services().await?;
        let (group, topic) = (call.query.text(GROUP.name)?, call.query.text(TOPIC.name)?);
        let subscription = call.query.text(SUBSCRIPTION.name)?;
        let groups = match subscription.is_some() && group.is_none() {
            true => AllFigures::default(),
            false => {
                let is_chosen = |of_group: &str, of_topic: &str| {
                    matches(group, of_group) && matches(topic, of_topic)
                };
                services.groups.figures(&grant, &is_chosen, MOST_LANES).await?
            }
        };
        let subscriptions = match group.is_some() && subscription.is_none() {
            true => AllSubscriptions::default(),
            false => {
                let (is_chosen, is_topic) =
                    (|id: &str| matches(subscription, id), |of: &str| matches(topic, of));
                let most = MOST_LANES.saturating_sub(groups.lanes);
                services.subscriptions.figures(&grant, &is_chosen, &is_topic, most).await?
            }
        };
        let mut text = Exposition::new(format);
        text.family("kafka_edge_build_info", Kind::Gauge, "The version of the gateway.");
        text.sample(&[("version", env!("CARGO_PKG_VERSION"))], &1);
        write_groups(&mut text, &groups);
        write_subscriptions(&mut text, &subscriptions.subscriptions);
        #[cfg(feature = "sources")]
        if group.is_none() && subscription.is_none() {
            let sources = services.sources.figures(&grant, &|name| matches(topic, name)).await?;
            write_sources(&mut text, &sources);
        }
        write_scrape(&mut text, &groups, &subscriptions);
        // Where a host makes an instance for each request, or no pool was set up, it is over
        // before anybody could compare its figures with later ones.
        if telemetry::has_answered() {
            write_instance(&mut text);
        }
        Ok(Response::text(StatusCode::OK, format.content_type(), text.finish()))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "At most 500 partitions of groups and subscriptions are looked at; \
                 `kafka_edge_scrape_left_out` says how many of them on topics were not. The \
                 answer is OpenMetrics if `Accept` prefers that.",
            )
            .gives_text("text/plain", "The metrics")
            .gives_text("application/openmetrics-text", "The metrics")
            .example("/metrics");
    }
}

/// Whether a name is chosen; all are if nothing is.
fn matches(pattern: Option<&str>, name: &str) -> bool {
    pattern.is_none_or(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    })
}

type Figure = (&'static str, Kind, &'static str, fn(&GroupFigures) -> Option<i64>);

const OF_GROUPS: [Figure; 6] = [
    (
        "kafka_edge_group_lag",
        Kind::Gauge,
        "Records that the group is not done with; absent where the server gives no end.",
        |figures| figures.lag,
    ),
    ("kafka_edge_group_claimed", Kind::Gauge, "Records that were claimed and are not done.", |f| {
        i64::try_from(f.claimed).ok()
    }),
    ("kafka_edge_group_acquired", Kind::Gauge, "Those of them whose lease lasts.", |figures| {
        i64::try_from(figures.acquired).ok()
    }),
    ("kafka_edge_group_rejected", Kind::Counter, "Records that consumers rejected.", |figures| {
        i64::try_from(figures.rejected).ok()
    }),
    (
        "kafka_edge_group_given_up",
        Kind::Counter,
        "Records that were handed out as often as the group allows.",
        |figures| i64::try_from(figures.given_up).ok(),
    ),
    (
        "kafka_edge_group_beyond_end_partitions",
        Kind::Gauge,
        "Partitions on which the group gets nothing until it is moved.",
        |figures| i64::try_from(figures.beyond_end).ok(),
    ),
];

fn write_groups(text: &mut Exposition, all: &AllFigures) {
    for (name, kind, help, figure) in OF_GROUPS {
        text.family(name, kind, help);
        for figures in &all.groups {
            if let Some(value) = figure(figures) {
                text.sample(
                    &[("group", figures.group.as_str()), ("topic", &figures.topic)],
                    &value,
                );
            }
        }
    }
}

/// What is known of a subscription on a topic.
type OfSubscription = (&'static str, Kind, &'static str, fn(&TopicFigures) -> Option<String>);

/// Seconds, to the millisecond.
fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

const OF_SUBSCRIPTIONS: [OfSubscription; 4] = [
    (
        "kafka_edge_subscription_lag",
        Kind::Gauge,
        "Records that are not delivered yet; absent where the server gives no end.",
        |figures| figures.lag.map(|lag| lag.to_string()),
    ),
    (
        "kafka_edge_subscription_oldest_age_seconds",
        Kind::Gauge,
        "For how long the oldest undelivered record has waited; absent where nobody knows.",
        |figures| figures.waits.map(seconds),
    ),
    (
        "kafka_edge_subscription_breaker_open",
        Kind::Gauge,
        "Whether the breaker keeps requests from the callback, but for probes.",
        |figures| Some(u8::from(figures.is_held).to_string()),
    ),
    (
        "kafka_edge_subscription_beyond_end_partitions",
        Kind::Gauge,
        "Partitions on which nothing is delivered until the subscription is moved.",
        |figures| Some(figures.beyond_end.to_string()),
    ),
];

/// In the order of the totals of a subscription.
const TOTALS: [(&str, &str); 6] = [
    ("kafka_edge_subscription_delivered", "Records that the callback accepted."),
    ("kafka_edge_subscription_failed", "Attempts that failed."),
    ("kafka_edge_subscription_retried", "Attempts that were not the first at their record."),
    ("kafka_edge_subscription_dead_lettered", "Records that were put among the dead letters."),
    ("kafka_edge_subscription_skipped", "Records that were given up."),
    ("kafka_edge_subscription_filtered", "Records that the filter or the transform left out."),
];

fn write_subscriptions(text: &mut Exposition, all: &[SubscriptionFigures]) {
    let help = "1 for the state that the subscription is in.";
    text.family("kafka_edge_subscription_state", Kind::Gauge, help);
    for figures in all {
        for state in ["active", "paused", "disabled"] {
            let labels = [("subscription", figures.id.as_str()), ("state", state)];
            text.sample(&labels, &u8::from(figures.state == state));
        }
    }
    let on_topics = || all.iter().flat_map(|one| one.topics.iter().map(move |of| (one, of)));
    for (name, kind, help, figure) in OF_SUBSCRIPTIONS {
        text.family(name, kind, help);
        for (one, of_topic) in on_topics() {
            if let Some(value) = figure(of_topic) {
                text.sample(&[("subscription", &one.id), ("topic", &of_topic.topic)], &value);
            }
        }
    }
    for (place, (name, help)) in TOTALS.into_iter().enumerate() {
        text.family(name, Kind::Counter, help);
        for (one, of_topic) in on_topics() {
            let (_, count) = of_topic.totals[place];
            text.sample(&[("subscription", &one.id), ("topic", &of_topic.topic)], &count);
        }
    }
}

/// What this instance alone has done: another one tells something else.
fn write_instance(text: &mut Exposition) {
    let help = "Calls of this instance alone that have ended, by what was called.";
    text.family("kafka_edge_instance_calls", Kind::Counter, help);
    for (name, Done { count, .. }) in telemetry::done() {
        text.sample(&[("of", name)], &count);
    }
    let help = "How long the calls of this instance alone took together.";
    text.family("kafka_edge_instance_call_seconds", Kind::Counter, help);
    for (name, Done { time, .. }) in telemetry::done() {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        text.sample(&[("of", name)], &seconds(millis));
    }
}

#[cfg(feature = "sources")]
fn write_sources(text: &mut Exposition, all: &[SourceFigures]) {
    text.family("kafka_edge_source_enabled", Kind::Gauge, "Whether the source takes events.");
    for figures in all {
        text.sample(&[("source", figures.source.as_str())], &u8::from(figures.is_enabled));
    }
    let help = "Events that passed the checks, by what became of them; a lower bound.";
    text.family("kafka_edge_source_events", Kind::Counter, help);
    for SourceFigures { source, statistics, .. } in all {
        for outcome in OUTCOMES {
            let count = statistics.counts.get(outcome).copied().unwrap_or(0);
            let outcome = outcome.replace('-', "_");
            text.sample(&[("source", source.as_str()), ("outcome", &outcome)], &count);
        }
    }
    let help = "Requests that were refused, by stage and reason; a lower bound.";
    text.family("kafka_edge_source_refused", Kind::Counter, help);
    for SourceFigures { source, statistics, .. } in all {
        for (refused, count) in &statistics.refused {
            let (stage, reason) = refused.split_once('/').unwrap_or((refused.as_str(), ""));
            text.sample(
                &[("source", source.as_str()), ("stage", stage), ("reason", reason)],
                count,
            );
        }
    }
    let help = "When the last request came.";
    text.family("kafka_edge_source_last_seen_timestamp_seconds", Kind::Gauge, help);
    for SourceFigures { source, statistics, .. } in all {
        if let Some(time) = statistics.last_seen {
            text.sample(&[("source", source.as_str())], &seconds(time));
        }
    }
}

/// As statistics call them.
#[cfg(feature = "sources")]
const OUTCOMES: [&str; 6] =
    ["accepted", "repeats", "filtered", "dead-lettered", "failed", "unknown"];

fn write_scrape(text: &mut Exposition, groups: &AllFigures, others: &AllSubscriptions) {
    for (name, help, value) in [
        (
            "kafka_edge_scrape_lanes",
            "Partitions of groups and subscriptions in this answer.",
            groups.lanes + others.lanes,
        ),
        (
            "kafka_edge_scrape_left_out",
            "Groups and subscriptions on topics that are not in it, because there are too many \
             partitions.",
            groups.left_out + others.left_out,
        ),
        (
            "kafka_edge_scrape_failed",
            "Groups and subscriptions on topics that are not in it, because they could not be read.",
            groups.failed + others.failed,
        ),
    ] {
        text.family(name, Kind::Gauge, help);
        text.sample(&[], &value);
    }
}

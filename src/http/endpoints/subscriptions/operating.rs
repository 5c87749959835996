//! Pausing, moving and new secrets, and `POST /subscriptions/deliver`.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{PutSubscription, answer};
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Declaration};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, Filtered, OfSubscription};
use crate::http::endpoints::seek::seek_to;
use crate::http::endpoints::webhooks::Deliver;
#[cfg(feature = "description")]
use crate::http::endpoints::webhooks::DeliveryRound;
use crate::http::json;
use crate::http::limits::JSON_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::services::subscriptions::Moved;
use crate::sorted::SortedMap;

pub(in crate::http::endpoints) struct PauseSubscription;

impl Endpoint for PauseSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "pauseSubscription",
        methods: &[Method::POST],
        path: "/subscriptions/{id}/pause",
        about: "Delivers nothing until the subscription is resumed",
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
        let view = call.app.services().await?.subscriptions.pause(&id, &grant).await?;
        answer(&call, &view, None, false).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<super::SubscriptionJson>(200, "The subscription as it is now")
            .fails(404, "There is no such subscription")
            .example("/subscriptions/{webhook_id}/pause");
    }
}

pub(in crate::http::endpoints) struct ResumeSubscription;

impl Endpoint for ResumeSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "resumeSubscription",
        path: "/subscriptions/{id}/resume",
        about: "Delivers again, from where a paused or disabled subscription stands",
        ..PauseSubscription::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = call.path_text("id")?;
        let view = call.app.services().await?.subscriptions.resume(&id, &grant).await?;
        answer(&call, &view, None, false).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<super::SubscriptionJson>(200, "The subscription as it is now")
            .fails(404, "There is no such subscription")
            .asks_kafka()
            .example("/subscriptions/{webhook_id}/resume");
    }
}

/// Where to move a subscription: exactly one of `to`, `offsets` and `timestamp`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct SubscriptionSeek<'a> {
    /// All topics, if it is left out.
    topic: Option<String>,
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
struct SubscriptionMoved {
    id: String,
    /// The new positions by topic and partition.
    #[cfg_attr(
        feature = "description",
        schemars(
            with = "std::collections::BTreeMap<String, std::collections::BTreeMap<i32, i64>>"
        )
    )]
    topics: Moved,
}

pub(in crate::http::endpoints) struct SeekSubscription;

impl Endpoint for SeekSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "seekSubscription",
        path: "/subscriptions/{id}/seek",
        about: "Moves a subscription",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..PauseSubscription::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSubscription;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        OfSubscription(grant): OfSubscription,
    ) -> Result<Response, Refusal> {
        let id = call.path_text("id")?;
        let body = call.body().await?;
        let SubscriptionSeek { topic, to, offsets, timestamp } = json::object(&body)?;
        let to = seek_to(to.as_deref(), offsets, timestamp)?;
        let subscriptions = &call.app.services().await?.subscriptions;
        let topics = subscriptions.seek(&id, topic.as_deref(), to, &grant).await?;
        Ok(Response::json(StatusCode::OK, &SubscriptionMoved { id, topics }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<SubscriptionSeek<'_>>()
            .gives::<SubscriptionMoved>(200, "Where the subscription is now")
            .fails(404, "There is no such subscription")
            .fails(422, "The topic is none of the subscription's")
            .asks_kafka()
            .example_with("/subscriptions/{webhook_id}/seek", r#"{"to":"earliest"}"#);
    }
}

/// How a secret is replaced.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct Rotation {
    /// For how many seconds both sign: a day, if it is left out.
    overlap: Option<u64>,
    /// `whsec_…`; the gateway makes one, if it is left out.
    secret: Option<String>,
}

pub(in crate::http::endpoints) struct RotateSubscription;

impl Endpoint for RotateSubscription {
    const DECLARATION: Declaration = Declaration {
        name: "rotateSubscription",
        path: "/subscriptions/{id}/rotate",
        about: "Replaces the keys that sign, and signs with both for a while",
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
        let Rotation { overlap, secret } = match body.trim_ascii().is_empty() {
            true => Rotation::default(),
            false => json::object(&body)?,
        };
        let subscriptions = &call.app.services().await?.subscriptions;
        let rotated = subscriptions.rotate(&id, overlap, secret.as_deref(), &grant).await?;
        answer(&call, &rotated.view, rotated.secret.as_deref(), false).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<Rotation>()
            .gives::<super::SubscriptionJson>(200, "The subscription, with its new secret")
            .fails(404, "There is no such subscription")
            .fails(422, "A field is not taken")
            .example_with("/subscriptions/{webhook_id}/rotate", r#"{"overlap":86400}"#);
    }
}

pub(in crate::http::endpoints) struct DeliverDue;

impl Endpoint for DeliverDue {
    const DECLARATION: Declaration =
        Declaration { name: "deliverDue", path: "/subscriptions/deliver", ..Deliver::DECLARATION };

    type Topics = Filtered;

    fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        filtered: Filtered,
    ) -> impl Future<Output = Result<Response, Refusal>> {
        Deliver::answer(call, filtered)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<DeliveryRound>(
                200,
                "What was done for each subscription on a topic of the caller's",
            )
            .example("/subscriptions/deliver?budget=0");
    }
}

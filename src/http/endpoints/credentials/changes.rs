//! Changing a credential: its end, and its secret.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{CredentialJson, ListCredentials, expires};
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Declaration};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::json;
use crate::http::limits::JSON_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::services::credentials::{Created, DEFAULT_OVERLAP};

/// A JSON merge patch (RFC 7396).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct CredentialPatch<'a> {
    /// When it ends: RFC 3339, or milliseconds since 1970. Null is never.
    #[serde(default, borrow, deserialize_with = "even_null")]
    #[cfg_attr(feature = "description", schemars(with = "Option<serde_json::Value>"))]
    expires: Option<&'a RawValue>,
    /// How many calls in a second its caller may make, counted in each instance. Null is
    /// any number.
    #[serde(default, borrow, deserialize_with = "even_null")]
    #[cfg_attr(feature = "description", schemars(with = "Option<std::num::NonZeroU32>"))]
    rate: Option<&'a RawValue>,
}

/// A field that is there, be it null.
fn even_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct Rotation {
    /// For how many seconds the current secret is accepted beside the new one: 0 to
    /// 2,592,000 (30 days), by default 86,400.
    overlap: Option<u64>,
}

pub(in crate::http::endpoints) struct UpdateCredential;

impl Endpoint for UpdateCredential {
    const DECLARATION: Declaration = Declaration {
        name: "updateCredential",
        methods: &[Method::PATCH],
        path: "/credentials/{name}",
        safe: false,
        about: "Sets when a credential ends, and how often it may call",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..ListCredentials::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        let name = call.path_text("name")?;
        let body = call.body().await?;
        let patch: CredentialPatch<'_> = json::object(&body)?;
        let credentials = call.app.credentials().await?;
        let mut changed = None;
        if let Some(raw) = patch.expires {
            let time = expires(Some(raw).filter(|raw| raw.get() != "null"))?;
            changed = Some(credentials.expire(&name, time).await?);
        }
        if let Some(raw) = patch.rate {
            let rate = kafka_edge_json::from_str(raw.get()).map_err(|_| {
                Error::invalid("rate", "Not a number of calls in a second, from 1 on")
            })?;
            changed = Some(credentials.set_rate(&name, rate).await?);
        }
        let changed = match changed {
            Some(changed) => changed,
            None => credentials.get(&name).await?,
        };
        Ok(Response::json(StatusCode::OK, &CredentialJson::from(changed)))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<CredentialPatch<'_>>()
            .gives::<CredentialJson>(200, "The credential, without its secret")
            .fails(404, "There is no such credential")
            .fails(409, "The credential is one of the configuration's")
            .example_with("/credentials/reader", r#"{"expires":"2030-01-01T00:00:00Z"}"#);
    }
}

pub(in crate::http::endpoints) struct RotateCredential;

impl Endpoint for RotateCredential {
    const DECLARATION: Declaration = Declaration {
        name: "rotateCredential",
        methods: &[Method::POST],
        path: "/credentials/{name}/rotate",
        about: "Gives a credential a new secret, which is shown once; the current one is \
                accepted for a while",
        ..UpdateCredential::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        let name = call.path_text("name")?;
        let body = call.body().await?;
        let rotation = match body.is_empty() {
            true => Rotation::default(),
            false => json::object(&body)?,
        };
        let overlap = rotation.overlap.map_or(DEFAULT_OVERLAP, Duration::from_secs);
        let rotated = call.app.credentials().await?.rotate(&name, overlap).await?;
        let Created { credential, secret } = rotated;
        let secret = Some(secret.reveal().to_owned());
        Ok(Response::json(StatusCode::OK, &CredentialJson { secret, ..credential.into() }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes_optionally::<Rotation>()
            .gives::<CredentialJson>(200, "The credential, with its new secret")
            .fails(404, "There is no such credential")
            .fails(409, "The credential is one of the configuration's")
            .example_with("/credentials/reader/rotate", r#"{"overlap":3600}"#);
    }
}

//! Everything under `/credentials`, for administrators.

mod changes;

use std::num::NonZeroU32;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub(super) use self::changes::{RotateCredential, UpdateCredential};
use crate::access::Permission;
use crate::error::Error;
use crate::host::{Host, Millis};
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::limits::JSON_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::http::{json, time};
use crate::kafka::Log;
use crate::render::timestamp;
use crate::services::credentials::{Created, Listed, Wish};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct NewCredential<'a> {
    name: String,
    /// Of `produce`, `consume`, `webhooks`, `admin` and `metrics`.
    allow: Vec<String>,
    /// Names, or beginnings of names with a `*` behind them.
    #[serde(default)]
    topics: Vec<String>,
    /// When it ends: RFC 3339, or milliseconds since 1970. Without it, never.
    #[serde(borrow)]
    #[cfg_attr(feature = "description", schemars(with = "Option<serde_json::Value>"))]
    expires: Option<&'a RawValue>,
    /// How many calls in a second its caller may make, counted in each instance.
    rate: Option<NonZeroU32>,
}

/// A time in a JSON body, as text or as a number.
fn expires(raw: Option<&RawValue>) -> Result<Option<Millis>, Error> {
    raw.map(|raw| time::parse_field("expires", raw.get().trim_matches('"'))).transpose()
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct CredentialJson {
    name: String,
    /// Only in the answer that makes the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    allow: Vec<String>,
    topics: Vec<String>,
    /// Where it is kept: `variable` or `store`.
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    /// When it ends; null is never.
    expires: Option<String>,
    /// How many calls in a second its caller may make; absent is any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<NonZeroU32>,
    /// Only while the secret before the last rotation is accepted, too: until when,
    /// or null if there is no end to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_expires: Option<Option<String>>,
    /// The day in UTC, or null if it was never used. Absent for a credential of the
    /// variable, of which it is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<Option<String>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct CredentialList {
    credentials: Vec<CredentialJson>,
}

pub(super) struct ListCredentials;

impl Endpoint for ListCredentials {
    const DECLARATION: Declaration = Declaration {
        name: "listCredentials",
        methods: &[Method::GET],
        path: "/credentials",
        caller: Caller::Allowed(Permission::Admin),
        safe: true,
        about: "All credentials, without their secrets",
        query: QueryRule::NONE,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        let credentials = call.app.credentials().await?.list().await?;
        let credentials = credentials.into_iter().map(CredentialJson::from).collect();
        Ok(Response::json(StatusCode::OK, &CredentialList { credentials }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation.gives::<CredentialList>(200, "The credentials").example("/credentials");
    }
}

pub(super) struct CreateCredential;

impl Endpoint for CreateCredential {
    const DECLARATION: Declaration = Declaration {
        name: "createCredential",
        methods: &[Method::POST],
        safe: false,
        about: "Makes a credential; its secret is shown once",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..ListCredentials::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        let body = call.body().await?;
        let new: NewCredential<'_> = json::object(&body)?;
        let expires = expires(new.expires)?;
        let wish =
            Wish { name: new.name, allow: new.allow, topics: new.topics, expires, rate: new.rate };
        let Created { credential, secret } = call.app.credentials().await?.create(wish).await?;
        let secret = Some(secret.reveal().to_owned());
        let created = CredentialJson { secret, ..credential.into() };
        Ok(Response::json(StatusCode::CREATED, &created))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<NewCredential<'_>>()
            .gives::<CredentialJson>(201, "The credential, with its secret")
            .fails(409, "The name is taken, or the maximum number of credentials has been reached")
            .example_with(
                "/credentials",
                r#"{"name":"reader","allow":["consume"],"topics":["orders","logs.*"]}"#,
            );
    }
}

pub(super) struct DeleteCredential;

impl Endpoint for DeleteCredential {
    const DECLARATION: Declaration = Declaration {
        name: "deleteCredential",
        methods: &[Method::DELETE],
        path: "/credentials/{name}",
        safe: false,
        about: "Removes a credential",
        ..ListCredentials::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        let name = call.path_text("name")?;
        call.app.credentials().await?.delete(&name).await?;
        Ok(Response::empty())
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives_nothing("The credential is gone")
            .fails(404, "There is no such credential")
            .fails(409, "The credential is one of the configuration's")
            .example("/credentials/reader");
    }
}

impl From<Listed> for CredentialJson {
    fn from(listed: Listed) -> Self {
        Self {
            name: listed.name.into(),
            secret: None,
            allow: listed.allow.into(),
            topics: listed.topics.into(),
            source: if listed.created.is_some() { "store" } else { "variable" },
            created: listed.created.map(timestamp),
            expires: listed.expires.map(timestamp),
            rate: listed.rate,
            previous_secret_expires: listed
                .has_previous_secret
                .then(|| listed.previous_secret_expires.map(timestamp)),
            last_used: listed.created.map(|_| listed.last_used.map(|day| day.to_string())),
        }
    }
}

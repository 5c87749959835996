//! Everything under `/credentials`, for administrators.

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::access::Permission;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::json;
use crate::http::limits::JSON_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::render::timestamp;
use crate::services::credentials::{Created, Listed, Wish};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct NewCredential {
    name: String,
    /// Of `produce`, `consume`, `webhooks` and `admin`.
    allow: Vec<String>,
    /// Names, or beginnings of names with a `*` behind them.
    #[serde(default)]
    topics: Vec<String>,
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

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        let body = call.body().await?;
        let NewCredential { name, allow, topics } = json::object(&body)
            .map_err(|error| Error::invalid("body", format!("Not a new credential: {error}")))?;
        let wish = Wish { name, allow, topics };
        let Created { credential, secret } = call.app.credentials().await?.create(wish).await?;
        let secret = Some(secret.reveal().to_owned());
        let created = CredentialJson { secret, ..credential.into() };
        Ok(Response::json(StatusCode::CREATED, &created))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<NewCredential>()
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
        }
    }
}

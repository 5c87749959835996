//! The REST API of Upstash Kafka, below `/upstash`, for programs that were
//! written for it: its shapes and its defaults, over our services.
//!
//! It has a base path of its own because some of its paths are also ours and
//! mean something else (`/topics`), and its clients take any base address. The
//! `accept` header makes no difference to an answer.
//!
//! Programs may send whatever Upstash's server accepted. Unknown fields and
//! parameters are therefore ignored here, and waits that are too long are
//! shortened, where our own API refuses them.

pub(super) mod commit;
pub(super) mod consume;
pub(super) mod fetch;
pub(super) mod instances;
mod json;
pub(super) mod metadata;
pub(super) mod produce;
mod record;
pub(super) mod registry;
pub(super) mod webhook;

use http::{Method, StatusCode};
use serde::Serialize;

use super::answer::Response;
use super::endpoint::Call;
use super::refusal::Refusal;
use crate::access::{AllowedTopic, Grant};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::names;

const GET: &[Method] = &[Method::GET];
const GET_OR_POST: &[Method] = &[Method::GET, Method::POST];

/// What a call answers that has nothing to report.
#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct Success {
    result: &'static str,
    status: u16,
}

fn success() -> Response {
    Response::json(StatusCode::OK, &Success { result: "Success", status: 200 })
}

/// The group and the instance that the path names.
fn names<H: Host, L: Log, B>(call: &Call<'_, H, L, B>) -> Result<(String, String)> {
    let name = |field: &'static str| {
        let name = call.path_text(field)?;
        match names::check_group(&name) {
            Ok(()) => Ok(name),
            Err(Error::Invalid { message, .. }) => Err(Error::Invalid { field, message }),
            Err(error) => Err(error),
        }
    };
    Ok((name("consumer_group")?, name("instance")?))
}

/// The topics of these names, each of which the grant has to cover.
fn allowed(
    grant: &Grant,
    names: impl IntoIterator<Item = String>,
) -> Result<Vec<AllowedTopic>, Refusal> {
    names.into_iter().map(|name| Ok(grant.topic(name)?)).collect()
}

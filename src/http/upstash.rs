//! The REST API of Upstash Kafka, under `/upstash`, for programs that were
//! written for it. It has the shapes and defaults of Upstash, and calls our
//! services.
//!
//! It has its own base path because some of its paths, such as `/topics`, mean
//! something else in our API; Upstash clients accept any base address. The
//! `accept` header does not affect the answer.
//!
//! Programs may send anything that Upstash's server accepted. This API
//! therefore ignores unknown fields and parameters and shortens waits that are
//! too long; our own API refuses them.

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
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::names;

const GET: &[Method] = &[Method::GET];
const GET_OR_POST: &[Method] = &[Method::GET, Method::POST];

/// The answer of a call that has nothing to report.
#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct Success {
    result: &'static str,
    status: u16,
}

fn success() -> Response {
    Response::json(StatusCode::OK, &Success { result: "Success", status: 200 })
}

/// The group and the instance in the path.
fn names<H: Host, L: Log, B>(call: &Call<'_, H, L, B>) -> Result<(String, String)> {
    let name = |field: &'static str| {
        let name = call.path_text(field)?;
        match names::check_group(&name) {
            Ok(()) => Ok(name),
            Err(error) => Err(Error::from(match error.into_kind() {
                ErrorKind::Invalid { message, .. } => ErrorKind::Invalid { field, message },
                kind => kind,
            })),
        }
    };
    Ok((name("consumer_group")?, name("instance")?))
}

/// The topics with these names. The grant has to cover each of them.
fn allowed(
    grant: &Grant,
    names: impl IntoIterator<Item = String>,
) -> Result<Vec<AllowedTopic>, Refusal> {
    names.into_iter().map(|name| Ok(grant.topic(name)?)).collect()
}

//! Pages of other origins that call the gateway from a browser (Fetch, "CORS
//! protocol").
//!
//! A page may read an answer only if the gateway says so. But a browser sends many
//! calls without asking first, with the Basic credentials that its user once typed,
//! and here a `GET` may write a record. So such calls are refused.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, ORIGIN, VARY,
};

use super::answer::Response;
use super::declaration::Declaration;
use super::refusal::{Refusal, RefusalKind};
use super::request::Request;
use crate::config::{OriginAccess, Origins};

/// Headers of answers that a page may read, besides those that it always may.
const EXPOSED: &str = "accept-encoding, allow, etag, idempotent-replayed, location, retry-after, \
                       www-authenticate";

/// How long a browser remembers the answer to a preflight, in seconds.
const PREFLIGHT_AGE: &str = "600";

/// Refuses a call that changes something and uses what the browser remembers, if a
/// page of another origin makes it that is not named. Browsers say so in
/// `sec-fetch-site` (Fetch Metadata Request Headers, 2.4), which no page can set:
/// `none` means that the user typed the address. A page of the same site, on another
/// port or subdomain, is as foreign here as any other: Chromium 156 sends it the
/// password all the same.
pub(super) fn check<B>(
    request: &Request<B>,
    declaration: &Declaration,
    origins: &Origins,
) -> Result<(), Refusal> {
    let own = |site: &[u8]| matches!(site.trim_ascii(), b"same-origin" | b"none");
    let foreign = request.header_values("sec-fetch-site").any(|site| !own(site));
    if declaration.safe || !foreign || !is_basic(request) {
        return Ok(());
    }
    let origin = request.header(ORIGIN.as_str());
    match origin.map_or(OriginAccess::None, |origin| origins.access(origin)) {
        OriginAccess::Named => Ok(()),
        OriginAccess::Any | OriginAccess::None => Err(RefusalKind::ForeignPage.into()),
    }
}

fn is_basic<B>(request: &Request<B>) -> bool {
    let mut values = request.header_values(AUTHORIZATION.as_str());
    values.any(|value| {
        value.trim_ascii_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"basic"))
    })
}

/// Adds to an answer what the browser of a page has to know.
pub(super) fn answer<B>(
    request: &Request<B>,
    mut response: Response,
    origins: &Origins,
) -> Response {
    if origins.is_empty() {
        return response;
    }
    if origins.vary() {
        response = response.with_header(VARY, "origin");
    }
    let Some(origin) = request.header(ORIGIN.as_str()) else { return response };
    response = match origins.access(origin) {
        OriginAccess::None => return response,
        OriginAccess::Any => response.with_header(ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        OriginAccess::Named => response
            .with_header(ACCESS_CONTROL_ALLOW_ORIGIN, String::from_utf8_lossy(origin))
            .with_header(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
    };
    let is_preflight = request.method == http::Method::OPTIONS
        && request.header(ACCESS_CONTROL_REQUEST_METHOD.as_str()).is_some();
    if !is_preflight {
        return response.with_header(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    let methods = response.header(&http::header::ALLOW).unwrap_or_default().to_owned();
    response = response
        .with_header(ACCESS_CONTROL_ALLOW_METHODS, methods)
        .with_header(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE)
        .with_header(VARY, ACCESS_CONTROL_REQUEST_HEADERS.as_str());
    match request
        .header(ACCESS_CONTROL_REQUEST_HEADERS.as_str())
        .and_then(|names| header_names(names))
    {
        // Any header of a request may become one of a record.
        Some(headers) => response.with_header(ACCESS_CONTROL_ALLOW_HEADERS, headers),
        None => response,
    }
}

/// A list of header names, if it is nothing else.
fn header_names(list: &[u8]) -> Option<String> {
    let list = std::str::from_utf8(list).ok()?;
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: Option<Vec<_>> =
        names.map(|name| http::HeaderName::from_bytes(name.as_bytes()).ok()).collect();
    let names: Vec<_> = names?.iter().map(|name| name.as_str().to_owned()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

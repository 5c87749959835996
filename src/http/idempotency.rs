//! `Idempotency-Key`, on every call that produces (draft-ietf-httpapi-idempotency-key-
//! header-07).

use http::HeaderName;

use super::answer::Response;
use super::endpoint::Call;
use super::request::Request;
use crate::error::Error;
use crate::host::Host;
use crate::services::produce::once::Once;

pub(super) const NAME: &str = "idempotency-key";

/// The header that tells an answer about an earlier call. The draft has none; this
/// name is Stripe's.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The key of a call. By the draft it is a string of structured fields, in quotes;
/// without them it is taken as it is.
pub(super) fn key<B>(request: &Request<B>) -> Result<Option<String>, Error> {
    let malformed = || Error::invalid(NAME, "Not one key of printable characters");
    let mut values = request.header_values(NAME);
    let Some(value) = values.next() else { return Ok(None) };
    let value = std::str::from_utf8(value).map_err(|_| malformed())?.trim();
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let key = quoted.unwrap_or(value);
    let is_plain = key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if values.next().is_some() || key.is_empty() || !is_plain {
        return Err(malformed());
    }
    Ok(Some(key.to_owned()))
}

impl<H: Host, L, B> Call<'_, H, L, B> {
    /// The caller's key, if there is one.
    pub(super) fn once<'k>(&'k self, key: Option<&'k str>) -> Option<Once<'k>> {
        key.map(|key| Once { key, caller: self.caller.name().unwrap_or_default() })
    }
}

/// Says that an answer is about an earlier call.
pub(super) fn replayed(response: Response, is_repeat: bool) -> Response {
    if is_repeat { response.with_header(REPLAYED, "true") } else { response }
}

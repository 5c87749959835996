//! The strings of records that callers send: text, or base64 with
//! `"encoding":"base64"` beside it. [`crate::render::Text`] writes them.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use crate::error::{Error, Result};

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(inline))]
pub(super) enum Encoding {
    Base64,
}

/// The bytes that a string stands for; `field` is named if it stands for none.
pub(super) fn bytes(
    field: &'static str,
    text: Cow<'_, str>,
    encoding: Option<Encoding>,
) -> Result<Bytes> {
    match encoding {
        None => Ok(text.into_owned().into()),
        Some(Encoding::Base64) => STANDARD
            .decode(text.as_bytes())
            .map(Bytes::from)
            .map_err(|_| Error::invalid(field, "Not base64")),
    }
}

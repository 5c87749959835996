//! What a lane holds, as it lies in the document.
//!
//! The steps of a lane are the same whatever it holds. Kept apart from the
//! type of that, their code is in the component once and not once for each.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::document::Document;
use crate::error::{ErrorKind, Result};

/// JSON that is not looked into.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::state) struct Payload(Box<RawValue>);

impl Payload {
    pub(in crate::state) fn of(value: &impl Serialize) -> Result<Self> {
        serde_json::value::to_raw_value(value).map(Self).map_err(|error| {
            ErrorKind::Store { detail: format!("a document cannot be written: {error}") }.into()
        })
    }

    /// Something that does not parse is an error: whoever took it for nothing
    /// would start afresh and forget all that was done.
    pub(in crate::state) fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.0.get()).map_err(|error| {
            ErrorKind::Store { detail: format!("a document cannot be read: {error}") }.into()
        })
    }
}

impl Document<Payload> {
    pub(super) fn parse<T: DeserializeOwned>(self) -> Result<Document<T>> {
        let Self { version, ticket, upto, held, generation, payload } = self;
        let payload = payload.map(|payload| payload.parse()).transpose()?;
        Ok(Document { version, ticket, upto, held, generation, payload })
    }
}

//! Where to move a group or a webhook, as callers say it.

use serde_json::value::RawValue;

use crate::error::Error;
use crate::http::time;
use crate::services::seek::SeekTo;
use crate::sorted::SortedMap;

pub(super) fn seek_to(
    to: Option<&str>,
    offsets: Option<SortedMap<i32, i64>>,
    timestamp: Option<&RawValue>,
) -> Result<SeekTo, Error> {
    match (to, offsets, timestamp) {
        (Some("earliest"), None, None) => Ok(SeekTo::Earliest),
        (Some("latest"), None, None) => Ok(SeekTo::Latest),
        (Some(_), None, None) => Err(Error::invalid("to", "Neither \"earliest\" nor \"latest\"")),
        (None, Some(offsets), None) if offsets.is_empty() => {
            Err(Error::invalid("offsets", "No partition is named"))
        }
        (None, Some(offsets), None) => Ok(SeekTo::Offsets(offsets)),
        (None, None, Some(raw)) => Ok(SeekTo::Time(time::parse(raw.get().trim_matches('"'))?)),
        _ => {
            let message = "Not exactly one of \"to\", \"offsets\" and \"timestamp\"";
            Err(Error::invalid("body", message))
        }
    }
}

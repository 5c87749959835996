//! Changes of destinations, as far as sources name them.

use super::change::Change;
use super::destination::Dialect;
use super::{Changed, Condition};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::services::Services;

fn in_use(source: &str) -> Error {
    ErrorKind::NameTaken(format!("The source {source} writes to this destination")).into()
}

impl<H: Host, L: Log> Services<H, L> {
    /// Changes the list of destinations. One that a source names cannot be removed, and
    /// keeps the name by which it is named.
    pub async fn change_destination(
        &self,
        reference: &str,
        change: Change<'_>,
        condition: Condition<'_>,
        dialect: Dialect,
    ) -> Result<Changed> {
        let (gone, renamed) = match change {
            Change::Create(_) => (false, None),
            Change::Delete => (true, None),
            Change::Put(json) | Change::Patch(json) => (false, named(json)),
        };
        if (gone || renamed.is_some())
            && let Some((id, name)) = self.destinations.find(reference).await?
            && renamed.is_none_or(|renamed| renamed != *name)
        {
            let by_id = if gone { &*id } else { "" };
            if let Some(source) = self.sources.with_destination(&name, by_id).await? {
                return Err(in_use(&source));
            }
        }
        self.destinations.change(reference, change, condition, dialect).await
    }
}

/// The name that a change gives.
fn named(json: &[u8]) -> Option<String> {
    let json: serde_json::Value = kafka_edge_json::from_slice(json).ok()?;
    json.get("name")?.as_str().map(str::to_owned)
}

//! Marks: acknowledgements of claimed records, before they are part of a
//! position.
//!
//! Writing a mark needs no lane. Each mark has its own key, which the instance
//! that gets the acknowledgement writes once, so no other write can overwrite
//! it. The next holder of the lane folds it into the lane's document, and only
//! then deletes it.

use serde::{Deserialize, Serialize};

use crate::concurrent::join_bounded;
use crate::error::Result;
use crate::host::{Millis, Store};
use crate::state::keys::LaneName;
use crate::state::store;
use crate::state::stored::stored;

/// The acknowledgement of a claimed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum Mark {
    /// The record is done.
    #[serde(rename = "a")]
    Acked,
    /// The record is to be handed out again, at this time or later.
    #[serde(rename = "n")]
    Nacked { due: Millis },
}

stored!(Mark, "an acknowledgement");

/// The offset and the nonce of a claim, which name its mark.
pub type Marked = (i64, String);

pub async fn get(
    host: &impl Store,
    lane: &LaneName,
    offset: i64,
    nonce: &str,
) -> Result<Option<Mark>> {
    store::get(host, &lane.mark(offset, nonce)).await
}

/// After an error the mark may or may not have been written.
pub async fn set(
    host: &impl Store,
    lane: &LaneName,
    offset: i64,
    nonce: &str,
    mark: Mark,
) -> Result<()> {
    store::set(host, &lane.mark(offset, nonce), &mark).await
}

/// Deletes marks that are no longer needed. A mark that remains only takes a
/// little space in the store.
pub async fn delete(host: &impl Store, lane: &LaneName, marked: &[Marked]) {
    let delete =
        async |(offset, nonce): &Marked| store::delete(host, &lane.mark(*offset, nonce)).await;
    join_bounded(marked.iter().map(delete)).await;
}

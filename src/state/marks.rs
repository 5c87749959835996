//! Marks: what became of records that were claimed, told by whoever was told.
//!
//! A mark needs no lane. Each has a key of its own, written once by whichever
//! instance gets the acknowledgement, so none can be lost to another's write.
//! The next holder of the lane folds it into the lane's document, and deletes
//! it only then.

use serde::{Deserialize, Serialize};

use crate::concurrent::join_bounded;
use crate::error::Result;
use crate::host::{Millis, Store};
use crate::state::keys::LaneName;
use crate::state::store;
use crate::state::stored::stored;

/// What became of a claimed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum Mark {
    /// It is done with.
    #[serde(rename = "a")]
    Acked,
    /// It is to be handed out again, at this time or later.
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

/// An error means that the mark may be there or not.
pub async fn set(
    host: &impl Store,
    lane: &LaneName,
    offset: i64,
    nonce: &str,
    mark: Mark,
) -> Result<()> {
    store::set(host, &lane.mark(offset, nonce), &mark).await
}

/// Deletes marks that nobody needs any more. One that stays costs a little
/// room in the store, and nothing else.
pub async fn delete(host: &impl Store, lane: &LaneName, marked: &[Marked]) {
    let delete =
        async |(offset, nonce): &Marked| store::delete(host, &lane.mark(*offset, nonce)).await;
    join_bounded(marked.iter().map(delete)).await;
}

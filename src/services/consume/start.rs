//! Where a group begins on a topic, written once for all of its partitions.
//!
//! A partition's lane without a document begins where this says. It has a lane of its
//! own, and a turn with one write. Only the first ticket of that lane, or the one right
//! after a delete, may choose the ends: anybody later may follow somebody who began
//! and died, and the ends could pass over what that one left.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StartFrom;
use crate::error::{ErrorKind, Result};
use crate::host::{Clock, Store};
use crate::services::ends::untold;
use crate::sorted::SortedMap;
use crate::state::keys::LaneName;
use crate::state::lane::{Document, Lane, Origin, Params, Take, Written};
use crate::state::stored::stored;

/// The offset of the first record of each partition; a partition that is not here
/// begins at the first record there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(in crate::services) struct Start {
    #[serde(rename = "o", default, skip_serializing_if = "SortedMap::is_empty")]
    offsets: SortedMap<i32, i64>,
}

stored!(Start, "where a group begins");

impl Start {
    pub(in crate::services) fn of(&self, partition: i32) -> i64 {
        self.offsets.get(&partition).copied().unwrap_or(0)
    }

    /// Where the group was told to begin; `None` for the first record there is.
    pub(in crate::services) fn chosen(&self, partition: i32) -> Option<i64> {
        self.offsets.get(&partition).copied()
    }
}

pub(in crate::services) fn lane<H: Store + Clock + Clone>(
    host: &H,
    group: &str,
    topic: &str,
    params: Params,
) -> Result<Lane<H, Start>> {
    Ok(Lane::new(host.clone(), LaneName::start(group, topic)?, params))
}

/// What is known of a group's start.
pub(super) enum Begun {
    /// It is written.
    Known(Start),
    /// Another instance is about to write it.
    Busy { retry_in: Duration },
}

/// The start of a group, which is written if it is not there yet. `ends` are the ends
/// of all partitions if the server reports them, as they were before this call.
pub(super) async fn begin<H: Store + Clock>(
    lane: &Lane<H, Start>,
    from: StartFrom,
    ends: Option<SortedMap<i32, i64>>,
) -> Result<Begun> {
    if from == StartFrom::Latest && ends.is_none() {
        // Nobody draws a ticket without what is to be written with it.
        let start = lane.peek().await?.and_then(|(_, document)| document.payload);
        return start.map(Begun::Known).ok_or_else(untold);
    }
    let is_missing = |document: Option<&Document<Start>>| {
        document.is_none_or(|document| document.payload.is_none())
    };
    let choose = async |origin| match (origin, from) {
        (Origin::New, StartFrom::Latest) => Ok(Start { offsets: ends.unwrap_or_default() }),
        _ => Ok(Start::default()),
    };
    match lane.take_when(is_missing, choose).await? {
        Take::Busy { retry_in } => Ok(Begun::Busy { retry_in }),
        Take::Unworthy(document) => {
            let start = document.and_then(|document| document.payload);
            start.map(Begun::Known).ok_or_else(|| {
                ErrorKind::Store { detail: "where a group begins cannot be read".into() }.into()
            })
        }
        Take::Held(held) => {
            let start = held.payload().clone();
            match held.release(start.clone()).await? {
                Written::Kept => Ok(Begun::Known(start)),
                Written::Lost => Ok(Begun::Busy { retry_in: Duration::ZERO }),
            }
        }
    }
}

//! Since when records wait that nobody has tried to deliver: by the time of the oldest one.

use std::time::Duration;

use super::context::DeliveryContext;
use super::delivery_state::DeliveryState;
use crate::concurrent::join_bounded;
use crate::host::Host;
use crate::kafka::{Fetch, Log};

/// How many records one call reads to learn their times.
const MAX_DATED: usize = 16;

/// A partition as a subscription stands in it: topic, number, end and state.
pub(super) type Undated<'a> = (&'a str, i32, &'a mut Option<i64>, &'a mut DeliveryState);

/// Gives states of which nobody has noted since when they wait the times of the records at
/// their positions, where the log reads times; where there is no record, the end is put
/// there. Of those that need it only the first few.
pub(super) async fn date<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    lanes: Vec<Undated<'_>>,
) {
    let is_undated = |(.., end, state): &Undated<'_>| {
        state.oldest.is_none() && end.is_some() && !state.is_at(**end)
    };
    let undated: Vec<_> = lanes.into_iter().filter(is_undated).take(MAX_DATED).collect();
    let can = match undated.is_empty() {
        true => return,
        false => context.log.capabilities().await,
    };
    if !can.is_ok_and(|can| can.timestamps) {
        return;
    }
    let reads = undated.into_iter().map(async |(topic, partition, end, state)| {
        let offset = state.position();
        let (max_records, max_bytes, wait, place) = (1, 1, Duration::ZERO, None);
        let fetch =
            Fetch { topic, partition, offset, place, max_records, max_bytes, end: *end, wait };
        // Whatever fails here waits all the same.
        if let Ok(fetched) = context.log.fetch(fetch).await {
            match fetched.records.first() {
                Some(record) => state.oldest = record.timestamp,
                None => *end = Some(offset),
            }
        }
    });
    join_bounded(reads).await;
}

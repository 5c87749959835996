//! Records that are delivered together: in the order of their partition, one batch after
//! the other. A batch that failed is tried again as it was, under the same id.

use std::time::Duration;

use super::{Begun, Event, Stop, Turn};
use crate::concurrent::Running;
use crate::host::Host;
use crate::kafka::Log;
use crate::services::subscriptions::job::JobEnd;
use crate::services::subscriptions::retry::millis;

/// The most records of a batch, whatever is set.
pub(in crate::services::subscriptions) const MAX_RECORDS: u32 = 1_000;

impl<'a, H: Host, L: Log> Turn<'a, H, L> {
    pub(super) async fn begin_batch(
        &mut self,
        running: &mut Running<'a, Event>,
    ) -> Result<Begun, Stop> {
        let batch = self.prepared.settings().batch.clone();
        let Some(first) = self.pool.first() else { return Ok(Begun::No) };
        let last = self.state.waiting(first.offset).last;
        let most = batch.records.clamp(1, MAX_RECORDS) as usize;
        let (mut count, mut bytes) = (0, 0);
        let mut is_whole = false;
        while count < self.pool.len() {
            let pooled = &self.pool[count];
            if last.is_some_and(|last| pooled.offset > last) {
                is_whole = true;
                break;
            }
            // Dead letters of several topics make no batch.
            let is_other = pooled.topic != self.pool[0].topic;
            let waits_apart = count > 0 && self.state.waiting(pooled.offset).due != 0;
            if (is_other || waits_apart) && count > 0 {
                is_whole = true;
                break;
            }
            if !self.shape(count, running).await? {
                // Of the first one the batch is another one now; a dead letter under way
                // has to be confirmed before those behind it are delivered.
                if count == 0 || !self.under_way.is_empty() {
                    return Ok(Begun::Passed);
                }
                continue;
            }
            let size = self.pool[count].item.size();
            if last.is_none() && count > 0 && bytes + size > batch.bytes as usize {
                is_whole = true;
                break;
            }
            (count, bytes) = (count + 1, bytes + size);
            if last.is_none() && count == most {
                is_whole = true;
                break;
            }
        }
        if count == 0 {
            return Ok(Begun::Passed);
        }
        let is_end = self.is_at_end || last.is_some_and(|last| self.cursor > last);
        if !is_whole && !is_end {
            let begun = self.begin_read(running);
            if !matches!(begun, Begun::No) || self.is_reading {
                return Ok(begun);
            }
        }
        if !is_whole && last.is_none() {
            // More may come until the first one is old enough.
            let age = Duration::try_from_secs_f64(batch.age).unwrap_or_default();
            let time = self.pool[0].item.record.timestamp;
            let now = self.context.host.now();
            let since = time.or(self.state.oldest).unwrap_or(now);
            let until = since.saturating_add(millis(age));
            if now < until && until.saturating_sub(now) <= millis(age) {
                self.state.oldest.get_or_insert(since);
                return Ok(self.stop_with(JobEnd::Waiting { until, to: self.cursor }));
            }
        }
        let may = self.may_attempt(running).await?;
        if matches!(may, Begun::Yes) {
            let pooled = self.pool.drain(..count).collect();
            self.attempt(pooled, running);
        }
        Ok(may)
    }
}

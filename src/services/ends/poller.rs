//! A caller that waits for the ends of some topics to move.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::{Ends, Look, SeenEnds};
use crate::concurrent::try_join_bounded;
use crate::error::Result;
use crate::host::{Host, Limit};
use crate::kafka::Log;
use crate::limits;
use crate::sorted::SortedMap;

/// The pauses between two looks: short at first, then longer, so that a long
/// wait does not load the server.
const FIRST_ENDS_PAUSE: Duration = Duration::from_millis(20);
const MAX_ENDS_PAUSE: Duration = Duration::from_millis(200);

/// A look may take one call of the server for each partition. So topics with
/// many partitions are looked at less often, but at least once a second.
const ENDS_PAUSE_PER_PARTITION: Duration = Duration::from_millis(10);
const MAX_ENDS_PAUSE_OF_MANY: Duration = Duration::from_secs(1);

/// Where an execution may send only so many requests, the looks after the first one use one
/// part of this many in the longest wait: the rest is for records, and for what else the
/// caller needs.
const PART_OF_CALLS: u32 = 2;

/// Polls the ends of some topics, and shares its looks with other callers.
pub struct EndPoller<H: Host, L> {
    ends: Rc<Ends<H, L>>,
    topics: Vec<Rc<str>>,
    looks: SortedMap<Rc<str>, Look>,
    partitions: u32,
    pause: Duration,
}

impl<H: Host, L: Log> EndPoller<H, L> {
    pub fn new(ends: Rc<Ends<H, L>>, topics: Vec<Rc<str>>) -> Self {
        Self { ends, topics, looks: SortedMap::new(), partitions: 0, pause: FIRST_ENDS_PAUSE }
    }

    /// Requires a look that begins after this call, because a caller has just
    /// asked.
    pub fn renew(&mut self) {
        self.looks.clear();
    }

    /// The current ends, by topic. They are newer than those of the last look,
    /// and include what was written through this instance.
    pub async fn look(&mut self) -> Result<Vec<(Rc<str>, Rc<SeenEnds>)>> {
        let now = self.ends.last.get();
        let looks = self.topics.iter().map(async |topic| {
            let last = self.looks.get(topic).copied().unwrap_or(now);
            let (look, seen) = self.ends.after(topic, last).await?;
            Ok::<_, crate::error::Error>((topic.clone(), look, seen))
        });
        let looks = try_join_bounded(looks).await?;
        self.looks = looks.iter().map(|(topic, look, _)| (topic.clone(), *look)).collect();
        let seen: Vec<_> = looks.into_iter().map(|(topic, _, seen)| (topic, seen)).collect();
        self.partitions = seen.iter().map(|(_, seen)| seen.partitions.unsigned_abs()).sum();
        Ok(seen)
    }

    /// There were records, so more may come soon.
    pub fn quicken(&mut self) {
        self.pause = FIRST_ENDS_PAUSE;
    }

    /// Sleeps until the next look, and no longer than the given time.
    pub async fn rest(&mut self, longest: Duration) {
        let pause = match self.ends.host.capabilities().outbound_calls {
            Limit::None => self.pause,
            Limit::AtMost(calls) => self.pause_of_few(calls),
        };
        let written = self.ends.sleep(&self.looks, pause.min(longest)).await;
        self.pause = if written { FIRST_ENDS_PAUSE } else { self.next_pause() };
    }

    fn next_pause(&self) -> Duration {
        let of_many = ENDS_PAUSE_PER_PARTITION.saturating_mul(self.partitions);
        (self.pause * 3 / 2).min(of_many.clamp(MAX_ENDS_PAUSE, MAX_ENDS_PAUSE_OF_MANY))
    }

    /// The pause where an execution may send only so many requests.
    fn pause_of_few(&self, calls: u32) -> Duration {
        let of_look = self.partitions.max(1).saturating_mul(PART_OF_CALLS);
        limits::WAIT.saturating_mul(of_look) / calls.max(1)
    }
}

impl<H: Host, L> fmt::Debug for EndPoller<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndPoller").field("topics", &self.topics).finish_non_exhaustive()
    }
}

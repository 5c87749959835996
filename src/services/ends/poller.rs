//! One who waits at the ends of some topics.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::{Ends, Look, SeenEnds};
use crate::concurrent::try_join_bounded;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;
use crate::sorted::SortedMap;

/// Between two looks: short at first, then longer, so that a long wait does
/// not hammer the server.
const FIRST_ENDS_PAUSE: Duration = Duration::from_millis(20);
const MAX_ENDS_PAUSE: Duration = Duration::from_millis(200);

/// A look may cost the server a call for each partition: where there are many
/// of them it is made less often, though once in a second.
const ENDS_PAUSE_PER_PARTITION: Duration = Duration::from_millis(10);
const MAX_ENDS_PAUSE_OF_MANY: Duration = Duration::from_secs(1);

/// Looks at the ends of some topics again and again, together with all others
/// who do.
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

    /// Only what is seen from now on will do: somebody has asked just now.
    pub fn renew(&mut self) {
        self.looks.clear();
    }

    /// What is there now, by topic. It is newer than what the last look
    /// showed, and includes what was written through this instance.
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

    /// Something was there: more may come soon.
    pub fn quicken(&mut self) {
        self.pause = FIRST_ENDS_PAUSE;
    }

    /// Rests until it is time for another look, and no longer than that.
    pub async fn rest(&mut self, longest: Duration) {
        let written = self.ends.sleep(&self.looks, self.pause.min(longest)).await;
        self.pause = if written { FIRST_ENDS_PAUSE } else { self.next_pause() };
    }

    fn next_pause(&self) -> Duration {
        let of_many = ENDS_PAUSE_PER_PARTITION.saturating_mul(self.partitions);
        (self.pause * 3 / 2).min(of_many.clamp(MAX_ENDS_PAUSE, MAX_ENDS_PAUSE_OF_MANY))
    }
}

impl<H: Host, L> fmt::Debug for EndPoller<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndPoller").field("topics", &self.topics).finish_non_exhaustive()
    }
}

//! Where a group's records are worth looking for: advice, and never the truth.
//!
//! One value for a group and a topic says of each partition from which offset on nobody
//! has taken records, as somebody once saw it, and when a record comes free. Positions
//! only grow, so that it is a lower bound: a partition whose end is not beyond it needs
//! no look. It is written without a turn, by whoever found nothing where it promised
//! something, by a seek and by an early give-back. What two writers lose of it costs
//! time and no record, because whoever finds nothing also looks at a partition itself,
//! another one each time, and corrects what hides its records.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::host::{Clock, Millis, Store};
use crate::sorted::SortedMap;
use crate::state::keys::{Key, group_advice};
use crate::state::stored::stored;
use crate::state::{delete, get, set};

/// By partition. A missing partition means: look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(in crate::services) struct Advice(pub(super) SortedMap<i32, Advised>);

/// The first offset that nobody has taken, and when something that was taken comes
/// free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::services) struct Advised(
    pub(in crate::services) i64,
    pub(in crate::services) Option<Millis>,
);

stored!(Advice, "where a group may have records");

impl Advice {
    /// `None` if nobody has written it: the group may be new.
    pub(in crate::services) async fn read(
        host: &(impl Store + Clock),
        group: &str,
        topic: &str,
    ) -> Result<Option<Self>> {
        get(host, &key(group, topic)?).await
    }

    /// Failures cost others a look.
    pub(in crate::services) async fn write(
        &self,
        host: &(impl Store + Clock),
        group: &str,
        topic: &str,
    ) {
        if let Ok(key) = key(group, topic) {
            let _ = set(host, &key, self).await;
        }
    }

    /// Makes sure that it does not promise less of these partitions than there is now:
    /// something was given back, or the group was moved back. Without it others see the
    /// records a little later, so that a failure is none of the caller's.
    pub(in crate::services) async fn lower(
        host: &(impl Store + Clock),
        group: &str,
        topic: &str,
        places: impl IntoIterator<Item = (i32, Advised)>,
    ) {
        let mut places = places.into_iter().peekable();
        if places.peek().is_none() {
            return;
        }
        let Ok(Some(mut advice)) = Self::read(host, group, topic).await else { return };
        let mut is_lowered = false;
        for (partition, Advised(next, free_at)) in places {
            let Some(known) = advice.0.get_mut(&partition) else { continue };
            let frees_earlier = free_at.is_some_and(|at| known.1.is_none_or(|known| known > at));
            if known.0 > next || frees_earlier {
                *known = Advised(known.0.min(next), known.1.into_iter().chain(free_at).min());
                is_lowered = true;
            }
        }
        if is_lowered {
            advice.write(host, group, topic).await;
        }
    }

    pub(in crate::services) async fn delete(
        host: &(impl Store + Clock),
        group: &str,
        topic: &str,
    ) -> Result<()> {
        delete(host, &key(group, topic)?).await
    }

    /// Corrects what it says of some partitions, as somebody just saw them.
    pub(in crate::services) async fn correct(
        host: &(impl Store + Clock),
        group: &str,
        topic: &str,
        seen: impl IntoIterator<Item = (i32, Advised)>,
    ) -> Result<()> {
        let mut advice = Self::read(host, group, topic).await?.unwrap_or_default();
        for (partition, advised) in seen {
            advice.0.insert(partition, advised);
        }
        advice.write(host, group, topic).await;
        Ok(())
    }
}

fn key(group: &str, topic: &str) -> Result<Key<Advice>> {
    group_advice(group, topic)
}

//! How far groups are, for metrics: from the documents of their positions, for a number of
//! partitions that has an end.

use super::Groups;
use crate::access::Grant;
use crate::concurrent::join_bounded;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;

/// A group on a topic, all partitions together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFigures {
    pub group: String,
    pub topic: String,
    /// Records that are not done yet; `None` where the server gives no end.
    pub lag: Option<i64>,
    pub claimed: u64,
    /// Those of them whose lease lasts.
    pub acquired: u64,
    pub rejected: u64,
    pub given_up: u64,
    /// On how many partitions the group gets nothing until it is moved.
    pub beyond_end: u64,
}

/// What was looked at, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllFigures {
    pub groups: Vec<GroupFigures>,
    /// Partitions of groups that were looked at.
    pub lanes: usize,
    /// Groups on topics that were not, because there are too many.
    pub left_out: usize,
    /// Groups on topics whose documents or partitions could not be read.
    pub failed: usize,
}

impl<H: Host, L: Log> Groups<H, L> {
    /// The figures of the groups on the caller's topics that are chosen, in the order of
    /// their names, and of at most this many partitions.
    pub async fn figures(
        &self,
        grant: &Grant,
        is_chosen: &dyn Fn(&str, &str) -> bool,
        most_lanes: usize,
    ) -> Result<AllFigures> {
        let mut all = AllFigures::default();
        let mut looked_at = Vec::new();
        for (group, topics) in self.list.all().await? {
            for topic in topics {
                if !grant.covers(&topic) || !is_chosen(&group, &topic) {
                    continue;
                }
                if all.lanes >= most_lanes {
                    all.left_out += 1;
                    continue;
                }
                match self.log.topic(&topic).await {
                    Ok(known) if all.lanes + known.partitions as usize > most_lanes => {
                        all.left_out += 1;
                    }
                    Ok(known) => {
                        all.lanes += known.partitions as usize;
                        looked_at.push((group.clone(), topic));
                    }
                    Err(_) => all.failed += 1,
                }
            }
        }
        let figures = looked_at.iter().map(|(group, topic)| self.figures_of(group, topic));
        for figures in join_bounded(figures).await {
            match figures {
                Ok(figures) => all.groups.push(figures),
                Err(_) => all.failed += 1,
            }
        }
        Ok(all)
    }

    async fn figures_of(&self, group: &str, topic: &str) -> Result<GroupFigures> {
        let mut figures = GroupFigures {
            group: group.to_owned(),
            topic: topic.to_owned(),
            lag: None,
            claimed: 0,
            acquired: 0,
            rejected: 0,
            given_up: 0,
            beyond_end: 0,
        };
        for standing in self.standings(group, topic).await? {
            if let Some(lag) = standing.lag {
                *figures.lag.get_or_insert(0) += lag;
            }
            figures.claimed += standing.claimed as u64;
            figures.acquired += standing.tally.acquired as u64;
            figures.rejected += standing.tally.rejected;
            figures.given_up += standing.tally.given_up;
            figures.beyond_end += u64::from(standing.beyond_end);
        }
        Ok(figures)
    }
}

//! The survey: which partitions are worth taking, by the positions of a group
//! and the ends of the log, as this instance knows them. The partitions of all
//! topics that are read together have consecutive numbers.

use std::time::Duration;

use super::owner::Owner;
use super::position::Position;
use crate::host::Millis;

#[derive(Debug, Clone, Default)]
pub(super) struct SurveyedPartition {
    /// `None` before the first look, and for a group without a position.
    known: Option<Known>,
    /// Where a group without a position begins.
    start: i64,
    end: End,
    /// A read from the first offset found nothing, although the end was at the
    /// second one: the last offsets of a partition can be compacted away, or
    /// belong to no record.
    drained: Option<(i64, End)>,
}

/// What is known of the end of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum End {
    /// Nobody has asked yet: asking costs less than a read that finds nothing, for which
    /// the partition would have to be taken.
    #[default]
    NotAsked,
    /// The server does not report it, so that it has to be read.
    Untold,
    /// The offset of the next record to be written, or more.
    At(i64),
}

/// What a group's position means for a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// The offset of the next read.
    pub(super) next: i64,
    /// When a claimed record can be handed out again.
    pub(super) free_at: Option<Millis>,
    /// No more records can be claimed.
    pub(super) full: bool,
}

impl Known {
    /// `margin` allows for differing clocks and stale reads, and `max_claimed` records
    /// can be claimed at most.
    pub(super) fn of(
        position: &Position,
        owner: Option<&Owner>,
        max_claimed: usize,
        margin: Duration,
        now: Millis,
    ) -> Self {
        let margin = Millis::try_from(margin.as_millis()).unwrap_or(Millis::MAX);
        let claims = &position.claims;
        let taken = |owner| claims.held_by_others(owner, now, margin);
        Self {
            next: position.next,
            free_at: claims.next_free(margin),
            full: claims.is_full(max_claimed) || owner.is_some_and(taken),
        }
    }
}

/// All partitions, as they are known for a group.
#[derive(Debug, Default)]
pub(super) struct Survey {
    partitions: Vec<SurveyedPartition>,
    /// The partition with which the next round begins, so that none starves.
    first: usize,
}

impl Survey {
    /// `first` makes instances that start at the same time begin with different
    /// partitions.
    pub(super) fn starting_at(first: usize) -> Self {
        Self { partitions: Vec::new(), first }
    }

    /// Sets the number of partitions, which never decreases.
    pub(super) fn set_partitions(&mut self, count: usize) {
        self.partitions.resize_with(count, SurveyedPartition::default);
    }

    /// `None` if the server does not report it.
    pub(super) fn set_end(&mut self, partition: usize, end: Option<i64>) {
        self.partitions[partition].end = end.map_or(End::Untold, End::At);
    }

    pub(super) fn set_start(&mut self, partition: usize, start: i64) {
        self.partitions[partition].start = start;
    }

    pub(super) fn end(&self, partition: usize) -> Option<i64> {
        self.partitions[partition].end.offset()
    }

    /// The position, and an end that was looked at after it, if both are known.
    pub(super) fn position_and_end(&self, partition: usize) -> Option<(i64, i64)> {
        let SurveyedPartition { known, end, .. } = &self.partitions[partition];
        Some(((*known)?.next, end.offset()?))
    }

    pub(super) fn set_known(&mut self, partition: usize, known: Option<Known>) {
        self.partitions[partition].known = known;
    }

    /// Nothing is known of the partition any more but its end.
    pub(super) fn forget(&mut self, partition: usize) {
        let known = &mut self.partitions[partition];
        *known = SurveyedPartition { end: known.end, ..SurveyedPartition::default() };
    }

    /// A read of the partition found nothing; the next read is at `next`.
    pub(super) fn set_drained(&mut self, partition: usize, next: i64) {
        let known = &mut self.partitions[partition];
        known.drained = Some((next, known.end));
    }

    /// What is known of a partition, for whoever looks at it later.
    pub(super) fn partition(&self, partition: usize) -> SurveyedPartition {
        self.partitions[partition].clone()
    }

    /// How many records there are to read, as far as that is known.
    pub(super) fn expected(&self, partition: usize) -> usize {
        let SurveyedPartition { known, start, end, .. } = &self.partitions[partition];
        let next = known.map_or(*start, |known| known.next);
        end.offset().map_or(usize::MAX, |end| usize::try_from(end - next).unwrap_or(0))
    }

    pub(super) fn known(&self, partition: usize) -> Option<Known> {
        self.partitions[partition].known
    }

    /// The partitions that have, or may have, records, in the order in which to
    /// try them.
    pub(super) fn worth_taking(&self, now: Millis) -> Vec<usize> {
        let count = self.partitions.len();
        (0..count)
            .map(|step| (self.first + step) % count)
            .filter(|&index| self.partitions[index].may_have_records(now))
            .collect()
    }

    /// Makes the next round begin after `partition`.
    pub(super) fn served(&mut self, partition: usize) {
        self.first = partition + 1;
    }

    /// Makes the next round begin with `partition`.
    pub(super) fn begin_with(&mut self, partition: usize) {
        self.first = partition;
    }
}

impl End {
    fn offset(self) -> Option<i64> {
        match self {
            Self::At(end) => Some(end),
            _ => None,
        }
    }
}

impl SurveyedPartition {
    /// Whether it would be worth taking if this were known of it.
    pub(super) fn would_be_worth(self, known: Known, now: Millis) -> bool {
        Self { known: Some(known), ..self }.may_have_records(now)
    }

    fn may_have_records(&self, now: Millis) -> bool {
        let (next, free_at, full) = match self.known {
            Some(Known { next, free_at, full }) => (next, free_at, full),
            None => (self.start, None, false),
        };
        let drained = self.drained == Some((next, self.end));
        let unread = !drained
            && match self.end {
                End::At(end) => end > next,
                End::Untold => true,
                End::NotAsked => false,
            };
        free_at.is_some_and(|free_at| free_at < now) || (unread && !full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(ends: [Option<i64>; 3]) -> Survey {
        let mut survey = Survey::starting_at(4);
        survey.set_partitions(3);
        for (partition, end) in ends.into_iter().enumerate() {
            survey.set_end(partition, end);
        }
        survey
    }

    fn at(next: i64) -> Option<Known> {
        Some(Known { next, free_at: None, full: false })
    }

    #[test]
    fn claimed_records_make_a_partition_worth_taking_when_they_are_free() {
        let mut survey = survey([Some(5), Some(0), Some(0)]);
        survey.set_known(0, Some(Known { next: 5, free_at: Some(100), full: false }));
        assert!(survey.worth_taking(100).is_empty());
        assert_eq!(survey.worth_taking(101), [0]);
        survey.set_known(0, Some(Known { next: 3, free_at: Some(100), full: true }));
        assert!(survey.worth_taking(100).is_empty(), "no more can be claimed");
        assert_eq!(survey.worth_taking(101), [0]);
    }

    #[test]
    fn partitions_with_records_beyond_the_position_are_tried_in_turn() {
        let mut survey = survey([Some(5), Some(5), Some(0)]);
        assert_eq!(survey.worth_taking(0), [1, 0], "the round begins at 4 mod 3");
        survey.set_known(1, at(5));
        assert_eq!((survey.expected(0), survey.expected(1)), (5, 0));
        assert_eq!(survey.worth_taking(0), [0]);
        survey.set_end(1, Some(6));
        survey.set_end(2, Some(1));
        assert_eq!(survey.worth_taking(0), [1, 2, 0]);
        survey.served(1);
        assert_eq!(survey.worth_taking(0), [2, 0, 1]);
    }

    #[test]
    fn a_partition_that_read_empty_is_not_tried_again_until_its_end_moves() {
        let mut survey = survey([Some(5), Some(0), Some(0)]);
        survey.set_known(0, at(3));
        survey.set_drained(0, 3);
        assert!(survey.worth_taking(0).is_empty());
        survey.set_end(0, Some(6));
        assert_eq!(survey.worth_taking(0), [0]);
        survey.set_drained(0, 3);
        survey.set_known(0, at(1));
        assert_eq!(survey.worth_taking(0), [0], "the group was moved back");
    }

    #[test]
    fn where_the_server_tells_no_ends_every_partition_may_have_records() {
        let mut survey = survey([None; 3]);
        assert_eq!(survey.worth_taking(0), [1, 2, 0]);
        survey.set_known(0, at(3));
        assert!(survey.known(0).is_some() && survey.known(1).is_none());
    }

    #[test]
    fn before_the_ends_are_asked_for_nothing_is_tried() {
        let mut survey = Survey::starting_at(0);
        survey.set_partitions(1);
        assert!(survey.worth_taking(0).is_empty());
        survey.set_end(0, Some(3));
        assert_eq!((survey.worth_taking(0), survey.expected(0)), (vec![0], 3));
    }
}

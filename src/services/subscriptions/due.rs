//! Which jobs of a topic are due: advice, as a group's is
//! ([`advice`](crate::services::consume::advice)), and never the truth.
//!
//! One value for a topic says of each partition up to where all of its subscriptions
//! have delivered, and names those that wait for a time, or whose callback is left alone. So a round costs by
//! what is due, and not by how many subscriptions there are. Positions only grow, except
//! by a seek, which sets the value to nothing, as a registration does. What two writers lose of
//! it costs time and no delivery: each round looks at one of the jobs that are not due all
//! the same.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::breaker::{Hold, Stance};
use super::job::{Job, JobEnd, JobReport};
use super::retry;
use crate::error::Result;
use crate::host::{Host, Millis};
use crate::random;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::keys::{Key, topic_advice};
use crate::state::stored::{is_default, stored};
use crate::state::{get, set};

/// Below this number of jobs, looking at each costs no more than the advice.
const MIN_JOBS: usize = 4;

/// One round of so many reads subscriptions that have nothing to do, in case what they have
/// else is not noted.
const THOROUGH: usize = 8;

/// How many subscriptions of a partition may be named; with more of them waiting, nothing
/// is said of it.
const MAX_NAMED: usize = 100;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct Due {
    /// A missing partition means: look at all.
    #[serde(rename = "p", default, skip_serializing_if = "SortedMap::is_empty")]
    partitions: SortedMap<i32, Partition>,
    /// By the ids of subscriptions.
    #[serde(rename = "h", default, skip_serializing_if = "SortedMap::is_empty")]
    holds: SortedMap<String, Hold>,
    /// Ids of subscriptions that have records sent once more.
    #[serde(rename = "r", default, skip_serializing_if = "SortedSet::is_empty")]
    runs: SortedSet<String>,
    /// Not 0: somebody has begun, moved or changed something since the last round. Two that
    /// do so are told apart.
    #[serde(rename = "f", default, skip_serializing_if = "is_default")]
    forgotten: u32,
}

stored!(often Due, "what is due of a topic's webhooks");

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Partition {
    /// All subscriptions have delivered what is below, but for those that are named.
    #[serde(rename = "n")]
    next: i64,
    /// By id: nothing below this offset is to be done before this time.
    #[serde(rename = "w", default, skip_serializing_if = "SortedMap::is_empty")]
    waiting: SortedMap<String, (i64, Millis)>,
}

/// The jobs of one topic, and what was known of them.
pub(super) struct Planned {
    pub(super) due: Vec<Job>,
    /// Those that wait for another attempt.
    pub(super) waiting: Vec<(Job, Millis)>,
    known: Due,
    /// There was no advice.
    is_new: bool,
    /// Looking at each costs no more than the advice; only holds are noted.
    is_small: bool,
    /// The subscription and the partition of the job that is looked at although it is not
    /// due.
    glance: Option<(Rc<str>, i32)>,
}

/// What became of a job of a round.
pub(super) struct Ended {
    pub(super) job: Job,
    pub(super) outcome: JobEnd,
    /// Whether there was an attempt.
    pub(super) attempted: bool,
    /// What it showed of the callback, if anything.
    pub(super) hold: Option<Option<Hold>>,
    pub(super) has_runs: Option<bool>,
}

impl Ended {
    pub(super) fn of(job: Job, report: &JobReport) -> Self {
        let JobReport { delivered, failed, outcome, hold, has_runs } = report;
        let (outcome, attempted) = (outcome.clone(), delivered + failed > 0);
        Self { job, outcome, attempted, hold: *hold, has_runs: *has_runs }
    }
}

/// Chooses the jobs of a topic that are due.
pub(super) async fn plan<H: Host>(host: &H, topic: &str, mut jobs: Vec<Job>) -> Planned {
    // Without it everything is looked at.
    let known = match jobs.is_empty() {
        true => None,
        false => read(host, topic).await.ok().flatten(),
    };
    let random = random::number(host) as usize;
    let (glance, is_thorough) =
        (random % jobs.len().max(1), (random >> 16).is_multiple_of(THOROUGH));
    let is_new = known.is_none() && !jobs.is_empty();
    let known = known.unwrap_or_default();
    let is_thorough = is_thorough || is_new || known.forgotten != 0;
    for job in &mut jobs {
        job.is_thorough = is_thorough;
    }
    Planned { is_new, ..known.choose(jobs, host.now(), glance) }
}

impl Due {
    fn choose(self, jobs: Vec<Job>, now: Millis, glance: usize) -> Planned {
        let is_small = jobs.len() < MIN_JOBS || jobs.iter().any(|job| job.end.is_none());
        let (mut due, mut waiting, mut glanced) = (Vec::new(), Vec::new(), None);
        for (index, mut job) in jobs.into_iter().enumerate() {
            job.hold = self.holds.get(&*job.id).copied();
            if let Some(Stance::Held(until)) = job.hold.map(|hold| hold.stance(now)) {
                waiting.push((job, until));
                continue;
            }
            let at = self.partitions.get(&job.partition).filter(|_| !is_small);
            let named = at.and_then(|at| at.waiting.get(&*job.id)).copied();
            match (at, named) {
                (_, Some((to, until)))
                    if retry::is_to_come(until, now) && job.end.is_some_and(|end| end <= to) =>
                {
                    waiting.push((job, until));
                }
                (Some(at), None) if job.end.is_some_and(|end| end <= at.next) => {
                    if index == glance {
                        glanced = Some(job);
                    }
                }
                _ => due.push(job),
            }
        }
        let glance = glanced.as_ref().map(|job| (job.id.clone(), job.partition));
        due.extend(glanced);
        Planned { due, waiting, known: self, is_new: false, is_small, glance }
    }

    fn note_holds(&mut self, ended: &[Ended], now: Millis) {
        for Ended { job, hold, .. } in ended {
            let is_alone = ended.iter().filter(|other| other.job.id == job.id).count() == 1;
            match hold {
                // The lane itself says it, too.
                Some(Some(_)) if is_alone => {}
                Some(Some(hold)) => {
                    let known = self.holds.get(&*job.id).map_or(*hold, |known| known.and(*hold));
                    self.holds.insert(job.id.as_ref().to_owned(), known);
                }
                Some(None) => drop(self.holds.remove(&*job.id)),
                None => {}
            }
        }
        // Of those that nobody frees: their subscriptions are gone.
        let oldest = now.saturating_sub(retry::millis(retry::MAX_DELAY));
        let is_held = |hold: &Hold| hold.is_open && hold.until > oldest;
        self.holds.retain(|_, hold| is_held(hold) || retry::is_to_come(hold.until, now));
        if self.holds.len() > MAX_NAMED {
            self.holds.clear();
        }
    }
}

impl Planned {
    /// The subscriptions that have runs, as far as is known.
    pub(super) fn with_runs(&self, ended: &[Ended]) -> SortedSet<Rc<str>> {
        let known = self.known.runs.iter().map(|id| Rc::from(id.as_str()));
        let seen = ended
            .iter()
            .filter(|ended| ended.has_runs == Some(true))
            .map(|ended| ended.job.id.clone());
        known.chain(seen).collect()
    }

    /// Writes what the round has shown, where that saves others a look.
    /// `runs` are the subscriptions that still have some.
    pub(super) async fn note<H: Host>(
        self,
        host: &H,
        topic: &str,
        ended: &[Ended],
        runs: SortedSet<Rc<str>>,
    ) {
        let known = &self.known;
        let mut next = self.after(ended, host.now());
        next.runs = runs.iter().take(MAX_NAMED).map(|id| id.as_ref().to_owned()).collect();
        // Each subscription was read, so that all their runs are known.
        let is_read = |ended: &Ended| ended.has_runs.is_some() || ended.outcome == JobEnd::Removed;
        if ended.iter().all(is_read) {
            next.forgotten = 0;
        } else if self.is_new {
            return;
        }
        if next == *known && !self.is_new {
            return;
        }
        // What somebody else has written since may be newer: a seek or a registration.
        // Failures cost others a look.
        let before = (!self.is_new).then_some(known);
        let latest = read(host, topic).await;
        if let (true, Ok(key)) = (latest.is_ok_and(|latest| latest.as_ref() == before), key(topic))
        {
            _ = set(host, &key, &next).await;
        }
    }

    fn after(&self, ended: &[Ended], now: Millis) -> Due {
        let mut next = self.known.clone();
        next.note_holds(ended, now);
        if self.is_small {
            return next;
        }
        let partitions: SortedSet<i32> = ended.iter().map(|ended| ended.job.partition).collect();
        for partition in partitions.iter() {
            let of_partition: Vec<_> =
                ended.iter().filter(|ended| ended.job.partition == *partition).collect();
            let before = next.partitions.remove(partition);
            if let Some(after) = self.after_partition(before, &of_partition) {
                next.partitions.insert(*partition, after);
            }
        }
        next
    }

    /// `None`: nothing is known of it any more.
    fn after_partition(&self, before: Option<Partition>, ended: &[&Ended]) -> Option<Partition> {
        let is_known = |ended: &&&Ended| {
            matches!(ended.outcome, JobEnd::CaughtUp | JobEnd::Waiting { .. } | JobEnd::Removed)
        };
        let is_wrong = ended.iter().any(|ended| ended.attempted && self.is_glance(&ended.job));
        if is_wrong || ended.iter().filter(is_known).count() < ended.len() {
            return None;
        }
        let end = ended.iter().filter_map(|ended| ended.job.end).min()?;
        let (next, mut waiting) = match before {
            // Whoever was not looked at stands where it was said.
            Some(at) => (at.next.max(end), at.waiting),
            None => (end, SortedMap::new()),
        };
        for Ended { job, outcome, .. } in ended {
            match outcome {
                JobEnd::Waiting { until, to } => {
                    waiting.insert(job.id.as_ref().to_owned(), (*to, *until));
                }
                _ => drop(waiting.remove(&*job.id)),
            }
        }
        (waiting.len() <= MAX_NAMED).then_some(Partition { next, waiting })
    }

    fn is_glance(&self, job: &Job) -> bool {
        let of = |(id, partition): &(Rc<str>, i32)| *id == job.id && *partition == job.partition;
        self.glance.as_ref().is_some_and(of)
    }
}

async fn read<H: Host>(host: &H, topic: &str) -> Result<Option<Due>> {
    get(host, &key(topic)?).await
}

/// Forgets what is known of a topic: a subscription has come, was moved, or has something
/// else to do. Without it the subscription's turn comes later. A round that is under way
/// does not take it back.
pub(super) async fn forget<H: Host>(host: &H, topic: &str) {
    let nothing = Due { forgotten: random::number(host).max(1), ..Due::default() };
    if let Ok(key) = key(topic) {
        _ = set(host, &key, &nothing).await;
    }
}

fn key(topic: &str) -> Result<Key<Due>> {
    topic_advice(topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_000;

    fn jobs(count: usize, end: i64) -> Vec<Job> {
        let job = |number: usize| {
            let id = format!("webhook_{number}").into();
            Job::live(id, "t".into(), 0, Some(end))
        };
        (0..count).map(job).collect()
    }

    fn ended(job: &Job, outcome: JobEnd) -> Ended {
        let attempted = outcome != JobEnd::Busy;
        Ended { job: job.clone(), outcome, attempted, hold: None, has_runs: Some(false) }
    }

    fn ids(planned: &Planned) -> Vec<&str> {
        planned.due.iter().map(|job| &*job.id).collect()
    }

    fn known(next: i64, waiting: &[(&str, Millis)]) -> Due {
        let named = |(id, due): &(&str, Millis)| ((*id).to_owned(), (i64::MAX, *due));
        let waiting = waiting.iter().map(named).collect();
        let partitions = [(0, Partition { next, waiting })].into();
        Due { partitions, ..Due::default() }
    }

    #[test]
    fn nothing_is_known_or_the_end_has_moved_so_all_are_due() {
        let planned = Due::default().choose(jobs(4, 5), NOW, 0);
        assert_eq!((ids(&planned).len(), &planned.glance), (4, &None));
        let planned = known(4, &[("webhook_2", NOW + 1)]).choose(jobs(4, 5), NOW, 0);
        assert_eq!(ids(&planned), ["webhook_0", "webhook_1", "webhook_3"]);
        assert_eq!(planned.waiting[0].1, NOW + 1);
    }

    #[test]
    fn at_the_end_only_those_are_due_that_have_waited_and_one_for_all() {
        let known = known(5, &[("webhook_2", NOW), ("webhook_3", NOW + 1)]);
        for (glance, due) in [(1, vec!["webhook_2", "webhook_1"]), (2, vec!["webhook_2"])] {
            let planned = known.clone().choose(jobs(4, 5), NOW, glance);
            assert_eq!(ids(&planned), due);
            let glanced = (glance == 1).then(|| ("webhook_1".into(), 0));
            assert_eq!((planned.glance, planned.waiting.len()), (glanced, 1));
        }
    }

    #[test]
    fn a_time_that_no_retry_takes_is_of_another_clock() {
        let longest = 36 * 60 * 60 * 1000;
        for (wait, is_due) in [(longest, false), (longest + 1, true)] {
            let planned = known(5, &[("webhook_2", NOW + wait)]).choose(jobs(4, 5), NOW, 0);
            assert_eq!(ids(&planned).contains(&"webhook_2"), is_due);
        }
    }

    #[test]
    fn what_a_round_shows_is_noted() {
        let round = |before: Due, end, outcomes: &[(usize, JobEnd)]| {
            let jobs = jobs(4, end);
            let planned = before.clone().choose(jobs.clone(), NOW, 1);
            let ended: Vec<_> =
                outcomes.iter().map(|(job, outcome)| ended(&jobs[*job], outcome.clone())).collect();
            planned.after(&ended, NOW)
        };
        let caught_up = |jobs: &[usize]| -> Vec<_> {
            jobs.iter().map(|job| (*job, JobEnd::CaughtUp)).collect()
        };
        let all = caught_up(&[0, 1, 2, 3]);
        assert_eq!(round(Due::default(), 5, &all), known(5, &[]));
        let failing = [&all[..3], &[(3, JobEnd::Waiting { until: 9_000, to: i64::MAX })]].concat();
        assert_eq!(round(known(4, &[]), 5, &failing), known(5, &[("webhook_3", 9_000)]));
        // The one that has waited succeeds; nobody else was looked at.
        assert_eq!(round(known(5, &[("webhook_3", NOW)]), 5, &caught_up(&[3])), known(5, &[]));
        // Somebody else is at work, so that nothing is known.
        let busy = [&all[..3], &[(3, JobEnd::Busy)]].concat();
        assert_eq!(round(known(4, &[]), 5, &busy), Due::default());
        // A glance that finds work shows that it was wrong.
        assert_eq!(round(known(5, &[]), 5, &caught_up(&[1])), Due::default());
    }

    #[test]
    fn new_records_make_one_due_that_waits_for_nothing_before_them() {
        let mut known = known(5, &[]);
        let at = known.partitions.get_mut(&0).unwrap();
        at.waiting.insert("webhook_1".into(), (5, NOW + 9));
        at.waiting.insert("webhook_2".into(), (i64::MAX, NOW + 9));
        assert_eq!(ids(&known.clone().choose(jobs(4, 5), NOW, 0)), ["webhook_0"]);
        let planned = known.choose(jobs(4, 6), NOW, 0);
        assert_eq!(ids(&planned), ["webhook_0", "webhook_1", "webhook_3"]);
    }

    #[test]
    fn a_callback_that_is_left_alone_is_not_tried_until_its_time() {
        let hold = Hold { until: NOW + 10, is_open: true };
        let one = |mut job: Job, partition, hold| {
            job.partition = partition;
            Ended { job, outcome: JobEnd::CaughtUp, attempted: true, hold, has_runs: Some(false) }
        };
        let job = &jobs(1, 5)[0];
        let planned = Due::default().choose(jobs(2, 5), NOW, 0);
        // Its own lane says it, so nobody else has to.
        assert_eq!(planned.after(&[one(job.clone(), 0, Some(Some(hold)))], NOW), Due::default());
        let two = [one(job.clone(), 0, Some(Some(hold))), one(job.clone(), 1, None)];
        let known = planned.after(&two, NOW);
        let planned = known.clone().choose(jobs(2, 5), NOW, 0);
        assert_eq!((ids(&planned), planned.waiting[0].1), (vec!["webhook_1"], NOW + 10));
        let planned = known.choose(jobs(2, 5), NOW + 10, 0);
        assert_eq!((ids(&planned).len(), planned.due[0].hold), (2, Some(hold)));
        let freed = planned.after(&[one(job.clone(), 0, Some(None))], NOW + 20);
        assert_eq!(freed, Due::default());
    }
}

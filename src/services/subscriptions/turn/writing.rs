//! Writing what a turn has done, and letting the lane go.

use super::{Stop, Turn};
use crate::host::Host;
use crate::kafka::Log;
use crate::services::subscriptions::job::{JobEnd, JobReport};
use crate::state::lane::Written;
use crate::telemetry::Level;

impl<H: Host, L: Log> Turn<'_, H, L> {
    /// Writes the state, which renews the lease.
    pub(super) async fn write(&mut self) -> Result<(), Stop> {
        self.note_oldest();
        self.state.in_flight = self.in_flight();
        match self.held.write(self.state.clone()).await? {
            Written::Lost => Err(Stop::Lost),
            Written::Kept => {
                self.written = self.context.host.monotonic();
                self.unwritten = 0;
                Ok(())
            }
        }
    }

    /// What is under way, and what may begin once the state is written.
    fn in_flight(&self) -> u32 {
        let under_way = self.under_way.len();
        let more = self.prepared.at_once.saturating_sub(under_way).min(self.pool.len());
        u32::try_from(under_way + if self.stop.is_none() { more } else { 0 }).unwrap_or(u32::MAX)
    }

    /// Since when the oldest record has waited.
    pub(super) fn note_oldest(&mut self) {
        let position = self.state.position();
        let is_all_done = self.pool.is_empty()
            && self.under_way.is_empty()
            && self.state.window.waiting().is_empty()
            && (self.is_at_end || self.job.to().is_some_and(|to| position >= to));
        if is_all_done {
            return self.state.waits_since(None);
        }
        if position == self.began_at && self.state.oldest.is_some() {
            return;
        }
        let first = self.pool.first().filter(|_| self.under_way.is_empty());
        let time = first.and_then(|first| first.item.record.timestamp);
        self.state.waits_since(Some(time.unwrap_or_else(|| self.context.host.now())));
    }

    /// Releases the lane, and reports what was done.
    pub(in crate::services::subscriptions) async fn finish(
        mut self,
        ended: Result<JobEnd, Stop>,
    ) -> JobReport {
        let Self { context, job, .. } = self;
        self.note_oldest();
        self.state.in_flight = 0;
        let position = self.state.position();
        let place = context.pages.leave(job, position);
        let ended = match ended {
            Ok(outcome) => Some(outcome),
            Err(Stop::Failed(error)) => Some(error.into()),
            Err(Stop::Lost) => None,
        };
        let (outcome, is_lost) = match ended {
            None => (JobEnd::Busy, true),
            Some(outcome) => {
                self.state.place.clone_from(&place);
                self.state.rest = match outcome {
                    JobEnd::Waiting { until, to } => Some((to, until)),
                    _ => None,
                };
                match (outcome, self.held.release(self.state).await) {
                    (error @ JobEnd::Error(_), _) => (error, false),
                    (_, Err(error)) => (error.into(), false),
                    (_, Ok(Written::Lost)) => (JobEnd::Busy, true),
                    (outcome, Ok(Written::Kept)) => (outcome, false),
                }
            }
        };
        if is_lost {
            job.tell(&context.host, Level::Warn, "lane-lost", &[]);
            if let Some(place) = place {
                context.log.close(place).await;
            }
        }
        JobReport { outcome, ..self.report }
    }
}

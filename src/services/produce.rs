//! Producing, and what follows from it.

pub mod once;
mod queue;
mod shared_calls;

use std::fmt;
use std::rc::Rc;

pub use self::shared_calls::SharedCalls;
use crate::access::AllowedTopic;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;
use crate::record::{NewRecord, RecordMetadata};
use crate::services::ends::Ends;
use crate::services::seen::Seen;
use crate::services::subscriptions::Subscriptions;
use crate::sorted::SortedMap;
use crate::telemetry::{Report, Value, level_of};

pub struct Producer<H: Host, L> {
    host: H,
    calls: SharedCalls<H, L>,
    ends: Rc<Ends<H, L>>,
    seen: Rc<Seen<H>>,
    /// `None`: nothing is delivered.
    deliveries: Option<Rc<Subscriptions<H, L>>>,
}

impl<H: Host, L: Log> Producer<H, L> {
    pub fn new(
        host: H,
        log: Rc<L>,
        ends: Rc<Ends<H, L>>,
        seen: Rc<Seen<H>>,
        deliveries: Option<Rc<Subscriptions<H, L>>>,
    ) -> Self {
        Self { calls: SharedCalls::new(host.clone(), log), host, ends, seen, deliveries }
    }

    /// Produces records to a topic and reports on each, in the order given.
    /// Wakes the readers that wait for records of the topic, and starts
    /// deliveries to its subscriptions in the background.
    pub async fn write(
        &self,
        topic: &AllowedTopic,
        records: Vec<NewRecord>,
    ) -> Vec<Result<RecordMetadata>> {
        let reports = self.calls.send(topic, records).await;
        self.report_failures(topic, &reports);
        let perhaps = |report: &Result<RecordMetadata>| {
            report.as_ref().map_or_else(|error| error.is_unknown_outcome(), |_| true)
        };
        if reports.iter().any(perhaps) {
            self.ends.written(topic);
            if let Some(deliveries) = &self.deliveries {
                match ends(&reports) {
                    Some(ends) => deliveries.deliver_written(topic, ends),
                    None => deliveries.deliver_in_background(topic),
                }
            }
        }
        reports
    }

    fn report_failures(&self, topic: &str, reports: &[Result<RecordMetadata>]) {
        let mut failures = reports.iter().filter_map(|report| report.as_ref().err());
        let Some(first) = failures.next() else { return };
        let fields = [
            ("topic", topic.into()),
            ("records", Value::count(reports.len())),
            ("failed", Value::count(1 + failures.count())),
            ("why", first.kind().into()),
        ];
        self.host.event(level_of(first), "produce-failed", &fields);
    }
}

/// Behind what was written, by partition; `None` if that is not known of all.
fn ends(reports: &[Result<RecordMetadata>]) -> Option<SortedMap<i32, i64>> {
    let mut ends = SortedMap::new();
    for report in reports {
        match report {
            Ok(written) if written.offset < 0 => return None,
            Ok(written) => {
                let end = written.offset + 1;
                let known = ends.get(&written.partition).copied().unwrap_or(end);
                ends.insert(written.partition, end.max(known));
            }
            Err(error) if error.is_unknown_outcome() => return None,
            Err(_) => {}
        }
    }
    Some(ends)
}

impl<H: Host, L> fmt::Debug for Producer<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn where_records_end_is_known_if_all_that_were_perhaps_written_are() {
        let at = |partition, offset| Ok(RecordMetadata { partition, offset, timestamp: None });
        let known = ends(&[at(1, 5), at(0, 7), at(1, 4), Err(ErrorKind::Timeout.into())]);
        assert_eq!(known, Some([(0, 8), (1, 6)].into()));
        let perhaps = ErrorKind::OutcomeUnknown { detail: "cut".into() };
        assert_eq!(ends(&[at(1, 5), Err(perhaps.into())]), None);
        assert_eq!(ends(&[at(1, -1)]), None, "the server does not say where");
    }
}

//! Positions that lie beyond the end of their partition: the topic was deleted and
//! made anew, or has lost records. Nothing can be read there until as many records
//! were written, which those before the position are not part of. So it is shown,
//! reported, and mended by a seek.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::sorted::SortedMap;
use crate::telemetry::{Level, Report};

/// The number of positions that are remembered as reported.
const MAX_REPORTED: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeyondEnd {
    pub topic: Rc<str>,
    pub partition: i32,
    pub position: i64,
    pub end: i64,
}

impl BeyondEnd {
    /// `None` if the position is not beyond the end. The end has to be newer than
    /// the position, which others may have moved.
    pub fn check(topic: &Rc<str>, partition: i32, position: i64, end: i64) -> Option<Self> {
        (position > end).then(|| Self { topic: topic.clone(), partition, position, end })
    }

    /// Reports it, with who stands there.
    pub(in crate::services) fn tell(&self, host: &impl Report, who: &'static str, name: &str) {
        let fields = [
            (who, name.into()),
            ("topic", (&*self.topic).into()),
            ("partition", self.partition.into()),
            ("position", self.position.into()),
            ("end", self.end.into()),
        ];
        host.event(Level::Warn, "position-beyond-end", &fields);
    }
}

/// What this instance has reported, so that it reports each position once and not
/// at every look.
#[derive(Debug, Default)]
pub(in crate::services) struct Reported(RefCell<SortedMap<Place, i64>>);

/// Who stands there, the topic and the partition.
type Place = (String, Rc<str>, i32);

impl Reported {
    pub(in crate::services) fn tell(
        &self,
        host: &impl Report,
        who: &'static str,
        name: &str,
        beyond: &BeyondEnd,
    ) {
        let mut reported = self.0.borrow_mut();
        if reported.len() >= MAX_REPORTED {
            reported.clear();
        }
        let place = (name.to_owned(), beyond.topic.clone(), beyond.partition);
        if reported.insert(place, beyond.position) != Some(beyond.position) {
            beyond.tell(host, who, name);
        }
    }
}

impl fmt::Display for BeyondEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, position, end } = self;
        write!(
            f,
            "Position {position} lies beyond the end of partition {partition} of {topic}, \
             which is {end}"
        )
    }
}

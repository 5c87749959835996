//! Positions that lie beyond the end of their partition: the topic was deleted and
//! made anew, or has lost records. Nothing can be read there until as many records
//! were written, which those before the position are not part of. So it is shown,
//! reported, and mended by a seek.

use std::fmt;
use std::rc::Rc;

use crate::telemetry::{Level, Report};

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

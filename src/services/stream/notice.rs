//! What a reader should know about its stream, besides the records.

use std::fmt;

use crate::error::Error;
use crate::services::beyond_end::BeyondEnd;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Nothing can be read for the moment.
    Interrupted(Error),
    /// Records can be read again.
    GoesOn,
    /// A group gets no records from this partition until it is moved.
    BeyondEnd(BeyondEnd),
    /// A reader without a group was there, and reads the partition from where it
    /// would start without a cursor.
    StartedAgain(BeyondEnd),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted(error) => write!(f, "{error}; the stream goes on when that is over"),
            Self::GoesOn => f.write_str("The stream goes on"),
            Self::BeyondEnd(beyond) => write!(f, "{beyond}; a seek moves the group"),
            Self::StartedAgain(beyond) => write!(f, "{beyond}; it is read from its start or end"),
        }
    }
}

//! Consuming by group, without a session.

use std::rc::Rc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::host::Host;
use crate::log::Log;
use crate::record::Record;

/// Where a group starts on a topic that it has no position for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartFrom {
    #[default]
    Earliest,
    Latest,
}

/// What a caller asks for.
#[derive(Debug, Clone)]
pub struct Next {
    pub group: String,
    pub topic: String,
    pub from: StartFrom,
    /// How long to wait for a record when there is none.
    pub wait: Duration,
}

/// A record on its way to the caller. The group moves past it once
/// [`delivered`](Handed::delivered) is called; dropped without that (the
/// caller hung up, the answer could not be written), the record is handed to
/// the next caller.
#[derive(Debug)]
pub struct Handed {
    pub record: Record,
}

impl Handed {
    pub fn delivered(self) {}
}

#[derive(Debug)]
pub struct Consume<H, L> {
    _host: H,
    _log: Rc<L>,
}

impl<H: Host, L: Log> Consume<H, L> {
    pub fn new(host: H, log: Rc<L>) -> Self {
        Self { _host: host, _log: log }
    }

    /// The group's next record; `None` when there is none within the wait.
    pub async fn next(&self, next: Next) -> Result<Option<Handed>> {
        let _ = next;
        Err(Error::Unsupported("Not built yet".into()))
    }
}

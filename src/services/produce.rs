//! Producing: records of callers that wait at the same time share one
//! upstream call.

use std::rc::Rc;

use crate::error::{Error, Result};
use crate::host::Host;
use crate::log::Log;
use crate::record::{NewRecord, Written};

#[derive(Debug)]
pub struct Produce<H, L> {
    _host: H,
    _log: Rc<L>,
}

impl<H: Host, L: Log> Produce<H, L> {
    pub fn new(host: H, log: Rc<L>) -> Self {
        Self { _host: host, _log: log }
    }

    /// Writes records to a topic and reports on each, in the order given. One
    /// record's failure is no other's.
    pub async fn send(&self, topic: &str, records: Vec<NewRecord>) -> Vec<Result<Written>> {
        let _ = topic;
        records.iter().map(|_| Err(Error::Unsupported("Not built yet".into()))).collect()
    }
}

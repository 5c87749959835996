//! A destination as an instance writes to it, and the ones that it keeps.

use std::fmt;
use std::rc::Rc;

use bytes::Bytes;

use super::destination::Format;
use super::list::StoredDestination;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::host::Host;
use crate::json_text;
use crate::kafka::Log;
use crate::record::{Header, NewRecord, RecordMetadata};
use crate::services::produce::SharedCalls;
use crate::telemetry::{Report, Value, level_of};

/// The maximum number of destinations whose client an instance keeps. Each has a cache of
/// what it knows of its topic.
pub const MAX_CLIENTS: usize = 16;

/// Writes to a destination. One is kept for as long as the destination is unchanged.
pub struct Client<H: Host, L> {
    pub(super) host: H,
    pub(super) id: Rc<str>,
    pub(super) name: Rc<str>,
    pub(super) topic: String,
    pub(super) format: Format,
    pub(super) header_prefix: String,
    pub(super) enabled: bool,
    pub(super) log: Rc<L>,
    pub(super) calls: SharedCalls<H, L>,
}

impl<H: Host, L: Log> Client<H, L> {
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn name(&self) -> &Rc<str> {
        &self.name
    }

    pub fn topic(&self) -> &str {
        &self.topic
    }

    pub fn format(&self) -> Format {
        self.format
    }

    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    pub fn error(&self, fault: Fault) -> Error {
        ErrorKind::Destination { name: self.name.to_string(), fault }.into()
    }

    /// Whether it can take this value.
    pub fn takes(&self, value: &[u8]) -> bool {
        self.format == Format::Bytes || json_text::of(value).is_some()
    }

    /// A record of an event as it is written here.
    pub fn record(&self, mut record: NewRecord, event_id: &str) -> NewRecord {
        for (name, value) in [("event-id", event_id), ("destination-id", self.id())] {
            let value = Some(Bytes::copy_from_slice(value.as_bytes()));
            record.headers.push(Header { name: format!("{}{name}", self.header_prefix), value });
        }
        record
    }

    /// Writes records to the topic, and reports on each in the order given.
    pub async fn write(&self, records: Vec<NewRecord>) -> Vec<Result<RecordMetadata>> {
        let mut reports = self.calls.send(&self.topic, records).await;
        let (mut failed, mut first) = (0, None);
        for report in &mut reports {
            if let Err(error) = report {
                let fault = Fault::from(&*error);
                *error = self.error(fault);
                failed += 1;
                first.get_or_insert(fault);
            }
        }
        if let Some(fault) = first {
            let fields = [
                ("destination", self.id().into()),
                ("records", Value::count(reports.len())),
                ("failed", Value::count(failed)),
                ("why", fault.kind().into()),
            ];
            self.host.event(level_of(&self.error(fault)), "destination-failed", &fields);
        }
        reports
    }
}

impl<H: Host, L> fmt::Debug for Client<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Those that were used last, each with what it was made of; the last one is at the end.
pub(super) struct Clients<H: Host, L>(Vec<(StoredDestination, Rc<Client<H, L>>)>);

impl<H: Host, L> Default for Clients<H, L> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<H: Host, L> Clients<H, L> {
    /// The one that was made of just this.
    pub(super) fn get(&mut self, of: &StoredDestination) -> Option<Rc<Client<H, L>>> {
        let place = self.0.iter().position(|(known, _)| known == of)?;
        self.0[place..].rotate_left(1);
        self.0.last().map(|(_, client)| client.clone())
    }

    /// Keeps one in place of that of the same destination.
    pub(super) fn put(&mut self, of: StoredDestination, client: Rc<Client<H, L>>) {
        self.0.retain(|(known, _)| known.id != of.id);
        if self.0.len() >= MAX_CLIENTS {
            self.0.remove(0);
        }
        self.0.push((of, client));
    }
}

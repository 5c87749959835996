//! What a dead letter says about itself, in headers. The one format of all dead
//! letters: the name that Kafka 4.4 gives to the reason is used for it
//! (`reference/kafka-share-groups.md`), and further names are our own.

use crate::record::Header;

/// Why a record is among the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetter<'a> {
    /// The source that the event came to.
    pub(crate) source: &'a str,
    /// The stage that could not take it, and its reason in kebab case.
    pub(crate) stage: &'a str,
    pub(crate) reason: &'a str,
    /// A sentence.
    pub(crate) message: &'a str,
    /// The place in the event.
    pub(crate) path: Option<&'a str>,
}

impl DeadLetter<'_> {
    /// The record's own headers first, then what it says about itself.
    pub(crate) fn headers(&self, mut own: Vec<Header>) -> Vec<Header> {
        let ours = [
            ("__dlq.errors.message", Some(self.message)),
            ("kafka-edge-source", Some(self.source)),
            ("kafka-edge-stage", Some(self.stage)),
            ("kafka-edge-reason", Some(self.reason)),
            ("kafka-edge-path", self.path),
        ];
        own.extend(ours.into_iter().filter_map(|(name, value)| {
            let value = Some(value?.to_owned().into());
            Some(Header { name: name.to_owned(), value })
        }));
        own
    }
}

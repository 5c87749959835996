//! What came to sources, for metrics: what is stored, and nothing that one instance alone
//! knows, so that each instance tells the same.

use super::Sources;
use super::source::Source;
use super::statistics::Statistics;
use crate::access::{Grant, TopicPattern};
use crate::concurrent::try_join_bounded;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFigures {
    pub source: String,
    pub is_enabled: bool,
    pub statistics: Statistics,
}

impl<H: Host, L: Log> Sources<H, L> {
    /// The figures of the sources all of whose topics the caller may use and that write to
    /// a topic that is chosen.
    pub async fn figures(
        &self,
        grant: &Grant,
        is_chosen: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<SourceFigures>> {
        let list = self.list.read().await?;
        let mine = list
            .iter()
            .map(|stored| &stored.source)
            .filter(|source| covers(grant, source) && chooses(is_chosen, source));
        let figures = mine.map(async |source| {
            let name = source.name.as_str();
            let statistics = self.counting.stored(name).await?;
            Ok(SourceFigures { source: name.to_owned(), is_enabled: source.enabled, statistics })
        });
        try_join_bounded(figures).await
    }
}

/// Permissions for topics say nothing of another Kafka, so that a source that writes to one
/// is for callers who may use every topic.
fn covers(grant: &Grant, source: &Source) -> bool {
    let elsewhere = source.destinations.iter().any(|target| !target.is_gateway());
    let everything = elsewhere.then_some("*");
    source.topics().chain(everything).all(|topic| {
        TopicPattern::parse(topic).is_some_and(|pattern| grant.covers_pattern(&pattern))
    })
}

/// A source without a topic of the gateway's own Kafka has none that could be named.
fn chooses(is_chosen: &dyn Fn(&str) -> bool, source: &Source) -> bool {
    let mut topics = source.topics().peekable();
    match topics.peek() {
        Some(_) => topics.any(is_chosen),
        None => is_chosen(""),
    }
}

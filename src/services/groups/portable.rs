//! Groups as entries of a document: what they are set to, and, as another kind, where they
//! stand.
//!
//! A position is taken only where the group has none. One that is there has moved on, and
//! would make records come again, or pass over some. What was claimed and not acknowledged
//! comes again.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::{Groups, KIND, POSITION};
use crate::access::AllowedTopic;
use crate::concurrent::{join_bounded, successes, try_join_bounded};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::names;
use crate::services::configuration::{Entry, Given, Kind, Run, Taken, What};
use crate::services::consume::advice::{Advice, Advised};
use crate::services::consume::{Position, start};
use crate::services::group_settings::Settings;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::lane::Lane;
use crate::telemetry::{Change, report_change};

fn no_secrets(given: &Given) -> Result<()> {
    match given.secrets {
        None => Ok(()),
        Some(_) => Err(Error::invalid("secrets", "A group has no secrets")),
    }
}

impl<H: Host, L: Log> Kind for Groups<H, L> {
    fn name(&self) -> &'static str {
        KIND
    }

    fn names(&self) -> LocalBoxFuture<'_, Result<Vec<String>>> {
        Box::pin(async { Ok(self.list.all().await?.into_iter().map(|(group, _)| group).collect()) })
    }

    fn get<'a>(&'a self, name: &'a str, _: bool) -> LocalBoxFuture<'a, Result<Option<Entry>>> {
        Box::pin(async move {
            let settings = self.list.settings().read(name).await?.to_whole_json();
            Ok(Some(Entry { settings, secrets: None }))
        })
    }

    fn take<'a>(&'a self, given: &'a Given, run: Run<'a>) -> LocalBoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            let name = &*given.name;
            names::check_group(name)?;
            no_secrets(given)?;
            let wanted = Settings::parse_whole(&given.value()?)?;
            let topics = self.list.topics(name).await?;
            let before = self.list.settings().read(name).await?;
            let what = What::of(topics.is_some(), *before == wanted);
            if what == What::Unchanged {
                return Ok(Taken { what, needs_secret: false });
            }
            if let Some(topic) = &wanted.dead_letter {
                self.log.topic(topic).await?;
            }
            wanted.check_topics(topics.as_ref())?;
            if !run.is_dry() {
                self.list.enlist(name, &[] as &[&str]).await?;
                let set = |settings: &mut Settings| {
                    *settings = wanted.clone();
                    Ok(())
                };
                self.list.settings().change(name, &set).await?;
                let before = topics.map(|_| before.to_whole_json());
                report_change(&self.host, KIND, name, before.as_deref(), &wanted.to_whole_json());
            }
            Ok(Taken { what, needs_secret: false })
        })
    }
}

/// Where the groups stand, each on one topic.
pub struct Positions<H, L>(pub Rc<Groups<H, L>>);

/// Where a group stands on a topic: by partition, all records below an offset are done.
fn offsets(settings: &Value) -> Option<SortedMap<i32, i64>> {
    let members = settings.as_object()?;
    let offsets = members.get("offsets").filter(|_| members.len() == 1)?.as_object()?;
    offsets
        .iter()
        .map(|(partition, offset)| Some((partition.parse().ok()?, offset.as_i64()?)))
        .collect()
}

/// The group and the topic in the name of an entry. No topic's name holds a slash.
fn parts(name: &str) -> Result<(&str, AllowedTopic)> {
    let parts = name.rsplit_once('/');
    let (group, topic) = parts.ok_or_else(|| Error::invalid("name", "Not a group/topic"))?;
    names::check_group(group)?;
    names::check_topic(topic)?;
    Ok((group, AllowedTopic::trusted(topic)))
}

impl<H: Host, L: Log> Positions<H, L> {
    /// Where a group goes on in each partition; `None` if the topic is gone. A group that
    /// has begun with a topic goes on at its start where it has read nothing yet.
    async fn of(&self, group: &str, topic: &str) -> Result<Option<SortedMap<i32, i64>>> {
        let groups = &*self.0;
        let lanes = match groups.lanes(group, topic).await {
            Ok(lanes) => lanes,
            Err(error) if matches!(*error, ErrorKind::UnknownTopic(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let start = start::lane(&groups.host, group, topic, groups.params)?.peek().await?;
        let start = start.and_then(|(_, document)| document.payload);
        let latest = try_join_bounded(lanes.iter().map(Lane::peek)).await?;
        let position = |(partition, latest): (i32, Option<(_, _)>)| {
            let document: Option<crate::state::lane::Document<Position>> =
                latest.map(|(_, document)| document);
            let position = document.and_then(|document| document.payload);
            let begins = || start.as_ref().map(|start| start.of(partition));
            Some((partition, position.map(|position| position.committed()).or_else(begins)?))
        };
        Ok(Some((0..).zip(latest).filter_map(position).collect()))
    }

    /// Gives a group positions where it has none.
    async fn begin(
        &self,
        group: &str,
        topic: &AllowedTopic,
        offsets: SortedMap<i32, i64>,
    ) -> Result<()> {
        let groups = &*self.0;
        groups.list.enlist(group, &[&**topic]).await?;
        let begun = offsets.into_iter().map(async |(partition, offset)| {
            let lane = groups.lane(group, topic, partition)?;
            let first = |before: Option<&Position>| {
                Some(before.map_or_else(|| Position::at(offset), Position::clone))
            };
            groups.last_word(&lane, &first).await?;
            Ok::<_, Error>((partition, Advised(offset, None)))
        });
        let (begun, outcome) = successes(join_bounded(begun).await);
        groups.list.begun(group, topic);
        if !begun.is_empty() {
            let name = format!("{group}/{}", &**topic);
            Change { kind: POSITION, name: &name, what: "created", fields: "offsets" }
                .report(&groups.host);
            Advice::lower(&groups.host, group, topic, begun).await;
        }
        outcome
    }
}

impl<H: Host, L: Log> Kind for Positions<H, L> {
    fn name(&self) -> &'static str {
        POSITION
    }

    fn names(&self) -> LocalBoxFuture<'_, Result<Vec<String>>> {
        Box::pin(async {
            let all = self.0.list.all().await?;
            let names = all.into_iter().flat_map(|(group, topics): (String, SortedSet<String>)| {
                topics.into_iter().map(move |topic| format!("{group}/{topic}"))
            });
            Ok(names.collect())
        })
    }

    fn get<'a>(&'a self, name: &'a str, _: bool) -> LocalBoxFuture<'a, Result<Option<Entry>>> {
        Box::pin(async move {
            let (group, topic) = parts(name)?;
            Ok(self.of(group, &topic).await?.map(|offsets| {
                let offsets = serde_json::to_string(&offsets).unwrap_or_default();
                Entry { settings: format!("{{\"offsets\":{offsets}}}"), secrets: None }
            }))
        })
    }

    fn take<'a>(&'a self, given: &'a Given, run: Run<'a>) -> LocalBoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            let (group, topic) = parts(&given.name)?;
            no_secrets(given)?;
            let wanted = offsets(&given.value()?).ok_or_else(|| {
                Error::invalid("settings", "Not the offsets of a group, by partition")
            })?;
            let partitions = self.0.log.topic(&topic).await?.partitions;
            let is_one = |(partition, offset): (&i32, &i64)| {
                (0..partitions).contains(partition) && *offset >= 0
            };
            if !wanted.iter().all(is_one) {
                let sentence = "Not partitions of the topic, each with an offset from 0 on";
                return Err(Error::invalid("settings.offsets", sentence));
            }
            let known = self.of(group, &topic).await?.unwrap_or_default();
            let listed = self.0.list.topics(group).await?;
            let is_listed = listed.is_some_and(|topics| topics.contains(&*topic));
            let mut missing = wanted.clone();
            missing.retain(|partition, _| !known.contains_key(partition));
            let what = match (missing.is_empty() && is_listed, known == wanted) {
                (false, _) => What::Create,
                (true, true) => What::Unchanged,
                (true, false) => What::Kept,
            };
            if what == What::Create && !run.is_dry() {
                self.begin(group, &topic, missing).await?;
            }
            Ok(Taken { what, needs_secret: false })
        })
    }
}

impl<H, L> std::fmt::Debug for Positions<H, L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Positions").finish_non_exhaustive()
    }
}

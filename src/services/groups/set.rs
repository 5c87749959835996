//! Setting a group.

use std::cell::RefCell;

use serde_json::Value;

use super::{Groups, KIND};
use crate::access::{AccessError, Denial, Grant, Missing, Permission, TopicPattern};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::merge_patch;
use crate::services::condition::Condition;
use crate::services::group_settings::Settings;
use crate::sorted::SortedSet;
use crate::telemetry::report_change;

/// A group that was set to something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetGroup {
    pub settings: Settings,
    /// The version of the settings.
    pub tag: String,
    /// There was no group of this name.
    pub is_new: bool,
}

impl<H: Host, L: Log> Groups<H, L> {
    /// Sets a group to what is in the JSON, and to nothing else; or changes what it is
    /// set to, if that is a JSON Merge Patch (RFC 7396). A group that does not exist comes
    /// to be, but not by a patch.
    pub async fn set(
        &self,
        group: &str,
        json: &[u8],
        is_patch: bool,
        condition: Condition<'_>,
        grant: &Grant,
    ) -> Result<SetGroup, AccessError> {
        let topics = self.list.topics(group).await?;
        let wish = Change::read(group, json, is_patch, topics, condition, grant)?;
        // What will be refused takes no turn.
        let latest = self.list.settings().read(group).await?;
        if let Some(topic) = &wish.make(&latest)?.dead_letter {
            self.log.topic(topic).await?;
        }
        let is_new = wish.topics.is_none();
        if is_new {
            self.list.enlist(group, &[] as &[&str]).await?;
        }
        let (denied, made) = (RefCell::new(None), RefCell::new(None::<Settings>));
        let before = RefCell::new(None::<Settings>);
        let change = |settings: &mut Settings| {
            if made.borrow().as_ref() == Some(settings) {
                // An earlier write of the same change has been stored.
                return Ok(());
            }
            let changed = wish.make(settings).map_err(|error| keep(&denied, error))?;
            *before.borrow_mut() = Some(std::mem::replace(settings, changed));
            *made.borrow_mut() = Some(settings.clone());
            Ok(())
        };
        let changed = self.list.settings().change(group, &change).await;
        if let Some(denial) = denied.into_inner() {
            return Err(denial.into());
        }
        changed?;
        let settings = made.into_inner().unwrap_or_default();
        let before = before.into_inner().filter(|_| !is_new).map(|before| before.to_json());
        report_change(&self.host, KIND, group, before.as_deref(), &settings.to_json());
        Ok(SetGroup { tag: settings.tag(), settings, is_new })
    }
}

/// A change of a group's settings, and on what it depends.
struct Change<'a> {
    given: Value,
    is_patch: bool,
    /// `None`: there is no such group.
    topics: Option<SortedSet<String>>,
    condition: Condition<'a>,
    grant: &'a Grant,
}

impl<'a> Change<'a> {
    fn read(
        group: &str,
        json: &[u8],
        is_patch: bool,
        topics: Option<SortedSet<String>>,
        condition: Condition<'a>,
        grant: &'a Grant,
    ) -> Result<Self, AccessError> {
        let given =
            kafka_edge_json::from_slice(json).map_err(|error| Error::of_json(&error, "body"))?;
        if topics.is_none() && is_patch {
            return Err(ErrorKind::UnknownGroup(group.to_owned()).into());
        }
        topics.iter().flatten().try_for_each(|topic| grant.permits_topic(topic))?;
        Ok(Self { given, is_patch, topics, condition, grant })
    }

    /// The settings after the change, if the caller may make it.
    fn make(&self, before: &Settings) -> Result<Settings, AccessError> {
        let tag = self.topics.is_some().then(|| before.tag());
        if !self.condition.holds(tag.as_ref()) {
            let sentence = "The group is not set as in the version that was named";
            return Err(ErrorKind::Changed(sentence.into()).into());
        }
        may_bury(before, self.grant)?;
        let mut json = self.given.clone();
        if self.is_patch {
            json = kafka_edge_json::from_slice(before.to_json().as_bytes()).unwrap_or_default();
            merge_patch::apply(&mut json, self.given.clone());
        }
        let mut settings = Settings::parse(&json)?;
        may_bury(&settings, self.grant)?;
        settings.setters_topics =
            settings.dead_letter.as_ref().and_then(|_| self.grant.topic_patterns());
        settings.check_topics(self.topics.as_ref())?;
        Ok(settings)
    }
}

/// Keeps a denial beside the change that it ends.
fn keep(denied: &RefCell<Option<Denial>>, error: AccessError) -> Error {
    match error {
        AccessError::Failed(error) => error,
        AccessError::Denied(denial) => {
            *denied.borrow_mut() = Some(*denial);
            Error::invalid("dead_letter", "denied")
        }
    }
}

/// Whether a caller may make a group write to its dead-letter topic, or end that.
fn may_bury(settings: &Settings, grant: &Grant) -> Result<(), AccessError> {
    let Some(topic) = &settings.dead_letter else { return Ok(()) };
    grant.permits(Permission::Produce)?;
    match TopicPattern::parse(topic).is_some_and(|topic| grant.covers_pattern(&topic)) {
        true => Ok(()),
        false => Err(Denial::Forbidden(Missing::Topic(topic.clone())).into()),
    }
}

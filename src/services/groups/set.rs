//! Setting a group.

use std::cell::RefCell;

use serde_json::Value;

use super::Groups;
use crate::access::{AccessError, Denial, Grant, Missing, Permission, TopicPattern};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::merge_patch;
use crate::services::condition::Condition;
use crate::services::group_settings::Settings;
use crate::sorted::SortedSet;

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
        let malformed = |error| Error::invalid("body", format!("Not a group's settings: {error}"));
        let given: Value = serde_json::from_slice(json).map_err(malformed)?;
        let topics = self.list.topics(group).await?;
        let is_new = topics.is_none();
        if is_new && is_patch {
            return Err(Error::UnknownGroup(group.to_owned()).into());
        }
        let topics = topics.unwrap_or_default();
        topics.iter().try_for_each(|topic| grant.permits_topic(topic))?;
        let make = |before: &Settings| -> Result<Settings, AccessError> {
            let tag = (!is_new).then(|| before.tag());
            if !condition.holds(tag.as_ref()) {
                let sentence = "The group is not set as in the version that was named";
                return Err(Error::Changed(sentence.into()).into());
            }
            may_bury(before, grant)?;
            let json = match is_patch {
                false => given.clone(),
                true => {
                    let mut json = serde_json::from_str(&before.to_json()).unwrap_or_default();
                    merge_patch::apply(&mut json, given.clone());
                    json
                }
            };
            let settings = Settings::parse(&json)?;
            may_bury(&settings, grant)?;
            reads_other(&settings, &topics)?;
            Ok(settings)
        };
        // What will be refused takes no turn.
        let latest = self.list.settings().read(group).await?;
        if let Some(topic) = &make(&latest)?.dead_letter {
            self.log.topic(topic).await?;
        }
        if is_new {
            self.list.enlist(group, &[] as &[&str]).await?;
        }
        let (denied, made) = (RefCell::new(None), RefCell::new(None::<Settings>));
        let changed = self.list.settings().change(group, |settings| {
            if made.borrow().as_ref() == Some(settings) {
                // An earlier write of the same change has been stored.
                return Ok(());
            }
            *settings = make(settings).map_err(|error| match error {
                AccessError::Failed(error) => error,
                AccessError::Denied(denial) => {
                    *denied.borrow_mut() = Some(denial);
                    Error::invalid("dead_letter", "denied")
                }
            })?;
            *made.borrow_mut() = Some(settings.clone());
            Ok(())
        });
        let changed = changed.await;
        if let Some(denial) = denied.into_inner() {
            return Err(AccessError::Denied(denial));
        }
        changed?;
        let settings = made.into_inner().unwrap_or_default();
        Ok(SetGroup { tag: settings.tag(), settings, is_new })
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

/// A group that reads its own dead letters would go round for ever.
fn reads_other(settings: &Settings, topics: &SortedSet<String>) -> Result<()> {
    match &settings.dead_letter {
        Some(topic) if topics.contains(topic) => {
            Err(Error::invalid("dead_letter", "The group reads this topic"))
        }
        _ => Ok(()),
    }
}

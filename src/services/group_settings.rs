//! What a consumer group is set to.
//!
//! One document for each group, in a lane of its own. An instance keeps it for a few
//! seconds, so that a change takes that long until all heed it. A group that was never
//! set to anything has no document.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::access::TopicPattern;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::limits;
use crate::names;
use crate::services::consume::MAX_CLAIMS;
use crate::sorted::SortedSet;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;
use crate::state::stored::stored;

/// How long an instance uses its copy.
const MAX_AGE: Duration = Duration::from_secs(5);

/// Of how many groups it has one.
const MAX_KNOWN: usize = 100;

/// How many times a record may be handed out, at most.
const MAX_DELIVERIES: u32 = 1_000;

/// A group's settings. Whatever is not set has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Settings {
    /// How many times a record is handed out under a claim before it is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<Leases>,
    /// The topic for records that were rejected or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<String>,
    /// How many records of a partition are claimed or wait to come again, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_claimed: Option<u32>,
    /// The topics of whoever set the dead-letter topic, if these are not all: a group may
    /// read others later, whose records are not that one's to copy.
    #[serde(rename = "of", skip_serializing_if = "Option::is_none")]
    pub(super) setters_topics: Option<Vec<String>>,
}

stored!(Settings, "a group's settings");

/// The leases on claimed records, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Leases {
    /// Where the caller names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<u32>,
    /// The longest that a caller may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u32>,
}

impl Settings {
    /// The settings in a caller's JSON. A member that is null counts as not given.
    pub(super) fn parse(json: &Value) -> Result<Self> {
        // The derived function, not the trait's, which reads what is stored.
        let settings =
            kafka_edge_json::from_str_with(&json.to_string(), |node| Self::deserialize(node))
                .map_err(|error| Error::of_json(&error, "body"))?;
        if settings.setters_topics.is_some() {
            return Err(Error::no_such_field("", "of"));
        }
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<()> {
        let within = |field, number: Option<u32>, most: usize| {
            let number = number.map_or(1, |number| number as usize);
            limits::check_number(field, number, &(1..=most)).map(drop)
        };
        within("delivery_limit", self.delivery_limit, MAX_DELIVERIES as usize)?;
        within("max_claimed", self.max_claimed, MAX_CLAIMS)?;
        let Leases { default, maximum } = self.lease.unwrap_or_default();
        let longest = limits::LEASE.end().as_secs() as usize;
        within("lease.maximum", maximum, longest)?;
        within("lease.default", default, maximum.map_or(longest, |maximum| maximum as usize))?;
        if let Some(topic) = &self.dead_letter {
            let not_one = |_| Error::invalid("dead_letter", "Not the name of a topic");
            names::check_topic(topic).map_err(not_one)?;
        }
        Ok(())
    }

    /// A group that reads its own dead letters would go round for ever.
    pub(super) fn check_topics(&self, topics: Option<&SortedSet<String>>) -> Result<()> {
        let reads = |topic: &String| topics.is_some_and(|topics| topics.contains(topic));
        match self.dead_letter.as_ref().is_some_and(reads) {
            true => Err(Error::invalid("dead_letter", "The group reads this topic")),
            false => Ok(()),
        }
    }

    /// As JSON with everything in it, also what is none of a caller's to set.
    #[cfg(feature = "configuration")]
    pub(super) fn to_whole_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The settings in such JSON.
    #[cfg(feature = "configuration")]
    pub(super) fn parse_whole(json: &Value) -> Result<Self> {
        let mut settings = json.clone();
        let of = settings.as_object_mut().and_then(|members| members.remove("of"));
        let mut settings = Self::parse(&settings)?;
        let patterns = |of: Value| {
            let Value::Array(items) = of else { return None };
            items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => TopicPattern::parse(&text).map(|_| text),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
        };
        let malformed = || Error::invalid("of", "Not a list of topics and beginnings of topics");
        settings.setters_topics = of.map(|of| patterns(of).ok_or_else(malformed)).transpose()?;
        Ok(settings)
    }

    /// As the JSON that it is read from.
    pub fn to_json(&self) -> String {
        let settings = Self { setters_topics: None, ..self.clone() };
        serde_json::to_string(&settings).unwrap_or_default()
    }

    /// Whether records of a topic may be copied to the dead-letter topic.
    pub(super) fn may_bury(&self, topic: &str) -> bool {
        let matches = |pattern: &String| {
            TopicPattern::parse(pattern).is_some_and(|pattern| pattern.matches(topic))
        };
        self.setters_topics.as_ref().is_none_or(|topics| topics.iter().any(matches))
    }

    /// The version of its representation, for `ETag`.
    pub fn tag(&self) -> String {
        crate::random::hex(&Sha256::digest(self.to_json())[..8])
    }

    pub(super) fn max_claimed(&self) -> usize {
        self.max_claimed.map_or(MAX_CLAIMS, |most| most as usize)
    }

    /// Whether a record that was handed out so many times is handed out no more.
    pub(super) fn is_spent(&self, deliveries: u32) -> bool {
        self.delivery_limit.is_some_and(|limit| deliveries >= limit)
    }

    /// The lease for a caller that names none, if `usual` is that of all groups.
    pub(super) fn default_lease(&self, usual: Duration) -> Duration {
        let leases = self.lease.unwrap_or_default();
        match leases.default {
            Some(default) => seconds(default),
            None => leases.maximum.map_or(usual, |maximum| usual.min(seconds(maximum))),
        }
    }

    /// Checks a lease that a caller asks for.
    pub(super) fn check_lease(&self, lease: Duration) -> Result<()> {
        let maximum = self.lease.and_then(|leases| leases.maximum);
        maximum.map_or(Ok(()), |maximum| {
            limits::check_time("lease", lease, seconds(maximum)).map(drop)
        })
    }
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

/// The settings of all groups, as one instance knows them.
pub struct GroupSettings<H> {
    host: H,
    params: Params,
    known: RefCell<Vec<(String, SharedSettings<H>)>>,
}

type SharedSettings<H> = Rc<Shared<H, Settings>>;

impl<H: Host> GroupSettings<H> {
    pub(super) fn new(host: H, params: Params) -> Self {
        Self { host, params, known: RefCell::default() }
    }

    fn of(&self, group: &str) -> Result<SharedSettings<H>> {
        let mut known = self.known.borrow_mut();
        if let Some((_, settings)) = known.iter().find(|(name, _)| name == group) {
            return Ok(settings.clone());
        }
        let shared = Shared::new(self.host.clone(), LaneName::settings(group)?, self.params);
        let shared = Rc::new(shared);
        if known.len() >= MAX_KNOWN {
            known.remove(0);
        }
        known.push((group.to_owned(), shared.clone()));
        Ok(shared)
    }

    /// The settings of a group, which others may have changed within the last seconds.
    pub(super) async fn recent(&self, group: &str) -> Result<Rc<Settings>> {
        let shared = self.of(group)?;
        match shared.known(MAX_AGE) {
            Some(settings) => Ok(settings),
            None => shared.read().await,
        }
    }

    /// The settings as they are now.
    pub(super) async fn read(&self, group: &str) -> Result<Rc<Settings>> {
        self.of(group)?.read().await
    }

    /// Changes the settings. `edit` gets the latest ones, and may be called again.
    pub(super) async fn change(
        &self,
        group: &str,
        edit: &dyn Fn(&mut Settings) -> Result<()>,
    ) -> Result<()> {
        self.of(group)?.change(edit).await
    }

    /// A group is set to nothing any more.
    pub(super) async fn forget(&self, group: &str) -> Result<()> {
        if *self.read(group).await? == Settings::default() {
            return Ok(());
        }
        let forget = |settings: &mut Settings| {
            *settings = Settings::default();
            Ok(())
        };
        self.change(group, &forget).await
    }
}

impl<H> fmt::Debug for GroupSettings<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupSettings").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn parse(json: &str) -> Result<Settings> {
        Settings::parse(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let field = |json: &str| parse(json).unwrap_err().field().map(str::to_owned);
        for (json, named) in [
            ("[]", "body"),
            ("[5,null,null,null]", "body"),
            ("null", "body"),
            (r#"{"limit":1}"#, "limit"),
            (r#"{"delivery_limit":1.5}"#, "delivery_limit"),
            (r#"{"delivery_limit":"5"}"#, "delivery_limit"),
            (r#"{"delivery_limit":4294967297}"#, "delivery_limit"),
            (r#"{"lease":60}"#, "lease"),
            (r#"{"lease":[30,60]}"#, "lease"),
            (r#"{"lease":{"max":60}}"#, "lease.max"),
            (r#"{"delivery_limit":0}"#, "delivery_limit"),
            (r#"{"delivery_limit":1001}"#, "delivery_limit"),
            (r#"{"max_claimed":0}"#, "max_claimed"),
            (r#"{"max_claimed":1001}"#, "max_claimed"),
            (r#"{"lease":{"default":3601}}"#, "lease.default"),
            (r#"{"lease":{"default":61,"maximum":60}}"#, "lease.default"),
            (r#"{"lease":{"maximum":0}}"#, "lease.maximum"),
            (r#"{"dead_letter":"a b"}"#, "dead_letter"),
            (r#"{"dead_letter":5}"#, "dead_letter"),
            (r#"{"dead_letter":"a","of":["*"]}"#, "of"),
        ] {
            assert_eq!(field(json).as_deref(), Some(named), "{json}");
        }
        let all = r#"{"delivery_limit":5,"lease":{"default":30,"maximum":60},"dead_letter":"orders.dead","max_claimed":100}"#;
        assert_eq!(parse(all).unwrap().to_json(), all);
        assert_eq!(parse(r#"{"lease":null}"#), Ok(Settings::default()));
        assert_ne!(parse(all).unwrap().tag(), Settings::default().tag());
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let usual = Duration::from_secs(30);
        let none = Settings::default();
        assert_eq!((none.max_claimed(), none.default_lease(usual)), (MAX_CLAIMS, usual));
        assert!(!none.is_spent(u32::MAX) && none.check_lease(usual * 99).is_ok());
        let short = parse(r#"{"lease":{"maximum":10},"delivery_limit":2}"#).unwrap();
        assert_eq!(short.default_lease(usual), Duration::from_secs(10));
        assert!(short.check_lease(Duration::from_secs(10)).is_ok());
        assert!(matches!(
            short.check_lease(usual),
            Err(error) if matches!(*error, ErrorKind::Invalid { field: "lease", .. })
        ));
        assert!(!short.is_spent(1) && short.is_spent(2));
        let setters_topics = Some(vec!["orders".to_owned(), "logs.*".to_owned()]);
        let of_some = Settings { setters_topics, ..Settings::default() };
        assert!(of_some.may_bury("orders") && of_some.may_bury("logs.eu"));
        assert!(!of_some.may_bury("payments") && none.may_bury("payments"));
        assert_eq!(of_some.to_json(), "{}");
        let long = parse(r#"{"lease":{"default":90}}"#).unwrap();
        assert_eq!(long.default_lease(usual), Duration::from_secs(90));
    }
}

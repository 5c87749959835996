//! A subscription as it is stored: one document.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::keys::{Keys, renew};
use super::settings::{Consent, Exhausted, OnError, Settings, Start};
use super::view::add;
use super::{KIND, SubscriptionSummary};
use crate::access::TopicPattern;
use crate::host::{Clock, Millis};
use crate::random;
use crate::secrets::{SecretGone, SecretKeys, StoredSecret};
use crate::sorted::SortedMap;
use crate::state::stored::stored;
use crate::telemetry::{Report, report_change};

/// The largest document of a subscription.
pub(super) const MAX_SUBSCRIPTION_BYTES: usize = 16 * 1024;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) created: Millis,
    /// With its secrets encrypted. The key of `v1` is among the `keys`.
    pub(super) settings: Settings,
    /// Where delivery starts in each partition, by topic. A partition without a start, and
    /// a topic that a prefix found later, are delivered from their first record on.
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    pub(super) starts: SortedMap<String, Vec<i64>>,
    pub(super) keys: Keys,
    /// Made by `GET /webhook/{topic}/{url}` or `POST /webhooks`: 410 does not disable it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) legacy: bool,
    #[serde(default, skip_serializing_if = "State::is_active")]
    pub(super) state: State,
    /// The requests in a minute that the callback has granted, if it has named a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) granted: Option<u32>,
    /// What is sent once more, beside the live position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) runs: Vec<SideRun>,
    /// Up to where the partitions of its dead-letter topic were sent again.
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    pub(super) redriven: SortedMap<i32, i64>,
    /// Grows with each change.
    pub(super) version: u64,
    /// The page of the list of ids on which it stands.
    pub(super) page: u32,
    #[serde(default, skip_serializing_if = "Stage::is_whole")]
    pub(super) stage: Stage,
}

/// Whether a subscription is delivered to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    #[default]
    Active,
    Paused {
        since: Millis,
    },
    /// The gateway has given up, for this reason.
    Disabled {
        since: Millis,
        why: String,
    },
}

impl State {
    pub(super) fn is_active(&self) -> bool {
        *self == Self::Active
    }
}

/// Records that are sent once more, beside the live position: a replay, or the dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SideRun {
    pub(super) id: String,
    pub(super) topic: String,
    pub(super) created: Millis,
    /// For each partition: from this offset on, to before that one.
    pub(super) parts: SortedMap<i32, (i64, i64)>,
    /// The topic is that of dead letters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) redrive: bool,
}

/// How many such runs a subscription may have.
pub(super) const MAX_RUNS: usize = 4;

/// How far the writes are of which a change consists. Anything but `Whole` was left by a
/// change under way, or by a death.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    Whole,
    /// It may be missing in the indexes, and was not answered yet.
    Making { since: Millis },
    /// It may be missing in the indexes of its topics, and be in those of topics that it
    /// has left; their lanes may be there.
    Changing { since: Millis, left: Vec<String> },
    /// It is nobody's any more.
    Removing { since: Millis },
}

impl Stage {
    fn is_whole(&self) -> bool {
        *self == Self::Whole
    }
}

impl Subscription {
    /// With new keys, and no place in the list yet.
    pub(super) fn new(id: String, settings: Settings, keys: Keys, created: Millis) -> Self {
        Self {
            id,
            created,
            settings,
            starts: SortedMap::new(),
            keys,
            legacy: false,
            state: State::Active,
            granted: None,
            runs: Vec::new(),
            redriven: SortedMap::new(),
            version: 1,
            page: 0,
            stage: Stage::Making { since: created },
        }
    }

    /// Where delivery starts in a partition. One that was added later (`None`) is delivered
    /// from its first record on.
    pub(super) fn start(&self, topic: &str, partition: i32) -> Option<i64> {
        let starts = self.starts.get(topic);
        starts.and_then(|starts| starts.get(usize::try_from(partition).ok()?)).copied()
    }

    /// The partitions that a topic had when it was added.
    pub(super) fn first_partitions(&self, topic: &str) -> std::ops::Range<i32> {
        let count = self.starts.get(topic).map_or(0, Vec::len);
        0..i32::try_from(count).unwrap_or(i32::MAX)
    }

    /// Whether the records of a topic are its.
    pub(super) fn covers(&self, topic: &str) -> bool {
        self.patterns().any(|pattern| pattern.matches(topic))
    }

    pub(super) fn patterns(&self) -> impl Iterator<Item = TopicPattern> {
        patterns(&self.settings.topics)
    }

    /// The topics that it names.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        named(&self.settings.topics)
    }

    /// The beginnings of topics' names that it gives.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = &str> {
        prefixes(&self.settings.topics)
    }

    /// Whether it is anybody's.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Whole | Stage::Changing { .. })
    }

    /// Whether records are delivered to it now.
    pub(super) fn is_active(&self) -> bool {
        self.is_live() && self.state.is_active() && !self.lacks_secret()
    }

    /// Whether a secret is yet to be given, which a document of a set-up left out.
    pub(super) fn lacks_secret(&self) -> bool {
        self.keys.secrets().chain(self.settings.secrets()).any(StoredSecret::is_missing)
    }

    /// Whether it is the one that a registration of this topic and callback finds, or would
    /// be once its making is finished.
    pub(super) fn is_twin_of(&self, topic: &str, callback_url: &str) -> bool {
        self.legacy
            && !matches!(self.stage, Stage::Removing { .. })
            && self.settings.topics == [topic]
            && self.settings.callback_url == callback_url
    }

    /// Encrypts secrets under the first key that are not; whether there was one.
    pub(super) fn renew(
        &mut self,
        clock: &impl Clock,
        keys: &SecretKeys,
    ) -> Result<bool, SecretGone> {
        let Self { id, keys: own, settings, .. } = self;
        let secrets = own.secrets_mut().chain(settings.secrets_mut());
        renew(secrets, id, clock, keys)
    }

    pub(super) fn describe(&self) -> SubscriptionSummary {
        SubscriptionSummary {
            id: self.id.clone(),
            topic: self.settings.topics.first().cloned().unwrap_or_default(),
            topics: self.settings.topics.clone(),
            callback_url: self.settings.callback_url.clone(),
            created: self.created,
        }
    }

    /// Tells the operator what has become of it. What is compared is what is stored, so that a
    /// new secret is a change.
    pub(super) fn report(&self, before: Option<&Self>, host: &impl Report) {
        let told = |one: &Self| {
            let mut json = one.settings.to_json();
            add(&mut json, "secret", &one.keys.to_text());
            add(&mut json, "state", &one.state);
            let runs: Vec<_> = one.runs.iter().map(|run| &run.id).collect();
            add(&mut json, "runs", &runs);
            json
        };
        report_change(host, KIND, &self.id, before.map(told).as_deref(), &told(self));
    }

    /// What stands for its callback in the index of its topic, if it is found by that.
    pub(super) fn twin(&self) -> String {
        match self.legacy {
            true => twin(&self.settings.callback_url),
            false => String::new(),
        }
    }
}

fn patterns(topics: &[String]) -> impl Iterator<Item = TopicPattern> {
    topics.iter().filter_map(|topic| TopicPattern::parse(topic))
}

pub(super) fn named(topics: &[String]) -> impl Iterator<Item = &str> {
    topics.iter().map(String::as_str).filter(|topic| !topic.ends_with('*'))
}

pub(super) fn prefixes(topics: &[String]) -> impl Iterator<Item = &str> {
    topics.iter().filter_map(|topic| topic.strip_suffix('*'))
}

/// A short hash of a callback's URL: where it is the same, the documents are compared.
pub(super) fn twin(url: &str) -> String {
    use sha2::{Digest, Sha256};
    random::hex(&Sha256::digest(url)[..8])
}

/// `webhook_` and 96 random bits.
pub(super) fn new_id(clock: &impl Clock) -> String {
    format!("webhook_{}", random::hex_id::<12>(clock))
}

/// What `GET /webhook/{topic}/{url}` and `POST /webhooks` have always made: it never gives
/// up.
pub(super) fn legacy_settings(topic: &str, callback_url: String, from: Start) -> Settings {
    Settings {
        topics: vec![topic.to_owned()],
        from,
        exhausted: Exhausted::Wait,
        on_error: OnError::Exhaust,
        disable_after: None,
        consent: Consent::Off,
        ..Settings::of(callback_url)
    }
}

/// The document of one id. Without a subscription nothing was ever written, or all of it
/// is gone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(super) struct Registered(pub(super) Option<Rc<Subscription>>);

stored!(Registered, "a webhook");

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::services::subscriptions) fn subscription(
        topic: &str,
        url: &str,
        id: u32,
    ) -> Subscription {
        let settings = legacy_settings(topic, url.to_owned(), Start::Latest);
        let secret =
            kafka_edge_json::from_str(r#""whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw""#).unwrap();
        let keys = Keys::of(secret);
        let mut new = Subscription::new(format!("webhook_{id}"), settings, keys, 7);
        new.starts = [(topic.to_owned(), vec![42])].into();
        new.stage = Stage::Whole;
        new
    }

    #[test]
    fn a_partition_or_topic_added_later_begins_at_its_beginning() {
        let subscription = subscription("a", "https://x/", 1);
        let starts = [("a", 0), ("a", 1), ("b", 0)].map(|(t, p)| subscription.start(t, p));
        assert_eq!(starts, [Some(42), None, None]);
        assert_eq!(subscription.start("a", -1), None);
    }

    #[test]
    fn a_subscription_is_kept_whole_and_its_debug_is_harmless() {
        let all = Registered(Some(Rc::new(subscription("a", "https://x/", 1))));
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(kafka_edge_json::from_str::<Registered>(&text).unwrap(), all);
        assert!(!format!("{all:?}").contains("MfKQ9r8"));
        assert_eq!(kafka_edge_json::from_str::<Registered>("null").unwrap(), Registered::default());
    }

    #[test]
    fn names_and_prefixes_are_told_apart() {
        let mut subscription = subscription("a", "https://x/", 1);
        subscription.settings.topics = vec!["a".into(), "audit.*".into()];
        assert!(subscription.named().eq(["a"]) && subscription.prefixes().eq(["audit."]));
        assert!(subscription.covers("a") && subscription.covers("audit.eu"));
        assert!(!subscription.covers("ab") && !subscription.covers("audit"));
    }
}

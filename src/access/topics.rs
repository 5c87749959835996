//! The topics that a credential allows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::credential::Flaw;
use crate::names;

/// The maximum number of patterns of a credential.
pub const MAX_TOPICS: usize = 50;

/// A topic's name, or the beginning of names: `logs.*` is every topic whose
/// name begins with `logs.`, and `*` is every topic. The star is allowed only
/// at the end, and the dot before it is an ordinary character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicPattern {
    Name(String),
    Prefix(String),
}

impl TopicPattern {
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = |text: &str| names::check_topic(text).is_ok();
        match text.strip_suffix('*') {
            // With one more character this has to be a valid name.
            Some(prefix) => is_name(&format!("{prefix}x")).then(|| Self::Prefix(prefix.to_owned())),
            None => is_name(text).then(|| Self::Name(text.to_owned())),
        }
    }

    /// Whether everything that the other pattern matches is matched by this one.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Name(name)) => self.matches(name),
            (Self::Prefix(prefix), Self::Prefix(longer)) => longer.starts_with(prefix.as_str()),
            (Self::Name(_), Self::Prefix(_)) => false,
        }
    }

    pub fn matches(&self, topic: &str) -> bool {
        match self {
            Self::Name(name) => name == topic,
            Self::Prefix(prefix) => topic.starts_with(prefix.as_str()),
        }
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

/// A list of patterns; a topic has to match one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub struct TopicPatterns(Vec<TopicPattern>);

impl TopicPatterns {
    pub fn parse(patterns: &[impl AsRef<str>]) -> Result<Self, Flaw> {
        if patterns.len() > MAX_TOPICS {
            return Err(Flaw::new("topics", "has more than 50 entries"));
        }
        let pattern = |(place, text): (usize, &_)| {
            TopicPattern::parse(AsRef::<str>::as_ref(text)).ok_or_else(|| {
                let problem = "is neither the name of a topic nor the beginning of one and a *";
                Flaw::at(place, "topics", problem)
            })
        };
        Ok(Self(patterns.iter().enumerate().map(pattern).collect::<Result<_, _>>()?))
    }

    pub fn contains(&self, topic: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(topic))
    }

    /// Whether one of the patterns covers all topics of this one.
    pub fn covers(&self, pattern: &TopicPattern) -> bool {
        self.0.iter().any(|known| known.covers(pattern))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &TopicPattern> {
        self.0.iter()
    }
}

impl From<TopicPatterns> for Vec<String> {
    fn from(topics: TopicPatterns) -> Self {
        topics.iter().map(ToString::to_string).collect()
    }
}

impl TryFrom<Vec<String>> for TopicPatterns {
    type Error = Flaw;

    fn try_from(patterns: Vec<String>) -> Result<Self, Flaw> {
        Self::parse(&patterns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_the_end_is_the_only_special_thing() {
        for (pattern, matching, others) in [
            ("orders", &["orders"][..], &["orders2", "order", "Orders", ""][..]),
            ("logs.*", &["logs.", "logs.eu", "logs.eu.1"], &["logs", "logsXeu", "a.logs.eu"]),
            ("logs*", &["logs", "logs.eu", "logs2"], &["log", "Logs"]),
            ("*", &["a", "logs.eu", "..."], &[]),
            ("a.b", &["a.b"], &["aXb"]),
            ("...", &["..."], &["."]),
        ] {
            let parsed = TopicPattern::parse(pattern).unwrap();
            assert_eq!(parsed.to_string(), pattern);
            for topic in matching {
                assert!(parsed.matches(topic), "{pattern} {topic}");
            }
            for topic in others {
                assert!(!parsed.matches(topic), "{pattern} {topic}");
            }
        }
    }

    #[test]
    fn what_can_match_no_topic_is_refused() {
        let long = "x".repeat(250);
        for bad in ["", ".", "..", "**", "*a", "a*b", "a b", "a/*", "grün", "[a-z]", &long] {
            assert_eq!(TopicPattern::parse(bad), None, "{bad}");
        }
        let flaw = TopicPatterns::parse(&["orders", "a*b"]).unwrap_err();
        assert!(flaw.to_string().starts_with("topics[1] is neither"), "{flaw}");
        assert!(TopicPatterns::parse(&["a"; 50]).is_ok());
        assert!(TopicPatterns::parse(&["a"; 51]).is_err());
    }

    #[test]
    fn no_pattern_is_no_topic() {
        assert!(!TopicPatterns::default().contains("orders"));
        let topics = TopicPatterns::parse(&["orders", "logs.*"]).unwrap();
        assert!(topics.contains("orders") && topics.contains("logs.eu"));
        assert!(!topics.contains("payments"));
    }
}

//! Names that become part of a path.

use std::fmt;

use crate::error::Result;
use crate::names::check_topic;

/// A topic name that Kafka would allow. It needs no percent-encoding, and it is
/// neither `.` nor `..`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TopicName<'a>(&'a str);

impl<'a> TopicName<'a> {
    pub(super) fn new(name: &'a str) -> Result<Self> {
        check_topic(name)?;
        Ok(Self(name))
    }

    pub(super) fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Display for TopicName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Whether an id from the server can be used in a path without encoding.
pub(super) fn is_segment(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=100).contains(&id.len()) && id.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafkas_rule_for_topic_names() {
        for name in ["a", "test-topic", "a.b_c", "...", &"n".repeat(249)] {
            assert_eq!(TopicName::new(name).unwrap().as_str(), name);
        }
        for name in ["", ".", "..", "a b", "a/b", "a%2Fb", "ü", "a\0", "a:b", &"n".repeat(250)] {
            assert!(TopicName::new(name).is_err(), "{name}");
        }
    }
}

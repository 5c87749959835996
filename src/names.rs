//! Checks the names of topics and groups, for callers over HTTP and WIT, before
//! any service is called.

use crate::error::{Error, Result};
use crate::limits;
use crate::state::keys::{MAX_GROUP_BYTES, MAX_TOPIC_BYTES};

/// Kafka's rule: 1 to 249 letters, digits, dots, underscores and hyphens, and
/// neither `.` nor `..`.
pub fn check_topic(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid("topic", "The topic's name is empty"));
    }
    if name.len() > MAX_TOPIC_BYTES {
        return Err(Error::invalid("topic", "The topic's name is longer than 249 characters"));
    }
    let lawful = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name == "." || name == ".." || !name.bytes().all(lawful) {
        return Err(Error::invalid(
            "topic",
            "A topic's name holds only letters, digits, dots, underscores and hyphens",
        ));
    }
    Ok(())
}

/// Checks topics that are read together.
pub fn check_topics(names: &[String]) -> Result<()> {
    if names.is_empty() || names.len() > limits::TOPICS {
        let most = limits::TOPICS;
        return Err(Error::invalid("topic", format!("Not 1 to {most} topics in one call")));
    }
    names.iter().try_for_each(|name| check_topic(name))
}

/// Any readable name: 1 to 200 bytes without control characters, and neither `.`
/// nor `..`. Clients that normalise paths cannot name those in one (RFC 3986,
/// section 5.2.4).
pub fn check_group(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid("group", "The group's name is empty"));
    }
    if name.len() > MAX_GROUP_BYTES {
        return Err(Error::invalid("group", "The group's name is longer than 200 bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid("group", "The group's name holds a control character"));
    }
    if name == "." || name == ".." {
        return Err(Error::invalid("group", "A group cannot be named \".\" or \"..\""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn topics_follow_kafkas_rule() {
        for good in ["a", "test-topic", "orders.eu_1", "...", "A9", &"x".repeat(249)] {
            assert_eq!(check_topic(good), Ok(()), "{good}");
        }
        let long = "x".repeat(250);
        for bad in ["", ".", "..", "a b", "a/b", "a\0b", "grün", "a%20", "a:b", &long] {
            let error = check_topic(bad).unwrap_err();
            assert!(matches!(*error, ErrorKind::Invalid { field: "topic", .. }), "{bad}: {error}");
        }
    }

    #[test]
    fn groups_are_readable() {
        for good in ["default", "my group", "grün/1", "...", ".a", &"x".repeat(200)] {
            assert_eq!(check_group(good), Ok(()), "{good}");
        }
        for bad in ["", ".", "..", "a\0", "a\nb", "\u{7f}", &"x".repeat(201)] {
            let error = check_group(bad).unwrap_err();
            assert!(
                matches!(*error, ErrorKind::Invalid { field: "group", .. }),
                "{bad:?}: {error}"
            );
        }
    }
}

//! What lies in the store: the document of an era and the small values beside it.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::ticket::Ticket;
use crate::host::Millis;

/// The state of a lane, as a holder last wrote it. All holders of an era write the
/// same key, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Document<T> {
    #[serde(rename = "v")]
    pub version: Version,
    /// The ticket of its writer.
    #[serde(rename = "n")]
    pub ticket: Ticket,
    /// The writer's ticket and all up to this one are finished with.
    #[serde(rename = "x")]
    pub upto: Ticket,
    /// `None`: released. The writer writes no more.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldUntil>,
    /// The ticket of the last seek or delete.
    #[serde(rename = "g", default, skip_serializing_if = "is_default")]
    pub generation: Ticket,
    /// What the lane is about; nothing once it was deleted. Without the field a
    /// document does not parse: a missing payload must not pass for a deleted one.
    #[serde(rename = "p", deserialize_with = "Option::deserialize")]
    pub payload: Option<T>,
}

/// How long a document keeps the lane for its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HeldUntil {
    #[serde(rename = "u")]
    pub until: Millis,
    /// The length of the writer's lease, in milliseconds.
    #[serde(rename = "l")]
    pub lease: i64,
}

/// The version of a document's layout. Another one does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Version(u8);

impl Version {
    pub const CURRENT: Self = Self(1);
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            1 => Ok(Self::CURRENT),
            other => Err(serde::de::Error::custom(format!("version {other} is not known"))),
        }
    }
}

/// Since when a ticket, and an end where one is named, have not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Watch {
    #[serde(flatten)]
    pub of: Watched,
    #[serde(rename = "s")]
    pub since: Millis,
}

/// What a watch is kept on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Watched {
    #[serde(rename = "t")]
    pub ticket: Ticket,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
}

/// Somebody waits for the holder of this ticket, or an earlier one, to let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Knock {
    #[serde(rename = "n")]
    pub ticket: Ticket,
}

/// Both clocks of an instance, read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Now {
    pub wall: Millis,
    pub monotonic: Duration,
}

impl Now {
    pub(super) fn plus(self, time: Duration) -> Self {
        Self { wall: self.wall.saturating_add(millis(time)), monotonic: self.monotonic + time }
    }

    /// Before `end` by both clocks: the earlier end counts.
    pub(super) fn before(self, end: Self) -> bool {
        self.wall < end.wall && self.monotonic < end.monotonic
    }

    pub(super) fn until(self, end: Self) -> Duration {
        if !self.before(end) {
            return Duration::ZERO;
        }
        let wall = u64::try_from(end.wall.saturating_sub(self.wall)).unwrap_or(0);
        Duration::from_millis(wall).min(end.monotonic.saturating_sub(self.monotonic))
    }
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn is_default<V: Default + PartialEq>(value: &V) -> bool {
    *value == V::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document<u64>, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn a_document_is_short() {
        let mut document = Document {
            version: Version::CURRENT,
            ticket: Ticket::of(7),
            upto: Ticket::of(8),
            held: None,
            generation: Ticket::NONE,
            payload: Some(7),
        };
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(text, r#"{"v":1,"n":"0.7","x":"0.8","p":7}"#);
        assert_eq!(parse(&text).unwrap(), document);
        document.held = Some(HeldUntil { until: 5, lease: 2 });
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(text, r#"{"v":1,"n":"0.7","x":"0.8","u":{"u":5,"l":2},"p":7}"#);
        assert_eq!(parse(&text).unwrap(), document);
        let watch = Watch { of: Watched { ticket: Ticket::of(3), until: None }, since: 9 };
        let text = serde_json::to_string(&watch).unwrap();
        assert_eq!(text, r#"{"t":"0.3","s":9}"#);
        assert_eq!(serde_json::from_str::<Watch>(&text).unwrap(), watch);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for text in [
            "",
            "7",
            "{}",
            r#"{"v":2,"n":"0.1","x":"0.1","p":7}"#,
            r#"{"v":1,"n":"0.1","x":"0.1","p":"x"}"#,
            r#"{"v":1,"n":"0.1","x":"0.1"}"#,
            r#"{"v":1,"n":1,"x":"0.1","p":7}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

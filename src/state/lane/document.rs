//! What lies in the store: the document of an epoch and the small values
//! around it.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::sweep::Swept;
use crate::host::Millis;

/// Turns at a lane are numbered from 1.
pub type Epoch = u64;

/// The state of a lane as the holder of an epoch last wrote it. Only that
/// holder ever writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Document<T> {
    #[serde(rename = "v")]
    pub version: Version,
    /// The holder has the lane before this time, unless `released`.
    #[serde(rename = "u")]
    pub until: Millis,
    /// How long its lease was when it wrote this, in milliseconds.
    #[serde(rename = "l")]
    pub lease: i64,
    /// Final: the holder writes no more.
    #[serde(rename = "r", default, skip_serializing_if = "is_default")]
    pub released: bool,
    /// The epoch of the last seek or delete.
    #[serde(rename = "g", default, skip_serializing_if = "is_default")]
    pub generation: Epoch,
    /// What the lane is about; nothing once it was deleted. Without the field
    /// a document does not parse: a missing payload must not pass for a
    /// deleted one.
    #[serde(rename = "p", deserialize_with = "Option::deserialize")]
    pub payload: Option<T>,
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

/// Where the lane stood not long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hint {
    #[serde(rename = "n")]
    pub epoch: Epoch,
    #[serde(rename = "r", default, skip_serializing_if = "is_default")]
    pub released: bool,
    #[serde(rename = "s", default, skip_serializing_if = "is_default")]
    pub swept: Swept,
}

/// Since when something that should change has been seen unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Watch {
    #[serde(rename = "t")]
    pub since: Millis,
    /// Absent: the epoch is claimed and has no document. Present: its
    /// document names this unlikely end.
    #[serde(rename = "u", default, skip_serializing_if = "is_default")]
    pub until: Option<Millis>,
}

/// Somebody waits for the holder of this epoch to let go. By epoch and not by
/// time, so that no clocks are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Knock {
    #[serde(rename = "n")]
    pub epoch: Epoch,
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
        let document = Document {
            version: Version::CURRENT,
            until: 10,
            lease: 5,
            released: true,
            generation: 0,
            payload: Some(7),
        };
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(text, r#"{"v":1,"u":10,"l":5,"r":true,"p":7}"#);
        assert_eq!(parse(&text).unwrap(), document);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for text in [
            "",
            "7",
            "{}",
            r#"{"v":2,"u":1,"l":1,"p":7}"#,
            r#"{"v":1,"u":1,"l":1,"p":"x"}"#,
            r#"{"v":1,"u":1,"l":1}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

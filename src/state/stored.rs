//! Documents with a future: each kind names the version of its layout.
//!
//! A document of version 1 lies in the store as its layout and nothing else,
//! which is how all of them were written before they had versions. From
//! version 2 on it is `{"v":2,"d":…}`. No layout of version 1 begins that way
//! (those that are maps by caller's names have no numbers as values), so that
//! the beginning alone tells the two apart.
//!
//! A document of an older version is upgraded when it is read, and the next
//! write stores it so. One of a newer version is an error, and the error is
//! about that document only.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A kind of document. [`stored!`](crate::state::stored::stored) implements
/// serde's traits with it.
pub(crate) trait Stored: Sized {
    /// What it is, for the operator.
    const KIND: &'static str;
    /// The version of the newest layout.
    const VERSION: u32;

    /// The version that this document is written in: an older one where that says all there
    /// is to say, and is read by older gateways.
    fn version(&self) -> u32;

    /// Writes the layout of that version.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads the layout of [`VERSION`](Self::VERSION).
    fn read(layout: &str) -> serde_json::Result<Self>;

    /// Makes a document of this version of one of an older version.
    fn upgrade(version: u32, layout: &str) -> serde_json::Result<Self>;
}

/// Stores a type in versions. The type derives serde's functions for the
/// layout of its version with `#[serde(remote = "Self")]`; the traits are
/// implemented here, with the version around it.
///
/// ```ignore
/// stored!(CredentialList, "the list of credentials", 2, upgrade);
/// stored!(often Position, "a group's position", 2, upgrade, version_of);
/// ```
///
/// A version above 1 names a function `(version, layout) -> Result<Type>`, and may name another
/// one, `(&Type) -> version`, for documents that an older layout can hold. What is read `often`,
/// by every call of a kind, is read by serde_json, which takes fewer instructions: an
/// acknowledgement among twelve claims takes 370,000 guest instructions so, and 522,000 by
/// `kafka_edge_json`. That reads everything else, in half the code.
macro_rules! stored {
    (often $type:ty, $kind:literal) => {
        stored!(often $type, $kind, 1, $crate::state::stored::nothing_older);
    };
    (often $type:ty, $kind:literal, $version:literal, $upgrade:path) => {
        stored!(often $type, $kind, $version, $upgrade, |_| $version);
    };
    (often $type:ty, $kind:literal, $version:literal, $upgrade:path, $version_of:expr) => {
        stored!(@ $type, $kind, $version, $upgrade, $version_of, |layout| {
            let mut layout = serde_json::Deserializer::from_str(layout);
            let document = <$type>::deserialize(&mut layout)?;
            layout.end()?;
            Ok(document)
        });
    };
    ($type:ty, $kind:literal) => {
        stored!($type, $kind, 1, $crate::state::stored::nothing_older);
    };
    ($type:ty, $kind:literal, $version:literal, $upgrade:path) => {
        stored!(@ $type, $kind, $version, $upgrade, |_| $version, |layout| {
            kafka_edge_json::from_str_with(layout, |node| <$type>::deserialize(node))
                .map_err(serde::de::Error::custom)
        });
    };
    (
        @ $type:ty, $kind:literal, $version:literal, $upgrade:path, $version_of:expr,
        |$layout:ident| $read:block
    ) => {
        impl $crate::state::stored::Stored for $type {
            const KIND: &'static str = $kind;
            const VERSION: u32 = $version;

            fn version(&self) -> u32 {
                let version_of: fn(&Self) -> u32 = $version_of;
                version_of(self)
            }

            fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // The derived function, not the trait's.
                <$type>::serialize(self, serializer)
            }

            fn read($layout: &str) -> serde_json::Result<Self> {
                $read
            }

            fn upgrade(version: u32, layout: &str) -> serde_json::Result<Self> {
                $upgrade(version, layout)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::state::stored::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::state::stored::deserialize(deserializer)
            }
        }
    };
}

pub(crate) use stored;

/// For a kind whose first version is its current one.
pub(crate) fn nothing_older<T>(version: u32, _layout: &str) -> serde_json::Result<T> {
    Err(serde_json::Error::custom(format!("there is no version {version} of it")))
}

/// What a document of version 2 or later lies in.
#[derive(Serialize)]
struct Envelope<D> {
    v: u32,
    d: D,
}

struct Layout<'a, T>(&'a T);

impl<T: Stored> Serialize for Layout<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

pub(crate) fn serialize<T: Stored, S: Serializer>(
    document: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match document.version() {
        1 => document.write(serializer),
        v => Envelope { v, d: Layout(document) }.serialize(serializer),
    }
}

pub(crate) fn deserialize<'de, T: Stored, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = <&RawValue>::deserialize(deserializer)?.get();
    read(text).map_err(D::Error::custom)
}

fn read<T: Stored>(text: &str) -> Result<T, ReadError> {
    let (version, layout) = match named_version(text) {
        None => (1, text),
        // What a newer version keeps beside its number is its own affair.
        Some((version, _)) if version > T::VERSION => {
            return Err(ReadError::Newer { version, kind: T::KIND, known: T::VERSION });
        }
        Some((version, rest)) => (version, layout_in(rest)?),
    };
    let document = match version == T::VERSION {
        true => T::read(layout),
        false => T::upgrade(version, layout),
    };
    Ok(document?)
}

/// The number behind `{"v":`, if that is how the document begins, and what follows it. We
/// alone write documents, and without spaces.
fn named_version(text: &str) -> Option<(u32, &str)> {
    let rest = text.strip_prefix(r#"{"v":"#)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // More digits than fit are of a newer version, too.
    (digits > 0).then(|| (rest[..digits].parse().unwrap_or(u32::MAX), &rest[digits..]))
}

/// The layout behind the number of a version. Whether it is JSON, and nothing else, its own
/// reader finds out.
fn layout_in(rest: &str) -> serde_json::Result<&str> {
    let layout = rest.strip_prefix(r#","d":"#).and_then(|rest| rest.strip_suffix('}'));
    layout.ok_or_else(|| serde_json::Error::custom("the layout is missing"))
}

#[derive(Debug)]
enum ReadError {
    Newer { version: u32, kind: &'static str, known: u32 },
    Malformed(serde_json::Error),
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer { version, kind, known } => write!(
                f,
                "This document was written by a newer version of kafka-edge: it is version \
                 {version} of {kind}, and this gateway knows version {known}"
            ),
            Self::Malformed(error) => error.fmt(f),
        }
    }
}

/// For `skip_serializing_if`.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sorted::SortedMap;

    /// By names that callers choose, as some of ours are.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(transparent, remote = "Self")]
    struct First(SortedMap<String, Vec<u8>>);

    stored!(First, "a test's document");

    /// The third version: the first one was a number, the second one had a name.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(remote = "Self")]
    struct Third {
        count: u64,
        name: String,
    }

    stored!(Third, "a counter", 3, upgrade);

    fn upgrade(version: u32, layout: &str) -> serde_json::Result<Third> {
        match version {
            1 => Ok(Third { count: serde_json::from_str(layout)?, name: "none".into() }),
            2 => {
                let (count, name) = serde_json::from_str(layout)?;
                Ok(Third { count, name })
            }
            other => nothing_older(other, layout),
        }
    }

    fn third(count: u64, name: &str) -> Third {
        Third { count, name: name.into() }
    }

    fn refused<T: for<'de> Deserialize<'de> + fmt::Debug>(text: &str) -> String {
        serde_json::from_str::<T>(text).unwrap_err().to_string()
    }

    #[test]
    fn a_first_version_lies_there_as_it_always_did() {
        let document = First([("g".to_owned(), vec![1])].into());
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(text, r#"{"g":[1]}"#);
        assert_eq!(serde_json::from_str::<First>(&text).unwrap(), document);
    }

    #[test]
    fn a_callers_name_is_no_version() {
        for name in ["v", "v\":2", "d", "2"] {
            let document = First([(name.to_owned(), vec![2]), ("w".into(), vec![])].into());
            let text = serde_json::to_string(&document).unwrap();
            assert_eq!(serde_json::from_str::<First>(&text).unwrap(), document, "{text}");
        }
    }

    #[test]
    fn a_later_version_names_itself() {
        let text = serde_json::to_string(&third(7, "x")).unwrap();
        assert_eq!(text, r#"{"v":3,"d":{"count":7,"name":"x"}}"#);
        assert_eq!(serde_json::from_str::<Third>(&text).unwrap(), third(7, "x"));
    }

    #[test]
    fn older_versions_are_upgraded_and_written_in_the_current_one() {
        for (text, expected) in [
            ("7", third(7, "none")),
            (r#"{"v":1,"d":7}"#, third(7, "none")),
            (r#"{"v":2,"d":[7,"x"]}"#, third(7, "x")),
        ] {
            let read: Third = serde_json::from_str(text).unwrap();
            assert_eq!(read, expected, "{text}");
            assert!(serde_json::to_string(&read).unwrap().starts_with(r#"{"v":3,"#), "{text}");
        }
    }

    #[test]
    fn newer_versions_are_refused_with_a_sentence_whatever_they_hold() {
        for text in [r#"{"v":4,"d":{"count":7,"name":"x"}}"#, r#"{"v":4}"#, r#"{"v":4,"z":[]}"#] {
            assert_eq!(
                refused::<Third>(text),
                "This document was written by a newer version of kafka-edge: it is version 4 of \
                 a counter, and this gateway knows version 3"
            );
        }
        assert!(refused::<First>(r#"{"v":2,"d":{}}"#).contains("version 2 of a test's document"));
        assert!(refused::<First>(r#"{"v":99999999999,"d":{}}"#).contains("newer version"));
    }

    #[test]
    fn what_is_malformed_is_an_error_and_no_fresh_start() {
        for text in ["", "x", r#"{"v":3}"#, r#"{"v":3,"d":1}"#, r#"{"v":0,"d":7}"#, r#"{"v":1}"#] {
            assert!(serde_json::from_str::<Third>(text).is_err(), "{text}");
        }
    }
}

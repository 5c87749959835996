//! The providers by name: one row of parameters each.

use std::fmt;

use flate2::{Decompress, FlushDecompress};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::handshake::Handshake;
use crate::scheme::{Scheme, ValueAt};

/// The rows, in the form in which an operator may spell out one of his own.
static ROWS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/providers.deflate"));
/// What they are when inflated.
const ROWS_LENGTH: usize = include!(concat!(env!("OUT_DIR"), "/providers.length"));

/// They were compressed with the crate, and are not damaged.
fn rows() -> String {
    let mut rows = Vec::with_capacity(ROWS_LENGTH);
    _ = Decompress::new(false).decompress_vec(ROWS, &mut rows, FlushDecompress::Finish);
    String::from_utf8(rows).unwrap_or_default()
}

/// What a provider does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The ways in which it signs. The first one whose header is there decides.
    pub schemes: Vec<Scheme>,
    /// Where an event's id stands.
    #[serde(default)]
    pub id: Vec<ValueAt>,
    #[serde(default)]
    pub handshake: Option<Handshake>,
}

/// The provider of this name.
pub fn provider(name: &str) -> Option<Provider> {
    let rows = rows();
    kafka_edge_json::from_str_with(&rows, |rows| Row(name).deserialize(rows)).ok().flatten()
}

/// The names of all providers, in the order of the alphabet.
pub fn names() -> Vec<String> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the providers")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut names = Vec::new();
            while let Some((name, IgnoredAny)) = map.next_entry::<String, _>()? {
                names.push(name);
            }
            Ok(names)
        }
    }
    let rows = rows();
    kafka_edge_json::from_str_with(&rows, |rows| rows.deserialize_map(Names)).unwrap_or_default()
}

/// Reads one row and skips the others.
struct Row<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = Option<Provider>;

    fn deserialize<D: Deserializer<'de>>(self, rows: D) -> Result<Self::Value, D::Error> {
        rows.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = Option<Provider>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the providers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<String>()? {
            if name == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn every_row_can_be_read_and_their_names_are_in_order() {
        let names = names();
        assert!(names.len() >= 53, "{}", names.len());
        assert!(names.is_sorted());
        for name in names {
            let row = provider(&name).unwrap_or_else(|| panic!("{name} cannot be read"));
            assert!(!row.schemes.is_empty(), "{name}");
            let settings = Settings { provider: Some(name.clone()), ..Settings::default() };
            assert_eq!(settings.schemes().unwrap(), row.schemes, "{name}");
        }
        assert_eq!(provider("nobody"), None);
    }
}

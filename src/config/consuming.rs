//! How records are read for groups.

use super::variables::Variables;
use crate::error::{ErrorKind, Result};

const OPEN_PARTITIONS: &str = "open_partitions";

pub(super) const VARIABLES: [&str; 1] = [OPEN_PARTITIONS];

/// How many partitions a group may have open in one instance.
const RANGE: std::ops::RangeInclusive<usize> = 1..=64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumingConfig {
    /// How many partitions are read at once for a page of records. Each one that records
    /// are taken from costs two writes of the store.
    pub open_partitions: usize,
}

impl Default for ConsumingConfig {
    fn default() -> Self {
        Self { open_partitions: 4 }
    }
}

impl ConsumingConfig {
    pub(super) fn of(variables: &Variables<'_>) -> Result<Self> {
        let Some(text) = variables.text(OPEN_PARTITIONS) else { return Ok(Self::default()) };
        match text.trim().parse() {
            Ok(open_partitions) if RANGE.contains(&open_partitions) => Ok(Self { open_partitions }),
            _ => Err(ErrorKind::Unconfigured(format!(
                "{OPEN_PARTITIONS} is no number from {} to {}",
                RANGE.start(),
                RANGE.end()
            ))
            .into()),
        }
    }
}

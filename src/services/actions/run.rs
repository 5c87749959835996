//! The runs of an action, and where they are kept.
//!
//! A counter gives each run of an action its number, and the number its place among
//! [`MAX_RUNS`]. Each place is written by one run only until another one takes it, so that
//! instances which publish at the same time spoil nothing of each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::host::Millis;
use crate::state::keys::{self, CounterKey, Key, LaneName};
use crate::state::stored::stored;

/// How many runs of an action are kept, and for how long.
pub const MAX_RUNS: u64 = 1_000;
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const RUN: &str = "wfr_";
const NODE: &str = "wfnr_";

/// How many hexadecimal digits an id has for the action, the number, the time and chance.
const DIGITS: [usize; 4] = [12, 10, 11, 8];

/// What the id of a run says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunId {
    /// Behind the prefix, the same for a run and its node.
    digits: String,
    pub(super) action: String,
    pub(super) number: u64,
    pub(super) created: Millis,
}

impl RunId {
    pub(super) fn new(action: &str, number: u64, created: Millis, chance: [u8; 4]) -> Self {
        let action = tag(action);
        let chance = crate::random::hex(&chance);
        let digits = format!("{action}{number:010x}{created:011x}{chance}");
        Self { digits, action, number, created }
    }

    /// What is written otherwise is nobody's id.
    pub(super) fn parse(run: &str) -> Option<Self> {
        let digits = run.strip_prefix(RUN)?;
        let lawful = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() != DIGITS.iter().sum::<usize>() || !digits.bytes().all(lawful) {
            return None;
        }
        let (action, rest) = digits.split_at(DIGITS[0]);
        let (number, rest) = rest.split_at(DIGITS[1]);
        let created = &rest[..DIGITS[2]];
        Some(Self {
            digits: digits.into(),
            action: action.into(),
            number: u64::from_str_radix(number, 16).ok()?,
            created: Millis::from_str_radix(created, 16).ok()?,
        })
    }

    pub(super) fn run(&self) -> String {
        format!("{RUN}{}", self.digits)
    }

    pub(super) fn node(&self) -> String {
        format!("{NODE}{}", self.digits)
    }

    /// Until when it is kept.
    pub(super) fn kept_until(&self) -> Millis {
        self.created.saturating_add(Millis::try_from(KEPT.as_millis()).unwrap_or(Millis::MAX))
    }

    pub(super) fn is_of(&self, action: &str) -> bool {
        self.action == tag(action)
    }

    pub(super) fn key(&self) -> Key<Run> {
        keys::run(&self.action, self.number % MAX_RUNS)
    }

    pub(super) fn report(&self) -> LaneName {
        LaneName::report(&self.action, self.number % MAX_RUNS)
    }
}

/// What stands for an action in keys and ids.
fn tag(action: &str) -> String {
    crate::random::hex(&Sha256::digest(action)[..DIGITS[0] / 2])
}

/// Counts the runs of an action.
pub(super) fn counter(action: &str) -> CounterKey {
    keys::runs(&tag(action))
}

/// What is kept of a run, beside what its id says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct Run {
    #[serde(rename = "i")]
    pub(super) id: String,
    #[serde(rename = "n")]
    pub(super) number: u64,
    #[serde(rename = "t")]
    pub(super) topic: String,
    /// Where each record is; none for one that was not written, as far as is known.
    #[serde(rename = "r")]
    pub(super) places: Vec<Option<(i32, i64)>>,
}

stored!(Run, "a run of an action");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_which_run_it_is() {
        let id = RunId::new("publish-event", 1_234_567, 1_795_939_509_007, [0, 1, 254, 255]);
        let text = id.run();
        assert_eq!(text.len(), 45);
        assert!(text.ends_with("0001feff"), "{text}");
        assert_eq!(RunId::parse(&text), Some(id.clone()));
        assert!(id.is_of("publish-event") && !id.is_of("publish-events"));
        assert_eq!(id.node(), text.replace("wfr_", "wfnr_"));
        assert_eq!(id.kept_until() - id.created, 604_800_000);
    }

    #[test]
    fn what_is_no_id_is_nobodys() {
        let text = RunId::new("a", 1, 1, [0; 4]).run();
        let upper = text.to_uppercase();
        let long = format!("{text}0");
        let wide = format!("wfr_{}", "é".repeat(20) + "0");
        let swapped = text.replace("wfr_", "wfnr_");
        for wrong in ["", "wfr_", &text[..44], &upper, &long, &wide, &swapped] {
            assert_eq!(RunId::parse(wrong), None, "{wrong}");
        }
    }
}

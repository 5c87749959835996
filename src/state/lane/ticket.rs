//! Tickets: the numbers that a lane's counter gives.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number drawn from a lane's counter: an era and a count, written as `1.45`. An
/// era begins when an instance takes the lane from one that is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticket(u64);

pub type Era = u32;

/// What a founder adds to the counter.
pub(super) const ERA: u64 = 1 << 32;

impl Ticket {
    /// Before the first one.
    pub const NONE: Self = Self(0);

    pub fn of(number: u64) -> Self {
        Self(number)
    }

    pub fn number(self) -> u64 {
        self.0
    }

    pub fn era(self) -> Era {
        (self.0 / ERA) as Era
    }

    /// What a draw gives that adds so much.
    #[must_use]
    pub fn plus(self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.era(), self.0 % ERA)
    }
}

impl std::str::FromStr for Ticket {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| part.parse::<u32>().map_err(|_| "not a ticket");
        let (era, count) = text.split_once('.').ok_or("not a ticket")?;
        Ok(Self(u64::from(number(era)?) * ERA + u64::from(number(count)?)))
    }
}

impl Serialize for Ticket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ticket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_as_it_is_written_and_spills_over() {
        let ticket = Ticket::of(ERA + 45);
        assert_eq!((ticket.to_string().as_str(), ticket.era()), ("1.45", 1));
        assert_eq!("1.45".parse(), Ok(ticket));
        assert_eq!(Ticket::of(ERA - 1).plus(1).to_string(), "1.0");
        assert_eq!(Ticket::of(46).plus(ERA).to_string(), "1.46");
        for wrong in ["", "1", "1.", ".1", "-1.0", "1.4294967296", "a.b"] {
            assert!(wrong.parse::<Ticket>().is_err(), "{wrong}");
        }
    }
}

//! How much a pattern, or a part of one, can cost to match.

/// The size of a part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Size {
    /// All its states.
    pub(super) states: u64,
    /// How many of them can be looked at for one character of the text, give or
    /// take a factor of two, if the part begins at one place only.
    pub(super) active: u64,
    /// How many characters it matches, if that is always the same.
    length: Option<u64>,
}

impl Size {
    /// What matches nothing but a place.
    pub(super) const EMPTY: Size = Size { states: 0, active: 0, length: Some(0) };
    pub(super) const PLACE: Size = Size { states: 1, active: 1, length: Some(0) };

    pub(super) fn character(states: u64) -> Size {
        Size { states, active: states, length: Some(1) }
    }

    /// One part and then another.
    #[inline(never)]
    pub(super) fn then(self, next: Size) -> Size {
        let active = match (self.length, next.length) {
            // Both are at the same place of the text.
            (Some(0), _) | (Some(_), Some(0)) => self.active.saturating_add(next.active),
            // The next begins at one place, where this one is over.
            (Some(_), _) => self.active.max(next.active),
            // The next may have begun at many places, and be anywhere.
            (None, _) => self.active.saturating_add(next.states),
        };
        let length = self.length.zip(next.length);
        Size {
            states: self.states.saturating_add(next.states),
            active,
            length: length.map(|(this, next)| this.saturating_add(next)),
        }
    }

    /// One part or another.
    pub(super) fn or(self, other: Size) -> Size {
        Size {
            states: self.states.saturating_add(other.states).saturating_add(1),
            active: self.active.saturating_add(other.active).saturating_add(1),
            length: self.length.filter(|_| self.length == other.length),
        }
    }

    /// A part again and again. It is built as often as it can come.
    pub(super) fn repeated(self, least: u64, most: Option<u64>) -> Size {
        let times = most.unwrap_or(least).max(1);
        let states = self.states.saturating_add(1).saturating_mul(times).saturating_add(1);
        let active = match self.length {
            // After so many characters it is in one of its repeats alone, and
            // perhaps at its end.
            Some(1..) => self.active.saturating_add(3),
            _ => states,
        };
        let exactly = most.filter(|&most| most == least);
        let length = self.length.zip(exactly).map(|(length, times)| length.saturating_mul(times));
        Size { states, active, length }
    }
}

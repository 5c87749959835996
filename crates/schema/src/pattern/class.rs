//! Sets of characters, as sorted ranges of code points.

use super::BadPattern;
use super::size::Size;
use std::fmt::Write;

const LAST: u32 = 0x10_ffff;
const SURROGATES: (u32, u32) = (0xd800, 0xdfff);

pub(super) const DIGIT: &[(u32, u32)] = &[(0x30, 0x39)];
pub(super) const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];
/// ECMA-262's WhiteSpace and LineTerminator.
pub(super) const SPACE: &[(u32, u32)] = &[
    (0x09, 0x0d),
    (0x20, 0x20),
    (0xa0, 0xa0),
    (0x1680, 0x1680),
    (0x2000, 0x200a),
    (0x2028, 0x2029),
    (0x202f, 0x202f),
    (0x205f, 0x205f),
    (0x3000, 0x3000),
    (0xfeff, 0xfeff),
];
/// What `.` does not match.
pub(super) const LINE_END: &[(u32, u32)] = &[(0x0a, 0x0a), (0x0d, 0x0d), (0x2028, 0x2029)];

/// How many ranges a class may have, so that adding one is cheap.
const MOST_RANGES: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Class {
    /// Sorted, and none of them touch.
    ranges: Vec<(u32, u32)>,
}

impl Class {
    pub(super) fn of(ranges: &[(u32, u32)], negated: bool) -> Class {
        let class = Class { ranges: ranges.to_vec() };
        if negated { class.complement() } else { class }
    }

    pub(super) fn one(code: u32) -> Class {
        Class { ranges: vec![(code, code)] }
    }

    /// Adds a range, and makes one of it and those that it touches.
    pub(super) fn add(&mut self, mut from: u32, mut to: u32) -> Result<(), BadPattern> {
        let begin = self.ranges.partition_point(|range| range.1.saturating_add(1) < from);
        let end = self.ranges.partition_point(|range| range.0 <= to.saturating_add(1));
        for range in self.ranges.drain(begin..end) {
            from = from.min(range.0);
            to = to.max(range.1);
        }
        self.ranges.insert(begin, (from, to));
        if self.ranges.len() > MOST_RANGES { Err(BadPattern::TooLarge) } else { Ok(()) }
    }

    pub(super) fn join(&mut self, other: Class) -> Result<(), BadPattern> {
        for (from, to) in other.ranges {
            self.add(from, to)?;
        }
        Ok(())
    }

    pub(super) fn complement(self) -> Class {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = 0;
        for (from, to) in self.ranges {
            if from > next {
                ranges.push((next, from - 1));
            }
            next = to + 1;
        }
        if next <= LAST {
            ranges.push((next, LAST));
        }
        Class { ranges }
    }

    /// Writes the class so that `regex-lite` takes it, and says how many states
    /// it counts as: its ranges are looked at one after the other.
    pub(super) fn write(self, text: &mut String) -> Size {
        let mut written = 0;
        text.push('[');
        for (mut from, mut to) in self.ranges {
            // No text holds a surrogate, and no range may begin or end in one.
            if (SURROGATES.0..=SURROGATES.1).contains(&from) {
                from = SURROGATES.1 + 1;
            }
            if (SURROGATES.0..=SURROGATES.1).contains(&to) {
                to = SURROGATES.0 - 1;
            }
            if from <= to {
                _ = write!(text, "\\u{{{from:x}}}-\\u{{{to:x}}}");
                written += 1;
            }
        }
        if written == 0 {
            // `[]` matches nothing in ECMA-262, and is an error in `regex-lite`.
            text.push_str("^\\u{0}-\\u{10ffff}");
        }
        text.push(']');
        Size::character(1 + written / 4)
    }
}

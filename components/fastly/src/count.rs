//! What a counter's key holds.

/// A number, and bytes that tell whose draw wrote it: after a draw of unknown outcome a
/// lookup shows whether it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) number: u64,
    pub(crate) writer: u128,
}

impl Count {
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let (number, writer) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        let number = number.parse().ok()?;
        Some(Self { number, writer: u128::from_str_radix(writer, 16).ok()? })
    }

    pub(crate) fn text(self) -> String {
        format!("{} {:032x}", self.number, self.writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_as_it_was_written() {
        for (number, writer) in [(0, 0), (1 << 62, u128::MAX), (u64::MAX, 1)] {
            let count = Count { number, writer };
            assert_eq!(Count::parse(count.text().as_bytes()), Some(count));
        }
    }

    #[test]
    fn what_is_no_count_is_none() {
        for text in ["", "7", "7 ", " 7", "-1 0", "7 g", "7 0 0", "18446744073709551616 0"] {
            assert_eq!(Count::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Count::parse(b"\xff 0"), None);
    }
}

//! The trace of a request, as the `traceparent` of W3C Trace Context names it.
//!
//! The gateway records no spans of its own. It therefore passes a trace on
//! unchanged, so that the calls it makes appear as children of the caller's span.
//! A request that names no trace gets a new one. The trace connects the lines of
//! one request, here and in the server's own log, and is the only request id.
//! `tracestate` is not passed on.

use std::fmt;

use crate::host::Clock;

/// The header that names a trace.
pub const TRACEPARENT: &str = "traceparent";

const LENGTH: usize = 55;

/// A trace and a span in it: `00-{32 digits}-{16 digits}-{2 digits}`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Trace([u8; LENGTH]);

impl Trace {
    /// Reads a `traceparent`; `None` if it is not valid. As the specification
    /// asks, only the parts that this version knows are read from later versions.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_first_chunk::<LENGTH>()?;
        let hex = |from: usize, to: usize| {
            let digits = &head[from..to];
            let lawful = digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            lawful.then_some(digits)
        };
        let (version, id) = (hex(0, 2)?, hex(3, 35)?);
        let (parent, flags) = (hex(36, 52)?, hex(53, 55)?);
        let is_zero = |digits: &[u8]| digits.iter().all(|digit| *digit == b'0');
        let ends = match version {
            b"ff" => false,
            b"00" => rest.is_empty(),
            _ => rest.first().is_none_or(|byte| *byte == b'-'),
        };
        if !ends || [2, 35, 52].iter().any(|at| head[*at] != b'-') || is_zero(id) || is_zero(parent)
        {
            return None;
        }
        let mut text = *head;
        if version != b"00" {
            // This version knows only one flag; later ones may set others.
            let sampled = matches!(flags[1], b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f');
            text[..2].copy_from_slice(b"00");
            text[53..].copy_from_slice(if sampled { b"01" } else { b"00" });
        }
        Some(Self(text))
    }

    /// A new trace, not marked as sampled.
    pub fn begin(clock: &impl Clock) -> Self {
        let mut random = [0; 24];
        clock.random(&mut random);
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        for (byte, place) in random.iter().zip((3..35).step_by(2).chain((36..52).step_by(2))) {
            text[place] = digit(byte >> 4);
            text[place + 1] = digit(byte & 0xf);
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        // The bytes are ASCII, so this does not fail.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Adds the trace to a request's headers.
    pub fn name_in(&self, headers: &mut http::HeaderMap) {
        if let Ok(value) = http::HeaderValue::from_bytes(&self.0) {
            headers.insert(TRACEPARENT, value);
        }
    }
}

fn digit(number: u8) -> u8 {
    b"0123456789abcdef"[usize::from(number)]
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_one_is_kept_as_it_is() {
        let trace = Trace::parse(VALID.as_bytes()).unwrap();
        assert_eq!(trace.as_str(), VALID);
        let mut headers = http::HeaderMap::new();
        trace.name_in(&mut headers);
        assert_eq!(headers[TRACEPARENT], VALID);
    }

    #[test]
    fn one_of_a_later_version_is_read_as_far_as_it_is_known() {
        for (flags, kept) in [("01", "01"), ("03", "01"), ("fe", "00"), ("ff", "01")] {
            for rest in ["", "-more"] {
                let text = format!("cc-{}-{flags}{rest}", &VALID[3..52]);
                let trace = Trace::parse(text.as_bytes()).unwrap();
                assert_eq!(trace.as_str(), format!("00-{}-{kept}", &VALID[3..52]));
            }
        }
    }

    #[test]
    fn what_is_not_valid_is_ignored() {
        let zero_id = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        let zero_parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", "0".repeat(16));
        let upper = VALID.to_uppercase();
        let (longer, glued) = (format!("{VALID}-x"), format!("cc{}x", &VALID[2..]));
        let (invalid_version, spaced) = (format!("ff{}", &VALID[2..]), format!(" {VALID}"));
        let underscored = VALID.replace('-', "_");
        for text in [
            "",
            "00",
            &VALID[..54],
            &zero_id,
            &zero_parent,
            &upper,
            &longer,
            &glued,
            &invalid_version,
            &spaced,
            &underscored,
        ] {
            assert_eq!(Trace::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Trace::parse(&[0xff; 55]), None);
    }

    #[test]
    fn one_that_begins_here_is_valid() {
        struct Dice;
        impl Clock for Dice {
            fn now(&self) -> crate::host::Millis {
                0
            }
            fn monotonic(&self) -> std::time::Duration {
                std::time::Duration::ZERO
            }
            async fn sleep(&self, _: std::time::Duration) {}
            fn random(&self, buffer: &mut [u8]) {
                for (byte, number) in buffer.iter_mut().zip(0xa0..) {
                    *byte = number;
                }
            }
        }
        let trace = Trace::begin(&Dice);
        assert_eq!(trace.as_str(), "00-a0a1a2a3a4a5a6a7a8a9aaabacadaeaf-b0b1b2b3b4b5b6b7-00");
        assert_eq!(Trace::parse(trace.as_str().as_bytes()), Some(trace));
    }
}

//! JSON in bytes, and JSON that a REST server can take as it is, within a record.

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;

/// What Jackson, by which the REST Proxy reads, takes unless it is told otherwise (its
/// `StreamReadConstraints`): 1,000 levels, of which a record has some itself; numbers of
/// 1,000 characters; and members' names of 50,000. What is beyond that would end the
/// request, and with it the records that others have in it.
const MAX_DEPTH: usize = 256;
const MAX_NUMBER_BYTES: usize = 1_000;
const MAX_NAME_BYTES: usize = 50_000;

/// Reads JSON by serde_json, as text: serde_json would read bytes by a parser of its own, which
/// the component would have beside the one for text.
pub(crate) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> serde_json::Result<T> {
    serde_json::from_str(std::str::from_utf8(bytes).map_err(serde_json::Error::custom)?)
}

/// The bytes as JSON, if they are one value within these limits.
pub(crate) fn of(bytes: &[u8]) -> Option<&RawValue> {
    let text: &RawValue = read(bytes).ok()?;
    is_within_limits(text.get().as_bytes()).then_some(text)
}

/// Of what is JSON already.
fn is_within_limits(text: &[u8]) -> bool {
    let (mut depth, mut number, mut string) = (0_usize, 0, 0);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        number = if matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') {
            number + 1
        } else {
            0
        };
        match byte {
            b'"' => {
                string = 0;
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                    string += 1;
                }
            }
            b':' if string > MAX_NAME_BYTES => return false,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH || number > MAX_NUMBER_BYTES {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_taken_as_it_is() {
        for text in [
            r#"{"a": 1.10, "b":[true,null,"\"]}{"]}"#,
            "12345678901234567890",
            "\"x\"",
            "null",
            " [ ] ",
        ] {
            assert_eq!(of(text.as_bytes()).unwrap().get(), text.trim(), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_not() {
        for text in
            [&b""[..], b"{", b"{} {}", b"{},", b"a=1", b"\xff", b"\"\xff\"", b"{'a':1}", b"01"]
        {
            assert!(of(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn what_would_end_the_request_of_others_is_not_taken() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let brackets = format!("\"{}\"", "[".repeat(5_000));
        let number = |digits: usize| format!("[{}]", "7".repeat(digits));
        let name = |bytes: usize| format!("{{\"{}\":1}}", "n".repeat(bytes));
        for text in [nested(256), brackets, number(1_000), name(50_000)] {
            assert!(of(text.as_bytes()).is_some(), "{} bytes", text.len());
        }
        for text in [nested(257), number(1_001), name(50_001)] {
            assert!(of(text.as_bytes()).is_none(), "{} bytes", text.len());
        }
    }
}

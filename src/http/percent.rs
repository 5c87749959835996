//! Percent-decoding without loss: a malformed escape is an error of the field
//! that contains it, and is never passed through as text.

use crate::error::{Error, Result};

/// Decodes a part of a path. A plus stands for itself.
pub(super) fn decode(field: &'static str, raw: &str) -> Result<Vec<u8>> {
    decode_bytes(raw.as_bytes(), false).ok_or_else(|| malformed(field))
}

/// Decodes a part of a path that has to be text.
pub(super) fn decode_text(field: &'static str, raw: &str) -> Result<String> {
    String::from_utf8(decode(field, raw)?).map_err(|_| Error::invalid(field, "Not valid UTF-8"))
}

/// Decodes a part of a query, where a plus stands for a space; `None` if an
/// escape is malformed.
pub(super) fn decode_query(raw: &str) -> Option<Vec<u8>> {
    decode_bytes(raw.as_bytes(), true)
}

fn malformed(field: &'static str) -> Error {
    Error::invalid(field, "Malformed percent-encoding")
}

fn decode_bytes(raw: &[u8], plus_is_space: bool) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    while let Some(&byte) = rest.next() {
        decoded.push(match byte {
            b'%' => 16 * digit(*rest.next()?)? + digit(*rest.next()?)?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    Some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn every_byte_can_be_written() {
        for byte in 0..=255u8 {
            assert_eq!(decode("message", &format!("a%{byte:02x}b")).unwrap(), [b'a', byte, b'b']);
            assert_eq!(decode("message", &format!("%{byte:02X}")).unwrap(), [byte]);
        }
        assert_eq!(decode("message", "a+b/%2F//").unwrap(), b"a+b////");
        assert_eq!(decode_query("a+b%2B").unwrap(), b"a b+");
    }

    #[test]
    fn a_malformed_escape_names_its_field() {
        for raw in ["%", "a%2", "%g0", "%0g", "%%41", "% 1", "%+1"] {
            let error = decode("message", raw).unwrap_err();
            assert!(matches!(*error, ErrorKind::Invalid { field: "message", .. }), "{raw}");
            assert_eq!(decode_query(raw), None, "{raw}");
        }
    }

    #[test]
    fn text_has_to_be_utf8() {
        assert_eq!(decode_text("topic", "gr%C3%BCn").unwrap(), "grün");
        for raw in ["%ff", "%C3", "%ED%A0%80"] {
            let error = decode_text("topic", raw).unwrap_err();
            assert!(matches!(*error, ErrorKind::Invalid { field: "topic", .. }), "{raw}");
        }
    }
}

//! JSON objects that callers send.

use serde::Deserialize;

/// A body that is to be parsed, without the byte order mark that some programs put
/// before UTF-8. RFC 8259, section 8.1, lets a parser ignore it.
pub(super) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Reads a JSON object, or says what is wrong with it. Arrays are refused: Serde
/// would accept one for a struct and assign its items by position, which is
/// undocumented and would break whenever a field is added.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, String> {
    let text = without_mark(text);
    match text.trim_ascii_start().first() {
        Some(b'{') => kafka_edge_json::from_slice(text).map_err(|error| error.to_string()),
        _ => Err("it is not a JSON object".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Pair {
        a: u8,
        b: Option<u8>,
    }

    #[test]
    fn an_object_is_in_braces() {
        assert_eq!(object(b" \r\n\t{\"a\":1} \n"), Ok(Pair { a: 1, b: None }));
        let marked = object("\u{feff}{\"a\":1}".as_bytes());
        assert_eq!(marked, Ok(Pair { a: 1, b: None }));
        for text in ["[1,null]", "[1,2]", "1", "null", "", " ", "\u{feff}"] {
            let refused = object::<Pair>(text.as_bytes());
            assert_eq!(refused, Err("it is not a JSON object".into()), "{text}");
        }
        for text in ["{", "{}", "{\"a\":1} {}", "{\"a\":\"1\"}"] {
            assert!(object::<Pair>(text.as_bytes()).is_err(), "{text}");
        }
    }
}

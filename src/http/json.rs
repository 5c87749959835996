//! JSON objects that callers send.

use serde::Deserialize;

use crate::error::{Error, Result};

/// A body that is to be parsed, without the byte order mark that some programs put
/// before UTF-8. RFC 8259, section 8.1, lets a parser ignore it.
pub(super) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Reads a JSON object, or names the field that is wrong with it.
pub(super) fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    part(body, "body")
}

/// The same of a part of a body that has this name.
pub(super) fn part<'a, T: Deserialize<'a>>(text: &'a [u8], name: &str) -> Result<T> {
    kafka_edge_json::from_slice(without_mark(text)).map_err(|error| Error::of_json(&error, name))
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
        let refused = |text: &str| {
            let error = object::<Pair>(text.as_bytes()).unwrap_err();
            (error.field().map(str::to_owned).unwrap_or_default(), error.to_string())
        };
        for text in ["[1,null]", "[1,2]", "1", "null"] {
            assert_eq!(refused(text), ("body".into(), "Not a JSON object".into()), "{text}");
        }
        for text in ["", " ", "\u{feff}"] {
            let sentence = "Not JSON: there is nothing";
            assert_eq!(refused(text), ("body".into(), sentence.into()), "{text}");
        }
        for (text, field) in
            [("{", "body"), ("{}", "a"), ("{\"a\":1} {}", "body"), ("{\"a\":\"1\"}", "a")]
        {
            assert_eq!(refused(text).0, field, "{text}");
        }
    }
}

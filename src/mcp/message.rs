//! JSON-RPC messages, and the headers that repeat what is in them.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

use super::object::Object;

/// The id of a message is given back as it came, in every answer.
const MAX_ID_BYTES: usize = 512;

/// The most messages of an array.
const MAX_MESSAGES: usize = 16;

/// What a body holds.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    One(&'a str),
    /// 2025-03-26 and older: an array.
    Many(Vec<&'a RawValue>),
}

/// Why a body, or a part of it, holds no message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Malformed<'a> {
    NotJson,
    /// The id is there if it could be read.
    NotARequest {
        id: Option<&'a str>,
    },
}

impl<'a> Body<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed<'a>> {
        // RFC 8259, section 8.1, lets a parser ignore a byte order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::NotJson)?;
        let raw: &RawValue = serde_json::from_str(text).map_err(|_| Malformed::NotJson)?;
        let text = raw.get();
        if !text.starts_with('[') {
            return Ok(Self::One(text));
        }
        let many: Vec<&RawValue> =
            kafka_edge_json::from_str(text).map_err(|_| Malformed::NotJson)?;
        if many.is_empty() || many.len() > MAX_MESSAGES {
            return Err(Malformed::NotARequest { id: None });
        }
        Ok(Self::Many(many))
    }
}

/// A request, or without an id a notification.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) method: String,
    pub(crate) params: Object<'a>,
}

impl<'a> Message<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed<'a>> {
        let object = Object::parse(text).ok_or(Malformed::NotARequest { id: None })?;
        let given = object.given("id");
        let id = given.filter(|id| is_id(id));
        let no_request = || Malformed::NotARequest { id };
        let is_version = object.string("jsonrpc").is_some_and(|version| version == "2.0");
        if id != given || !is_version {
            return Err(no_request());
        }
        let params = match object.given("params") {
            Some(text) => Object::parse(text).ok_or_else(no_request)?,
            None => Object::default(),
        };
        let method = object.string("method").ok_or_else(no_request)?;
        Ok(Self { id, method, params })
    }
}

/// A string or an integer; null is neither.
fn is_id(text: &str) -> bool {
    let is_integer = || {
        let digits = text.strip_prefix('-').unwrap_or(text);
        digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.len() <= MAX_ID_BYTES && (text.starts_with('"') || is_integer())
}

/// The headers of a POST that say what its body says.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    /// `mcp-protocol-version`
    pub(crate) version: Option<String>,
    /// `mcp-method`
    pub(crate) method: Option<String>,
    /// `mcp-name`
    pub(crate) name: Option<String>,
}

impl Headers {
    /// The value of a header. One that is there twice is not what the body says, and
    /// neither is one that is not text.
    pub(crate) fn value<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Option<String> {
        let mut values = values.into_iter();
        let value = values.next()?;
        let value = values.next().map_or(value, |_| b"");
        Some(String::from_utf8_lossy(value).trim().to_owned())
    }

    /// Whether the body's name is that of the header, which is in base64 where it is not
    /// plain: `=?base64?…?=`.
    pub(crate) fn is_name(&self, name: &str) -> bool {
        let Some(given) = &self.name else { return false };
        let encoded = given.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
        let given: Cow<'_, [u8]> = match encoded {
            Some(encoded) => STANDARD.decode(encoded).unwrap_or_default().into(),
            None => given.as_bytes().into(),
        };
        *given == *name.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_request(text: &str) -> Option<&str> {
        match Message::parse(text) {
            Err(Malformed::NotARequest { id }) => id,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_body_is_a_message_or_an_array_of_some() {
        assert!(matches!(Body::parse(b" {\"a\":1} "), Ok(Body::One("{\"a\":1}"))));
        assert!(matches!(Body::parse(b"\xef\xbb\xbf{}"), Ok(Body::One("{}"))));
        assert!(matches!(Body::parse(b"[{},1]"), Ok(Body::Many(many)) if many.len() == 2));
        for not_json in [&b""[..], b"{", b"{} {}", b"x", b"\"\xff\""] {
            assert!(matches!(Body::parse(not_json), Err(Malformed::NotJson)), "{not_json:?}");
        }
        for array in ["[]".to_owned(), format!("[{}1]", "1,".repeat(MAX_MESSAGES))] {
            let refused = Body::parse(array.as_bytes());
            assert!(matches!(refused, Err(Malformed::NotARequest { id: None })), "{array}");
        }
    }

    #[test]
    fn an_id_comes_back_as_it_came() {
        for id in ["7", "-1", "0", r#""a\u0041""#, r#""""#, "9007199254740993"] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            assert_eq!(Message::parse(&text).unwrap().id, Some(id));
        }
        let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(Message::parse(notification).unwrap().id, None);
        let long = format!("\"{}\"", "x".repeat(MAX_ID_BYTES));
        for id in ["null", "1.5", "1e3", "true", "[1]", "{}", &long] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            assert_eq!(no_request(&text), None, "{id}");
        }
    }

    #[test]
    fn what_is_no_request_is_told_under_its_id() {
        for text in [
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":1}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ] {
            assert_eq!(no_request(text), Some("1"), "{text}");
        }
        for text in ["1", "null", r#""x""#] {
            assert_eq!(no_request(text), None);
        }
    }

    #[test]
    fn a_header_is_one_text() {
        let value =
            |values: &[&'static str]| Headers::value(values.iter().map(|value| value.as_bytes()));
        assert_eq!(value(&[]), None);
        assert_eq!(value(&[" a "]).as_deref(), Some("a"));
        assert_eq!(value(&["a", "a"]).as_deref(), Some(""));
    }

    #[test]
    fn a_name_that_is_not_plain_comes_in_base64() {
        let is = |header: &str, name: &str| {
            Headers { name: Some(header.into()), ..Headers::default() }.is_name(name)
        };
        assert!(is("produce", "produce") && !is("Produce", "produce") && !is("", "produce"));
        assert!(is("=?base64?Z3LDvG4=?=", "grün"));
        assert!(!is("=?base64?!?=", "grün"));
        assert!(!Headers::default().is_name(""));
    }
}

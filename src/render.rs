//! The JSON form of a record's bytes, headers and times, in answers and in
//! deliveries.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

pub use crate::calendar::format_rfc3339 as timestamp;
use crate::record;

/// The encoding of bytes that are not text.
pub const BASE64: &str = "base64";

/// Bytes as a JSON string: unchanged if they are UTF-8, and in base64
/// otherwise, which [`encoding`](Text::encoding) states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'a> {
    pub text: Cow<'a, str>,
    /// `"base64"`, or `None` for plain text.
    pub encoding: Option<&'static str>,
}

impl<'a> Text<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { text: Cow::Borrowed(text), encoding: None },
            Err(_) => Self { text: Cow::Owned(STANDARD.encode(bytes)), encoding: Some(BASE64) },
        }
    }

    /// The text and the encoding of optional bytes (a key, or the value of a
    /// tombstone); both are `None` if there are none.
    pub fn of_option(bytes: Option<&'a [u8]>) -> (Option<Cow<'a, str>>, Option<&'static str>) {
        match bytes.map(Self::of) {
            Some(Self { text, encoding }) => (Some(text), encoding),
            None => (None, None),
        }
    }
}

/// A header as an object: `{"name":"trace","value":"abc"}`. Unlike an object
/// with a field for each name, a list of these keeps repeated names and their
/// order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "RecordHeader"))]
pub struct Header<'a> {
    pub name: &'a str,
    pub value: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
}

impl<'a> From<&'a record::Header> for Header<'a> {
    fn from(header: &'a record::Header) -> Self {
        let (value, encoding) = Text::of_option(header.value.as_deref());
        Self { name: &header.name, value, encoding }
    }
}

/// All headers of a record.
pub fn headers(headers: &[record::Header]) -> Vec<Header<'_>> {
    headers.iter().map(Header::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_bytes_become_base64() {
        assert_eq!(Text::of("grüß\n".as_bytes()).text, "grüß\n");
        assert_eq!(Text::of("grüß".as_bytes()).encoding, None);
        let binary = Text::of(&[0xff, 0x00]);
        assert_eq!((binary.text.as_ref(), binary.encoding), ("/wA=", Some("base64")));
        assert_eq!(Text::of_option(None), (None, None));
    }

    #[test]
    fn headers_keep_order_repeats_and_nulls() {
        let header = |name: &str, value: Option<&'static [u8]>| record::Header {
            name: name.into(),
            value: value.map(bytes::Bytes::from_static),
        };
        let all = [header("b", Some(b"1")), header("a", None), header("b", Some(&[0xfe]))];
        assert_eq!(
            serde_json::to_string(&headers(&all)).unwrap(),
            r#"[{"name":"b","value":"1"},{"name":"a","value":null},{"name":"b","value":"/g==","encoding":"base64"}]"#
        );
    }
}

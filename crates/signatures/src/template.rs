//! The template of the signed bytes: text with placeholders in braces.
//!
//! | placeholder | what it stands for |
//! |---|---|
//! | `{body}` | the body as it came, with content encodings undone |
//! | `{timestamp}`, `{id}` | the texts that the scheme finds at these places |
//! | `{method}`, `{path}` | the method; the path and query as they were sent |
//! | `{path_escaped}` | path and query, percent-encoded as Contentful does |
//! | `{url}` | the address to which the sender sent it |
//! | `{form}` | the fields of a form, sorted |
//! | `{header:NAME}` | a header's value |
//! | `{listed:NAME}` | the headers that this header lists, as `name:value` with semicolons |
//! | `{field:POINTER}` | a field of the body, or of the item that is signed |

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::request::SignedRequest;
use crate::{field, form};

/// The most headers that a header may list.
const MAX_LISTED: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Body,
    Timestamp,
    Id,
    Method,
    Path,
    PathEscaped,
    Url,
    Form,
    Header(String),
    Listed(String),
    Field(String),
}

/// What the placeholders stand for in one request.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    pub(crate) request: &'a SignedRequest<'a>,
    pub(crate) url: &'a str,
    pub(crate) timestamp: &'a str,
    pub(crate) id: &'a str,
    /// The item of the body that is signed.
    pub(crate) item: Option<&'a RawValue>,
}

impl Template {
    /// The error is a sentence about the template.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) =
                behind.split_once('}').ok_or("A brace in the template is not closed")?;
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            parts.push(part(name).ok_or_else(|| format!("There is no placeholder {{{name}}}"))?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Ok(Self(parts))
    }

    pub(crate) fn covers_url(&self) -> bool {
        self.0.contains(&Part::Url)
    }

    pub(crate) fn covers_timestamp(&self) -> bool {
        self.0.contains(&Part::Timestamp)
    }

    pub(crate) fn covers_id(&self) -> bool {
        self.0.contains(&Part::Id)
    }

    /// The signed bytes, in pieces.
    pub(crate) fn fill<'a>(&'a self, values: Values<'a>) -> Result<Vec<Cow<'a, [u8]>>, Failure> {
        self.0.iter().map(|part| piece(part, values)).collect()
    }
}

fn part(name: &str) -> Option<Part> {
    Some(match name.split_once(':') {
        Some(("header", name)) if !name.is_empty() => Part::Header(name.into()),
        Some(("listed", name)) if !name.is_empty() => Part::Listed(name.into()),
        Some(("field", pointer)) if pointer.starts_with('/') => Part::Field(pointer.into()),
        Some(_) => return None,
        None => match name {
            "body" => Part::Body,
            "timestamp" => Part::Timestamp,
            "id" => Part::Id,
            "method" => Part::Method,
            "path" => Part::Path,
            "path_escaped" => Part::PathEscaped,
            "url" => Part::Url,
            "form" => Part::Form,
            _ => return None,
        },
    })
}

fn piece<'a>(part: &'a Part, values: Values<'a>) -> Result<Cow<'a, [u8]>, Failure> {
    let Values { request, url, timestamp, id, item } = values;
    let owned = |text: String| Cow::Owned(text.into_bytes());
    Ok(match part {
        Part::Text(text) => Cow::Borrowed(text.as_bytes()),
        Part::Body => Cow::Borrowed(request.body),
        Part::Timestamp => Cow::Borrowed(timestamp.as_bytes()),
        Part::Id => Cow::Borrowed(id.as_bytes()),
        Part::Method => Cow::Borrowed(request.method.as_bytes()),
        Part::Path => Cow::Borrowed(request.target.as_bytes()),
        Part::PathEscaped => owned(escaped(request.target)),
        Part::Url => Cow::Borrowed(url.as_bytes()),
        Part::Form => owned(form::sorted(request.body).ok_or(Failure::NoForm)?),
        Part::Header(name) => Cow::Borrowed(header(request, name)?.as_bytes()),
        Part::Listed(name) => owned(listed(request, name)?),
        Part::Field(pointer) => {
            let found = match item {
                Some(item) => field::below(item, pointer),
                None => field::at(request.body, pointer),
            };
            // A field that is not there is empty (Adyen's libraries).
            let text = found.first().and_then(|value| field::text(value)).unwrap_or_default();
            owned(text.into_owned())
        }
    })
}

fn header<'a>(request: &SignedRequest<'a>, name: &str) -> Result<&'a str, Failure> {
    request.header(name).ok_or_else(|| Failure::MissingHeader(name.to_owned()))
}

/// The query is escaped as one text, and then the whole once more (npm
/// @contentful/node-apps-toolkit 3.16.1, which calls Node's `querystring.escape` and
/// `encodeURI`).
fn escaped(target: &str) -> String {
    const UNRESERVED: &[u8] = b"-_.!~*'()";
    const OF_URI: &[u8] = b"-_.!~*'();,/?:@&=+$#";
    match target.split_once('?') {
        Some((path, query)) if !query.is_empty() => {
            escape(&format!("{path}?{}", escape(query, UNRESERVED)), OF_URI)
        }
        _ => escape(target.trim_end_matches('?'), OF_URI),
    }
}

fn escape(text: &str, plain: &[u8]) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            true => escaped.push(char::from(byte)),
            false => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// Contentful's form (npm @contentful/node-apps-toolkit 3.16.1).
fn listed(request: &SignedRequest<'_>, name: &str) -> Result<String, Failure> {
    let names: Vec<_> = header(request, name)?.split(',').map(str::trim).collect();
    if names.len() > MAX_LISTED {
        return Err(Failure::UnexpectedHeader(name.to_owned()));
    }
    let pairs = names.into_iter().map(|name| {
        let name = name.to_ascii_lowercase();
        let value = header(request, &name)?;
        Ok(format!("{name}:{}", value.trim()))
    });
    Ok(pairs.collect::<Result<Vec<_>, Failure>>()?.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> Result<String, Failure> {
        let request = SignedRequest {
            method: "POST",
            target: "/in/a?b=1",
            url: None,
            headers: &[("X-A", b" one "), ("x-list", b"X-A, x-b"), ("x-b", b"two")],
            body: br#"{"n":{"m":1.50},"s":"\u00fc"}"#,
        };
        let values =
            Values { request: &request, url: "https://u", timestamp: "7", id: "i", item: None };
        let pieces = Template::parse(template).unwrap();
        let pieces = pieces.fill(values)?.concat();
        Ok(String::from_utf8(pieces).unwrap())
    }

    #[test]
    fn placeholders_stand_for_parts_of_the_request() {
        assert_eq!(filled("v0:{timestamp}:{id}|").unwrap(), "v0:7:i|");
        assert_eq!(filled("{method}{url}{path}").unwrap(), "POSThttps://u/in/a?b=1");
        assert_eq!(filled("{path_escaped}").unwrap(), "/in/a?b%253D1");
        assert_eq!(filled("{listed:x-list}\n").unwrap(), "x-a:one;x-b:two\n");
        assert_eq!(filled("{field:/n/m}:{field:/s}:{field:/none}").unwrap(), "1.50:ü:");
        assert_eq!(filled("{header:x-c}"), Err(Failure::MissingHeader("x-c".into())));
    }

    #[test]
    fn what_is_no_placeholder_is_named() {
        assert_eq!(Template::parse("{bdy}").unwrap_err(), "There is no placeholder {bdy}");
        assert!(Template::parse("{field:x}").is_err());
        assert!(Template::parse("{body").is_err());
    }
}

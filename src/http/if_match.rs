//! Entity tags, and the changes that are made on condition of one.

use crate::error::Error;
use crate::http::request::Request;
use crate::services::condition::Condition;

/// The value of `ETag`.
pub(super) fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

/// The versions that `If-Match` names (RFC 9110, 13.1.1). Weak ones never match.
pub(super) fn condition<B>(request: &Request<B>) -> Result<Option<Vec<String>>, Error> {
    let mut tags = Vec::new();
    let mut values = request.header_values("if-match").peekable();
    if values.peek().is_none() {
        return Ok(None);
    }
    for value in values {
        let malformed = || Error::invalid("if-match", "Neither * nor a list of entity tags");
        let value = std::str::from_utf8(value).map_err(|_| malformed())?;
        for tag in value.split(',').map(str::trim) {
            let strong = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            match strong {
                Some(strong) => tags.push(strong.to_owned()),
                None if tag == "*" => tags.push("*".into()),
                None if tag.starts_with("W/\"") => {}
                None => return Err(malformed()),
            }
        }
    }
    Ok(Some(tags))
}

pub(super) fn as_condition(tags: Option<&[String]>) -> Condition<'_> {
    match tags {
        None => Condition::None,
        Some([star]) if star == "*" => Condition::Exists,
        Some(tags) => Condition::Tags(tags),
    }
}

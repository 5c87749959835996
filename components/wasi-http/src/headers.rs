//! Headers of both directions, as lists of names with values.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use kafka_edge::host::SendError;
use kafka_edge::http::Body;

use crate::nonsense;

/// Headers as hosts give and take them.
pub type Entries = Vec<(String, Vec<u8>)>;

/// Headers as the core takes them.
pub fn of_request(entries: Entries) -> Vec<(String, Bytes)> {
    entries.into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// The headers of an answer. Its length is stated where it is known, but not to a `HEAD`,
/// which has no body.
pub fn of_answer(headers: Vec<(HeaderName, String)>, body: &Body, is_head: bool) -> Entries {
    let mut entries: Entries = headers
        .into_iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.into_bytes()))
        .collect();
    if let Body::Whole(bytes) = body
        && !bytes.is_empty()
        && !is_head
    {
        entries.push((CONTENT_LENGTH.as_str().into(), bytes.len().to_string().into_bytes()));
    }
    entries
}

/// The headers of a request to another server, whose body has this length.
pub fn to_send(headers: &HeaderMap, length: usize) -> Entries {
    let mut entries: Entries = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    // Without this header the body would be sent in chunks, and a receiver need
    // not accept a request without a length (RFC 9110, section 15.5.12).
    if length > 0 && !headers.contains_key(CONTENT_LENGTH) {
        entries.push((CONTENT_LENGTH.as_str().into(), length.to_string().into_bytes()));
    }
    entries
}

/// The head of another server's answer.
pub fn received(status: u16, entries: Entries) -> Result<(StatusCode, HeaderMap), SendError> {
    let status = StatusCode::from_u16(status).map_err(nonsense)?;
    let mut headers = HeaderMap::new();
    for (name, value) in entries {
        let name = HeaderName::try_from(name).map_err(nonsense)?;
        headers.append(name, HeaderValue::from_bytes(&value).map_err(nonsense)?);
    }
    Ok((status, headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(entries: &Entries) -> Option<&[u8]> {
        let length = entries.iter().find(|(name, _)| name == "content-length");
        length.map(|(_, value)| value.as_slice())
    }

    #[test]
    fn an_answer_states_its_length_but_to_a_head() {
        let body = Body::Whole("four".into());
        let headers = vec![(http::header::CONTENT_TYPE, "text/plain".to_owned())];
        let entries = of_answer(headers.clone(), &body, false);
        assert_eq!(entries[0], ("content-type".to_owned(), b"text/plain".to_vec()));
        assert_eq!(length(&entries), Some(&b"4"[..]));
        assert_eq!(length(&of_answer(headers.clone(), &body, true)), None);
        assert_eq!(length(&of_answer(headers, &Body::Whole(Bytes::new()), false)), None);
    }

    #[test]
    fn a_request_states_its_length_once() {
        let mut headers = HeaderMap::new();
        assert_eq!(length(&to_send(&headers, 0)), None);
        assert_eq!(length(&to_send(&headers, 12)), Some(&b"12"[..]));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("7"));
        let entries = to_send(&headers, 12);
        assert_eq!((length(&entries), entries.len()), (Some(&b"7"[..]), 1));
    }

    #[test]
    fn a_head_that_is_none_was_perhaps_sent() {
        let entries = |name: &str, value: &[u8]| vec![(name.to_owned(), value.to_vec())];
        let twice = [entries("set-cookie", b"a"), entries("set-cookie", b"b")].concat();
        let (status, headers) = received(204, twice).unwrap();
        assert_eq!(
            (status, headers.get_all("set-cookie").iter().count()),
            (StatusCode::NO_CONTENT, 2)
        );
        for (status, entries) in
            [(1, Entries::new()), (200, entries("a b", b"")), (200, entries("a", b"\n"))]
        {
            assert_eq!(received(status, entries), Err(nonsense(())));
        }
    }
}

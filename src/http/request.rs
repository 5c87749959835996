//! A request as the API sees it, on any platform.

use std::future::Future;

use bytes::{Bytes, BytesMut};

use super::content_encoding::{ContentEncoding, Undecoded};
use super::limits;
use super::refusal::{Refusal, RefusalKind};

/// A request. Its path and query are unchanged, neither decoded nor normalised,
/// since a part of them may be a message or another URL.
#[derive(Debug)]
pub struct Request<B> {
    pub method: ::http::Method,
    /// The path and query of the request line, from the first slash on.
    pub target: String,
    /// In the order in which they arrived, with names in any case.
    pub headers: Vec<(String, Bytes)>,
    /// How the caller addressed the gateway, if the host knows.
    pub scheme: Option<String>,
    pub authority: Option<String>,
    /// The client's address, if the host knows it.
    pub client: Option<std::net::IpAddr>,
    pub body: B,
}

/// The body of a request while it arrives.
pub trait RequestBody {
    /// The next piece; `None` at the end of a complete body.
    fn chunk(&mut self) -> impl Future<Output = Option<Result<Bytes, BodyBroken>>>;
}

/// The body ended before it was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyBroken;

/// A body that has already arrived.
impl RequestBody for Bytes {
    async fn chunk(&mut self) -> Option<Result<Bytes, BodyBroken>> {
        (!self.is_empty()).then(|| Ok(std::mem::take(self)))
    }
}

impl<B> Request<B> {
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query without its question mark; `None` when there is none.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The first header with this name.
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// The values of all headers with this name.
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        values(&self.headers, name)
    }

    /// Refuses a request whose target or headers are too large, before anything
    /// reads them.
    pub fn check_size(&self) -> Result<(), Refusal> {
        if self.target.len() > limits::TARGET_BYTES {
            return Err(RefusalKind::TargetTooLong.into());
        }
        if self.headers.len() > limits::HEADERS {
            return Err(RefusalKind::HeadersTooLarge {
                limit: format!("{} headers", limits::HEADERS),
            }
            .into());
        }
        let size = |(name, value): &(String, Bytes)| name.len() + value.len();
        if self.headers.iter().map(size).sum::<usize>() > limits::HEADER_BYTES {
            let limit = format!("{} bytes of headers", limits::HEADER_BYTES);
            return Err(RefusalKind::HeadersTooLarge { limit }.into());
        }
        Ok(())
    }
}

/// The values of all headers with this name.
pub(super) fn values<'a>(
    headers: &'a [(String, Bytes)],
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    let same = headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
    same.map(|(_, value)| value.as_ref())
}

impl<B: RequestBody> Request<B> {
    /// The whole body, decoded. Reading stops with an error after `limit` bytes.
    pub fn read_body(&mut self, limit: usize) -> impl Future<Output = Result<Bytes, Refusal>> {
        read_body(&self.headers, &mut self.body, limit)
    }
}

/// The same of a request whose headers somebody is still looking at.
pub(super) async fn read_body(
    headers: &[(String, Bytes)],
    body: &mut impl RequestBody,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let encoding = ContentEncoding::of(headers).ok_or(RefusalKind::ContentEncoding)?;
    let too_large = || Refusal::from(RefusalKind::BodyTooLarge { limit: format!("{limit} bytes") });
    let announced = values(headers, "content-length").next().and_then(|value| {
        std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok())
    });
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    while let Some(chunk) = body.chunk().await {
        let chunk = chunk.map_err(|BodyBroken| RefusalKind::BodyBroken)?;
        if whole.len() + chunk.len() > limit {
            return Err(too_large());
        }
        whole.extend_from_slice(&chunk);
    }
    encoding.decode(whole.freeze(), limit).map_err(|why| match why {
        Undecoded::TooLarge => too_large(),
        Undecoded::Damaged => RefusalKind::BodyUndecodable.into(),
    })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn request(target: &str, headers: Vec<(String, Bytes)>) -> Request<Bytes> {
        Request {
            method: ::http::Method::GET,
            target: target.into(),
            headers,
            scheme: None,
            authority: None,
            client: None,
            body: Bytes::from_static(b"12345678"),
        }
    }

    #[test]
    fn the_query_begins_at_the_first_question_mark() {
        let request = request("/a//b%3F/?c=d?e", Vec::new());
        assert_eq!((request.path(), request.query()), ("/a//b%3F/", Some("c=d?e")));
    }

    #[test]
    fn sizes_are_limited() {
        let header = |name: &str, length: usize| (name.to_owned(), Bytes::from(vec![b'x'; length]));
        let path = "/".repeat(limits::TARGET_BYTES + 1);
        assert_eq!(request(&path, Vec::new()).check_size(), Err(RefusalKind::TargetTooLong.into()));
        let many = (0..300).map(|n| header(&format!("h{n}"), 1)).collect();
        let large = vec![header("h", limits::HEADER_BYTES)];
        for headers in [many, large] {
            let refusal = request("/", headers).check_size().unwrap_err();
            assert!(matches!(refusal.kind(), RefusalKind::HeadersTooLarge { .. }), "{refusal:?}");
        }
        assert_eq!(request("/", vec![header("h", 100)]).check_size(), Ok(()));
    }

    #[test]
    fn a_body_is_read_up_to_its_limit() {
        let read = |headers, limit| {
            let read = request("/", headers).read_body(limit).now_or_never();
            read.expect("the body is there").map_err(Refusal::into_kind)
        };
        assert_eq!(read(Vec::new(), 8).unwrap(), "12345678");
        assert!(matches!(read(Vec::new(), 7), Err(RefusalKind::BodyTooLarge { .. })));
        let announced = vec![("Content-Length".to_owned(), Bytes::from_static(b"9"))];
        assert!(matches!(read(announced, 8), Err(RefusalKind::BodyTooLarge { .. })));
    }
}

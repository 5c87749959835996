//! What requests to other servers have in common: the Kafka REST server, the
//! schema registry and the callbacks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderValue;

use crate::api_key::ApiKey;
use crate::host::{Body, SendError};

/// Why the body of an answer could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is longer than the limit.
    TooLong,
    Broken(SendError),
}

/// Reads a body to its end, unless it is longer than `limit` bytes.
pub(crate) async fn read_body<B: Body>(body: &mut B, limit: usize) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.chunk().await {
        let piece = piece.map_err(BodyError::Broken)?;
        if whole.len() + piece.len() > limit {
            return Err(BodyError::TooLong);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The value of `Authorization` for Basic authentication. `None`: the key
/// cannot stand in a header.
pub(crate) fn basic_authorization(api_key: &ApiKey) -> Option<HeaderValue> {
    let pair = STANDARD.encode(format!("{}:{}", api_key.key, api_key.secret));
    let mut value = HeaderValue::from_str(&format!("Basic {pair}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::host::{SendErrorKind, Sent};

    struct Pieces(Vec<Result<&'static [u8], SendError>>);

    impl Body for Pieces {
        async fn chunk(&mut self) -> Option<Result<Bytes, SendError>> {
            if self.0.is_empty() { None } else { Some(self.0.remove(0).map(Bytes::from_static)) }
        }
    }

    fn read(
        pieces: Vec<Result<&'static [u8], SendError>>,
        limit: usize,
    ) -> Result<Bytes, BodyError> {
        read_body(&mut Pieces(pieces), limit).now_or_never().unwrap()
    }

    #[test]
    fn a_body_is_read_up_to_the_limit() {
        let pieces = || vec![Ok(&b"abc"[..]), Ok(b""), Ok(b"de")];
        assert_eq!(read(pieces(), 5), Ok(Bytes::from_static(b"abcde")));
        assert_eq!(read(pieces(), 4), Err(BodyError::TooLong));
        assert_eq!(read(vec![], 0), Ok(Bytes::new()));
    }

    #[test]
    fn a_body_that_breaks_off_is_an_error() {
        let broken = SendError { sent: Sent::Perhaps, kind: SendErrorKind::Broken };
        let pieces = vec![Ok(&b"abc"[..]), Err(broken.clone())];
        assert_eq!(read(pieces, 5), Err(BodyError::Broken(broken)));
    }

    #[test]
    fn basic_authorization_is_the_pair_in_base64_and_does_not_show() {
        let api_key = ApiKey { key: "user".into(), secret: "pass".into() };
        let value = basic_authorization(&api_key).unwrap();
        assert_eq!(value.as_bytes(), b"Basic dXNlcjpwYXNz");
        assert!(!format!("{value:?}").contains("dXNlcjpwYXNz"));
    }
}

//! Bodies that arrive compressed (RFC 9110, 8.4).
//!
//! A body is decoded before anything reads it, so that compressed bytes are never
//! taken for a record. Limits count the decoded size.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use super::request::{Request, values};

/// What can be decoded, as an `accept-encoding` says it.
pub(super) const ACCEPTED: &str = "gzip, deflate";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentEncoding {
    Identity,
    Gzip,
    /// The zlib format. Some programs send the deflate format without the zlib
    /// wrapper under this name (RFC 9110, 8.4.1.2), which is told from it by its
    /// first bytes.
    Deflate,
}

/// Why there is no decoded body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Undecoded {
    TooLarge,
    /// It is damaged, or ends too early, or does not end where it should.
    Damaged,
}

impl ContentEncoding {
    /// The encoding of a request's body; `None` if it cannot be decoded. Neither
    /// can a body that was encoded more than once.
    pub(super) fn of(headers: &[(String, Bytes)]) -> Option<Self> {
        // A host that leaves the transfer encoding to us has decoded its chunks.
        let transfer = codings(headers, "transfer-encoding")
            .filter(|coding| !coding.eq_ignore_ascii_case(b"chunked"));
        let content = codings(headers, "content-encoding");
        let mut named = content
            .chain(transfer)
            .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"));
        let Some(coding) = named.next() else { return Some(Self::Identity) };
        if named.next().is_some() {
            return None;
        }
        let is = |name: &[u8]| coding.eq_ignore_ascii_case(name);
        if is(b"gzip") || is(b"x-gzip") {
            Some(Self::Gzip)
        } else {
            is(b"deflate").then_some(Self::Deflate)
        }
    }

    /// The decoded body, up to `limit` bytes.
    pub(super) fn decode(self, body: Bytes, limit: usize) -> Result<Bytes, Undecoded> {
        match self {
            Self::Identity => Ok(body),
            Self::Gzip => gunzip(&body, limit).map(Bytes::from),
            Self::Deflate => inflate(&body, limit).map(Bytes::from),
        }
    }
}

fn codings<'a>(headers: &'a [(String, Bytes)], header: &str) -> impl Iterator<Item = &'a [u8]> {
    let values = values(headers, header);
    values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

pub(crate) fn gunzip(body: &[u8], limit: usize) -> Result<Vec<u8>, Undecoded> {
    let mut decoded = Vec::new();
    let most = (limit as u64).saturating_add(1);
    let read = MultiGzDecoder::new(body).take(most).read_to_end(&mut decoded);
    match read {
        Err(_) => Err(Undecoded::Damaged),
        Ok(_) if decoded.len() > limit => Err(Undecoded::TooLarge),
        Ok(_) => Ok(decoded),
    }
}

/// `flate2::read::ZlibDecoder` takes data that ends too early for whole up to version
/// 1.1.9 (`findings/flate2_truncated_body.sh`), and ignores what follows the data in
/// 1.1.11, too. So the end is checked here.
fn inflate(body: &[u8], limit: usize) -> Result<Vec<u8>, Undecoded> {
    let mut decoder = Decompress::new(has_zlib_header(body));
    let mut decoded = Vec::new();
    loop {
        decoded.reserve(PIECE);
        let before = (decoder.total_in(), decoder.total_out());
        let rest = usize::try_from(before.0).ok().and_then(|read| body.get(read..));
        let status = decoder
            .decompress_vec(rest.unwrap_or_default(), &mut decoded, FlushDecompress::None)
            .map_err(|_| Undecoded::Damaged)?;
        if decoded.len() > limit {
            return Err(Undecoded::TooLarge);
        }
        let goes_on = (decoder.total_in(), decoder.total_out()) != before;
        match status {
            Status::StreamEnd if decoder.total_in() == body.len() as u64 => return Ok(decoded),
            Status::Ok | Status::BufError if goes_on => {}
            _ => return Err(Undecoded::Damaged),
        }
    }
}

/// How much more room there is for each step of decoding.
const PIECE: usize = 64 * 1024;

/// Compression method 8, and a checksum over the first two bytes (RFC 1950, 2.2).
fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => true,
    }
}

/// Whether the caller accepts gzip. `*` includes it; a weight of zero means that
/// the caller does not.
pub(super) fn takes_gzip<B>(request: &Request<B>) -> bool {
    let values = request.header_values("accept-encoding");
    let mut codings = values.flat_map(|value| value.split(|byte| *byte == b','));
    codings.any(|coding| {
        let text = String::from_utf8_lossy(coding).to_ascii_lowercase();
        let (name, weight) = text.split_once(';').unwrap_or((&text, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f64));
        matches!(name.trim(), "gzip" | "x-gzip" | "*") && !refused
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::ContentEncoding::{Deflate, Gzip, Identity};
    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn of(headers: &[(&str, &str)]) -> Option<ContentEncoding> {
        let header = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), Bytes::copy_from_slice(value.as_bytes()))
        };
        let headers: Vec<_> = headers.iter().map(header).collect();
        ContentEncoding::of(&headers)
    }

    #[test]
    fn one_encoding_is_known_and_a_second_one_is_not() {
        for (value, encoding) in [
            ("gzip", Some(Gzip)),
            (" X-GZip ", Some(Gzip)),
            ("identity, deflate", Some(Deflate)),
            ("", Some(Identity)),
            ("identity", Some(Identity)),
            ("br", None),
            ("zstd", None),
            ("gzip, gzip", None),
            ("chunked", None),
        ] {
            assert_eq!(of(&[("Content-Encoding", value)]), encoding, "{value}");
        }
        assert_eq!(of(&[]), Some(Identity));
        assert_eq!(of(&[("transfer-encoding", "chunked")]), Some(Identity));
        assert_eq!(of(&[("transfer-encoding", "gzip, chunked")]), Some(Gzip));
        assert_eq!(of(&[("transfer-encoding", "br, chunked")]), None);
        assert_eq!(of(&[("content-encoding", "gzip"), ("content-encoding", "gzip")]), None);
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let large: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        for text in [Vec::new(), b"hello".to_vec(), large] {
            let limit = text.len();
            assert_eq!(Identity.decode(text.clone().into(), limit).unwrap(), text);
            assert_eq!(Gzip.decode(gzip(&text).into(), limit).unwrap(), text);
            assert_eq!(Deflate.decode(zlib(&text).into(), limit).unwrap(), text);
            assert_eq!(Deflate.decode(raw(&text).into(), limit).unwrap(), text);
        }
        let members = [gzip(b"one,"), gzip(b"two")].concat();
        assert_eq!(Gzip.decode(members.into(), 7).unwrap(), "one,two");
    }

    #[test]
    fn the_limit_counts_what_comes_out() {
        let zeros = vec![0; 1_000_000];
        for (encoding, body) in
            [(Gzip, gzip(&zeros)), (Deflate, zlib(&zeros)), (Deflate, raw(&zeros))]
        {
            assert!(body.len() < 2_000);
            let body = Bytes::from(body);
            assert_eq!(encoding.decode(body.clone(), 999_999), Err(Undecoded::TooLarge));
            assert_eq!(encoding.decode(body, 1_000_000).unwrap().len(), 1_000_000);
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let text = b"a text that is long enough to be compressed, compressed, compressed";
        for (encoding, whole) in [(Gzip, gzip(text)), (Deflate, zlib(text)), (Deflate, raw(text))] {
            for end in 1..whole.len() {
                let decoded = encoding.decode(whole[..end].to_vec().into(), 1_000);
                assert_eq!(decoded, Err(Undecoded::Damaged), "{encoding:?} {end}");
            }
            let more = [&whole[..], b"more"].concat();
            assert_eq!(
                encoding.decode(more.into(), 1_000),
                Err(Undecoded::Damaged),
                "{encoding:?}"
            );
            assert_eq!(
                encoding.decode("hello".into(), 1_000),
                Err(Undecoded::Damaged),
                "{encoding:?}"
            );
        }
    }
}

//! The gzip format (RFC 1952): members, each with a header, deflated data and a checksum.
//!
//! flate2 reads it, too, by a checksum whose tables are 16 KB of the component. This one is
//! 1 KB.

use flate2::Decompress;

use super::{Undecoded, decompressed};

/// The data of all members, up to `limit` bytes.
pub(crate) fn gunzip(body: &[u8], limit: usize) -> Result<Vec<u8>, Undecoded> {
    let mut decoder = Decompress::new(false);
    let (mut decoded, mut rest) = (Vec::new(), body);
    loop {
        let head = head(rest).ok_or(Undecoded::Damaged)?;
        let (begins, data) = (decoded.len(), &rest[head..]);
        let read = decompressed(&mut decoder, data, &mut decoded, limit)?;
        let (trailer, next) = data[read..].split_first_chunk::<8>().ok_or(Undecoded::Damaged)?;
        let member = &decoded[begins..];
        // The length modulo 2^32.
        let [checksum, length] = [checksum(member), member.len() as u32].map(u32::to_le_bytes);
        if trailer[..4] != checksum || trailer[4..] != length {
            return Err(Undecoded::Damaged);
        }
        if next.is_empty() {
            return Ok(decoded);
        }
        rest = next;
        decoder.reset(false);
    }
}

const HEADER_CHECKSUM: u8 = 1 << 1;
const EXTRA_FIELD: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// How long the header of a member is; `None` if there is none.
fn head(member: &[u8]) -> Option<usize> {
    let &[0x1f, 0x8b, 8, flags, _, _, _, _, _, _, ref rest @ ..] = member else { return None };
    if flags & RESERVED != 0 {
        return None;
    }
    let mut rest = rest;
    if flags & EXTRA_FIELD != 0 {
        let (length, extra) = rest.split_first_chunk()?;
        rest = extra.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CHECKSUM != 0 {
        let before = &member[..member.len() - rest.len()];
        let given;
        (given, rest) = rest.split_first_chunk()?;
        if checksum(before) as u16 != u16::from_le_bytes(*given) {
            return None;
        }
    }
    Some(member.len() - rest.len())
}

/// CRC-32 (RFC 1952, 8).
fn checksum(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !data.iter().fold(u32::MAX, |sum, byte| TABLE[usize::from(sum as u8 ^ byte)] ^ (sum >> 8))
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut sum, mut bit) = (byte as u32, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, GzBuilder};

    use super::*;

    #[test]
    fn the_checksum_is_the_known_one() {
        // The check value of CRC-32/ISO-HDLC in the catalogue of CRC algorithms.
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum(b""), 0);
    }

    #[test]
    fn all_fields_of_a_header_are_passed_over() {
        let builder = GzBuilder::new().filename("a.txt").comment("none").extra(*b"extra");
        let mut encoder = builder.write(Vec::new(), Compression::default());
        encoder.write_all(b"hello").unwrap();
        let mut whole = encoder.finish().unwrap();
        assert_eq!(gunzip(&whole, 5).unwrap(), b"hello");
        // The same with a checksum of the header.
        let length = head(&whole).unwrap();
        whole[3] |= HEADER_CHECKSUM;
        let sum = (checksum(&whole[..length]) as u16).to_le_bytes();
        whole.splice(length..length, sum);
        assert_eq!(gunzip(&whole, 5).unwrap(), b"hello");
        whole[length] ^= 1;
        assert_eq!(gunzip(&whole, 5), Err(Undecoded::Damaged));
        whole[length] ^= 1;
        whole[3] |= 0x80;
        assert_eq!(gunzip(&whole, 5), Err(Undecoded::Damaged));
    }

    #[test]
    fn another_checksum_or_length_is_refused() {
        let mut encoder = GzBuilder::new().write(Vec::new(), Compression::default());
        encoder.write_all(b"hello").unwrap();
        let whole = encoder.finish().unwrap();
        for from_end in 1..=8 {
            let mut damaged = whole.clone();
            damaged[whole.len() - from_end] ^= 1;
            assert_eq!(gunzip(&damaged, 5), Err(Undecoded::Damaged), "{from_end}");
        }
        assert_eq!(gunzip(b"", 5), Err(Undecoded::Damaged));
    }
}

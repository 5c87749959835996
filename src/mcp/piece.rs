//! Pieces of values: a model has room for little, and reads on if it wants more.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::render::BASE64;

/// A part of some bytes, as text. Bytes that are not text as a whole are in base64.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) encoding: Option<&'static str>,
    /// Which bytes they are.
    pub(crate) from: usize,
    pub(crate) until: usize,
    pub(crate) of: usize,
}

impl<'a> Piece<'a> {
    /// At most `most` bytes from `from` on. Text is cut between two characters.
    pub(crate) fn of(bytes: &'a [u8], from: usize, most: usize) -> Self {
        let of = bytes.len();
        let from = from.min(of);
        let until = from.saturating_add(most).min(of);
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let from = text.floor_char_boundary(from);
                let until = text.floor_char_boundary(until);
                let piece = text.get(from..until).unwrap_or_default();
                Self { text: piece.into(), encoding: None, from, until, of }
            }
            Err(_) => {
                let piece = bytes.get(from..until).unwrap_or_default();
                let text = STANDARD.encode(piece).into();
                Self { text, encoding: Some(BASE64), from, until, of }
            }
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.from == 0 && self.until == self.of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_up_the_whole() {
        let text = "grün und weiß, 日本".repeat(20);
        let binary: Vec<u8> = (0..=255).collect();
        for most in [4, 5, 7, 100, 10_000] {
            for bytes in [text.as_bytes(), &binary] {
                let (mut from, mut whole) = (0, Vec::new());
                while from < bytes.len() {
                    let piece = Piece::of(bytes, from, most);
                    assert!(piece.until > from && piece.until - piece.from <= most, "{piece:?}");
                    assert_eq!((piece.from, piece.of), (from, bytes.len()));
                    match piece.encoding {
                        None => whole.extend(piece.text.as_bytes()),
                        Some(_) => whole.extend(STANDARD.decode(&*piece.text).unwrap()),
                    }
                    from = piece.until;
                }
                assert_eq!(whole, bytes, "{most}");
            }
        }
    }

    #[test]
    fn what_fits_is_whole_and_what_is_beyond_the_end_is_empty() {
        assert!(Piece::of(b"abc", 0, 3).is_whole() && Piece::of(b"", 0, 3).is_whole());
        assert!(!Piece::of(b"abc", 0, 2).is_whole() && !Piece::of(b"abc", 1, 3).is_whole());
        let beyond = Piece::of(b"abc", 9, 3);
        assert_eq!((&*beyond.text, beyond.from, beyond.until), ("", 3, 3));
        assert_eq!(Piece::of(&[0xff], 0, 4).encoding, Some("base64"));
    }
}

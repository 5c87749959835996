//! What stands behind a backslash.

use super::BadPattern;
use super::class::{Class, DIGIT, SPACE, WORD};
use super::reader::Source;

/// What an escape means.
pub(super) enum Escape {
    Char(u32),
    Class(Class),
    /// `\b`, outside a class.
    Boundary,
    /// `\B`.
    NoBoundary,
}

/// Reads an escape whose backslash has been read.
pub(super) fn read(source: &mut Source<'_>, in_class: bool) -> Result<Escape, BadPattern> {
    let char = |char: char| Ok(Escape::Char(u32::from(char)));
    match source.next().ok_or(BadPattern::Escape)? {
        'd' => Ok(Escape::Class(Class::of(DIGIT, false))),
        'D' => Ok(Escape::Class(Class::of(DIGIT, true))),
        'w' => Ok(Escape::Class(Class::of(WORD, false))),
        'W' => Ok(Escape::Class(Class::of(WORD, true))),
        's' => Ok(Escape::Class(Class::of(SPACE, false))),
        'S' => Ok(Escape::Class(Class::of(SPACE, true))),
        'b' if in_class => char('\u{8}'),
        'b' => Ok(Escape::Boundary),
        'B' if !in_class => Ok(Escape::NoBoundary),
        't' => char('\t'),
        'n' => char('\n'),
        'v' => char('\u{b}'),
        'f' => char('\u{c}'),
        'r' => char('\r'),
        '0' if !source.peek().is_some_and(|next| next.is_ascii_digit()) => char('\0'),
        'c' => match source.next() {
            Some(letter) if letter.is_ascii_alphabetic() => {
                Ok(Escape::Char(u32::from(letter) % 32))
            }
            _ => Err(BadPattern::Escape),
        },
        'x' => source.hex(2).map(Escape::Char).ok_or(BadPattern::Escape),
        'u' => unicode(source).map(Escape::Char),
        'k' | '1'..='9' if !in_class => Err(BadPattern::Backreference),
        'p' | 'P' => Err(BadPattern::Property),
        // With the flag `u`, ECMA-262 takes some of them only. Without it, it
        // takes them all, and none can mean anything else.
        other if other.is_ascii_punctuation() => char(other),
        _ => Err(BadPattern::Escape),
    }
}

/// `\u{1f432}`, `\u0041`, or two of the latter for a surrogate pair.
fn unicode(source: &mut Source<'_>) -> Result<u32, BadPattern> {
    if source.take('{') {
        let mut code = 0_u32;
        let mut digits = 0;
        while !source.take('}') {
            let digit = source.next().and_then(|c| c.to_digit(16)).ok_or(BadPattern::Escape)?;
            code = (code << 4) | digit;
            digits += 1;
            if code > 0x10_ffff {
                return Err(BadPattern::Escape);
            }
        }
        return match code {
            _ if digits == 0 => Err(BadPattern::Escape),
            0xd800..=0xdfff => Err(BadPattern::Surrogate),
            code => Ok(code),
        };
    }
    match source.hex(4).ok_or(BadPattern::Escape)? {
        high @ 0xd800..=0xdbff => {
            if !(source.take('\\') && source.take('u')) {
                return Err(BadPattern::Surrogate);
            }
            match source.hex(4) {
                Some(low @ 0xdc00..=0xdfff) => {
                    Ok(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                }
                _ => Err(BadPattern::Surrogate),
            }
        }
        0xdc00..=0xdfff => Err(BadPattern::Surrogate),
        code => Ok(code),
    }
}

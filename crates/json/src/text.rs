//! A text that is JSON, and where its values lie. Nothing is kept of them: a text of 16 MiB
//! costs no memory beside its own, however many values it holds.

use std::cell::Cell;

use memchr::memchr2;

/// How much of a key names its value, and how long such a name becomes before it goes no
/// deeper.
const MAX_KEY_CHARS: usize = 64;
const MAX_NAME_BYTES: usize = 256;

/// Where a value lies: from its first byte to behind its last one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A text that is known to be JSON.
#[derive(Debug)]
pub(crate) struct Text<'de> {
    text: &'de str,
    /// How far it was read: errors name the value there.
    read: Cell<usize>,
}

impl<'de> Text<'de> {
    pub(crate) fn of(text: &'de str) -> Self {
        Self { text, read: Cell::default() }
    }

    /// Where the next value or key lies, from here on; `None` before a closing bracket and
    /// at the end.
    #[inline(never)]
    pub(crate) fn next(&self, from: usize) -> Option<Span> {
        let bytes = self.text.as_bytes();
        let is_between = |byte: &u8| b" \n\r\t,:".contains(byte);
        let start = from + bytes.get(from..)?.iter().take_while(|&byte| is_between(byte)).count();
        let rest = bytes.get(start..)?;
        let length = match rest.first()? {
            b'}' | b']' => return None,
            b'"' => string(rest),
            b'{' | b'[' => nested(rest),
            _ => word(rest),
        };
        Some(Span { start, end: start + length })
    }

    /// The first byte of a value tells what it is.
    pub(crate) fn first(&self, place: Span) -> u8 {
        self.text.as_bytes().get(place.start).copied().unwrap_or_default()
    }

    /// The text of a value, from its first character to its last.
    pub(crate) fn of_value(&self, place: Span) -> &'de str {
        self.text.get(place.start..place.end).unwrap_or_default()
    }

    /// An error from here on is about this value, not yet about what it holds.
    pub(crate) fn reads(&self, place: Span) {
        let opens = matches!(self.first(place), b'{' | b'[');
        self.read.set(if opens { place.start + 1 } else { place.end });
    }

    /// An error from here on is about the array or the object that ends here.
    pub(crate) fn has_read(&self, end: usize) {
        self.read.set(end);
    }

    /// Names the value, or the key, that was read last.
    pub(crate) fn place_read(&self) -> String {
        let last = self.read.get().saturating_sub(1);
        let mut name = String::new();
        let mut value = self.next(0).unwrap_or_default();
        while name.len() < MAX_NAME_BYTES
            && let Some(item) = self.item_at(value, last, &mut name)
        {
            value = item;
        }
        name
    }

    /// The item of an array or an object that this byte is in, and what names it in addition.
    fn item_at(&self, value: Span, byte: usize, name: &mut String) -> Option<Span> {
        let is_object = match self.first(value) {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        if byte <= value.start {
            return None;
        }
        let (mut from, mut number) = (value.start + 1, 0);
        loop {
            let first = self.next(from)?;
            let item = if is_object { self.next(first.end)? } else { first };
            if byte < item.end {
                if is_object {
                    let key = self.of_value(first).trim_matches('"').chars();
                    name.extend((!name.is_empty()).then_some('.'));
                    name.extend(key.take(MAX_KEY_CHARS));
                } else {
                    name.push_str(&format!("[{number}]"));
                }
                return Some(item);
            }
            (from, number) = (item.end, number + 1);
        }
    }
}

/// How long the string is that begins here.
fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(special) = memchr2(b'"', b'\\', rest.get(at..).unwrap_or_default()) {
        at += special + 1;
        if rest[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    rest.len()
}

/// How long the array or the object is that begins here.
fn nested(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'"' => {
                at += string(&rest[at..]);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// How long the number, `true`, `false` or `null` is that begins here.
fn word(rest: &[u8]) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    rest.iter().take_while(|&byte| is_part(byte)).count()
}

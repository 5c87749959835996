//! A parsed JSON tree.

/// A JSON value that keeps what the proxy keeps: the order of keys and the
/// digits of integers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// An integer of any length, as written (`-0` is `0`).
    Int(String),
    Float(f64),
    /// Text. A lone surrogate, which Java strings can hold and Rust's cannot,
    /// is kept as a character of the last private-use plane, see
    /// [`surrogate_to_char`].
    String(String),
    Array(Vec<Json>),
    /// Of a repeated key the last value stands at the first one's place.
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(s) => Some(s),
            _ => None,
        }
    }
}

/// Sets `key` in an object under construction: the last value wins.
pub(crate) fn put(entries: &mut Vec<(String, Json)>, key: String, value: Json) {
    match entries.iter_mut().find(|(k, _)| *k == key) {
        Some((_, old)) => *old = value,
        None => entries.push((key, value)),
    }
}

const FIRST_STAND_IN: u32 = 0x10_F800;

/// The 2048 lone surrogates U+D800..=U+DFFF are mapped one to one to the last
/// 2048 characters of Unicode, which are for private use.
pub(crate) fn surrogate_to_char(surrogate: u16) -> char {
    let index = u32::from(surrogate) - 0xD800;
    char::from_u32(FIRST_STAND_IN + index).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The lone surrogate that `c` stands for, if it is such a stand-in.
pub(crate) fn char_to_surrogate(c: char) -> Option<u16> {
    let index = (c as u32).checked_sub(FIRST_STAND_IN)?;
    u16::try_from(0xD800 + index).ok()
}

//! Reads JSON into types of serde, as `serde_json::from_str` does, in half the code.
//!
//! Some 150 types of this project are read from JSON. serde_json compiles its parser anew
//! for each of them, and for each of its three kinds of input: what reads them was 285 KB
//! of the component, and is 185 KB with this. Here a text is checked by serde_json once,
//! its [`Tape`] says where each value lies, and what is compiled for a type is only its
//! fields. Numbers, escapes and errors are serde_json's.
//!
//! It differs from serde_json in one thing: a struct is read from an object only, not from
//! an array whose items are taken for its fields by their position.
#![forbid(unsafe_code)]

mod node;
mod tape;

use serde::de::{Deserialize, Error as _, IgnoredAny};
pub use serde_json::Error;

pub use node::Node;
use tape::Tape;

/// Reads one value, which may borrow from the text.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    from_str_with(text, |node| T::deserialize(node))
}

/// Reads what a function makes of the text's value.
pub fn from_str_with<'de, T>(
    text: &'de str,
    read: impl FnOnce(Node<'_, 'de>) -> Result<T, Error>,
) -> Result<T, Error> {
    let tape = checked(text)?;
    read(Node::root(&tape)).map_err(|error| tape.placed(error))
}

/// Reads one value from UTF-8.
pub fn from_slice<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Error> {
    from_str(in_utf8(text)?)
}

/// Reads one value that was parsed before.
pub fn from_value<T: for<'de> Deserialize<'de>>(value: &serde_json::Value) -> Result<T, Error> {
    from_str(&value.to_string())
}

fn checked(text: &str) -> Result<Tape<'_>, Error> {
    serde_json::from_str::<IgnoredAny>(text)?;
    Tape::of(text).ok_or_else(|| Error::custom("the text is too long"))
}

fn in_utf8(text: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(text).map_err(|error| {
        let (line, column) = tape::place(text, error.valid_up_to());
        Error::custom(format_args!("invalid unicode code point at line {line} column {column}"))
    })
}

//! Reads JSON into types of serde, as `serde_json::from_str` does, in half the code.
//!
//! serde_json compiles its parser anew for each type that is read, and for each of its three
//! kinds of input. Here serde_json checks a text once, and what is compiled for a type is
//! only its fields. Numbers and escapes are serde_json's. With everything read so, the
//! component was 118,000 bytes smaller. It takes more instructions, so that serde_json still
//! reads what every call reads: the state, and pages of records.
//!
//! It differs from serde_json in two things: a struct is read from an object only, not from
//! an array whose items are taken for its fields by their position; and an [`Error`] names the
//! field in the words of the API, and repeats nothing of the text.
#![forbid(unsafe_code)]

mod error;
mod node;
mod text;

use serde::de::{Deserialize, Error as _, IgnoredAny};

pub use error::Error;
pub use node::Node;
use text::Text;

/// Reads one value, which may borrow from the text.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    from_str_with(text, |node| T::deserialize(node))
}

/// Reads what a function makes of the text's value.
pub fn from_str_with<'de, T>(
    text: &'de str,
    read: impl FnOnce(Node<'_, 'de>) -> Result<T, Error>,
) -> Result<T, Error> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| Error::not_json(text, &error))?;
    let text = Text::of(text);
    read(Node::root(&text)).map_err(|error| error.at(text.place_read()))
}

/// Reads one value from UTF-8.
pub fn from_slice<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Error> {
    from_str(in_utf8(text)?)
}

/// Reads one value that was parsed before.
pub fn from_value<T: for<'de> Deserialize<'de>>(value: &serde_json::Value) -> Result<T, Error> {
    from_str(&value.to_string())
}

fn in_utf8(text: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(text).map_err(|error| {
        let at = error.valid_up_to();
        Error::custom(format_args!("Not JSON: byte {at}, counted from 0, is no UTF-8"))
    })
}

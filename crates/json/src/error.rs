//! What is wrong with a text, in words for whoever wrote it: no type of Rust, and nothing of
//! what stands there, which may be a secret.

use std::fmt::{self, Display};

use serde::de::{self, Unexpected};

/// What is wrong, and where.
#[derive(Debug)]
pub struct Error(Box<Wrong>);

#[derive(Debug)]
struct Wrong {
    sentence: String,
    /// A member of the value at the place, which is missing there.
    member: Option<&'static str>,
    place: String,
    /// The line and the column, if the text is no JSON.
    syntax: (usize, usize),
}

impl Error {
    /// A short sentence.
    pub fn sentence(&self) -> &str {
        &self.0.sentence
    }

    /// The place of the value, such as `retry.delays[0]`, or this name for the whole text.
    pub fn place_or<'a>(&'a self, whole: &'a str) -> &'a str {
        if self.0.place.is_empty() { whole } else { &self.0.place }
    }

    /// The line and the column, as serde_json counts them, from which on the text is no JSON;
    /// zero if it is.
    pub fn line_and_column(&self) -> (usize, usize) {
        self.0.syntax
    }

    #[inline(never)]
    fn of(sentence: String, member: Option<&'static str>) -> Self {
        Self(Box::new(Wrong { sentence, member, place: String::new(), syntax: (0, 0) }))
    }

    /// The text is no JSON.
    #[inline(never)]
    pub(crate) fn not_json(text: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let sentence = match text.trim_ascii().is_empty() {
            true => "Not JSON: there is nothing".to_owned(),
            false if error.is_eof() => "Not JSON: it ends too early".to_owned(),
            false => format!("Not JSON: line {line}, column {column} is not as it should be"),
        };
        let mut this = Self::of(sentence, None);
        this.0.syntax = (line, column);
        this
    }

    /// The error at this place, or at the member that is missing there.
    pub(crate) fn at(mut self, mut place: String) -> Self {
        if let Some(member) = self.0.member.take() {
            if !place.is_empty() {
                place.push('.');
            }
            place.push_str(member);
        }
        self.0.place = place;
        self
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wrong { sentence, place, .. } = &*self.0;
        match place.is_empty() {
            true => f.write_str(sentence),
            false => write!(f, "{place}: {sentence}"),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(sentence: T) -> Self {
        Self::of(sentence.to_string(), None)
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::of(not(&expected.to_string()), None)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let expected = expected.to_string();
        let sentence = match found {
            Unexpected::Signed(..0) if !expected.starts_with('i') => "Not a whole number from 0 on",
            Unexpected::Unsigned(0) => "Not a whole number from 1 on",
            Unexpected::Signed(..0) => "The number is too small",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "The number is too large",
            _ => return Self::of(not(&expected), None),
        };
        Self::of(sentence.into(), None)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::of(none_of(expected), None)
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::of("There is no such field".into(), None)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of("The field is missing".into(), Some(field))
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::of("The field is there twice".into(), None)
    }
}

/// That a value is not what serde expected there, by serde's name for that.
fn not(expected: &str) -> String {
    let expected = match expected {
        "a boolean" => return "Neither true nor false".into(),
        "a string" | "a borrowed string" | "a character" => "a text",
        "a sequence" => "a list",
        "a map" => "a JSON object",
        "unit" => "null",
        "f32" | "f64" => "a number",
        // The bounds are those of a type; whoever reads the number knows closer ones.
        "i8" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" | "a nonzero u32" => {
            "a whole number"
        }
        _ if expected.starts_with("struct ") => "a JSON object",
        other => other,
    };
    format!("Not {expected}")
}

/// That a value is none of those that there are.
pub(crate) fn none_of(values: &[&str]) -> String {
    match values {
        [] => "There is no value for it".into(),
        [one] => format!("Not {one}"),
        [one, other] => format!("Neither {one} nor {other}"),
        [others @ .., last] => format!("None of {} and {last}", others.join(", ")),
    }
}

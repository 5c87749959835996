//! What is told of an event that does not fit.

use crate::node::{Bound, Count, Types};
use crate::text::{push_token, short};
use kafka_edge_bounded_json::Number;
use std::fmt::{self, Display, Write};

/// The first thing about an event that does not fit. It holds names of members,
/// and none of the event's values, because they may be secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// Where in the event, as a JSON pointer. A long one is cut.
    pub path: String,
    /// The keyword of the schema that does not hold.
    pub keyword: &'static str,
    /// Where in the schema, as a JSON pointer into its document. A long one is
    /// cut.
    pub schema_path: String,
    /// All of it for a person to read.
    pub sentence: String,
    /// How deep in the event the path leads.
    pub(crate) depth: usize,
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Failure {}

/// The way into an event, from its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) up: Option<&'a At<'a>>,
    pub(crate) step: Step<'a>,
    pub(crate) depth: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
    /// Not the member of this name, but the name itself.
    Name(&'a str),
}

impl<'a> At<'a> {
    pub(crate) fn down(&'a self, step: Step<'a>) -> At<'a> {
        At { up: Some(self), step, depth: self.depth + 1 }
    }

    fn pointer(&self) -> String {
        let mut way = vec![self.step];
        let mut at = self;
        while let Some(up) = at.up {
            way.push(up.step);
            at = up;
        }
        let mut pointer = String::new();
        for step in way.into_iter().rev() {
            match step {
                Step::Root => {}
                Step::Key(key) | Step::Name(key) => push_token(&mut pointer, key),
                Step::Index(index) => push_token(&mut pointer, &index.to_string()),
            }
        }
        short(&pointer)
    }
}

/// What is wrong with a value. It reads on from where the value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault<'a> {
    NotAllowed,
    Type(Types),
    Const,
    Enum,
    Bound(Bound, &'a Number),
    MultipleOf(&'a Number),
    Count(Count, u64),
    Pattern(&'a str),
    Lacks(&'a str),
    HasButLacks(&'a str, &'a str),
    Twice,
    TooFewContained(u64),
    TooManyContained(u64),
    NoneOf(&'static str),
    SeveralOf,
    Not,
}

impl Failure {
    pub(crate) fn new(
        at: &At<'_>,
        keyword: &'static str,
        mut schema_path: String,
        fault: Fault<'_>,
    ) -> Failure {
        // What a false schema refuses is told of the keyword that it is under,
        // whose name the way to it has already.
        if !matches!(fault, Fault::NotAllowed) {
            push_token(&mut schema_path, keyword);
        }
        let path = at.pointer();
        let mut sentence = match at.step {
            Step::Root => String::from("the event"),
            Step::Name(_) => format!("the name of {path:?}"),
            _ => format!("{path:?}"),
        };
        _ = write!(sentence, " {fault}");
        Failure { path, keyword, schema_path: short(&schema_path), sentence, depth: at.depth }
    }
}

impl Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fault::NotAllowed => f.write_str("is not allowed"),
            Fault::Type(types) => {
                for (index, name) in types.names().enumerate() {
                    f.write_str(if index == 0 { "is not " } else { " or " })?;
                    f.write_str(match name {
                        "null" => "",
                        "integer" | "array" | "object" => "an ",
                        _ => "a ",
                    })?;
                    f.write_str(name)?;
                }
                Ok(())
            }
            Fault::Const => f.write_str("is not the one value that is allowed"),
            Fault::Enum => f.write_str("is none of the values that are allowed"),
            Fault::Bound(bound, number) => {
                f.write_str(match bound {
                    Bound::Minimum => "is less than ",
                    Bound::Maximum => "is more than ",
                    Bound::ExclusiveMinimum => "is not more than ",
                    Bound::ExclusiveMaximum => "is not less than ",
                })?;
                f.write_str(&short(&number.to_string()))
            }
            Fault::MultipleOf(number) => {
                write!(f, "is not a multiple of {}", short(&number.to_string()))
            }
            Fault::Count(count, limit) => {
                let (how, what) = match count {
                    Count::MinLength => ("fewer", "character"),
                    Count::MaxLength => ("more", "character"),
                    Count::MinItems => ("fewer", "item"),
                    Count::MaxItems => ("more", "item"),
                    Count::MinProperties => ("fewer", "member"),
                    Count::MaxProperties => ("more", "member"),
                };
                write!(f, "has {how} than {limit} {what}{}", plural(limit))
            }
            Fault::Pattern(pattern) => write!(f, "does not match {:?}", short(pattern)),
            Fault::Lacks(key) => write!(f, "has no member {:?}", short(key)),
            Fault::HasButLacks(key, lacking) => {
                write!(f, "has a member {:?} and no member {:?}", short(key), short(lacking))
            }
            Fault::Twice => f.write_str("has an item twice"),
            Fault::TooFewContained(least) => {
                write!(f, "has fewer than {least} item{} \"contains\"", that_fit(least))
            }
            Fault::TooManyContained(most) => {
                write!(f, "has more than {most} item{} \"contains\"", that_fit(most))
            }
            Fault::NoneOf(keyword) => write!(f, "fits no schema of {keyword:?}"),
            Fault::SeveralOf => f.write_str("fits more than one schema of \"oneOf\""),
            Fault::Not => f.write_str("fits what \"not\" excludes"),
        }
    }
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn that_fit(count: u64) -> &'static str {
    if count == 1 { " that fits" } else { "s that fit" }
}

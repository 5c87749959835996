//! The functions of jq that are known, by name and arity.

mod collections;
mod dates;
mod names;
mod numbers;
pub(crate) mod strings;

use crate::term::Term;
use names::{DEFINED, FILTERS, OUTSIDE, SIMPLE};

/// Functions of values: each takes its input and the values of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Simple {
    Abs,
    AsciiDowncase,
    AsciiUpcase,
    Ceil,
    Contains,
    Delpaths,
    EndsWith,
    Exp,
    Exp10,
    Exp2,
    Explode,
    Fabs,
    Flatten,
    Floor,
    FromDate,
    FromJson,
    Has,
    Implode,
    Index,
    Indices,
    Infinite,
    IsInfinite,
    IsNan,
    IsNormal,
    Join,
    Keys,
    KeysUnsorted,
    Length,
    Log,
    Log10,
    Log2,
    Ltrim,
    Max,
    Min,
    Nan,
    Not,
    Pow,
    Reverse,
    Rindex,
    Round,
    Rtrim,
    Setpath,
    Sort,
    Split,
    Sqrt,
    StartsWith,
    ToBoolean,
    ToDate,
    ToEntries,
    ToJson,
    ToNumber,
    ToString,
    Trim,
    Trunc,
    Type,
    Unique,
    Utf8ByteLength,
}

/// Functions that take filters, give several values, or keep paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    Add,
    All,
    Any,
    Combinations,
    Del,
    Empty,
    Error,
    ErrorWith,
    First,
    Getpath,
    GroupBy,
    IsEmpty,
    Last,
    Limit,
    MaxBy,
    MinBy,
    Path,
    Range,
    RangeBy,
    Recurse,
    RecurseBy,
    Repeat,
    Skip,
    SortBy,
    UniqueBy,
    Until,
    Walk,
    While,
}

pub(crate) enum Found {
    Simple(Simple),
    Filter(Filter),
    /// Parameters and body, in jq.
    Defined(&'static [&'static str], &'static str),
    OtherArity,
    /// jq has it, and the subset does not.
    Outside,
    Nowhere,
}

pub(crate) fn find(name: &str, arity: usize) -> Found {
    let mut known = false;
    for (found, count, simple) in SIMPLE {
        if *found == name {
            if *count == arity {
                return Found::Simple(*simple);
            }
            known = true;
        }
    }
    for (found, count, filter) in FILTERS {
        if *found == name {
            if *count == arity {
                return Found::Filter(*filter);
            }
            known = true;
        }
    }
    for (found, parameters, body) in DEFINED {
        if *found == name {
            if parameters.len() == arity {
                return Found::Defined(parameters, body);
            }
            known = true;
        }
    }
    // `split` with two arguments takes a regular expression.
    if name == "split" && arity == 2 || OUTSIDE.contains(&format!(" {name} ")) {
        return Found::Outside;
    }
    if known { Found::OtherArity } else { Found::Nowhere }
}

impl Filter {
    /// Whether it gives exactly one value with these arguments.
    pub(crate) fn is_single(self, arguments: &[Term]) -> bool {
        match self {
            Self::Add
            | Self::All
            | Self::Any
            | Self::Del
            | Self::Error
            | Self::GroupBy
            | Self::IsEmpty
            | Self::MaxBy
            | Self::MinBy
            | Self::SortBy
            | Self::UniqueBy => true,
            Self::ErrorWith | Self::Getpath | Self::Until | Self::Walk => {
                arguments.iter().all(|argument| argument.single)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without its examples, a name would stay unknown to everyone who reads.
    #[test]
    fn every_function_is_in_the_document() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let document = std::fs::read_to_string(folder.join("../../docs/expressions.md")).unwrap();
        let simple = SIMPLE.iter().map(|(name, arity, _)| (*name, *arity));
        let filters = FILTERS.iter().map(|(name, arity, _)| (*name, *arity));
        let defined = DEFINED.iter().map(|(name, parameters, _)| (*name, parameters.len()));
        for (name, arity) in simple.chain(filters).chain(defined) {
            let listed = document.split('`').any(|code| match code.split_once('(') {
                Some((found, inside)) if arity > 0 => {
                    found == name
                        && inside.ends_with(')')
                        && inside.matches(';').count() + 1 == arity
                }
                None => arity == 0 && code == name,
                _ => false,
            });
            assert!(listed, "{name}/{arity}");
        }
    }

    #[test]
    fn every_definition_is_read_with_its_parameters() {
        for (name, parameters, _) in DEFINED {
            let arguments = vec!["."; parameters.len()].join("; ");
            let call = match parameters.len() {
                0 => (*name).to_owned(),
                _ => format!("{name}({arguments})"),
            };
            assert!(crate::Program::parse(&call, &[]).is_ok(), "{call}");
        }
    }
}

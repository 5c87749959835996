//! The functions of jq that are known, by name and arity.

mod collections;
mod dates;
mod numbers;
pub(crate) mod strings;

use crate::term::Term;

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

const SIMPLE: &[(&str, usize, Simple)] = &[
    ("abs", 0, Simple::Abs),
    ("ascii_downcase", 0, Simple::AsciiDowncase),
    ("ascii_upcase", 0, Simple::AsciiUpcase),
    ("ceil", 0, Simple::Ceil),
    ("contains", 1, Simple::Contains),
    ("delpaths", 1, Simple::Delpaths),
    ("endswith", 1, Simple::EndsWith),
    ("exp", 0, Simple::Exp),
    ("exp10", 0, Simple::Exp10),
    ("exp2", 0, Simple::Exp2),
    ("explode", 0, Simple::Explode),
    ("fabs", 0, Simple::Fabs),
    ("flatten", 0, Simple::Flatten),
    ("flatten", 1, Simple::Flatten),
    ("floor", 0, Simple::Floor),
    ("fromdate", 0, Simple::FromDate),
    ("fromdateiso8601", 0, Simple::FromDate),
    ("fromjson", 0, Simple::FromJson),
    ("has", 1, Simple::Has),
    ("implode", 0, Simple::Implode),
    ("index", 1, Simple::Index),
    ("indices", 1, Simple::Indices),
    ("infinite", 0, Simple::Infinite),
    ("isinfinite", 0, Simple::IsInfinite),
    ("isnan", 0, Simple::IsNan),
    ("isnormal", 0, Simple::IsNormal),
    ("join", 1, Simple::Join),
    ("keys", 0, Simple::Keys),
    ("keys_unsorted", 0, Simple::KeysUnsorted),
    ("length", 0, Simple::Length),
    ("log", 0, Simple::Log),
    ("log10", 0, Simple::Log10),
    ("log2", 0, Simple::Log2),
    ("ltrim", 0, Simple::Ltrim),
    ("max", 0, Simple::Max),
    ("min", 0, Simple::Min),
    ("nan", 0, Simple::Nan),
    ("not", 0, Simple::Not),
    ("pow", 2, Simple::Pow),
    ("reverse", 0, Simple::Reverse),
    ("rindex", 1, Simple::Rindex),
    ("round", 0, Simple::Round),
    ("rtrim", 0, Simple::Rtrim),
    ("setpath", 2, Simple::Setpath),
    ("sort", 0, Simple::Sort),
    ("split", 1, Simple::Split),
    ("sqrt", 0, Simple::Sqrt),
    ("startswith", 1, Simple::StartsWith),
    ("toboolean", 0, Simple::ToBoolean),
    ("todate", 0, Simple::ToDate),
    ("todateiso8601", 0, Simple::ToDate),
    ("to_entries", 0, Simple::ToEntries),
    ("tojson", 0, Simple::ToJson),
    ("tonumber", 0, Simple::ToNumber),
    ("tostring", 0, Simple::ToString),
    ("trim", 0, Simple::Trim),
    ("trunc", 0, Simple::Trunc),
    ("type", 0, Simple::Type),
    ("unique", 0, Simple::Unique),
    ("utf8bytelength", 0, Simple::Utf8ByteLength),
];

const FILTERS: &[(&str, usize, Filter)] = &[
    ("add", 1, Filter::Add),
    ("all", 2, Filter::All),
    ("any", 2, Filter::Any),
    ("combinations", 0, Filter::Combinations),
    ("del", 1, Filter::Del),
    ("empty", 0, Filter::Empty),
    ("error", 0, Filter::Error),
    ("error", 1, Filter::ErrorWith),
    ("first", 1, Filter::First),
    ("getpath", 1, Filter::Getpath),
    ("group_by", 1, Filter::GroupBy),
    ("isempty", 1, Filter::IsEmpty),
    ("last", 1, Filter::Last),
    ("limit", 2, Filter::Limit),
    ("max_by", 1, Filter::MaxBy),
    ("min_by", 1, Filter::MinBy),
    ("path", 1, Filter::Path),
    ("range", 2, Filter::Range),
    ("range", 3, Filter::RangeBy),
    ("recurse", 0, Filter::Recurse),
    ("recurse", 1, Filter::RecurseBy),
    ("repeat", 1, Filter::Repeat),
    ("skip", 2, Filter::Skip),
    ("sort_by", 1, Filter::SortBy),
    ("unique_by", 1, Filter::UniqueBy),
    ("until", 2, Filter::Until),
    ("walk", 1, Filter::Walk),
    ("while", 2, Filter::While),
];

/// What is put together from the others. A body sees its parameters alone.
const DEFINED: &[(&str, &[&str], &str)] = &[
    ("add", &[], "add(.[])"),
    ("all", &[], "all(.[]; .)"),
    ("all", &["f"], "all(.[]; f)"),
    ("any", &[], "any(.[]; .)"),
    ("any", &["f"], "any(.[]; f)"),
    ("arrays", &[], "select(type == \"array\")"),
    ("booleans", &[], "select(type == \"boolean\")"),
    ("combinations", &["n"], ". as $dot | [range(n) | $dot] | combinations"),
    ("finites", &[], "select(isfinite)"),
    ("first", &[], ".[0]"),
    (
        "from_entries",
        &[],
        "reduce .[] as $e ({}; . + ($e | {(.key // .Key // .name // .Name): \
         (if has(\"value\") then .value else .Value end)}))",
    ),
    ("have_literal_numbers", &[], "true"),
    ("in", &["xs"], ". as $x | xs | has($x)"),
    ("inside", &["xs"], ". as $x | xs | contains($x)"),
    ("isfinite", &[], "type == \"number\" and (isinfinite | not)"),
    ("iterables", &[], "select(type | . == \"array\" or . == \"object\")"),
    ("last", &[], ".[-1]"),
    ("ltrimstr", &["$left"], "if startswith($left) then .[$left | length:] end"),
    ("map", &["f"], "[.[] | f]"),
    ("map_values", &["f"], ".[] |= f"),
    ("normals", &[], "select(isnormal)"),
    ("nth", &["$n"], ".[$n]"),
    (
        "nth",
        &["$n", "g"],
        "if $n < 0 then error(\"nth doesn't support negative indices\") else first(skip($n; g)) end",
    ),
    ("nulls", &[], "select(. == null)"),
    ("numbers", &[], "select(type == \"number\")"),
    ("objects", &[], "select(type == \"object\")"),
    ("paths", &[], "path(..) | select(length > 0)"),
    ("paths", &["f"], "path(.. | select(f)) | select(length > 0)"),
    ("pick", &["f"], ". as $in | reduce path(f) as $p (null; setpath($p; $in | getpath($p)))"),
    ("range", &["$n"], "range(0; $n)"),
    ("recurse", &["f", "c"], "recurse(f | select(c))"),
    ("rtrimstr", &["$right"], "if endswith($right) then .[:length - ($right | length)] end"),
    ("scalars", &[], "select(type | . != \"array\" and . != \"object\")"),
    ("select", &["f"], "if f then . else empty end"),
    ("strings", &[], "select(type == \"string\")"),
    ("transpose", &[], "[range(0; map(length) | max // 0) as $i | [.[][$i]]]"),
    ("trimstr", &["$x"], "ltrimstr($x) | rtrimstr($x)"),
    ("values", &[], "select(. != null)"),
    ("with_entries", &["f"], "to_entries | map(f) | from_entries"),
];

/// What else jq 1.8 has. Regular expressions cost more than all the rest; the others
/// reach out of the event, or know the machine, or are seldom asked for.
const OUTSIDE: &str = " IN INDEX JOIN acos acosh asin asinh atan atan2 atanh bsearch builtins \
    capture cbrt copysign cos cosh debug drem env erf erfc expm1 fdim fma fmax fmin fmod format \
    frexp fromstream gamma get_search_list gmtime gsub halt halt_error have_decnum hypot input \
    input_filename input_line_number inputs j0 j1 jn ldexp lgamma lgamma_r localtime log1p logb \
    match mktime modf modulemeta nearbyint nextafter nexttoward now remainder rint scalb scalbln \
    scan significand sin sinh splits stderr strflocaltime strftime strptime sub tan tanh test \
    tgamma tostream truncate_stream y0 y1 yn ascii date dateadd datesub \
    leaf_paths pow10 toarray get_jq_origin get_prog_origin GROUP_BY \
    UNIQUE_BY ";

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

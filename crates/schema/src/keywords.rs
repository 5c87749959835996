//! Every keyword that is taken, and those that are known and refused.

use crate::refused::Reason;

/// Where the schemas lie in the value of a keyword.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// There are none.
    Plain,
    /// The value is one.
    One,
    /// Each item of the array is one.
    List,
    /// Each member of the object is one.
    Map,
}

/// The keywords that are taken, sorted.
const TAKEN: &[(&str, Shape)] = &[
    ("$anchor", Shape::Plain),
    ("$comment", Shape::Plain),
    ("$defs", Shape::Map),
    ("$id", Shape::Plain),
    ("$ref", Shape::Plain),
    ("$schema", Shape::Plain),
    ("additionalProperties", Shape::One),
    ("allOf", Shape::List),
    ("anyOf", Shape::List),
    ("const", Shape::Plain),
    ("contains", Shape::One),
    ("contentEncoding", Shape::Plain),
    ("contentMediaType", Shape::Plain),
    ("contentSchema", Shape::One),
    ("default", Shape::Plain),
    ("dependentRequired", Shape::Plain),
    ("dependentSchemas", Shape::Map),
    ("deprecated", Shape::Plain),
    ("description", Shape::Plain),
    ("else", Shape::One),
    ("enum", Shape::Plain),
    ("examples", Shape::Plain),
    ("exclusiveMaximum", Shape::Plain),
    ("exclusiveMinimum", Shape::Plain),
    ("format", Shape::Plain),
    ("if", Shape::One),
    ("items", Shape::One),
    ("maxContains", Shape::Plain),
    ("maxItems", Shape::Plain),
    ("maxLength", Shape::Plain),
    ("maxProperties", Shape::Plain),
    ("maximum", Shape::Plain),
    ("minContains", Shape::Plain),
    ("minItems", Shape::Plain),
    ("minLength", Shape::Plain),
    ("minProperties", Shape::Plain),
    ("minimum", Shape::Plain),
    ("multipleOf", Shape::Plain),
    ("not", Shape::One),
    ("oneOf", Shape::List),
    ("pattern", Shape::Plain),
    ("patternProperties", Shape::Map),
    ("prefixItems", Shape::List),
    ("properties", Shape::Map),
    ("propertyNames", Shape::One),
    ("readOnly", Shape::Plain),
    ("required", Shape::Plain),
    ("then", Shape::One),
    ("title", Shape::Plain),
    ("type", Shape::Plain),
    ("uniqueItems", Shape::Plain),
    ("writeOnly", Shape::Plain),
];

/// The keyword of this name, if it is taken.
pub(crate) fn taken(name: &str) -> Option<(&'static str, Shape)> {
    let place = TAKEN.binary_search_by(|(taken, _)| (*taken).cmp(name)).ok()?;
    TAKEN.get(place).copied()
}

/// Why a keyword is refused that is not taken.
pub(crate) fn why_refused(name: &str) -> Reason {
    match name {
        "unevaluatedItems"
        | "unevaluatedProperties"
        | "$dynamicRef"
        | "$dynamicAnchor"
        | "$vocabulary" => Reason::NotSupported,
        // Drafts 3 to 2019-09.
        "definitions" => Reason::Older("$defs"),
        "id" => Reason::Older("$id"),
        "dependencies" => Reason::Older("dependentRequired and dependentSchemas"),
        "additionalItems" => Reason::Older("prefixItems and items"),
        "$recursiveRef" | "$recursiveAnchor" => Reason::Older("$ref"),
        "divisibleBy" => Reason::Older("multipleOf"),
        "extends" => Reason::Older("allOf"),
        "disallow" => Reason::Older("not"),
        // OpenAPI 3.0.
        "nullable" => Reason::Foreign("a type of [\"…\", \"null\"]"),
        "example" => Reason::Foreign("examples"),
        _ => Reason::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keywords_are_sorted() {
        assert!(TAKEN.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(taken("items"), Some(("items", Shape::One)));
        assert_eq!(taken("itemz"), None);
    }
}

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

/// A keyword that is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Keyword {
    Anchor,
    /// Describes, and checks nothing.
    Annotation,
    Defs,
    Id,
    Ref,
    Schema,
    AdditionalProperties,
    AllOf,
    AnyOf,
    Const,
    Contains,
    DependentRequired,
    DependentSchemas,
    Else,
    Enum,
    ExclusiveMaximum,
    ExclusiveMinimum,
    If,
    Items,
    MaxContains,
    MaxItems,
    MaxLength,
    MaxProperties,
    Maximum,
    MinContains,
    MinItems,
    MinLength,
    MinProperties,
    Minimum,
    MultipleOf,
    Not,
    OneOf,
    Pattern,
    PatternProperties,
    PrefixItems,
    Properties,
    PropertyNames,
    Required,
    Then,
    Type,
    UniqueItems,
}

/// The keywords that are taken, sorted.
const TAKEN: &[(&str, Keyword, Shape)] = &[
    ("$anchor", Keyword::Anchor, Shape::Plain),
    ("$comment", Keyword::Annotation, Shape::Plain),
    ("$defs", Keyword::Defs, Shape::Map),
    ("$id", Keyword::Id, Shape::Plain),
    ("$ref", Keyword::Ref, Shape::Plain),
    ("$schema", Keyword::Schema, Shape::Plain),
    ("additionalProperties", Keyword::AdditionalProperties, Shape::One),
    ("allOf", Keyword::AllOf, Shape::List),
    ("anyOf", Keyword::AnyOf, Shape::List),
    ("const", Keyword::Const, Shape::Plain),
    ("contains", Keyword::Contains, Shape::One),
    ("contentEncoding", Keyword::Annotation, Shape::Plain),
    ("contentMediaType", Keyword::Annotation, Shape::Plain),
    ("contentSchema", Keyword::Annotation, Shape::One),
    ("default", Keyword::Annotation, Shape::Plain),
    ("dependentRequired", Keyword::DependentRequired, Shape::Plain),
    ("dependentSchemas", Keyword::DependentSchemas, Shape::Map),
    ("deprecated", Keyword::Annotation, Shape::Plain),
    ("description", Keyword::Annotation, Shape::Plain),
    ("else", Keyword::Else, Shape::One),
    ("enum", Keyword::Enum, Shape::Plain),
    ("examples", Keyword::Annotation, Shape::Plain),
    ("exclusiveMaximum", Keyword::ExclusiveMaximum, Shape::Plain),
    ("exclusiveMinimum", Keyword::ExclusiveMinimum, Shape::Plain),
    ("format", Keyword::Annotation, Shape::Plain),
    ("if", Keyword::If, Shape::One),
    ("items", Keyword::Items, Shape::One),
    ("maxContains", Keyword::MaxContains, Shape::Plain),
    ("maxItems", Keyword::MaxItems, Shape::Plain),
    ("maxLength", Keyword::MaxLength, Shape::Plain),
    ("maxProperties", Keyword::MaxProperties, Shape::Plain),
    ("maximum", Keyword::Maximum, Shape::Plain),
    ("minContains", Keyword::MinContains, Shape::Plain),
    ("minItems", Keyword::MinItems, Shape::Plain),
    ("minLength", Keyword::MinLength, Shape::Plain),
    ("minProperties", Keyword::MinProperties, Shape::Plain),
    ("minimum", Keyword::Minimum, Shape::Plain),
    ("multipleOf", Keyword::MultipleOf, Shape::Plain),
    ("not", Keyword::Not, Shape::One),
    ("oneOf", Keyword::OneOf, Shape::List),
    ("pattern", Keyword::Pattern, Shape::Plain),
    ("patternProperties", Keyword::PatternProperties, Shape::Map),
    ("prefixItems", Keyword::PrefixItems, Shape::List),
    ("properties", Keyword::Properties, Shape::Map),
    ("propertyNames", Keyword::PropertyNames, Shape::One),
    ("readOnly", Keyword::Annotation, Shape::Plain),
    ("required", Keyword::Required, Shape::Plain),
    ("then", Keyword::Then, Shape::One),
    ("title", Keyword::Annotation, Shape::Plain),
    ("type", Keyword::Type, Shape::Plain),
    ("uniqueItems", Keyword::UniqueItems, Shape::Plain),
    ("writeOnly", Keyword::Annotation, Shape::Plain),
];

/// The keyword of this name, if it is taken.
pub(crate) fn taken(name: &str) -> Option<(&'static str, Keyword, Shape)> {
    let place = TAKEN.binary_search_by(|(taken, ..)| (*taken).cmp(name)).ok()?;
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
        assert_eq!(taken("items"), Some(("items", Keyword::Items, Shape::One)));
        assert_eq!(taken("itemz"), None);
    }

    #[test]
    fn the_document_has_each_of_them() {
        let document = include_str!("../../../docs/schema.md");
        for (name, ..) in TAKEN {
            assert!(document.contains(&format!("`{name}`")), "{name}");
        }
    }
}

//! The groups of the suite that are left out: file, what refuses their schemas,
//! and their numbers in the file, from 0.

use std::ops::RangeInclusive;

const DYNAMIC_ANCHOR: &str = "$dynamicAnchor is not supported";
const UNEVALUATED_ITEMS: &str = "unevaluatedItems is not supported";
const UNEVALUATED_PROPERTIES: &str = "unevaluatedProperties is not supported";
const REMOTE: &str = "$ref leads out of the document";
/// Of the suite's own making: its metaschemas want other vocabularies.
const DRAFT: &str = "$schema names another draft than https://json-schema.org/draft/2020-12/schema";

type LeftOut = (&'static str, &'static str, &'static [RangeInclusive<usize>]);

pub(crate) const LEFT_OUT: &[LeftOut] = &[
    ("defs.json", REMOTE, &[0..=0]),
    ("dynamicRef.json", DYNAMIC_ANCHOR, &[2..=5, 7..=11, 13..=16, 19..=20]),
    ("dynamicRef.json", "$dynamicRef is not supported", &[0..=1, 6..=6, 12..=12, 18..=18]),
    ("dynamicRef.json", REMOTE, &[17..=17]),
    ("not.json", UNEVALUATED_PROPERTIES, &[8..=8]),
    ("optional/cross-draft.json", REMOTE, &[0..=0]),
    (
        "optional/dependencies-compatibility.json",
        "dependencies is of an older draft; 2020-12 has dependentRequired and dependentSchemas for it",
        &[0..=6],
    ),
    ("optional/dynamicRef.json", DYNAMIC_ANCHOR, &[0..=0]),
    ("optional/format-assertion.json", DRAFT, &[0..=1]),
    // Into `examples`, which may hold a schema and is none.
    ("optional/refOfUnknownKeyword.json", "$ref leads to nothing that is a schema", &[3..=3]),
    ("optional/refOfUnknownKeyword.json", "unknown-keyword is unknown", &[0..=0, 2..=2]),
    ("optional/refOfUnknownKeyword.json", "unknown/keyword is unknown", &[1..=1, 4..=4]),
    ("optional/unknownKeyword.json", "array_of_schemas is unknown", &[0..=0]),
    ("pattern.json", "pattern uses \\p or \\P, which is not supported", &[2..=2]),
    (
        "patternProperties.json",
        "patternProperties uses \\p or \\P, which is not supported",
        &[5..=5],
    ),
    ("ref.json", REMOTE, &[6..=6]),
    ("ref.json", UNEVALUATED_PROPERTIES, &[13..=13]),
    ("refRemote.json", REMOTE, &[0..=14]),
    ("unevaluatedItems.json", DYNAMIC_ANCHOR, &[18..=18]),
    ("unevaluatedItems.json", UNEVALUATED_ITEMS, &[0..=17, 19..=28]),
    ("unevaluatedProperties.json", DYNAMIC_ANCHOR, &[21..=21]),
    ("unevaluatedProperties.json", UNEVALUATED_PROPERTIES, &[0..=20, 22..=43]),
    ("vocabulary.json", DRAFT, &[0..=1]),
];

/// How many tests assert formats, which are annotations here.
pub(crate) const FORMATS: usize = 764;

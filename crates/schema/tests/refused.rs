//! What is refused when a schema is compiled, and how that is said.

use kafka_edge_bounded_json::{Budget, parse};
use kafka_edge_schema::{DEEPEST_NESTING, MOST_SCHEMAS, Refused, Schema};

#[track_caller]
fn refused(schema: &str) -> Refused {
    let document = parse(schema.as_bytes(), &mut Budget::default()).expect(schema);
    match Schema::compile(&document) {
        Ok(_) => panic!("taken: {schema}"),
        Err(refused) => refused,
    }
}

#[track_caller]
fn taken(schema: &str) {
    let document = parse(schema.as_bytes(), &mut Budget::default()).expect(schema);
    if let Err(refused) = Schema::compile(&document) {
        panic!("{schema}: {refused}");
    }
}

#[track_caller]
fn says(schema: &str, sentence: &str) {
    assert_eq!(refused(schema).to_string(), sentence, "{schema}");
}

#[test]
fn it_says_what_is_refused_and_where() {
    let found = refused(r#"{"properties":{"a/b":{"items":{"unevaluatedItems":false}}}}"#);
    assert_eq!(found.at, "/properties/a~1b/items");
    assert_eq!(found.keyword, "unevaluatedItems");
    assert_eq!(
        found.to_string(),
        r#""unevaluatedItems" at "/properties/a~1b/items" is not supported"#
    );
}

#[test]
fn unsupported_keywords_are_refused_by_name() {
    let keywords = [
        "unevaluatedItems",
        "unevaluatedProperties",
        "$dynamicRef",
        "$dynamicAnchor",
        "$vocabulary",
    ];
    for keyword in keywords {
        says(&format!(r##"{{"{keyword}":"#a"}}"##), &format!(r#""{keyword}" is not supported"#));
    }
    says(r#"{"x-internal":1}"#, r#""x-internal" is unknown"#);
    says(r#"{"$defs":{"a":{"Type":"string"}}}"#, r#""Type" at "/$defs/a" is unknown"#);
}

#[test]
fn older_drafts_are_refused_with_what_there_is_now() {
    for (schema, now) in [
        (r#"{"definitions":{}}"#, "$defs"),
        (r#"{"id":"a"}"#, "$id"),
        (r#"{"dependencies":{}}"#, "dependentRequired and dependentSchemas"),
        (r#"{"additionalItems":false}"#, "prefixItems and items"),
        (r##"{"$recursiveRef":"#"}"##, "$ref"),
        (r#"{"$recursiveAnchor":true}"#, "$ref"),
        (r#"{"divisibleBy":1}"#, "multipleOf"),
        (r#"{"extends":{}}"#, "allOf"),
        (r#"{"disallow":"string"}"#, "not"),
        (r#"{"items":[true]}"#, "prefixItems"),
        (r#"{"nullable":true}"#, "a type of [\"…\", \"null\"]"),
        (r#"{"example":1}"#, "examples"),
    ] {
        let sentence = refused(schema).to_string();
        assert!(sentence.contains(&format!(" has {now} for it")), "{schema}: {sentence}");
    }
    says(
        r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
        r#""$schema" names another draft than https://json-schema.org/draft/2020-12/schema"#,
    );
    taken(r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#);
    taken(r#"{"$schema":"https://json-schema.org/draft/2020-12/schema#"}"#);
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    for (schema, wanted) in [
        ("3", "an object or a boolean"),
        (r#"{"not":[]}"#, "an object or a boolean"),
        (r#"{"type":"text"}"#, "a type, or an array of several"),
        (r#"{"type":[]}"#, "a type, or an array of several"),
        (r#"{"type":["null","null"]}"#, "a type, or an array of several"),
        (r#"{"enum":"a"}"#, "an array"),
        (r#"{"minimum":"1"}"#, "a number"),
        (r#"{"exclusiveMinimum":true}"#, "a number"),
        (r#"{"multipleOf":0}"#, "a number above 0"),
        (r#"{"multipleOf":-0.5}"#, "a number above 0"),
        (r#"{"minLength":-1}"#, "an integer from 0 on"),
        (r#"{"maxItems":1.5}"#, "an integer from 0 on"),
        (r#"{"minContains":-1e400}"#, "an integer from 0 on"),
        (r#"{"required":true}"#, "an array of strings"),
        (r#"{"required":[1]}"#, "an array of strings"),
        (r#"{"dependentRequired":{"a":"b"}}"#, "an object of arrays of strings"),
        (r#"{"uniqueItems":1}"#, "a boolean"),
        (r#"{"pattern":1}"#, "a string"),
        (r#"{"properties":[]}"#, "an object of schemas"),
        (r#"{"allOf":[]}"#, "a non-empty array of schemas"),
        (r#"{"prefixItems":{}}"#, "a non-empty array of schemas"),
        (r##"{"$anchor":"#a"}"##, "a name of letters, digits, '-', '.' and '_'"),
        (r##"{"$id":"http://a/b#c"}"##, "a URI without a fragment"),
        (r#"{"$ref":1}"#, "a string"),
    ] {
        let sentence = refused(schema).to_string();
        assert!(sentence.ends_with(&format!(" is not {wanted}")), "{schema}: {sentence}");
    }
    says(
        r#"{"multipleOf":1.234567890123456789}"#,
        r#""multipleOf" has more significant digits than 18"#,
    );
    taken(r#"{"multipleOf":1e400,"maxLength":1e400,"minItems":2.0,"enum":[]}"#);
}

#[test]
fn references_stay_within_the_document() {
    let remote = r#""$ref" leads out of the document"#;
    says(r#"{"$ref":"https://example.com/a.json"}"#, remote);
    says(r#"{"$ref":"a.json"}"#, remote);
    says(r#"{"$id":"https://example.com/b.json","$ref":"a.json"}"#, remote);
    let nothing = r#""$ref" leads to nothing that is a schema"#;
    for to in [
        "#/$defs/b",
        "#/$defs",
        "#b",
        "#/const",
        "#/const/a",
        "#/$defs/%zz",
        "#/$defs/%f",
        "#/$defs/a/",
        "#/allOf/01",
        "#/allOf/1",
        "#/allOf/-",
        "#//",
        "#/",
    ] {
        let rest = r#""$defs":{"a":{}},"const":{"a":{}},"allOf":[{}]"#;
        says(&format!(r#"{{"$ref":"{to}",{rest}}}"#), nothing);
    }
    says(
        &format!(r##"{{"$ref":"#{}"}}"##, "a".repeat(2_000)),
        r#""$ref" is longer than 1024 bytes"#,
    );
    says(
        r#"{"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}}"#,
        r#""$anchor" at "/$defs/b" is there twice"#,
    );
    says(r#"{"$defs":{"a":{"$id":"x"},"b":{"$id":"x"}}}"#, r#""$id" at "/$defs/b" is there twice"#);
    taken(r##"{"$defs":{"a":{"$id":"x","$anchor":"y"},"b":{"$anchor":"y"}},"$ref":"x#y"}"##);
}

#[test]
fn endless_references_are_found() {
    let sentence =
        |at| format!(r#""$ref" at "{at}" leads back to itself without going into the event"#);
    says(r##"{"$ref":"#"}"##, r#""$ref" leads back to itself without going into the event"#);
    says(r##"{"allOf":[{"$ref":"#"}]}"##, &sentence("/allOf/0"));
    says(r##"{"anyOf":[{"type":"null"},{"not":{"$ref":"#"}}]}"##, &sentence("/anyOf/1/not"));
    says(
        r##"{"if":true,"then":{"dependentSchemas":{"a":{"$ref":"#"}}}}"##,
        &sentence("/then/dependentSchemas/a"),
    );
    says(
        r##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##,
        &sentence("/$defs/a"),
    );
    taken(r##"{"properties":{"a":{"$ref":"#"}},"items":{"$ref":"#"},"contains":{"$ref":"#"}}"##);
    taken(r##"{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}],"$defs":{"a":{}}}"##);
}

#[test]
fn a_pattern_is_refused_by_what_is_wrong_with_it() {
    says(r#"{"pattern":"a(?=b)"}"#, r#""pattern" uses a lookahead, which is not supported"#);
    says(
        r#"{"patternProperties":{"(a)\\1":true}}"#,
        r#""patternProperties" uses a backreference, which is not supported"#,
    );
}

#[test]
fn large_schemas_are_refused() {
    let many = |count: usize| {
        let members: Vec<String> = (1..count).map(|n| format!(r#""{n}":true"#)).collect();
        format!(r#"{{"properties":{{{}}}}}"#, members.join(","))
    };
    taken(&many(MOST_SCHEMAS));
    says(&many(MOST_SCHEMAS + 1), r#"The schema holds more than 4096 schemas"#);

    let deep = |depth: u16| {
        format!("{}true{}", r#"{"not":"#.repeat(depth.into()), "}".repeat(depth.into()))
    };
    taken(&deep(DEEPEST_NESTING));
    let found = refused(&deep(DEEPEST_NESTING + 1));
    assert_eq!(found.reason.to_string(), "nests schemas more than 64 deep");

    let patterns: Vec<String> = (10..22).map(|n| format!(r#""[a-f]{{9{n}}}":true"#)).collect();
    let patterns = format!(r#"{{"patternProperties":{{{}}}}}"#, patterns.join(","));
    let found = refused(&patterns);
    assert_eq!(found.reason.to_string(), "holds patterns that come to more than 20000 states");
}

#[test]
fn an_enum_is_sorted_within_a_budget() {
    let of = |count: usize| {
        let long = "1,".repeat(99);
        let values: Vec<String> = (0..count).map(|n| format!("[{long}{n}]")).collect();
        format!(r#"{{"enum":[{}]}}"#, values.join(","))
    };
    taken(&of(500));
    says(&of(2_000), r#""enum" has values that are too many or too large to be sorted"#);
}

#[test]
fn what_is_shown_is_short() {
    let long = "é".repeat(10_000);
    let found = refused(&format!(r#"{{"properties":{{"{long}":{{"{long}":1}}}}}}"#));
    assert!(found.at.len() < 300 && found.keyword.len() < 300, "{found}");
    assert!(found.to_string().len() < 700);
}

//! What fits and what does not, beyond the official suite, and how it is said.

use kafka_edge_bounded_json::{Budget, parse};
use kafka_edge_schema::{Failure, Schema};

#[track_caller]
fn check(schema: &str, event: &str) -> Result<(), Failure> {
    let mut budget = Budget::default();
    let document = parse(schema.as_bytes(), &mut budget).expect(schema);
    let schema = Schema::compile(&document).unwrap_or_else(|why| panic!("{schema}: {why}"));
    let event = parse(event.as_bytes(), &mut budget).expect(event);
    schema.check(&event, &mut budget).expect("a budget that is large enough")
}

#[track_caller]
fn fits(schema: &str, event: &str) {
    if let Err(failure) = check(schema, event) {
        panic!("{event} does not fit {schema}: {failure}");
    }
}

#[track_caller]
fn fails(schema: &str, event: &str, sentence: &str) -> Failure {
    let failure = check(schema, event).expect_err(event);
    assert_eq!(failure.sentence, sentence, "{event} and {schema}");
    failure
}

#[test]
fn decimals_are_exact() {
    for multiple in ["19.99", "0.01", "-19.99", "0", "-0.0", "1e300", "1999e-2", "0.070", "4.35"] {
        fits(r#"{"multipleOf":0.01}"#, multiple);
    }
    for other in ["19.999", "0.001", "1e-3", "1e-400"] {
        fails(r#"{"multipleOf":0.01}"#, other, "the event is not a multiple of 0.01");
    }
    fits(r#"{"multipleOf":0.3}"#, "0.9");
    fits(r#"{"multipleOf":3e-20}"#, "0.9");
    fits(r#"{"multipleOf":7}"#, "7e9000000000000000000");
    fits(r#"{"multipleOf":5}"#, "1e99999999999999999999");
    fails(r#"{"multipleOf":7}"#, "1e99999999999999999999", "the event is not a multiple of 7");
    fails(r#"{"multipleOf":7}"#, "1e-99999999999999999999", "the event is not a multiple of 7");
    for far in ["9e9223372036854775807", "9e99999999999999999999"] {
        fails(r#"{"multipleOf":7e-5}"#, far, "the event is not a multiple of 7e-5");
        fits(r#"{"multipleOf":3e-99999999999999999999}"#, far);
    }
    fails(r#"{"multipleOf":1e30}"#, "1e29", "the event is not a multiple of 1e30");
    fits(r#"{"multipleOf":1e30}"#, "3e30");
    fits(r#"{"multipleOf":999999999999999999}"#, "999999999999999999000");
    fails(
        r#"{"multipleOf":999999999999999999}"#,
        "999999999999999999001",
        "the event is not a multiple of 999999999999999999",
    );
    fits(r#"{"maximum":0.3}"#, "0.3");
    fails(r#"{"exclusiveMaximum":0.30}"#, "3e-1", "the event is not less than 0.30");
}

#[test]
fn large_integers_are_exact() {
    // These two are one float.
    let (less, more) = ("9007199254740992", "9007199254740993");
    fails(&format!(r#"{{"maximum":{less}}}"#), more, &format!("the event is more than {less}"));
    fails(
        &format!(r#"{{"const":{less}}}"#),
        more,
        "the event is not the one value that is allowed",
    );
    fails(
        &format!(r#"{{"enum":[1,{less}]}}"#),
        more,
        "the event is none of the values that are allowed",
    );
    fits(r#"{"uniqueItems":true}"#, &format!("[{less},{more}]"));
    fits(r#"{"multipleOf":2}"#, "123456789012345678901234567890");
    fails(
        r#"{"multipleOf":2}"#,
        "123456789012345678901234567891",
        "the event is not a multiple of 2",
    );
    fits(r#"{"minimum":18446744073709551615}"#, "18446744073709551616");
    fails(
        r#"{"minimum":18446744073709551616}"#,
        "18446744073709551615",
        "the event is less than 18446744073709551616",
    );
    for integer in ["1.0", "1e3", "100e-2", "18446744073709551616", "1e400", "-0"] {
        fits(r#"{"type":"integer"}"#, integer);
    }
    for other in ["1.5", "1e-400", "123456789012345678901234567890.5"] {
        fails(r#"{"type":"integer"}"#, other, "the event is not an integer");
    }
    fits(r#"{"const":1}"#, "1.0");
    fails(r#"{"uniqueItems":true}"#, "[1,2,1.0]", "the event has an item twice");
}

#[test]
fn each_keyword_says_what_is_wrong() {
    for (schema, event, sentence) in [
        ("false", "1", "the event is not allowed"),
        (r#"{"type":"null"}"#, "1", "the event is not null"),
        (
            r#"{"type":["string","null","array"]}"#,
            "1",
            "the event is not null or a string or an array",
        ),
        (r#"{"maximum":1}"#, "2", "the event is more than 1"),
        (r#"{"minimum":1}"#, "0", "the event is less than 1"),
        (r#"{"exclusiveMinimum":1}"#, "1", "the event is not more than 1"),
        (r#"{"minLength":1}"#, r#""""#, "the event has fewer than 1 character"),
        (r#"{"maxLength":2}"#, r#""äöü""#, "the event has more than 2 characters"),
        (r#"{"minItems":2}"#, "[1]", "the event has fewer than 2 items"),
        (r#"{"maxItems":1}"#, "[1,2]", "the event has more than 1 item"),
        (r#"{"minProperties":1}"#, "{}", "the event has fewer than 1 member"),
        (r#"{"maxProperties":0}"#, r#"{"a":1}"#, "the event has more than 0 members"),
        (r#"{"pattern":"^a\"$"}"#, r#""b""#, r#"the event does not match "^a\"$""#),
        (r#"{"required":["a","b"]}"#, r#"{"a":1}"#, r#"the event has no member "b""#),
        (
            r#"{"dependentRequired":{"a":["b"]}}"#,
            r#"{"a":1}"#,
            r#"the event has a member "a" and no member "b""#,
        ),
        (
            r#"{"contains":{"type":"null"}}"#,
            "[1]",
            r#"the event has fewer than 1 item that fits "contains""#,
        ),
        (
            r#"{"contains":true,"maxContains":2}"#,
            "[1,2,3]",
            r#"the event has more than 2 items that fit "contains""#,
        ),
        (r#"{"not":{}}"#, "1", r#"the event fits what "not" excludes"#),
        (r#"{"anyOf":[false,false]}"#, "1", r#"the event fits no schema of "anyOf""#),
        (r#"{"oneOf":[false]}"#, "1", r#"the event fits no schema of "oneOf""#),
        (r#"{"oneOf":[true,true]}"#, "1", r#"the event fits more than one schema of "oneOf""#),
    ] {
        let failure = fails(schema, event, sentence);
        assert_eq!(failure.path, "");
    }
}

#[test]
fn it_says_where() {
    let schema = r##"{"$defs":{"~/":{"items":{"type":"string"}}},
        "properties":{"a/b":{"properties":{"c":{"$ref":"#/$defs/~0~1"}}}},
        "additionalProperties":false,"propertyNames":{"maxLength":3}}"##;
    let failure = fails(schema, r#"{"a/b":{"c":["x",7]}}"#, r#""/a~1b/c/1" is not a string"#);
    assert_eq!(failure.path, "/a~1b/c/1");
    assert_eq!(failure.keyword, "type");
    assert_eq!(failure.schema_path, "/$defs/~0~1/items/type");

    let failure = fails(schema, r#"{"q":1}"#, r#""/q" is not allowed"#);
    assert_eq!(failure.keyword, "additionalProperties");
    assert_eq!(failure.schema_path, "/additionalProperties");

    let failure =
        fails(schema, r#"{"long":1}"#, r#"the name of "/long" has more than 3 characters"#);
    assert_eq!((failure.path.as_str(), failure.keyword), ("/long", "maxLength"));
    assert_eq!(failure.schema_path, "/propertyNames/maxLength");

    let failure = fails(r#"{"prefixItems":[true,false]}"#, "[1,2]", r#""/1" is not allowed"#);
    assert_eq!((failure.keyword, failure.schema_path.as_str()), ("prefixItems", "/prefixItems/1"));
    let failure = fails("false", "1", "the event is not allowed");
    assert_eq!((failure.keyword, failure.schema_path.as_str()), ("", ""));
}

#[test]
fn of_alternatives_the_one_that_went_farthest_is_told() {
    let schema = r#"{"properties":{"a":{"anyOf":[{"type":"null"},
        {"properties":{"b":{"type":"string"}}},{"properties":{"b":{"items":false}}}]}}}"#;
    fails(schema, r#"{"a":{"b":[1]}}"#, r#""/a/b/0" is not allowed"#);
    fails(schema, r#"{"a":{"b":["x"],"c":1}}"#, r#""/a/b/0" is not allowed"#);
    fits(schema, r#"{"a":{"b":1}}"#);
    // What an alternative has said before another fits is not told.
    let schema = r#"{"anyOf":[{"items":{"type":"string"}},true],"maxItems":1}"#;
    fits(schema, "[1]");
    let schema = r#"{"allOf":[{"anyOf":[{"items":false},true]},{"oneOf":[{"items":false},true]},
        {"minItems":2}]}"#;
    fails(schema, "[1]", "the event has fewer than 2 items");
    // Nor what was tried for other reasons.
    let schema = r#"{"if":{"type":"string"},"then":false,"else":{"not":{"type":"null"}},
        "contains":{"type":"null"},"minContains":2}"#;
    fails(schema, "[null,1]", r#"the event has fewer than 2 items that fit "contains""#);
}

#[test]
fn formats_are_not_asserted() {
    fits(r#"{"format":"date-time","contentEncoding":"base64","contentSchema":false}"#, r#""x""#);
}

#[test]
fn no_value_of_the_event_is_told_and_all_is_short() {
    let secret = "hunter2-4711";
    for schema in [
        r#"{"type":"number"}"#,
        r#"{"pattern":"^x"}"#,
        r#"{"const":1}"#,
        r#"{"enum":["a","b"]}"#,
        r#"{"not":true}"#,
        r#"{"maxLength":3}"#,
        r#"{"oneOf":[{"maxLength":3},{"const":2}]}"#,
        "false",
    ] {
        let schema = format!(r#"{{"additionalProperties":{{"items":{schema}}}}}"#);
        let failure = check(&schema, &format!(r#"{{"a":["{secret}"]}}"#)).expect_err(&schema);
        assert!(!format!("{failure:?}").contains(secret), "{failure:?}");
        assert_eq!(failure.path, "/a/0");
    }
    let long = "é/~".repeat(10_000);
    let schema = format!(
        r#"{{"properties":{{"{long}":{{"required":["{long}"],"dependentRequired":{{"{long}":["{long}"]}}}}}}}}"#
    );
    let failure = check(&schema, &format!(r#"{{"{long}":{{}}}}"#)).unwrap_err();
    assert!(failure.path.len() < 264, "{}", failure.path.len());
    assert!(failure.schema_path.len() < 264, "{}", failure.schema_path.len());
    assert!(failure.sentence.len() < 1_200, "{}", failure.sentence.len());
    assert!(failure.path.starts_with("/é~1~0é"));
}

//! What is read is what serde_json reads.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Unit,
    Holds(u8),
    Pair(i8, String),
    Fields { a: Option<bool> },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    Many(Vec<Untagged>),
    Object { a: f64 },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "a")]
enum Tagged {
    #[serde(rename = "b")]
    B { c: Value },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Newtype(u16);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict<'a> {
    a: Newtype,
    #[serde(borrow, default)]
    b: Option<Cow<'a, str>>,
    #[serde(default)]
    c: Vec<Strict<'a>>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Lenient {
    #[serde(default)]
    a: Option<(i32, char)>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "its fields are compared as they are shown")]
struct WithRaw<'a> {
    #[serde(borrow)]
    a: &'a RawValue,
    b: Option<Box<RawValue>>,
}

/// Reads the text in both ways, which have to agree. A struct is read from an object only.
fn agree<'a, T: Deserialize<'a> + Debug>(text: &'a str) -> bool {
    let ours = kafka_edge_json::from_str::<T>(text);
    let theirs = serde_json::from_str::<T>(text);
    let shown = (format!("{:?}", ours.as_ref().ok()), format!("{:?}", theirs.as_ref().ok()));
    assert_eq!(shown.0, shown.1, "{text}: {ours:?}, {theirs:?}");
    let bytes = kafka_edge_json::from_slice::<T>(text.as_bytes());
    assert_eq!(format!("{:?}", bytes.ok()), shown.1, "{text}");
    ours.is_ok()
}

fn all_agree(text: &str) -> usize {
    let read = [
        agree::<Value>(text),
        agree::<Untagged>(text),
        agree::<Choice>(text),
        agree::<Vec<Choice>>(text),
        agree::<BTreeMap<i32, u64>>(text),
        agree::<BTreeMap<bool, Option<i64>>>(text),
        agree::<BTreeMap<String, f64>>(text),
        agree::<Vec<String>>(text),
        agree::<Vec<i64>>(text),
        agree::<Vec<u8>>(text),
        agree::<(u8, String, Option<()>)>(text),
        agree::<Option<&str>>(text),
        agree::<Box<RawValue>>(text),
        agree::<Vec<&RawValue>>(text),
    ];
    // What serde_json reads from an array, too.
    let has_array = text.contains('[');
    let objects = !has_array
        && [
            agree::<Strict<'_>>(text),
            agree::<Lenient>(text),
            agree::<Tagged>(text),
            agree::<WithRaw<'_>>(text),
        ]
        .contains(&true);
    read.into_iter().filter(|read| *read).count() + usize::from(objects)
}

const TEXTS: &[&str] = &[
    "null",
    " true ",
    "false",
    "0",
    "-0",
    "-1",
    "255",
    "256",
    "65535",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "1.5",
    "1e3",
    "-1E-2",
    "1e999",
    "\"\"",
    "\"a\"",
    "\"unit\"",
    r#""é\u00e9\n\"\\\ud83d\ude00""#,
    r#""\ud800""#,
    r#""\u12""#,
    "\"é\"",
    "[]",
    "[ ]",
    "[1,2,3]",
    "[\"a\" , \"b\"]",
    r#"[1,"a",null]"#,
    r#"[1,"a",null,4]"#,
    "[1,]",
    "{}",
    r#"{"1":2,"3":4}"#,
    r#"{"1":2,"x":4}"#,
    r#"{"true":1,"false":null}"#,
    r#"{"-5":1}"#,
    r#"{"holds":7}"#,
    r#"{"holds":700}"#,
    r#"{"pair":[-3,"x"]}"#,
    r#"{"pair":[-3]}"#,
    r#"{"fields":{"a":true}}"#,
    r#"{"fields":{"a":null}}"#,
    r#"{"unit":null}"#,
    r#"{"unit":1}"#,
    r#"{"unit":null,"holds":1}"#,
    r#"["unit",{"holds":1},{"fields":{}}]"#,
    r#"{"a":1}"#,
    r#"{"a":1.25}"#,
    r#"{"a":65536}"#,
    r#"{"a":1,"b":"x"}"#,
    r#"{"a":1,"b":"x\n"}"#,
    r#"{"a":1,"b":null,"c":[]}"#,
    r#"{"a":1,"z":2}"#,
    r#"{"b":1}"#,
    r#"{"a":"b","c":{"d":[1,{"e":-0.0}]}}"#,
    r#"{"a": {"x" : 1 } , "b" : 5 }"#,
    r#"{"a":1,"a":2}"#,
    r#"{"\u0061":1}"#,
    "{\"a\":1}}",
    "{\"a\" 1}",
    "[",
    "\"",
    "",
    "nul",
    "01",
    "1.",
    "+1",
    "[1 2]",
    "{\"a\":}",
    "\u{1}",
    "\"\u{1}\"",
    "tru",
    "[[[[[1]]]]]",
    r#"{"a":[1,"x"],"k":[]}"#,
];

#[test]
fn the_same_is_read() {
    let read: usize = TEXTS.iter().map(|text| all_agree(text)).sum();
    assert!(read > 100, "{read}");
}

/// Pieces of texts put together at random.
#[test]
fn the_same_is_read_of_what_nobody_thought_of() {
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "\"c\"",
        "\"unit\"",
        "\"holds\"",
        "1",
        "-7",
        "2.5",
        "null",
        "true",
        " ",
        "\n",
        "\"x\\u0041\"",
        "{\"a\":",
        "[1,",
        "\"pair\":",
        "{}",
        "[]",
        "\"3\"",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let mut read = 0;
    for _ in 0..40_000 {
        let pieces = random.usize(1..12);
        let text: String = (0..pieces).map(|_| PIECES[random.usize(..PIECES.len())]).collect();
        read += all_agree(&text);
    }
    assert!(read > 5_000, "{read}");
}

fn wrong<'a, T: Deserialize<'a> + Debug>(text: &'a str) -> String {
    kafka_edge_json::from_str::<T>(text).unwrap_err().to_string()
}

#[test]
fn an_error_names_the_field_in_words_of_the_api() {
    for (text, expected) in [
        ("{\"a\":\n 1, \"z\": 2}", "z: There is no such field"),
        ("{\"b\":\n\"x\"}", "a: The field is missing"),
        ("{\"a\":1,\"c\":[{\"a\":1},{}]}", "c[1].a: The field is missing"),
        ("{\"a\":1,\"a\":1}", "a: The field is there twice"),
        ("{\"a\":\"secret\"}", "a: Not a whole number"),
        ("{\"a\":-1}", "a: Not a whole number from 0 on"),
        ("{\"a\":70000}", "a: The number is too large"),
        ("{\"a\":1.5}", "a: Not a whole number"),
        ("{\"a\":1,\"b\":5}", "b: Not a text"),
        ("{\"a\":1,\"b\":{\"x\":1}}", "b: Not a text"),
        ("{\"a\":1,\"c\":{\"x\":[1]}}", "c: Not a list"),
        ("{\"a\":1,\"c\":[{\"a\":2},{\"a\":null}]}", "c[1].a: Not a whole number"),
        ("{\"a\":1,\"c\":[{\"a\":2},[3]]}", "c[1]: Not a JSON object"),
        ("{\"a\":1,\"b\":\"\\ud800\"}", "b: Not a string of Unicode text"),
        ("[1]", "Not a JSON object"),
        ("\"a\"", "Not a JSON object"),
        ("", "Not JSON: there is nothing"),
        (" \n", "Not JSON: there is nothing"),
        ("{", "Not JSON: it ends too early"),
        ("{\"a\":1}}", "Not JSON: line 1, column 8 is not as it should be"),
    ] {
        assert_eq!(wrong::<Strict<'_>>(text), expected, "{text}");
    }
    assert_eq!(wrong::<i32>("-2147483649"), "The number is too small");
    assert_eq!(wrong::<i32>("2147483648"), "The number is too large");
    assert_eq!(wrong::<std::num::NonZeroU32>("0"), "Not a whole number from 1 on");
    let long = "k".repeat(1_000);
    let error = wrong::<Strict<'_>>(&format!("{{\"{long}\":1}}"));
    assert_eq!(error, format!("{}: There is no such field", &long[..64]));
}

#[test]
fn what_is_chosen_wrong_is_told_what_there_is() {
    for (text, expected) in [
        ("\"other\"", "None of unit, holds, pair and fields"),
        ("5", "None of unit, holds, pair and fields"),
        ("{\"other\":1}", "other: None of unit, holds, pair and fields"),
        ("{\"holds\":1,\"unit\":null}", "Not an object with exactly one member"),
        ("{}", "Not an object with exactly one member"),
        ("\"holds\"", "Something is missing: {\"holds\":…}"),
        ("{\"unit\":1}", "unit: Not null"),
        ("{\"fields\":{\"a\":1}}", "fields.a: Neither true nor false"),
        ("{\"fields\":{\"a\":true},\"x\":[1]}", "Not an object with exactly one member"),
    ] {
        assert_eq!(wrong::<Choice>(text), expected, "{text}");
    }
    assert_eq!(wrong::<Vec<bool>>("[true,1]"), "[1]: Neither true nor false");
    assert_eq!(wrong::<BTreeMap<i8, u8>>("{\"1\":2,\"x\":3}"), "x: Not a whole number");
}

#[test]
fn values_lie_in_each_other_as_deep_as_serde_json_lets_them() {
    for depth in [127, 128, 129, 1_000] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(agree::<Value>(&text), depth < 128, "{depth}");
        // Nothing goes down into what is only kept.
        assert!(agree::<&RawValue>(&text));
    }
}

#[test]
fn bytes_have_to_be_utf_8() {
    let error = kafka_edge_json::from_slice::<Value>(b"[1,\n\"\xff\"]").unwrap_err();
    assert_eq!(error.to_string(), "Not JSON: byte 5, counted from 0, is no UTF-8");
}

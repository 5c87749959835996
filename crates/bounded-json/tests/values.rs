use kafka_edge_bounded_json::{
    Budget, Exceeded, Limits, Number, ParseError, Value, compare, parse,
};
use std::cmp::Ordering;

fn read(text: &str) -> Value {
    parse(text.as_bytes(), &mut Budget::default()).expect(text)
}

fn again(text: &str) -> String {
    String::from_utf8(read(text).to_vec(&mut Budget::default()).unwrap()).unwrap()
}

#[test]
fn what_is_read_is_written_as_it_was() {
    for text in [
        "null",
        "true",
        "[]",
        "{}",
        "[1,2,[3]]",
        r#"{"b":1,"a":{"c":[null]}}"#,
        r#""\"\\\n\u0001\u007fä€😀""#,
        "0",
        "-0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "123456789012345678901234567890",
        "1.0",
        "1.50",
        "19.99",
        "1e5",
        "1E+400",
        "0.00001",
        "3.141592653589793238462643",
    ] {
        assert_eq!(again(text), text);
    }
    assert_eq!(again(" [ 1 , { \"a\" : 2 , \"b\":3, \"a\" : 4 } ] "), r#"[1,{"a":4,"b":3}]"#);
    assert_eq!(again(r#""\ud83d\ude00 \/""#), "\"😀 /\"");
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (text, position) in [
        ("", 0),
        ("nul", 0),
        ("[1,]", 3),
        ("[1", 2),
        ("{\"a\"}", 4),
        ("{a:1}", 1),
        ("01", 1),
        ("1.", 0),
        ("-", 0),
        ("1e", 0),
        ("+1", 0),
        ("\"a", 2),
        ("\"\n\"", 1),
        (r#""\x""#, 2),
        (r#""\u12g4""#, 5),
        (r#""\ud83d x""#, 7),
        (r#""\ud83d\u0041""#, 13),
        (r#""\udc00""#, 7),
        ("1 2", 2),
        ("nan", 0),
        ("'a'", 0),
        ("[1 2]", 3),
        ("\u{feff}1", 0),
        ("{\"a\":1,}", 7),
        ("{,}", 1),
        ("[,1]", 1),
    ] {
        match parse(text.as_bytes(), &mut Budget::default()) {
            Err(ParseError::Syntax { position: found, .. }) => {
                assert_eq!(found, position, "{text}")
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(
        parse(b"\"\xff\"", &mut Budget::default()),
        Err(ParseError::Syntax { position: 1, .. })
    ));
}

#[test]
fn depth_and_budget_end_a_parse() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(read(&nested(128)).depth(), 128);
    let deep = parse(nested(129).as_bytes(), &mut Budget::default());
    assert_eq!(deep.unwrap_err(), ParseError::Exceeded(Exceeded::Depth));
    let few = Limits { steps: 3, bytes: 1000, depth: 10 };
    assert!(parse(b"[1,2]", &mut Budget::new(few)).is_ok());
    assert_eq!(
        parse(b"[1,2,3]", &mut Budget::new(few)).unwrap_err(),
        ParseError::Exceeded(Exceeded::Steps)
    );
    let small = Limits { steps: 100, bytes: 90, depth: 10 };
    assert!(parse(br#"["abcd"]"#, &mut Budget::new(small)).is_ok());
    let text = format!("[\"{}\"]", "a".repeat(90));
    assert_eq!(
        parse(text.as_bytes(), &mut Budget::new(small)).unwrap_err(),
        ParseError::Exceeded(Exceeded::Bytes)
    );
    let mut spent = Budget::new(Limits { steps: 100, bytes: 5, depth: 1 });
    assert_eq!(read("[1,2,3]").to_vec(&mut spent).unwrap_err(), Exceeded::Bytes);
}

#[test]
fn values_are_in_one_order() {
    let rising = [
        "null",
        "false",
        "true",
        "-1e400",
        "-5",
        "-0.5",
        "0",
        "1e-400",
        "0.1",
        "0.10000000000000000000001",
        "1",
        "9007199254740992",
        "9007199254740993",
        "9007199254740993.5",
        "9007199254740994",
        "1234567890123456789",
        "1234567890123456790",
        "18446744073709551615",
        "1e20",
        "123456789012345678901234567890",
        "123456789012345678901234567891",
        "1e400",
        "\"\"",
        "\"a\"",
        "\"aa\"",
        "\"b\"",
        "\"ä\"",
        "\"😀\"",
        "[]",
        "[0]",
        "[0,1]",
        "[1]",
        "{}",
        r#"{"a":2}"#,
        r#"{"b":0,"a":1}"#,
        r#"{"a":2,"b":0}"#,
        r#"{"b":0}"#,
    ];
    for (i, a) in rising.iter().enumerate() {
        for (j, b) in rising.iter().enumerate() {
            assert_eq!(
                compare(&read(a), &read(b), &mut Budget::default()).unwrap(),
                i.cmp(&j),
                "{a} {b}"
            );
        }
    }
    for (a, b) in [
        ("1", "1.0"),
        ("100", "1e2"),
        ("-0", "0"),
        ("0.5", "5e-1"),
        (r#"{"a":1,"b":[2]}"#, r#"{"b":[2.0],"a":1.00}"#),
    ] {
        assert_eq!(
            compare(&read(a), &read(b), &mut Budget::default()).unwrap(),
            Ordering::Equal,
            "{a} {b}"
        );
    }
}

#[test]
fn numbers_know_what_they_are() {
    let number = |text: &str| Number::parse(text).expect(text);
    for whole in ["1", "1.0", "-3e2", "1e400", "0.0", "100e-2", "18446744073709551616"] {
        assert!(number(whole).is_integer(), "{whole}");
    }
    for broken in ["1.5", "1e-1", "1e-400", "123456789012345678.5"] {
        assert!(!number(broken).is_integer(), "{broken}");
    }
    assert_eq!(
        number("123456789012345678901234567890").as_i128(),
        Some(123_456_789_012_345_678_901_234_567_890)
    );
    assert_eq!(number("-12.00e1").as_i128(), Some(-120));
    assert_eq!(number("1e400").as_i128(), None);
    assert_eq!(number("1.5").as_i128(), None);
    assert!(
        Number::parse("1 ").is_none()
            && Number::parse("").is_none()
            && Number::parse("0x1").is_none()
    );
    assert_eq!(Number::Float(1e17).to_string(), "1e+17");
    assert_eq!(Number::Float(1e16).to_string(), "1e+16");
    assert_eq!(Number::Float(123e15).to_string(), "123000000000000000");
    assert_eq!(Number::Float(1e-5).to_string(), "1e-05");
    assert_eq!(Number::Float(1e300).to_string(), "1e+300");
    assert_eq!(Number::Float(f64::NAN).to_string(), "null");
    assert_eq!(Number::Float(f64::NEG_INFINITY).to_string(), "-1.7976931348623157e+308");
    assert_eq!(Number::from(i128::from(u64::MAX)).to_string(), "18446744073709551615");
}

#[test]
fn large_objects_keep_order_and_lose_nothing() {
    let mut object = read("{}").as_object().unwrap().clone();
    for n in 0..1000 {
        object.insert(format!("k{n}").into(), Value::from(n));
    }
    for n in (0..1000).step_by(3) {
        assert!(object.remove(&format!("k{n}")).is_some());
    }
    for n in (1..1000).step_by(3) {
        assert!(object.remove(&format!("k{n}")).is_some());
    }
    assert_eq!(object.len(), 333);
    assert!(object.iter().zip((2..1000).step_by(3)).all(|((key, _), n)| **key == *format!("k{n}")));
    assert!(object.get("k2").is_some() && object.get("k3").is_none());
    object.insert("k0".into(), Value::Null);
    assert_eq!(object.keys().last().map(|key| &**key), Some("k0"));
    assert!(object.sorted_keys().is_sorted());
    assert_eq!(object.sorted_keys().len(), 334);
}

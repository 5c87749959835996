//! What a check may cost: steps, bytes, and the stack of a component.

use kafka_edge_bounded_json::{Budget, Exceeded, Limits, Value, parse};
use kafka_edge_schema::{Failure, Schema};
use std::fmt::Write;

/// What wasmtime gives a component.
const STACK: usize = 512 * 1024;

/// Runs on a thread whose stack is as small as a component's.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(test);
    if let Err(panic) = thread.expect("a thread").join() {
        std::panic::resume_unwind(panic);
    }
}

#[track_caller]
fn read(json: &str) -> Value {
    let mut budget = Budget::new(Limits { steps: 1 << 30, bytes: 1 << 30, depth: 256 });
    parse(json.as_bytes(), &mut budget).expect("JSON")
}

#[track_caller]
fn schema(json: &str) -> Schema {
    Schema::compile(&read(json)).unwrap_or_else(|why| panic!("{why}"))
}

struct Found {
    result: Result<Result<(), Failure>, Exceeded>,
    steps: u64,
}

fn check(schema: &Schema, event: &str) -> Found {
    let event = read(event);
    let mut budget = Budget::default();
    let result = schema.check(&event, &mut budget);
    assert_eq!(budget.spent().depth, 0, "what was entered is left");
    Found { result, steps: budget.spent().steps }
}

/// Definitions of which each is made of the next; the last is `true`.
fn chain(length: usize, link: impl Fn(String) -> String) -> String {
    let mut definitions = String::new();
    for n in 0..length {
        let next = format!(r##"{{"$ref":"#/$defs/{}"}}"##, n + 1);
        _ = write!(definitions, r#""{n}":{},"#, link(next));
    }
    format!(r##"{{"$ref":"#/$defs/0","$defs":{{{definitions}"{length}":true}}}}"##)
}

#[test]
fn chains_that_double_end_with_the_steps() {
    on_a_small_stack(|| {
        let links: [fn(String) -> String; 4] = [
            |next| format!(r#"{{"allOf":[{next},{next}]}}"#),
            |next| format!(r#"{{"anyOf":[{{"not":{next}}},{next}]}}"#),
            |next| format!(r#"{{"oneOf":[{next},{{"not":{next}}}]}}"#),
            |next| format!(r#"{{"if":{next},"then":{next}}}"#),
        ];
        for link in links {
            let few = check(&schema(&chain(10, link)), "1");
            assert!(few.result.unwrap().is_ok());
            assert!((1_024..20_000).contains(&few.steps), "{}", few.steps);
            assert_eq!(check(&schema(&chain(60, link)), "1").result, Err(Exceeded::Steps));
        }
    });
}

#[test]
fn depth_ends_within_the_stack() {
    on_a_small_stack(|| {
        // For each way from a schema to another about the same value.
        let links: [fn(String) -> String; 8] = [
            |next| format!(r#"{{"allOf":[{next}]}}"#),
            |next| format!(r#"{{"anyOf":[{next}]}}"#),
            |next| format!(r#"{{"oneOf":[{next}]}}"#),
            |next| format!(r#"{{"not":{{"not":{next}}}}}"#),
            |next| format!(r#"{{"if":{next},"then":true}}"#),
            |next| format!(r#"{{"if":false,"else":{next}}}"#),
            |next| format!(r#"{{"dependentSchemas":{{"a":{next}}}}}"#),
            |next| format!(r#"{{"type":"object",{}"#, &next[1..]),
        ];
        for link in links {
            let deep = schema(&chain(600, link));
            assert_eq!(check(&deep, r#"{"a":1}"#).result, Err(Exceeded::Depth));
            let fine = schema(&chain(90, link));
            assert_eq!(check(&fine, r#"{"a":1}"#).result, Ok(Ok(())));
        }
        // And for each way into a value, which is as deep as an event can be.
        let deep = |depth, open: &str, close: &str| {
            format!("{}1{}", open.repeat(depth), close.repeat(depth))
        };
        let (arrays, objects) = (deep(128, "[", "]"), deep(128, "{\"a\":", "}"));
        for (json, event) in [
            (r##"{"items":{"$ref":"#"},"type":["array","integer"]}"##, &arrays),
            (r##"{"prefixItems":[{"$ref":"#"}]}"##, &arrays),
            (r##"{"contains":{"$ref":"#"},"minContains":0}"##, &arrays),
            (r##"{"properties":{"a":{"$ref":"#"}}}"##, &objects),
            (r##"{"additionalProperties":{"$ref":"#"}}"##, &objects),
            (r##"{"patternProperties":{"a":{"$ref":"#"}}}"##, &objects),
            // Two levels of depth for each of the event.
            (r##"{"properties":{"a":{"anyOf":[{"$ref":"#"}]}}}"##, &deep(95, "{\"a\":", "}")),
        ] {
            assert_eq!(check(&schema(json), event).result, Ok(Ok(())), "{json}");
        }
        let both = r##"{"additionalProperties":{"allOf":[{"anyOf":[{"oneOf":[{"$ref":"#"}]}]}]}}"##;
        let found = check(&schema(both), &objects);
        assert_eq!(found.result, Err(Exceeded::Depth));
    });
}

#[test]
fn the_deepest_pattern_is_built_within_the_stack() {
    on_a_small_stack(|| {
        let pattern = format!("{}a{}", "(?:b|(".repeat(10), ")c)*".repeat(10));
        let found = check(&schema(&format!(r#"{{"pattern":"{pattern}"}}"#)), "\"a\"");
        assert_eq!(found.result, Ok(Ok(())));
    });
}

#[test]
fn references_alone_cost_steps_and_no_depth() {
    on_a_small_stack(|| {
        let found = check(&schema(&chain(4_000, |next| next)), "1");
        assert_eq!(found.result, Ok(Ok(())));
        assert!((4_000..4_100).contains(&found.steps), "{}", found.steps);
    });
}

#[test]
fn every_item_and_member_is_a_step() {
    let items = schema(r#"{"items":{}}"#);
    let members = schema(r#"{"additionalProperties":{}}"#);
    let names = schema(r#"{"propertyNames":{}}"#);
    let contains = schema(r#"{"contains":false,"minContains":0,"maxContains":0}"#);
    for count in [10, 1_000, 100_000] {
        let array = format!("[{}]", vec!["1"; count].join(","));
        let list: Vec<String> = (0..count).map(|n| format!(r#""{n}":1"#)).collect();
        let object = format!("{{{}}}", list.join(","));
        for (schema, event) in
            [(&items, &array), (&contains, &array), (&members, &object), (&names, &object)]
        {
            let found = check(schema, event);
            assert_eq!(found.result, Ok(Ok(())));
            assert!(found.steps >= count as u64, "{count}: {}", found.steps);
        }
    }
    let many = format!("[{}]", vec!["1"; 1_000_001].join(","));
    assert_eq!(check(&items, &many).result, Err(Exceeded::Steps));
}

#[test]
fn unique_items_are_not_quadratic() {
    let unique = schema(r#"{"uniqueItems":true}"#);
    let different: Vec<String> = (0..20_000).rev().map(|n| format!(r#"{{"a":{n}}}"#)).collect();
    let found = check(&unique, &format!("[{}]", different.join(",")));
    assert_eq!(found.result, Ok(Ok(())));
    assert!(found.steps < 1_000_000, "{}", found.steps);

    // What differs at its end alone costs what is before it.
    let long = "1,".repeat(1_000);
    let similar: Vec<String> = (0..1_000).map(|n| format!("[{long}{n}]")).collect();
    let found = check(&unique, &format!("[{}]", similar.join(",")));
    assert_eq!(found.result, Err(Exceeded::Steps));

    let few_bytes = Limits { bytes: 1_000, ..Limits::default() };
    let event = read(&format!("[{}]", different.join(",")));
    let found = unique.check(&event, &mut Budget::new(few_bytes));
    assert_eq!(found, Err(Exceeded::Bytes));
}

#[test]
fn an_enum_is_halved() {
    let names: Vec<String> = (0..4_000).map(|n| format!(r#""name-{n}""#)).collect();
    let countries = schema(&format!(r#"{{"enum":[{}]}}"#, names.join(",")));
    for (event, fits) in [(r#""name-0""#, true), (r#""name-3999""#, true), (r#""name-x""#, false)] {
        let found = check(&countries, event);
        assert_eq!(found.result.unwrap().is_ok(), fits);
        assert!(found.steps < 60, "{}", found.steps);
    }
}

#[test]
fn long_texts_and_numbers_are_paid() {
    let digits = format!("[{}]", vec!["7".repeat(10_000); 100].join(","));
    for keyword in ["multipleOf", "minimum", "exclusiveMaximum"] {
        let found = check(&schema(&format!(r#"{{"items":{{"{keyword}":1e9999}}}}"#)), &digits);
        assert!(found.result.is_ok());
        assert!(found.steps > 600, "{keyword}: {}", found.steps);
    }
    let integers = schema(r#"{"items":{"type":"integer"}}"#);
    assert!(check(&integers, &digits).steps > 60_000);

    let text = format!("[{}]", vec![format!("\"{}\"", "x".repeat(10_000)); 10].join(","));
    let pattern = schema(r#"{"items":{"pattern":"^(x+x+)+y"}}"#);
    assert!(check(&pattern, &text).result.unwrap().is_err());
    let patterns = schema(r#"{"items":{"not":{"pattern":"(x?){300}y"}}}"#);
    assert_eq!(check(&patterns, &text).result, Err(Exceeded::Steps));
    let lengths = schema(r#"{"items":{"minLength":10000}}"#);
    assert!(check(&lengths, &text).steps > 1_500);
}

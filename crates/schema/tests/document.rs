//! What `docs/schema.md` says is so.

use kafka_edge_bounded_json::{Budget, Value, parse};
use kafka_edge_schema::Schema;

const DOCUMENT: &str = include_str!("../../../docs/schema.md");

fn read(json: &str) -> Value {
    parse(json.as_bytes(), &mut Budget::default()).expect(json)
}

/// The text below a heading.
fn section(heading: &str) -> &'static str {
    let (_, after) = DOCUMENT.split_once(&format!("\n## {heading}\n")).expect(heading);
    after.split("\n## ").next().unwrap_or(after)
}

/// What stands in backticks.
fn quoted(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split('`').skip(1).step_by(2)
}

/// The JSON in a section.
fn blocks(text: &'static str) -> Vec<Value> {
    text.split("```json\n").skip(1).map(|after| read(after.split("```").next().unwrap())).collect()
}

#[test]
fn the_example_is_answered_as_it_says() {
    let text = section("An example");
    let [schema, fitting, failing] = &blocks(text)[..] else { panic!("three blocks") };
    let schema = Schema::compile(schema).expect("a schema");
    let check = |event: &Value| schema.check(event, &mut Budget::default()).expect("a budget");
    assert_eq!(check(fitting), Ok(()));
    let failure = check(failing).unwrap_err();
    for (field, found) in [
        ("path", failure.path.as_str()),
        ("keyword", failure.keyword),
        ("schema path", &failure.schema_path),
        ("sentence", &failure.sentence),
    ] {
        assert!(text.contains(&format!("\n| {field} | `{found}` |")), "{field}: {found}");
    }
    let other = read(r#"{"id":"ord_18","total":19.99,"items":[{"sku":"a-1","colour":"red"}]}"#);
    let failure = check(&other).unwrap_err();
    assert!(text.contains(&format!("`{}`", failure.sentence)), "{failure}");
    assert!(text.contains(&format!("`{}`", failure.keyword)));
}

/// Whether a keyword is refused as such, whatever its value is.
fn is_refused(keyword: &str) -> bool {
    let schema = read(&format!(r##"{{"{keyword}":"#"}}"##));
    let reason = Schema::compile(&schema).err().map(|refused| refused.reason.to_string());
    reason.is_some_and(|reason| {
        reason == "is unknown" || reason == "is not supported" || reason.contains(" for it")
    })
}

#[test]
fn its_keywords_are_taken_or_refused() {
    let table = |heading| {
        section(heading).split("\n\n").map(str::trim).find(|part| part.starts_with("| |"))
    };
    let taken = quoted(table("What is taken").expect("a table"));
    let taken: Vec<&str> = taken.collect();
    assert!(taken.len() > 45);
    for keyword in taken {
        assert!(!is_refused(keyword), "{keyword}");
    }
    let rows = table("What is refused").expect("a table").lines();
    let first = rows.filter_map(|row| row.split('|').nth(1)).filter(|cell| {
        // Others are about what a keyword that is taken says.
        !["`$ref`", "`$schema`"].iter().any(|keyword| cell.contains(keyword))
    });
    let mut refused = 0;
    for keyword in first.flat_map(quoted).filter(|keyword| *keyword != "items") {
        assert!(is_refused(keyword), "{keyword}");
        refused += 1;
    }
    assert!(refused > 12);
}

#[test]
fn its_numbers_are_so() {
    use kafka_edge_schema::{
        DEEPEST_NESTING, MOST_SCHEMAS, MOST_STATES, MOST_STATES_OF_ONE_PATTERN,
    };
    assert_eq!(
        (MOST_SCHEMAS, DEEPEST_NESTING, MOST_STATES_OF_ONE_PATTERN, MOST_STATES),
        (4_096, 64, 2_000, 20_000)
    );
    let steps = |pattern: &str| {
        let schema = Schema::compile(&read(&format!(r#"{{"pattern":"{pattern}"}}"#))).unwrap();
        let mut budget = Budget::default();
        let event = Value::from("123e4567-e89b-12d3-a456-426614174000");
        assert_eq!(schema.check(&event, &mut budget), Ok(Ok(())));
        budget.spent().steps
    };
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
    assert_eq!(steps(&format!("^{uuid}")), 77);
    assert_eq!(steps(uuid) / 100, 7);
    let sentence = r#"`"unevaluatedItems" at "/properties/lines" is not supported`"#;
    let refused = read(r#"{"properties":{"lines":{"unevaluatedItems":false}}}"#);
    let refused = Schema::compile(&refused).unwrap_err();
    assert_eq!(sentence.trim_matches('`'), refused.to_string());
    assert!(DOCUMENT.contains(sentence));
}

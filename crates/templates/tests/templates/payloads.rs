//! What becomes of a payload, beyond its single texts.

use crate::support::{json, render, written};

const DATA: &str = r#"{"outputs":{"trigger":{"id":1234567890123456789012,"price":19.90,
    "tags":["a","b"],"who":{"name":"Ada"},"yes":true,"nothing":null}}}"#;

fn rendered(payload: &str) -> Result<String, (String, String)> {
    render(&json(payload), &json(DATA)).map(|value| written(&value))
}

#[test]
fn a_string_that_is_one_expression_keeps_the_type_of_its_value() {
    for (template, value) in [
        ("{{ .outputs.trigger.id }}", "1234567890123456789012"),
        ("{{ .outputs.trigger.price }}", "19.90"),
        ("{{ .outputs.trigger.tags }}", r#"["a","b"]"#),
        ("{{ .outputs.trigger.who }}", r#"{"name":"Ada"}"#),
        ("{{ .outputs.trigger.yes }}", "true"),
        ("{{ .outputs.trigger.nothing }}", "null"),
        ("{{ .outputs.trigger.absent }}", "null"),
        ("{{ .outputs.trigger.absent | default 0 }}", "0"),
        ("{{ .outputs.trigger.who | toJson }}", r#""{\"name\":\"Ada\"}""#),
        ("{{ now }}", r#""2026-11-29T08:05:09.007Z""#),
        ("{{ 5 }}", "5"),
        (" {{ 5 }}", r#"" 5""#),
        ("{{ 5 }}{{ 5 }}", r#""55""#),
        ("id {{ .outputs.trigger.id }}", r#""id 1234567890123456789012""#),
    ] {
        let payload = format!(r#"{{"x":["{template}"]}}"#);
        assert_eq!(rendered(&payload), Ok(format!(r#"{{"x":[{value}]}}"#)), "{template}");
    }
}

#[test]
fn what_holds_no_expression_stays_as_it_is() {
    for payload in [
        r#"{"b":{},"a":[],"number":1e400,"long":12345678901234567890123,"price":1.50,"text":"}} {"}"#,
        r#"["",null,true,[[]]]"#,
        r#"{"callback":{}}"#,
    ] {
        assert_eq!(rendered(payload).as_deref(), Ok(payload));
    }
    let mixed = r#"{"z":1.50,"a":"{{ 1 }}","m":{"z":[],"a":"{{ 2 }}"}}"#;
    assert_eq!(rendered(mixed).unwrap(), r#"{"z":1.50,"a":1,"m":{"z":[],"a":2}}"#);
}

#[test]
fn an_error_names_its_place() {
    for (payload, at, sentence) in [
        (r#"{"a":[0,{"b/c~d":"{{ env \"X\" }}"}]}"#, "/a/1/b~1c~0d", "`env` is not in the subset"),
        (r#"["{{ }}"]"#, "/0", "an expression, or a part of one, is empty"),
        (r#""{{ 1""#, "", "an expression is not closed"),
        (r#"{"{{ now }}":1}"#, "/{{ now }}", "an expression cannot be the name of a member"),
        (
            r#"{"a":{"b":"id {{ .outputs.trigger.nothing }}"}}"#,
            "/a/b",
            "`.outputs.trigger.nothing` is missing or null, and a text has no place for it; \
             `default` gives another value",
        ),
        (r#"[1,"{{ .outputs.trigger.id | upper }}"]"#, "/1", "`upper` takes a text, not a number"),
        (
            r#"["{{ .outputs.trigger.yes.no }}"]"#,
            "/0",
            "`.outputs.trigger.yes.no` cannot be read: what it is looked for in is a boolean, not \
             an object",
        ),
        (r#"{"a":"{{ upper }}"}"#, "/a", "`upper` takes one argument, and has 0"),
    ] {
        let error = rendered(payload).unwrap_err();
        assert_eq!((error.0.as_str(), error.1.as_str()), (at, sentence), "{payload}");
    }
}

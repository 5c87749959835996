//! What a payload may be, and what rendering it may cost.

use kafka_edge_bounded_json::{Budget, Exceeded, Limits, Value};
use kafka_edge_templates::{
    Failure, MAX_ACTIONS, MAX_CALL_DEPTH, MAX_PARTS, MAX_PAYLOAD_DEPTH, MAX_TEXT_BYTES, Payload,
    Problem,
};

use crate::support::{NOW, json};

fn problem(payload: &Value) -> Option<Problem> {
    Payload::compile(payload).err().map(|refused| refused.problem)
}

fn text(template: &str) -> Value {
    Value::from(template)
}

#[test]
fn each_cap_holds_exactly() {
    let long = |bytes: usize| text(&format!("{}{{{{ 1 }}}}", "x".repeat(bytes - 7)));
    assert_eq!(problem(&long(MAX_TEXT_BYTES)), None);
    assert_eq!(problem(&long(MAX_TEXT_BYTES + 1)), Some(Problem::TooLong(MAX_TEXT_BYTES + 1)));
    assert_eq!(problem(&text(&"x".repeat(MAX_TEXT_BYTES * 2))), None, "it holds no expression");

    let many = |count: usize| Value::from(vec![text("{{1}}{{1}}"); count / 2]);
    assert_eq!(problem(&many(MAX_ACTIONS)), None);
    assert_eq!(problem(&many(MAX_ACTIONS + 2)), Some(Problem::TooManyActions));

    let deep = |depth: u16| (0..depth).fold(text("{{ 1 }}"), |inner, _| Value::from(vec![inner]));
    assert_eq!(problem(&deep(MAX_PAYLOAD_DEPTH)), None);
    assert_eq!(problem(&deep(MAX_PAYLOAD_DEPTH + 1)), Some(Problem::TooDeep));

    let bracketed =
        |depth: usize| text(&format!("{{{{{}1{}}}}}", "(".repeat(depth), ")".repeat(depth)));
    assert_eq!(problem(&bracketed(MAX_CALL_DEPTH - 1)), None);
    assert_eq!(problem(&bracketed(MAX_CALL_DEPTH)), Some(Problem::TooNested));
    assert_eq!(problem(&bracketed(1500)), Some(Problem::TooNested));
    let piped = |stages: usize| text(&format!("{{{{ 1{} }}}}", "|quote".repeat(stages)));
    assert_eq!(problem(&piped(MAX_CALL_DEPTH - 1)), None);
    assert_eq!(problem(&piped(MAX_CALL_DEPTH)), Some(Problem::TooNested));

    let arguments = |count: usize| text(&format!("{{{{ quote{} }}}}", " 1".repeat(count)));
    assert_eq!(problem(&arguments(MAX_PARTS)), None);
    assert_eq!(problem(&arguments(MAX_PARTS + 1)), Some(Problem::TooManyParts));
    let fields = |count: usize| text(&format!("{{{{ {} }}}}", ".a".repeat(count)));
    assert_eq!(problem(&fields(MAX_PARTS)), None);
    assert_eq!(problem(&fields(MAX_PARTS + 1)), Some(Problem::TooManyParts));
}

/// On the stack that a component has.
#[test]
fn the_worst_payloads_end_within_the_budget() {
    let grow = "|replace `x` `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`"
        .repeat(30);
    let quotes = "|quote".repeat(31);
    let deep_data = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    let wide =
        format!("{{{}\"z\":1}}", (0..5_000).map(|n| format!("\"{n}\":{n},")).collect::<String>());
    for (template, data, outcome) in [
        (format!("{{{{ `xxxxxxxx`{grow} }}}}"), "{}", Err(Exceeded::Bytes)),
        (format!("{{{{ `\"`{quotes} }}}}"), "{}", Err(Exceeded::Bytes)),
        ("{{ . | toJson | toJson }}".into(), deep_data.as_str(), Ok(())),
        ("{{ . }} {{ . | printf `%v` | quote }}".into(), deep_data.as_str(), Ok(())),
        ("{{ toJson . }}".into(), wide.as_str(), Ok(())),
    ] {
        let (payload, data) = (template.clone(), data.to_owned());
        let run = move || {
            let compiled = Payload::compile(&text(&payload)).expect("it is within the caps");
            let limits = Limits { steps: 1_000_000, bytes: 1 << 20, depth: 192 };
            let rendered = compiled.render(&json(&data), NOW, &mut Budget::new(limits));
            match rendered.map_err(|error| error.failure) {
                Ok(_) => Ok(()),
                Err(Failure::Exceeded(exceeded)) => Err(exceeded),
                Err(other) => panic!("{other}"),
            }
        };
        let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap();
        assert_eq!(thread.join().unwrap(), outcome, "{template}");
    }
}

#[test]
fn steps_are_counted() {
    let payload = Payload::compile(&text("{{ .a | toJson }}")).unwrap();
    let data = json(&format!(r#"{{"a":[{}1]}}"#, "1,".repeat(1_000)));
    let limits = Limits { steps: 900, bytes: 1 << 20, depth: 192 };
    let failure = payload.render(&data, NOW, &mut Budget::new(limits)).unwrap_err().failure;
    assert_eq!(failure, Failure::Exceeded(Exceeded::Steps));
}

//! What Go's text/template and sprig gave for each row of `tests/templates/cases.jsonl`, and
//! ours. `.ci/extended templates` compares the rows with Go itself.

use std::collections::HashSet;

use kafka_edge_bounded_json::Value;

use crate::support::{as_text, file, json};

#[test]
fn templates_write_what_go_writes() {
    let data = json(&file("tests/templates/data.json"));
    let (mut wrong, mut templates) = (Vec::new(), HashSet::new());
    for line in file("tests/templates/cases.jsonl").lines() {
        let row = json(line);
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let template = text("template").expect("a template");
        templates.insert(template.to_owned());
        let ours = as_text(template, &data);
        let differs = text("ours").is_some() || text("ours_error").is_some();
        assert!(!differs || text("why").is_some(), "{template}: no reason");
        let same = match (text("ours"), text("ours_error"), text("go")) {
            (Some(expected), _, _) | (None, None, Some(expected)) => {
                ours.as_deref() == Ok(expected)
            }
            (None, Some(part), _) => ours.as_ref().is_err_and(|error| error.contains(part)),
            (None, None, None) => ours.is_err(),
        };
        if !same {
            wrong.push(format!("{line}\n  ours: {ours:?}"));
        }
        // A difference that is none would hide what it was once for.
        if differs && text("ours") == text("go") && text("ours_error").is_none() {
            wrong.push(format!("{line}\n  is no difference"));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(templates.len() >= 400, "only {} templates", templates.len());
}

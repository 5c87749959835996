//! What jq 1.8 gave for each row of `tests/jq/cases.jsonl`, and ours. `.ci/jq` compares
//! the rows with jq itself.

use crate::support::{rows, run, text};
use std::collections::HashSet;

#[test]
fn programs_give_what_jq_gives() {
    let mut wrong = Vec::new();
    let mut programs = HashSet::new();
    for row in rows("tests/jq/cases.jsonl") {
        let program = text(&row, "program");
        programs.insert(program.clone());
        let expected = row.get("ours").unwrap_or(&row);
        assert!(row.get("ours").is_none() || !text(&row, "why").is_empty(), "{program}");
        let outputs: Vec<String> = match expected.get("outputs").and_then(|o| o.as_array()) {
            Some(outputs) => outputs.iter().filter_map(|o| o.as_str()).map(String::from).collect(),
            None => Vec::new(),
        };
        let error = expected.get("error").and_then(|e| e.as_str()).map(String::from);
        let input = text(&row, "input");
        let (found, failed) = run(&program, &input);
        // Ours gives results or an error, and nothing before the error.
        let same = match &error {
            Some(_) => failed == error,
            None => failed.is_none() && found == outputs,
        };
        if !same {
            wrong.push(format!(
                "{program}  with {input}\n  jq:   {outputs:?} {error:?}\n  ours: {found:?} {failed:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(programs.len() >= 500, "only {} programs", programs.len());
}

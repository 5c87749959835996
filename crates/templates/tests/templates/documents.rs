//! The table of `docs/actions.md`, and the caps that it names.

use kafka_edge_bounded_json::Value;
use kafka_edge_templates::{
    MAX_ACTIONS, MAX_CALL_DEPTH, MAX_PARTS, MAX_PAYLOAD_DEPTH, MAX_TEXT_BYTES,
};

use crate::support::{file, json, render, written};

#[test]
fn each_example_gives_what_the_table_says() {
    let mut count = 0;
    for line in file("docs/actions.md").lines() {
        // A bar within a cell is escaped.
        let line = line.replace("\\|", "\0");
        let cells: Vec<String> =
            line.split('|').map(|cell| cell.trim().replace('\0', "|")).collect();
        let [_, _, _, example, trigger, gives, _] = cells.as_slice() else { continue };
        let code = |cell: &str| cell.strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
        let (Some(example), Some(trigger), Some(gives)) =
            (code(example), code(trigger), code(gives))
        else {
            continue;
        };
        if !trigger.starts_with('{') {
            continue;
        }
        let data = json(&format!(r#"{{"outputs":{{"trigger":{trigger}}}}}"#));
        let found = render(&Value::from(example.as_str()), &data);
        assert_eq!(found.map(|value| written(&value)), Ok(gives), "{example}");
        count += 1;
    }
    assert!(count >= 16, "only {count} examples");
}

#[test]
fn the_caps_are_those_of_the_document() {
    let document = file("docs/actions.md");
    for said in [
        format!(
            "| a string with expressions | {},{:03} bytes |",
            MAX_TEXT_BYTES / 1000,
            MAX_TEXT_BYTES % 1000
        ),
        format!("| expressions in a payload | {MAX_ACTIONS} |"),
        format!("arguments or fields in a row | {MAX_CALL_DEPTH}, {MAX_PARTS} |"),
        format!("| depth of a payload | {MAX_PAYLOAD_DEPTH} |"),
    ] {
        assert!(document.contains(&said), "{said}");
    }
}

//! The tables of `docs/expressions.md`, and the caps that it names.

use kafka_edge_bounded_json::Limits;
use kafka_edge_expressions::{MAX_DEPTH, MAX_NESTING, MAX_PROGRAM_BYTES, MAX_TERMS};

use crate::support::run;

fn document() -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(folder.join("../../docs/expressions.md")).unwrap()
}

#[test]
fn each_example_gives_what_the_table_says() {
    let mut count = 0;
    for line in document().lines() {
        // A bar within a cell is escaped.
        let line = line.replace("\\|", "\0");
        let cells: Vec<String> =
            line.split('|').map(|cell| cell.trim().replace('\0', "|")).collect();
        let [_, _, _, example, input, gives, _] = cells.as_slice() else { continue };
        let code = |cell: &str| cell.strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
        let (Some(example), Some(input), Some(gives)) = (code(example), code(input), code(gives))
        else {
            continue;
        };
        let (found, error) = run(&example, &input);
        assert_eq!((found.join(" "), error), (gives, None), "{example}");
        count += 1;
    }
    assert!(count > 60, "only {count} examples");
}

#[test]
fn the_caps_are_those_of_the_document() {
    let document = document().replace('\n', " ");
    let Limits { steps, bytes, depth } = Limits::default();
    for said in [
        format!("longer than {MAX_PROGRAM_BYTES} bytes"),
        format!("more than {MAX_TERMS} terms"),
        format!("more deeply than {MAX_NESTING} levels"),
        format!("or {MAX_DEPTH} of terms"),
        format!("| steps | {},000,000 |", steps / 1_000_000),
        format!("| bytes | {} MiB |", bytes >> 20),
        format!("| depth | {depth} |"),
        format!("at most {} deep", kafka_edge_bounded_json::MAX_DEPTH),
    ] {
        assert!(document.contains(&said), "{said}");
    }
}

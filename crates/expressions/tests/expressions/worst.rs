//! The worst programs within the caps, in `tests/worst`: each ends as its file says,
//! on the stack and with the budget that an event has. The same files run in the
//! built component.

use kafka_edge_bounded_json::{Budget, Exceeded, Value, parse};
use kafka_edge_expressions::{Program, RunError};

use crate::support::{json, text};

#[test]
fn the_worst_programs_end_as_they_should() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worst");
    let mut count = 0;
    let mut wrong = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let content = std::fs::read_to_string(&path).unwrap();
        let run = move || {
            let row = json(&content);
            let (outcome, gives) = (outcome(&row), text(&row, "gives"));
            (outcome != gives).then(|| format!("gives {outcome}, not {gives}"))
        };
        let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap();
        let difference = thread.join().unwrap_or_else(|_| Some("panicked".into()));
        wrong.extend(difference.map(|how| format!("{} {how}", path.display())));
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 40, "only {count} files");
}

fn outcome(row: &Value) -> &'static str {
    let Ok(program) = Program::parse(&text(row, "program"), &["record", "out"]) else {
        return "refused";
    };
    let mut budget = Budget::default();
    let input = parse(text(row, "input").as_bytes(), &mut budget).expect("an input");
    match program.run(&input, &[], &mut budget) {
        Ok(values) => written(&values, &mut budget).map_or_else(word, |()| "results"),
        Err(RunError::Error(_)) => "error",
        Err(RunError::Exceeded(exceeded)) => word(exceeded),
    }
}

fn written(values: &[Value], budget: &mut Budget) -> Result<(), Exceeded> {
    values.iter().try_for_each(|value| value.to_vec(budget).map(drop))
}

fn word(exceeded: Exceeded) -> &'static str {
    match exceeded {
        Exceeded::Steps => "steps",
        Exceeded::Bytes => "bytes",
        Exceeded::Depth => "depth",
    }
}

//! What the tests share.

use kafka_edge_bounded_json::{Budget, Limits, Value, parse};
use kafka_edge_expressions::{Program, RunError};

/// The rows of a file with one JSON value in each line.
pub(crate) fn rows(file: &str) -> Vec<Value> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).expect(file);
    text.lines().map(json).collect()
}

pub(crate) fn json(text: &str) -> Value {
    let mut budget = Budget::new(Limits { steps: 100_000_000, bytes: 1 << 32, depth: 1000 });
    parse(text.as_bytes(), &mut budget).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn text(row: &Value, key: &str) -> String {
    row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The results as JSON texts, or the error.
pub(crate) fn run(program: &str, input: &str) -> (Vec<String>, Option<String>) {
    let program = match Program::parse(program, &["record", "out"]) {
        Ok(program) => program,
        Err(refused) => return (Vec::new(), Some(format!("refused: {refused}"))),
    };
    let record = json(r#"{"topic":"orders","key":"k-1","headers":{"x-event":"push"}}"#);
    let mut budget = Budget::default();
    match program.run(&json(input), &[record, json("[1,2]")], &mut budget) {
        Ok(values) => {
            let mut budget = Budget::default();
            let texts = values.iter().map(|value| value.to_vec(&mut budget));
            (texts.map(|text| String::from_utf8(text.unwrap()).unwrap()).collect(), None)
        }
        Err(RunError::Error(message)) => (Vec::new(), Some(message)),
        Err(RunError::Exceeded(exceeded)) => (Vec::new(), Some(format!("exceeded: {exceeded}"))),
    }
}

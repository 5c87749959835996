//! The official JSON Schema Test Suite for draft 2020-12, in as far as its schemas
//! are taken. What is left out is in [`left_out`], with its reason, and is
//! compared with it in both directions.

mod left_out;

use kafka_edge_bounded_json::{Budget, Limits, Value, parse};
use kafka_edge_schema::Schema;
use left_out::{FORMATS, LEFT_OUT};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// How many tests the suite holds, for those who do not have it.
const TESTS: usize = 2140;

/// How many of them are run.
const RUN: usize = 1028;

/// What asserts formats, which draft 2020-12 does not do unless it is told to.
const ASSERTS_FORMATS: &str = "optional/format/";

#[test]
fn the_suite_holds_for_what_is_taken() {
    let folder = folder();
    if !folder.is_dir() {
        // Past the test harness, which shows nothing that a passing test prints.
        let mut told = std::io::stderr();
        _ = writeln!(told, "skipped: {TESTS} tests of JSON Schema (../shared is absent)");
        return;
    }
    let mut tally = Tally::default();
    for name in files(&folder) {
        for (number, group) in items(&read(&folder.join(&name))).iter().enumerate() {
            run(&name, number, group, &mut tally);
        }
    }
    let mut told = std::io::stderr();
    _ = writeln!(
        told,
        "JSON Schema Test Suite: {} tests passed, {} left out, {} wrong",
        tally.passed,
        tally.left_out,
        tally.wrong.len()
    );
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    let expected: BTreeMap<(String, String), Vec<usize>> = LEFT_OUT
        .iter()
        .map(|(file, reason, groups)| {
            ((file.to_string(), reason.to_string()), groups.iter().cloned().flatten().collect())
        })
        .collect();
    assert_eq!(tally.groups, expected);
    assert_eq!(tally.formats, FORMATS);
    assert_eq!((tally.passed, tally.passed + tally.left_out), (RUN, TESTS));
}

#[derive(Default)]
struct Tally {
    passed: usize,
    left_out: usize,
    /// How many of those that are left out assert formats.
    formats: usize,
    /// By file and reason, the numbers of the groups that are left out.
    groups: BTreeMap<(String, String), Vec<usize>>,
    wrong: Vec<String>,
}

fn run(file: &str, number: usize, group: &Value, tally: &mut Tally) {
    let tests = items(field(group, "tests"));
    if file.starts_with(ASSERTS_FORMATS) {
        tally.formats += tests.len();
        tally.left_out += tests.len();
        return;
    }
    let schema = match Schema::compile(field(group, "schema")) {
        Ok(schema) => schema,
        Err(refused) => {
            let reason = format!("{} {}", refused.keyword, refused.reason);
            tally.groups.entry((file.to_owned(), reason)).or_default().push(number);
            tally.left_out += tests.len();
            return;
        }
    };
    for test in tests {
        let valid = matches!(field(test, "valid"), Value::Bool(true));
        let found = schema.check(field(test, "data"), &mut Budget::default());
        if found.as_ref().is_ok_and(|found| found.is_ok() == valid) {
            tally.passed += 1;
        } else {
            let group = field(group, "description").as_str();
            let test = field(test, "description").as_str();
            tally.wrong.push(format!("{file} {number} {group:?} {test:?}: {found:?}"));
        }
    }
}

/// Beside the repository, unless the environment says where.
fn folder() -> PathBuf {
    match std::env::var_os("KAFKA_EDGE_SUITES") {
        Some(suites) => PathBuf::from(suites).join("json-schema"),
        None => {
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/json-schema")
        }
    }
}

/// All files of the suite, by their names below its folder.
fn files(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for below in ["", "optional/", ASSERTS_FORMATS] {
        for entry in std::fs::read_dir(folder.join(below)).expect("a folder of the suite") {
            let name = entry.expect("a file of the suite").file_name();
            let name = name.to_str().expect("a name in ASCII");
            if name.ends_with(".json") {
                found.push(format!("{below}{name}"));
            }
        }
    }
    found.sort();
    found
}

fn read(path: &std::path::Path) -> Value {
    let bytes = std::fs::read(path).expect("a file that can be read");
    let mut budget = Budget::new(Limits { bytes: 1 << 30, ..Limits::default() });
    parse(&bytes, &mut budget).expect("JSON")
}

fn items(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

fn field<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).expect("a member")
}

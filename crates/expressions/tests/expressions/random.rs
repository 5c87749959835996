//! Random programs: nothing panics, overflows the stack or goes beyond its budget, and
//! what comes out is JSON. `EXPRESSIONS_RANDOM_PROGRAMS` says how many are tried, and
//! `EXPRESSIONS_SEED` where to begin.

use std::time::{Duration, Instant};

use kafka_edge_bounded_json::{Budget, Limits, Value, equal, parse};
use kafka_edge_expressions::{Program, RunError};

use crate::support::{rows, text};

/// What the component has for everything, on most hosts.
const STACK: usize = 512 << 10;

const LIMITS: Limits = Limits { steps: 100_000, bytes: 4 << 20, depth: 192 };

/// Far more than the steps take, even on a busy machine and without optimisation.
const LONGEST: Duration = Duration::from_secs(10);

#[test]
fn random_programs_stay_within_their_budget() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let count: u64 = number("EXPRESSIONS_RANDOM_PROGRAMS").unwrap_or(20_000);
    let seed: u64 = number("EXPRESSIONS_SEED").unwrap_or(1);
    let work = move || {
        let corpus = rows("tests/jq/cases.jsonl");
        let mut seen = Seen::default();
        for seed in seed..seed + count {
            let mut random = fastrand::Rng::with_seed(seed);
            let row = &corpus[random.usize(..corpus.len())];
            let program = match random.u8(..3) {
                0 => mutated(&text(row, "program"), &mut random),
                _ => made(&mut random, 7),
            };
            tried(&program, &text(row, "input"), seed, &mut seen);
        }
        seen
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work);
    let seen = thread.unwrap().join().expect("a program panicked");
    // The generator is of use only while it makes programs of every kind.
    assert!(seen.ran * 6 > count, "only {} of {count} programs ran", seen.ran);
    assert!(seen.refused > 0 && seen.failed > 0 && seen.exceeded > 0, "{seen:?}");
}

#[derive(Debug, Default)]
struct Seen {
    ran: u64,
    refused: u64,
    failed: u64,
    exceeded: u64,
}

fn tried(program: &str, input: &str, seed: u64, seen: &mut Seen) {
    let since = Instant::now();
    let Ok(program) = Program::parse(program, &["record", "out"]) else {
        seen.refused += 1;
        return;
    };
    let mut budget = Budget::new(LIMITS);
    let input = parse(input.as_bytes(), &mut budget).expect("the corpus is JSON");
    let result = program.run(&input, &[Value::Null, Value::from(1)], &mut budget);
    let levels = budget.spent().depth;
    assert_eq!(levels, 0, "seed {seed} leaves {levels} levels entered");
    match result {
        Ok(values) => {
            seen.ran += 1;
            for value in values {
                let Ok(bytes) = value.to_vec(&mut budget) else { break };
                let mut again = Budget::new(Limits { steps: 1 << 40, bytes: 1 << 40, depth: 256 });
                let read = parse(&bytes, &mut again).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
                // What JSON cannot say is written as something else.
                if !holds_special(&value) {
                    assert!(equal(&read, &value, &mut again).unwrap(), "seed {seed}");
                }
            }
        }
        Err(RunError::Error(_)) => seen.failed += 1,
        Err(RunError::Exceeded(_)) => seen.exceeded += 1,
    }
    let spent = budget.spent();
    assert!(spent.steps <= LIMITS.steps && spent.bytes <= LIMITS.bytes, "seed {seed}: {spent:?}");
    assert!(since.elapsed() < LONGEST, "seed {seed} took {:?}", since.elapsed());
}

/// Whether there is a `nan` or an infinity, or too much to look.
fn holds_special(value: &Value) -> bool {
    fn look(value: &Value, left: &mut u32) -> bool {
        *left = left.saturating_sub(1);
        *left == 0
            || match value {
                Value::Number(number) => !number.as_f64().is_finite(),
                Value::Array(items) => items.iter().any(|item| look(item, left)),
                Value::Object(object) => object.values().any(|item| look(item, left)),
                _ => false,
            }
    }
    look(value, &mut 100_000)
}

/// A few bytes of a program of the corpus, changed, repeated or left out.
fn mutated(program: &str, random: &mut fastrand::Rng) -> String {
    const PIECES: [&str; 24] = [
        "(", ")", "[", "]", "{", "}", "|", ",", ".", "..", "\"", "\\(", "?", "$", "as $x |", "é",
        "-", "//", "1", "def f: ", ";", "reduce ", "@json", "#",
    ];
    let mut chars: Vec<char> = program.chars().collect();
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..=chars.len());
        let piece = PIECES[random.usize(..PIECES.len())];
        match random.u8(..4) {
            0 if at < chars.len() => drop(chars.remove(at)),
            1 => drop(chars.splice(at..at, piece.chars()).collect::<Vec<_>>()),
            2 => {
                let more: String = piece.repeat(random.usize(1..300));
                drop(chars.splice(at..at, more.chars()).collect::<Vec<_>>());
            }
            _ => {
                let from = random.usize(..=at);
                let again: Vec<char> = chars[from..at].to_vec();
                drop(chars.splice(at..at, again).collect::<Vec<_>>());
            }
        }
    }
    chars.into_iter().collect()
}

/// A program by the grammar.
fn made(random: &mut fastrand::Rng, depth: u32) -> String {
    const LEAVES: [&str; 36] = [
        ".",
        ".a",
        ".b",
        ".[0]",
        ".[]",
        ".[]?",
        "..",
        "1",
        "0",
        "-1",
        "1.5",
        "null",
        "true",
        "false",
        "\"a\"",
        "\"ab,c\"",
        "[]",
        "{}",
        "[1,2,3]",
        "{\"a\":1,\"b\":[2]}",
        "empty",
        "error",
        "length",
        "keys",
        "tojson",
        "sort",
        "add",
        "range(4)",
        "type",
        "not",
        "paths",
        "1234567890123456789",
        "$record",
        "$out",
        "infinite",
        "nan",
    ];
    if depth == 0 || random.u8(..5) == 0 {
        return LEAVES[random.usize(..LEAVES.len())].to_owned();
    }
    let part = |random: &mut fastrand::Rng| made(random, depth - 1);
    let a = part(random);
    let b = part(random);
    match random.u8(..30) {
        0..=3 => format!("({a} | {b})"),
        4 => format!("({a}, {b})"),
        5 | 6 => {
            const OPERATORS: [&str; 14] =
                ["+", "-", "*", "/", "%", "==", "<", ">=", "and", "or", "//", "+", "*", "!="];
            format!("({a} {} {b})", OPERATORS[random.usize(..OPERATORS.len())])
        }
        7 => {
            const ASSIGNMENTS: [&str; 5] = ["=", "|=", "+=", "//=", "-="];
            format!("({a} {} {b})", ASSIGNMENTS[random.usize(..ASSIGNMENTS.len())])
        }
        8 => format!("[{a}]"),
        9 => format!("{{a: ({a}), (\"b\", \"c\"): ({b})}}"),
        10 => format!("(if {a} then {b} else {} end)", part(random)),
        11 => format!("(try {a} catch {b})"),
        12 => format!("(reduce ({a}) as $x ({b}; {}))", part(random)),
        13 => format!("(foreach ({a}) as [$x, $y] ({b}; {}; [., $x]))", part(random)),
        14 => format!("(({a}) as $x | {b} | $x)"),
        15 => format!("(({a}) as {{a: $x, $b}} | {b})"),
        16 => format!("(def f(g): g | {a}; f({b}))"),
        17 => format!("(label $l | {a} | ., break $l, {b})"),
        18 => format!("\"\\({a})-\\({b})\""),
        19 => format!("({a})[{b}]?"),
        20 => format!("({a})[{b}:]"),
        21 => format!("first({a})"),
        22 => format!("(limit(3; {a}), until({b}; . + 1))"),
        23 => format!("[limit(20; recurse({a}))]"),
        24 => {
            const TAKING: [&str; 18] = [
                "map",
                "select",
                "path",
                "del",
                "sort_by",
                "group_by",
                "unique_by",
                "min_by",
                "walk",
                "with_entries",
                "map_values",
                "any",
                "all",
                "isempty",
                "add",
                "last",
                "paths",
                "getpath",
            ];
            format!("{}({a})", TAKING[random.usize(..TAKING.len())])
        }
        25 => {
            const PLAIN: [&str; 30] = [
                "tojson",
                "fromjson",
                "tostring",
                "tonumber",
                "keys",
                "length",
                "sort",
                "unique",
                "reverse",
                "flatten",
                "transpose",
                "to_entries",
                "from_entries",
                "explode",
                "implode",
                "ascii_downcase",
                "trim",
                "min",
                "max",
                "floor",
                "todate",
                "fromdate",
                "combinations",
                "@base64",
                "@base64d",
                "@csv",
                "@uri",
                "@html",
                "recurse",
                "abs",
            ];
            format!("({a} | {})", PLAIN[random.usize(..PLAIN.len())])
        }
        26 => {
            const OF_VALUES: [&str; 12] = [
                "split",
                "join",
                "index",
                "indices",
                "has",
                "contains",
                "inside",
                "startswith",
                "ltrimstr",
                "flatten",
                "delpaths",
                "in",
            ];
            format!("({a} | {}({b}))", OF_VALUES[random.usize(..OF_VALUES.len())])
        }
        27 => format!("reduce range(30) as $i ({a}; [., .] | {b})"),
        28 => format!("(range(0; 100; {a}), setpath([\"a\", 1]; {b}))"),
        _ => format!("[limit(5; repeat({a}))]"),
    }
}

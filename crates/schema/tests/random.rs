//! Random schemas, changed at random, against random events, on a stack as small
//! as a component's: nothing panics, no budget is exceeded unnoticed, and what
//! must be the same is the same.

use fastrand::Rng;
use kafka_edge_bounded_json::{Budget, Exceeded, Limits, Value, parse};
use kafka_edge_schema::Schema;

const ROUNDS: u64 = 4_000;
const LIMITS: Limits = Limits { steps: 60, bytes: 1 << 20, depth: 256 };

const NAMES: [&str; 6] = ["a", "b", "ab", "", "a/b", "é~"];
const PATTERNS: [&str; 10] =
    ["", "a", "^a*$", "[^b]", "(a|b)+", "^.{2}$", "\\\\w", "é", "a(?=b)", "(a{40}){40}"];
const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "2",
    "-1",
    "1.0",
    "0.1",
    "19.99",
    "1e3",
    "9007199254740993",
    "123456789012345678901",
    "1e400",
    "-0.5",
];
const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];
const REFERENCES: [&str; 8] =
    ["#", "#/$defs/a", "#/$defs/b", "#x", "o", "o#/items", "#/$defs/b/allOf/0", "#/not"];

fn of<'t>(random: &mut Rng, list: &[&'t str]) -> &'t str {
    list[random.usize(..list.len())]
}

fn some(random: &mut Rng, most: usize, mut one: impl FnMut(&mut Rng, usize) -> String) -> String {
    let count = random.usize(..=most);
    let list: Vec<String> = (0..count).map(|index| one(random, index)).collect();
    list.join(",")
}

fn value(random: &mut Rng, depth: usize) -> String {
    match random.u8(..if depth == 0 { 4 } else { 8 }) {
        0 => of(random, &["null", "true", "false"]).into(),
        1 => of(random, &NUMBERS).into(),
        2 | 3 => format!(r#""{}""#, of(random, &["", "a", "aa", "ab", "b", "é", "a/b", "aab"])),
        4 | 5 => format!("[{}]", some(random, 4, |random, _| value(random, depth - 1))),
        _ => format!("{{{}}}", map(random, |random| value(random, depth - 1))),
    }
}

fn map(random: &mut Rng, mut one: impl FnMut(&mut Rng) -> String) -> String {
    some(random, 3, |random, index| {
        let name = NAMES[(index * 2 + random.usize(..2)) % NAMES.len()];
        format!(r#""{name}":{}"#, one(random))
    })
}

fn schema(random: &mut Rng, depth: usize) -> String {
    if depth == 0 || random.u8(..8) == 0 {
        return of(random, &["true", "false", "{}", r#"{"type":"string"}"#, r#"{"minimum":1}"#])
            .into();
    }
    let keywords = some(random, 4, |random, index| keyword(random, depth - 1, index));
    format!("{{{keywords}}}")
}

/// A document with the definitions that references lead to.
fn document(random: &mut Rng) -> String {
    let root = schema(random, 5);
    let [a, b, o] = [(); 3].map(|()| schema(random, 3));
    let definitions = format!(
        r#""$defs":{{"a":{a},"b":{{"allOf":[{b}],"$anchor":"x"}},"c":{{"$id":"o","items":{o}}}}}"#
    );
    match root.strip_prefix('{') {
        Some("}") | None => format!("{{{definitions}}}"),
        Some(rest) => format!("{{{definitions},{rest}"),
    }
}

fn keyword(random: &mut Rng, depth: usize, index: usize) -> String {
    let one = |random: &mut Rng| schema(random, depth);
    let list = |random: &mut Rng| {
        format!("[{}]", [one(random), one(random)][random.usize(..2)..].join(","))
    };
    // A keyword is used once, or the last one would hide the others.
    match index * 9 + random.usize(..9) {
        0 => format!(r#""type":"{}""#, of(random, &TYPES)),
        1 => format!(r#""type":["{}","null"]"#, of(random, &TYPES[1..])),
        2 => format!(r#""enum":[{}]"#, some(random, 4, |random, _| value(random, 2))),
        3 => format!(r#""const":{}"#, value(random, 2)),
        4 => {
            let bounds =
                ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
            format!(r#""{}":{}"#, of(random, &bounds), of(random, &NUMBERS))
        }
        5 => {
            let sizes = [
                "minLength",
                "maxLength",
                "minItems",
                "maxItems",
                "minProperties",
                "maxProperties",
            ];
            format!(r#""{}":{}"#, of(random, &sizes), random.u8(..4))
        }
        6 => format!(r#""required":["{}"]"#, of(random, &NAMES)),
        7 => r#""uniqueItems":true"#.into(),
        8 => format!(r#""pattern":"{}""#, of(random, &PATTERNS)),
        9 | 10 => format!(r#""properties":{{{}}}"#, map(random, one)),
        11 => format!(r#""patternProperties":{{"{}":{}}}"#, of(random, &PATTERNS), one(random)),
        12 => format!(r#""additionalProperties":{}"#, one(random)),
        13 => format!(r#""propertyNames":{}"#, one(random)),
        14 => format!(r#""prefixItems":{}"#, list(random)),
        15 => format!(r#""items":{}"#, one(random)),
        16 => format!(r#""contains":{},"maxContains":{}"#, one(random), random.u8(..3)),
        17 => format!(r#""contains":{},"minContains":{}"#, one(random), random.u8(..3)),
        18 => format!(r#""dependentRequired":{{"a":["{}"]}}"#, of(random, &NAMES)),
        19 => format!(r#""dependentSchemas":{{{}}}"#, map(random, one)),
        20 => format!(r#""allOf":{}"#, list(random)),
        21 => format!(r#""anyOf":{}"#, list(random)),
        22 => format!(r#""oneOf":{}"#, list(random)),
        23 => format!(r#""not":{}"#, one(random)),
        24 | 25 => format!(r#""if":{},"then":{},"else":{}"#, one(random), one(random), one(random)),
        26 => format!(r#""description":{}"#, value(random, 1)),
        27..31 => {
            // In place it is often endless, and further down it is not.
            let reference = format!(r#"{{"$ref":"{}"}}"#, of(random, &REFERENCES));
            match random.u8(..6) {
                0 => format!(r#""allOf":[{reference}]"#),
                1 | 2 => format!(r#""properties":{{"a":{reference}}}"#),
                3 | 4 => format!(r#""items":{reference}"#),
                _ => format!(r#""additionalProperties":{reference}"#),
            }
        }
        _ if random.u8(..8) == 0 => {
            format!(
                r#""{}":{}"#,
                of(random, &["x", "$vocabulary", "definitions"]),
                value(random, 1)
            )
        }
        _ => format!(r#""title":{}"#, value(random, 1)),
    }
}

/// Takes out, doubles or exchanges a piece of the text.
fn changed(random: &mut Rng, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..random.usize(..3) {
        let at = random.usize(..chars.len().max(1)).min(chars.len());
        let end = (at + random.usize(..6)).min(chars.len());
        let piece = chars[at..end].to_vec();
        match random.u8(..3) {
            0 => _ = chars.drain(at..end),
            1 => _ = chars.splice(at..at, piece),
            _ => _ = chars.splice(at..end, of(random, &["[]", "{}", "\"a\"", "-1", "1e9"]).chars()),
        }
    }
    chars.into_iter().collect()
}

fn read(json: &str) -> Option<Value> {
    parse(json.as_bytes(), &mut Budget::default()).ok()
}

/// Whether an event fits, and what that has cost.
fn check(schema: &Schema, event: &Value, limits: Limits) -> (Result<bool, Exceeded>, u64) {
    let mut budget = Budget::new(limits);
    let result = schema.check(event, &mut budget);
    let spent = budget.spent();
    assert!(spent.steps <= limits.steps && spent.depth == 0);
    if let Ok(Err(failure)) = &result {
        assert!(failure.path.len() < 300 && failure.schema_path.len() < 300, "{failure:?}");
        assert!(!failure.sentence.is_empty() && failure.sentence.len() < 1_500, "{failure:?}");
    }
    (result.map(|result| result.is_ok()), spent.steps)
}

#[derive(Debug, Default)]
struct Seen {
    taken: u32,
    refused: u32,
    fitting: u32,
    failing: u32,
    exceeded: u32,
    moved: u32,
    negated: u32,
}

fn round(seed: u64, seen: &mut Seen) {
    let random = &mut Rng::with_seed(seed);
    let mut text = document(random);
    if random.u8(..4) == 0 {
        text = changed(random, &text);
    }
    let Some(document) = read(&text) else { return };
    let schema = match Schema::compile(&document) {
        Ok(schema) => schema,
        Err(refused) => {
            seen.refused += 1;
            assert!(refused.to_string().len() < 1_000, "{refused}");
            return;
        }
    };
    seen.taken += 1;
    // The same, said in another way.
    let moved = format!(r##"{{"$id":"m:/","$ref":"s","$defs":{{"s":{}}}}}"##, named(&text));
    let moved = read(&moved).and_then(|document| Schema::compile(&document).ok());
    let negated = format!(r##"{{"$id":"m:/","not":{}}}"##, named(&text));
    let negated = read(&negated).and_then(|document| Schema::compile(&document).ok());
    for _ in 0..8 {
        let event = read(&value(random, 4)).expect("an event");
        let (found, steps) = check(&schema, &event, LIMITS);
        match found {
            Ok(true) => seen.fitting += 1,
            Ok(false) => seen.failing += 1,
            Err(_) => seen.exceeded += 1,
        }
        let Ok(fits) = found else { continue };
        let generous = Limits { steps: 100 * LIMITS.steps, ..LIMITS };
        assert_eq!(check(&schema, &event, generous), (Ok(fits), steps), "seed {seed}: {text}");
        if let Some(moved) = &moved {
            seen.moved += 1;
            assert_eq!(check(moved, &event, generous).0, Ok(fits), "seed {seed}: {text}");
        }
        if let Some(negated) = &negated {
            seen.negated += 1;
            assert_eq!(check(negated, &event, generous).0, Ok(!fits), "seed {seed}: {text}");
        }
        if steps > 1 {
            let scarce = Limits { steps: random.u64(1..steps), ..LIMITS };
            assert_eq!(
                check(&schema, &event, scarce).0,
                Err(Exceeded::Steps),
                "seed {seed}: {text}"
            );
        }
    }
}

/// The schema with a name at its root, so that `#` still leads there.
fn named(text: &str) -> String {
    match text.strip_prefix('{') {
        Some(rest) => format!(r#"{{"$id":"s",{rest}"#),
        None => text.into(),
    }
}

#[test]
fn random_schemas_keep_to_the_rules() {
    let test = || {
        let mut seen = Seen::default();
        for seed in 0..ROUNDS {
            round(seed, &mut seen);
        }
        println!("{seen:?}");
        // The generator reaches all that it is for.
        assert!(seen.taken > 500 && seen.refused > 500, "{seen:?}");
        assert!(seen.fitting > 1_000 && seen.failing > 1_000, "{seen:?}");
        assert!(seen.moved > 1_000 && seen.negated > 1_000, "{seen:?}");
        assert!(seen.exceeded > 10, "{seen:?}");
    };
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(test);
    if let Err(panic) = thread.expect("a thread").join() {
        std::panic::resume_unwind(panic);
    }
}

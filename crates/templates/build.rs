//! Writes which letters have a capital or a small one, as runs of letters that are equally
//! far from theirs: 2 KB for both in place of the standard library's tables of 24 KB.

use std::fmt::Write;
use std::path::Path;

/// Letters from `first` on, each `step` after the last: the other letter is `by` further.
struct Run {
    first: u32,
    step: u32,
    count: u32,
    by: i64,
}

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let text = table("CAPITALS", upper) + &table("SMALL", lower);
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("letters.rs"), text)
}

/// The capital of a letter. `ß` has none, since `SS` is two.
fn upper(char: char) -> char {
    // Greek letters with an iota below: Unicode's simple capital of each is one character
    // (UnicodeData.txt), its full one two (SpecialCasing.txt).
    let simple = match char {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => 8,
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => 9,
        _ => 0,
    };
    if simple > 0 {
        return char::from_u32(u32::from(char) + simple).unwrap_or(char);
    }
    one(char, char.to_uppercase())
}

fn lower(char: char) -> char {
    // Its full small letter is an i with a dot above.
    if char == '\u{130}' { 'i' } else { one(char, char.to_lowercase()) }
}

fn one(char: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(mapped), None) => mapped,
        _ => char,
    }
}

/// Source text: for each run, its first letter in 21 bits, one bit that says whether it has
/// only every second letter, and how many follow the first; and how far theirs are.
fn table(name: &str, map: fn(char) -> char) -> String {
    let mut runs: Vec<Run> = Vec::new();
    for char in '\0'..=char::MAX {
        let first = u32::from(char);
        let by = i64::from(u32::from(map(char))) - i64::from(first);
        if by == 0 {
            continue;
        }
        if let Some(run) = runs.last_mut().filter(|run| run.by == by && run.count < 1 << 10) {
            let step = first - (run.first + (run.count - 1) * run.step);
            if step <= 2 && (run.count == 1 || step == run.step) {
                (run.step, run.count) = (step, run.count + 1);
                continue;
            }
        }
        runs.push(Run { first, step: 1, count: 1, by });
    }
    let mut text = format!("static {name}: [(u32, i32); {}] = [", runs.len());
    for Run { first, step, count, by } in runs {
        let packed = first | (step - 1) << 21 | (count - 1) << 22;
        write!(text, "({packed},{by}),").unwrap_or_default();
    }
    text + "];\n"
}

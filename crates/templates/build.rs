//! Writes which letters have another form as runs of them: 20 KB less in the component than by the
//! standard library's tables.

use std::fmt::Write;
use std::path::Path;

mod letters;

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=letters.rs");
    let tables = [table("UPPER", letters::upper), table("LOWER", letters::lower)].concat();
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("letters.rs"), tables)
}

struct Run {
    first: u32,
    last: u32,
    step: u32,
    distance: i32,
}

fn table(name: &str, form: fn(char) -> char) -> String {
    let mut runs: Vec<Run> = Vec::new();
    for char in '\0'..=char::MAX {
        let (code, other) = (u32::from(char), u32::from(form(char)));
        if code == other {
            continue;
        }
        let distance = other.wrapping_sub(code).cast_signed();
        match runs.last_mut() {
            Some(run) if run.distance == distance && run.fits(code) => {
                run.step = code - run.last;
                run.last = code;
            }
            _ => runs.push(Run { first: code, last: code, step: 1, distance }),
        }
    }
    let mut table = format!("static {name}: &[Run] = &[\n");
    for Run { first, last, step, distance } in runs {
        let count = (last - first) / step + 1;
        let fields = format!("first: {first}, count: {count}, step: {step}, distance: {distance}");
        let _ = writeln!(table, "    Run {{ {fields} }},");
    }
    table + "];\n"
}

impl Run {
    /// Every letter, or every second one: capitals and small letters often take turns.
    fn fits(&self, code: u32) -> bool {
        let step = code - self.last;
        if self.first == self.last { step <= 2 } else { step == self.step }
    }
}

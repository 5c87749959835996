//! Letters in capitals and in small, one for one, as Go maps them, by the standard library, whose
//! tables are 24 KB of a component: `build.rs` writes its own by this, and a test compares them.

/// The capital of a letter. `ß` has none, since `SS` is two.
pub(crate) fn upper(char: char) -> char {
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

pub(crate) fn lower(char: char) -> char {
    // Its full small letter is an i with a dot above.
    if char == '\u{130}' { 'i' } else { one(char, char.to_lowercase()) }
}

fn one(char: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(mapped), None) => mapped,
        _ => char,
    }
}

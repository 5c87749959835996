//! Letters in capitals and in small, one for one, as Go maps them.

/// Letters whose other form lies equally far away, and which lie `step` apart themselves.
struct Run {
    first: u32,
    count: u16,
    step: u16,
    distance: i32,
}

// `UPPER` and `LOWER`, in the order of the letters.
include!(concat!(env!("OUT_DIR"), "/letters.rs"));

/// The capital of a letter. `ß` has none, since `SS` is two.
pub(crate) fn upper(char: char) -> char {
    mapped(UPPER, char)
}

pub(crate) fn lower(char: char) -> char {
    mapped(LOWER, char)
}

fn mapped(runs: &[Run], char: char) -> char {
    let code = u32::from(char);
    let behind = runs.partition_point(|run| run.first <= code);
    let Some(run) = behind.checked_sub(1).and_then(|last| runs.get(last)) else { return char };
    let (place, step) = (code - run.first, u32::from(run.step));
    if place % step != 0 || place / step >= run.count.into() {
        return char;
    }
    code.checked_add_signed(run.distance).and_then(char::from_u32).unwrap_or(char)
}

#[cfg(test)]
#[path = "../letters.rs"]
mod letters;

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn every_character_is_mapped_as_by_the_standard_library() {
        for char in '\0'..=char::MAX {
            assert_eq!(super::upper(char), letters::upper(char), "{char:?}");
            assert_eq!(super::lower(char), letters::lower(char), "{char:?}");
        }
        assert_eq!((super::upper('ż'), super::lower('Ż'), super::upper('ß')), ('Ż', 'ż', 'ß'));
    }
}

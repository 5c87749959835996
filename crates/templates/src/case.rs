//! Letters in capitals and in small, one for one, as Go maps them.

// `CAPITALS` and `SMALL`, which build.rs writes and describes.
include!(concat!(env!("OUT_DIR"), "/letters.rs"));

/// The capital of a letter. `ß` has none, since `SS` is two.
pub(crate) fn upper(char: char) -> char {
    other(&CAPITALS, char)
}

pub(crate) fn lower(char: char) -> char {
    other(&SMALL, char)
}

fn other(runs: &[(u32, i32)], char: char) -> char {
    let letter = u32::from(char);
    let first = |packed: u32| packed & 0x1f_ffff;
    let after = runs.partition_point(|(packed, _)| first(*packed) <= letter);
    let Some((packed, by)) = after.checked_sub(1).and_then(|last| runs.get(last)) else {
        return char;
    };
    let (every_second, more) = (packed >> 21 & 1, packed >> 22);
    let from_first = letter - first(*packed);
    if from_first & every_second != 0 || from_first >> every_second > more {
        return char;
    }
    letter.checked_add_signed(*by).and_then(char::from_u32).unwrap_or(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of letters whose other one is not one letter in Unicode's full mapping.
    fn simple(char: char, capital: bool) -> char {
        let number = u32::from(char);
        let simple = match (number, capital) {
            (0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7, true) => number + 8,
            (0x1fb3 | 0x1fc3 | 0x1ff3, true) => number + 9,
            (0x130, false) => u32::from('i'),
            _ => number,
        };
        char::from_u32(simple).unwrap()
    }

    #[test]
    fn every_letter_is_mapped_as_the_standard_library_does() {
        for char in '\0'..=char::MAX {
            let (capital, small) = (char.to_uppercase(), char.to_lowercase());
            let one = |mapped: &str, capital| match mapped.chars().collect::<Vec<_>>()[..] {
                [mapped] if mapped != char => mapped,
                _ => simple(char, capital),
            };
            assert_eq!(upper(char), one(&capital.to_string(), true), "{char:?}");
            assert_eq!(lower(char), one(&small.to_string(), false), "{char:?}");
        }
        let some: String = "straße ÿ ǆ ᾳ İI".chars().map(upper).collect();
        assert_eq!(some, "STRAßE Ÿ Ǆ ᾼ İI");
        assert_eq!("ÀŸ ᾼ İI".chars().map(lower).collect::<String>(), "àÿ ᾳ ii");
    }
}

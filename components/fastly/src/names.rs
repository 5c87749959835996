//! The names of keys, as Fastly takes them.

/// Counters lie apart from values: nothing deletes them, since a draw on a counter that was
/// deleted and made again would give a number twice.
const COUNTERS: &str = "counter:";

pub(crate) fn counter(key: &str) -> String {
    format!("{COUNTERS}{}", to_fastly(key))
}

/// Fastly refuses keys with `./` in them (Viceroy 0.22.0, `reference/fastly.md`), and a
/// topic's name may end in a dot. No key has `%2E` otherwise: what callers choose is encoded
/// before, and that leaves dots alone.
pub(crate) fn to_fastly(key: &str) -> String {
    key.replace("./", "%2E/")
}

pub(crate) fn from_fastly(key: &str) -> String {
    key.replace("%2E/", "./")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_before_a_slash_is_written_otherwise_and_comes_back() {
        for (key, fastly) in [
            ("a/b.c/d", "a/b.c/d"),
            ("a/orders./0/t", "a/orders%2E/0/t"),
            ("a/../t", "a/.%2E/t"),
            ("a/b.", "a/b."),
        ] {
            assert_eq!(to_fastly(key), fastly);
            assert_eq!(from_fastly(fastly), key);
        }
    }
}

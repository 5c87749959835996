//! The names of keys and of backends, as Fastly takes them.

use sha2::{Digest, Sha256};

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

/// Of a backend with these settings.
pub(crate) fn backend(settings: &str) -> String {
    let digest = Sha256::digest(settings);
    digest.iter().fold("kafka-edge-".into(), |name, byte| format!("{name}{byte:02x}"))
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

    #[test]
    fn a_backend_of_any_host_has_a_name_of_its_own_that_fastly_takes() {
        // The longest name that DNS has is 253 bytes, and a backend's is 255.
        let host = ["a".repeat(61).as_str(); 4].join(".") + ".aaaaa";
        assert_eq!(host.len(), 253);
        let names = ["https", "http"].map(|scheme| backend(&format!("{scheme}/{host}/443/5/20")));
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.len() <= 255), "{names:?}");
    }
}

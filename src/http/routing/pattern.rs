//! Patterns of paths, and the variable parts of a path.
//!
//! There are about fifty patterns, and most fail at their first segment. Trying
//! each one costs less than a tree would, which an instance that is started for
//! one request would first have to build.

/// The variable parts of a path, still encoded, by their names in the pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::http) struct Params<'p>(Vec<(&'static str, &'p str)>);

impl<'p> Params<'p> {
    /// The parts of a path; `None` if it does not match the pattern. `{name}`
    /// matches one segment that is not empty, `{*name}` all of the rest, which
    /// may be empty.
    pub(in crate::http) fn of(pattern: &'static str, path: &'p str) -> Option<Self> {
        // Most patterns begin with another letter, and most of the rest differ before their
        // first variable part. It is a loop, because iterators are slow where little is
        // inlined, and this runs for each endpoint of each request.
        let (wanted, there) = (pattern.as_bytes(), path.as_bytes());
        let first = wanted.get(1);
        if first != Some(&b'{') && first != there.get(1) {
            return None;
        }
        let mut at = 2;
        while at < wanted.len() && at < there.len() && wanted[at] == there[at] {
            at += 1;
        }
        if at < wanted.len() && at < there.len() && !wanted[..=at].contains(&b'{') {
            return None;
        }
        let mut params = Vec::new();
        let mut path = Some(path);
        for piece in pattern.split('/') {
            let left = path?;
            if let Some(name) = piece.strip_prefix("{*") {
                params.push((name.strip_suffix('}')?, left));
                return Some(Self(params));
            }
            let (segment, rest) = match left.split_once('/') {
                Some((segment, rest)) => (segment, Some(rest)),
                None => (left, None),
            };
            match piece.strip_prefix('{') {
                Some(name) if !segment.is_empty() => {
                    params.push((name.strip_suffix('}')?, segment));
                }
                None if piece == segment => {}
                _ => return None,
            }
            path = rest;
        }
        path.is_none().then_some(Self(params))
    }

    pub(in crate::http) fn get(&self, name: &str) -> Option<&'p str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(in crate::http) fn iter(&self) -> impl Iterator<Item = (&'static str, &'p str)> {
        self.0.iter().copied()
    }

    /// If a path matches several patterns, the one with the fewest parts wins.
    pub(in crate::http) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_one_and_the_rest_is_all() {
        let of = |pattern, path| Params::of(pattern, path).map(|Params(params)| params);
        assert_eq!(of("/", "/"), Some(vec![]));
        assert_eq!(of("/a/{b}", "/a/x"), Some(vec![("b", "x")]));
        assert_eq!(of("/a/{b}/c", "/a/x/c"), Some(vec![("b", "x")]));
        assert_eq!(of("/{a}/{*b}", "/x/y//z/"), Some(vec![("a", "x"), ("b", "y//z/")]));
        assert_eq!(of("/{a}/{*b}", "/x/"), Some(vec![("a", "x"), ("b", "")]));
        for (pattern, path) in [
            ("/", ""),
            ("/", "//"),
            ("/", "/a"),
            ("/a", "/"),
            ("/a", "a"),
            ("/a", "/b"),
            ("/a", "/a/"),
            ("/a", "/ab"),
            ("/a/{b}", "/a"),
            ("/a/{b}", "/a/"),
            ("/a/{b}", "/a/x/"),
            ("/a/{b}/c", "/a//c"),
            ("/{a}/{*b}", "/x"),
            ("/{a}/{*b}", "//x"),
        ] {
            assert_eq!(of(pattern, path), None, "{pattern} {path}");
        }
    }
}

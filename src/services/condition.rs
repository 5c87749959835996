//! What a caller's change is made on condition of.

/// The version that has to be there before a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Condition<'a> {
    #[default]
    None,
    /// It is there, in any version.
    Exists,
    /// It is there in one of these versions.
    Tags(&'a [String]),
}

impl Condition<'_> {
    /// Whether it holds for what is there, with the tag of its version.
    pub(super) fn holds(self, tag: Option<&String>) -> bool {
        match (self, tag) {
            (Self::None, _) | (Self::Exists, Some(_)) => true,
            (Self::Tags(tags), Some(tag)) => tags.contains(tag),
            (Self::Exists | Self::Tags(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_made_only_to_a_version_that_was_named() {
        let (one, other) = ("1".to_owned(), ["2".to_owned(), "1".to_owned()]);
        assert!(Condition::None.holds(None) && Condition::None.holds(Some(&one)));
        assert!(!Condition::Exists.holds(None) && Condition::Exists.holds(Some(&one)));
        assert!(Condition::Tags(&other).holds(Some(&one)));
        assert!(!Condition::Tags(&other[..1]).holds(Some(&one)));
        assert!(!Condition::Tags(&other).holds(None));
    }
}

//! A small cache of recently used values.

/// A key that reveals nothing about its origin.
pub(super) type Id = [u8; 32];

/// A cache with a maximum number of values. If it is full, a new value replaces
/// the least recently used one.
#[derive(Debug)]
pub(super) struct Recent<V> {
    /// The most recently used value is at the end.
    values: Vec<(Id, V)>,
    most: usize,
}

impl<V: Clone> Recent<V> {
    pub(super) fn new(most: usize) -> Self {
        Self { values: Vec::new(), most }
    }

    pub(super) fn get(&mut self, id: &Id) -> Option<V> {
        let place = self.values.iter().position(|(known, _)| known == id)?;
        self.values[place..].rotate_left(1);
        self.values.last().map(|(_, value)| value.clone())
    }

    pub(super) fn put(&mut self, id: Id, value: V) {
        self.values.retain(|(known, _)| *known != id);
        if self.values.len() >= self.most {
            self.values.remove(0);
        }
        self.values.push((id, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes() {
        let mut recent = Recent::new(2);
        recent.put([1; 32], "a");
        recent.put([2; 32], "b");
        assert_eq!(recent.get(&[1; 32]), Some("a"));
        recent.put([3; 32], "c");
        assert_eq!(recent.get(&[2; 32]), None);
        assert_eq!(recent.get(&[1; 32]), Some("a"));
        assert_eq!(recent.get(&[3; 32]), Some("c"));
        recent.put([3; 32], "d");
        assert_eq!(recent.get(&[3; 32]), Some("d"));
        assert_eq!(recent.get(&[1; 32]), Some("a"), "a new value for a key takes one place");
    }
}

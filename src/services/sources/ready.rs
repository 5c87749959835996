//! The sources that an instance keeps ready to receive, so that their secrets are not
//! opened and their expressions not compiled for each event.

use std::rc::Rc;

use super::list::{SourceList, StoredSource};
use super::prepared::Prepared;

/// Those that received lately, each with the entry of the list that it was made of.
#[derive(Default)]
pub(super) struct Ready {
    kept: Vec<(StoredSource, Rc<Prepared>)>,
    /// The copy of the list that these were last held against.
    list: Option<Rc<SourceList>>,
}

impl Ready {
    /// Drops the sources that are not in the list any more.
    pub(super) fn follow(&mut self, list: &Rc<SourceList>) {
        if self.list.as_ref().is_some_and(|known| Rc::ptr_eq(known, list)) {
            return;
        }
        self.kept.retain(|(of, _)| list.get(of.source.name.as_str()).is_ok());
        self.list = Some(list.clone());
    }

    /// The source that was made of just this entry.
    pub(super) fn get(&mut self, entry: &StoredSource) -> Option<Rc<Prepared>> {
        let (of, prepared) = self.kept.iter_mut().find(|(of, _)| of.is_same(entry))?;
        // The next events have this copy of the list, and need not compare all settings again.
        of.source.clone_from(&entry.source);
        Some(prepared.clone())
    }

    /// Keeps a source in place of the one with its name.
    pub(super) fn put(&mut self, entry: StoredSource, prepared: Rc<Prepared>) {
        self.kept.retain(|(of, _)| of.source.name != entry.source.name);
        self.kept.push((entry, prepared));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SecretKeys;
    use crate::services::sources::prepared::Rules;
    use crate::services::sources::source::Source;

    fn entry(name: &str, topic: &str) -> StoredSource {
        let json = serde_json::json!({"name": name, "topic": topic, "verify": {"none": {}}});
        let source = Source::from_value(json).unwrap().into();
        StoredSource { source, created: 1, memory: None }
    }

    fn put(ready: &mut Ready, entry: &StoredSource) {
        let (keys, rules) = (SecretKeys::default(), Rules::default());
        let prepared = Prepared::new(entry, &keys, &rules).unwrap();
        ready.put(entry.clone(), prepared.into());
    }

    fn list(entries: &[&StoredSource]) -> Rc<SourceList> {
        let mut list = SourceList::default();
        entries.iter().for_each(|entry| list.put(entry).unwrap());
        list.into()
    }

    #[test]
    fn a_source_is_kept_until_it_changes() {
        let mut ready = Ready::default();
        let (first, changed) = (entry("s", "t"), entry("s", "u"));
        let made_anew = StoredSource { memory: Some("0a1b".into()), ..entry("s", "t") };
        assert!(ready.get(&first).is_none());
        put(&mut ready, &first);
        assert!(ready.get(&entry("s", "t")).is_some(), "a copy that was read anew");
        assert!(ready.get(&changed).is_none() && ready.get(&made_anew).is_none());
        put(&mut ready, &changed);
        assert!(ready.get(&first).is_none() && ready.get(&changed).is_some());
        assert_eq!(ready.kept.len(), 1);
    }

    #[test]
    fn a_source_that_was_deleted_is_dropped() {
        let mut ready = Ready::default();
        let (a, b) = (entry("a", "t"), entry("b", "t"));
        put(&mut ready, &a);
        put(&mut ready, &b);
        ready.follow(&list(&[&a, &b]));
        assert_eq!(ready.kept.len(), 2);
        ready.follow(&list(&[&a]));
        assert!(ready.get(&a).is_some() && ready.get(&b).is_none());
        assert_eq!(ready.kept.len(), 1);
    }
}

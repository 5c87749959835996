//! How often each call was made.

use parking_lot::Mutex;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<BTreeMap<String, u64>>);

impl Counters {
    pub(crate) fn count(&self, method: &str, route: &str) {
        let mut counts = self.0.lock();
        let name = format!("{method} {route}");
        *counts.entry(name).or_default() += 1;
    }

    pub(crate) fn all(&self) -> BTreeMap<String, u64> {
        self.0.lock().clone()
    }

    pub(crate) fn reset(&self) {
        self.0.lock().clear();
    }
}

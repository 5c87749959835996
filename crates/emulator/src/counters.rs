//! The number of times each call was made.

use http::Method;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<HashMap<(Method, &'static str), u64>>);

impl Counters {
    pub(crate) fn count(&self, method: &Method, route: &'static str) {
        *self.0.lock().entry((method.clone(), route)).or_default() += 1;
    }

    /// By method and path with placeholders.
    pub(crate) fn all(&self) -> BTreeMap<String, u64> {
        let counts = self.0.lock();
        counts.iter().map(|((method, route), n)| (format!("{method} {route}"), *n)).collect()
    }

    pub(crate) fn reset(&self) {
        self.0.lock().clear();
    }
}

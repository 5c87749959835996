//! The documents of one kind that an instance has copies of: a bounded number.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::Host;
use crate::sorted::SortedMap;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;

/// A copy that is older than this is let go when others need its place.
const MAX_AGE: Duration = Duration::from_secs(2);

pub(super) struct Known<H, T> {
    host: H,
    params: Params,
    most: usize,
    known: RefCell<SortedMap<LaneName, Rc<Shared<H, T>>>>,
}

impl<H, T> Known<H, T>
where
    H: Host,
    T: Serialize + DeserializeOwned + Clone + Default,
{
    pub(super) fn new(host: H, params: Params, most: usize) -> Self {
        Self { host, params, most, known: RefCell::default() }
    }

    pub(super) fn of(&self, name: LaneName) -> Rc<Shared<H, T>> {
        let mut known = self.known.borrow_mut();
        if let Some(known) = known.get(&name) {
            return known.clone();
        }
        if known.len() >= self.most {
            // Those in use keep the changes of this instance in line.
            known.retain(|_, one| Rc::strong_count(one) > 1 || one.known(MAX_AGE).is_some());
            if known.len() >= self.most {
                known.retain(|_, one| Rc::strong_count(one) > 1);
            }
        }
        let new = Rc::new(Shared::new(self.host.clone(), name.clone(), self.params));
        known.insert(name, new.clone());
        new
    }

    /// The document is gone for good.
    pub(super) fn forget(&self, name: &LaneName) {
        self.known.borrow_mut().remove(name);
    }
}

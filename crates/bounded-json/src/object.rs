use std::{collections::BTreeMap, rc::Rc};

use crate::Value;

/// Up to this many entries are looked through one by one.
pub(crate) const FEW: usize = 16;

/// An object. Its entries keep the order in which their keys came first, as jq's do.
///
/// indexmap would do the same, and wants a hash function: a fixed one can be attacked by
/// whoever sends the event, and a random one asks the host for randomness at each start.
/// So a large object has a tree beside its entries.
#[derive(Debug, Clone, Default)]
pub struct Object {
    /// A removed entry leaves a hole, so that the others keep their places.
    entries: Vec<Option<(Rc<str>, Value)>>,
    /// Where each key is, once there are more than [`FEW`] entries.
    places: Option<BTreeMap<Rc<str>, u32>>,
    holes: usize,
    /// Of the deepest value. It may be too large after a change, never too small.
    deepest: u16,
}

impl Object {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.entries.len() - self.holes
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the depth of the deepest value.
    pub fn depth(&self) -> u16 {
        self.deepest.saturating_add(1)
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        let place = self.place(key)?;
        self.entries.get(place)?.as_ref().map(|(_, value)| value)
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// Sets a key. One that is there already keeps its place.
    pub fn insert(&mut self, key: Rc<str>, value: Value) {
        let depth = value.depth();
        let place = self.place(&key);
        if let Some(Some(entry)) = place.and_then(|place| self.entries.get_mut(place)) {
            let old = std::mem::replace(&mut entry.1, value).depth();
            if old == self.deepest && depth < old && self.entries.len() <= FEW {
                self.measure();
            } else {
                self.deepest = self.deepest.max(depth);
            }
            return;
        }
        self.deepest = self.deepest.max(depth);
        if let Some(places) = &mut self.places {
            places.insert(key.clone(), self.entries.len() as u32);
        }
        self.entries.push(Some((key, value)));
        if self.places.is_none() && self.entries.len() > FEW {
            self.index();
        }
    }

    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let place = self.place(key)?;
        let (_, value) = self.entries.get_mut(place)?.take()?;
        self.holes += 1;
        if let Some(places) = &mut self.places {
            places.remove(key);
        }
        if self.holes * 2 > self.entries.len() {
            self.entries.retain(Option::is_some);
            self.holes = 0;
            self.places = None;
            if self.entries.len() > FEW {
                self.index();
            }
            self.measure();
        } else if self.entries.len() <= FEW {
            self.measure();
        }
        Some(value)
    }

    /// Takes a value out and leaves `null` in its place, so that it can be changed
    /// without being copied.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        let place = self.place(key)?;
        let (_, value) = self.entries.get_mut(place)?.as_mut()?;
        Some(std::mem::replace(value, Value::Null))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Rc<str>, &Value)> {
        self.entries.iter().flatten().map(|(key, value)| (key, value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &Rc<str>> {
        self.iter().map(|(key, _)| key)
    }

    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }

    /// The keys in the order of their code points, as jq sorts them.
    pub fn sorted_keys(&self) -> Vec<Rc<str>> {
        match &self.places {
            Some(places) => places.keys().cloned().collect(),
            None => {
                let mut keys: Vec<Rc<str>> = Vec::with_capacity(self.len());
                for key in self.keys() {
                    let place = keys.partition_point(|other| other < key);
                    keys.insert(place, key.clone());
                }
                keys
            }
        }
    }

    fn place(&self, key: &str) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(key).map(|&place| place as usize),
            None => {
                self.entries.iter().position(|entry| matches!(entry, Some((k, _)) if **k == *key))
            }
        }
    }

    fn index(&mut self) {
        let mut places = BTreeMap::new();
        for (place, entry) in self.entries.iter().enumerate() {
            if let Some((key, _)) = entry {
                places.insert(key.clone(), place as u32);
            }
        }
        self.places = Some(places);
    }

    fn measure(&mut self) {
        self.deepest = self.values().map(Value::depth).max().unwrap_or(0);
    }
}

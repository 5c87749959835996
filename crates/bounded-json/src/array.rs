use std::ops::Deref;

use crate::Value;

/// The items of an array, and how deep they go.
#[derive(Debug, Clone, Default)]
pub struct Array {
    items: Vec<Value>,
    /// Of the deepest item. It may be too large after a change, never too small.
    deepest: u16,
}

impl Array {
    pub fn new(items: Vec<Value>) -> Self {
        let deepest = deepest(&items);
        Self { items, deepest }
    }

    /// One more than the depth of the deepest item.
    pub fn depth(&self) -> u16 {
        self.deepest.saturating_add(1)
    }

    pub fn push(&mut self, value: Value) {
        self.deepest = self.deepest.max(value.depth());
        self.items.push(value);
    }

    /// Puts a value in the place of another. Nothing happens behind the end.
    pub fn set(&mut self, index: usize, value: Value) {
        let Some(place) = self.items.get_mut(index) else { return };
        let depth = value.depth();
        let old = std::mem::replace(place, value).depth();
        if old == self.deepest && depth < old && self.items.len() <= crate::object::FEW {
            self.deepest = deepest(&self.items);
        } else {
            self.deepest = self.deepest.max(depth);
        }
    }

    /// Takes a value out and leaves `null` in its place, so that it can be changed
    /// without being copied.
    pub fn take(&mut self, index: usize) -> Option<Value> {
        self.items.get_mut(index).map(|place| std::mem::replace(place, Value::Null))
    }

    pub fn into_items(self) -> Vec<Value> {
        self.items
    }
}

impl Deref for Array {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.items
    }
}

fn deepest(items: &[Value]) -> u16 {
    items.iter().map(Value::depth).max().unwrap_or(0)
}

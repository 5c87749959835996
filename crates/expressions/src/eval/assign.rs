//! Paths, and changes of what lies at them.

use kafka_edge_bounded_json::{Array, Budget, Object, VALUE_BYTES, Value, compare};
use std::cmp::Ordering;
use std::rc::Rc;

use super::{At, Machine, Scope, Stop};
use crate::ops;
use crate::term::{Arithmetic, Assignment, Term};

/// What becomes of the value at a path.
type Change<'c> = &'c mut dyn FnMut(&mut Machine<'_>, Value) -> Result<Value, Stop>;

impl Machine<'_> {
    /// The paths that a term leads to, as arrays.
    pub(super) fn paths(
        &mut self,
        term: &Term,
        root: Value,
        env: Scope<'_>,
    ) -> Result<Vec<Value>, Stop> {
        let mut paths = Vec::new();
        self.each(term, At::root(root), env, &mut |machine, found| {
            let path = machine.path_value(&found)?;
            paths.push(path);
            Ok(())
        })?;
        Ok(paths)
    }

    /// `|=`: the first value counts, and where there is none, the place is deleted.
    #[inline(never)]
    pub(super) fn update<'e>(
        &mut self,
        left: &'e Term,
        right: &'e Term,
        mut root: Value,
        env: Scope<'e>,
    ) -> Result<Value, Stop> {
        let paths = self.paths(left, root.clone(), env)?;
        let mut gone = Vec::new();
        for path in paths {
            let mut emptied = false;
            root = self.change(root, keys(&path), &mut |machine, old| {
                if right.single {
                    return Ok(machine.one(right, At::from(old), env)?.value);
                }
                match machine.first(right, At::from(old.clone()), env)? {
                    Some(new) => Ok(new.value),
                    None => {
                        emptied = true;
                        Ok(old)
                    }
                }
            })?;
            if emptied {
                gone.push(path);
            }
        }
        if gone.is_empty() { Ok(root) } else { self.delete(root, gone) }
    }

    /// `=` and what computes first, with a value of the right side.
    #[inline(never)]
    pub(super) fn assign<'e>(
        &mut self,
        kind: Assignment,
        left: &'e Term,
        given: Value,
        mut root: Value,
        env: Scope<'e>,
    ) -> Result<Value, Stop> {
        for path in self.paths(left, root.clone(), env)? {
            root = self.change(root, keys(&path), &mut |machine, old| match kind {
                Assignment::Arithmetic(kind) => {
                    ops::arithmetic(kind, old, given.clone(), machine.budget)
                }
                Assignment::Alternative if old.is_truthy() => Ok(old),
                _ => Ok(given.clone()),
            })?;
        }
        Ok(root)
    }

    /// Changes what lies at a path. The value is taken out meanwhile, so that it is
    /// changed in its place if nobody else holds it.
    pub(super) fn change(
        &mut self,
        mut root: Value,
        keys: &[Value],
        change: Change<'_>,
    ) -> Result<Value, Stop> {
        self.budget.step()?;
        let Some((key, rest)) = keys.split_first() else { return change(self, root) };
        self.nested(|machine| {
            let old = ops::get(&root, key, machine.budget)?;
            match (&mut root, key) {
                (Value::Object(object), Value::String(key)) => {
                    if Rc::get_mut(object).is_none() {
                        let copied = VALUE_BYTES * (3 + 2 * object.len() as u64);
                        machine.budget.spend_bytes(copied)?;
                    }
                    Rc::make_mut(object).take(key);
                }
                (Value::Array(array), Value::Number(number)) => {
                    if let Some(index) = ops::position(number, array.len()) {
                        machine.own(array)?.take(index);
                    }
                }
                _ => {}
            }
            let new = machine.change(old, rest, change)?;
            ops::set(root, key, new, machine.budget)
        })
    }

    /// Deletes what lies at these paths, all at once.
    pub(super) fn delete(&mut self, root: Value, paths: Vec<Value>) -> Result<Value, Stop> {
        for path in &paths {
            if !matches!(path, Value::Array(_)) {
                let kind = path.type_name();
                return Err(Stop::error(format!("Path must be specified as array, not {kind}")));
            }
        }
        let paired = paths.into_iter().map(|path| (path, Value::Null)).collect();
        let sorted: Vec<Value> =
            ops::sort(paired, self.budget)?.into_iter().map(|(path, _)| path).collect();
        match sorted.first() {
            None => Ok(root),
            Some(first) if keys(first).is_empty() => Ok(Value::Null),
            _ => self.delete_sorted(root, &sorted, 0),
        }
    }

    /// Paths that begin with the same keys lie beside each other, the shortest first.
    fn delete_sorted(
        &mut self,
        mut root: Value,
        paths: &[Value],
        start: usize,
    ) -> Result<Value, Stop> {
        let mut whole = Vec::new();
        let mut left = paths;
        while let Some(key) = left.first().and_then(|path| keys(path).get(start)).cloned() {
            let mut count = 0;
            while let Some(other) = left.get(count).and_then(|path| keys(path).get(start)) {
                if compare(other, &key, self.budget)? != Ordering::Equal {
                    break;
                }
                count += 1;
            }
            // `nan` is equal to nothing.
            let (same, others) = left.split_at(count.max(1));
            left = others;
            if same.first().is_some_and(|path| keys(path).len() == start + 1) {
                whole.push(key);
                continue;
            }
            let inner = ops::get(&root, &key, self.budget)?;
            if matches!(inner, Value::Null) {
                continue;
            }
            let inner = self.nested(|machine| machine.delete_sorted(inner, same, start + 1))?;
            root = ops::set(root, &key, inner, self.budget)?;
        }
        delete_keys(root, &whole, self.budget)
    }

    pub(crate) fn setpath(
        &mut self,
        root: Value,
        path: &Value,
        value: &Value,
    ) -> Result<Value, Stop> {
        let Value::Array(keys) = path else { return Err(no_path()) };
        self.change(root, keys, &mut |_, _| Ok(value.clone()))
    }

    pub(crate) fn delpaths(&mut self, root: Value, paths: &Value) -> Result<Value, Stop> {
        let Value::Array(paths) = paths else {
            return Err(Stop::error("Paths must be specified as an array"));
        };
        self.budget.spend_bytes(VALUE_BYTES * paths.len() as u64)?;
        self.delete(root, paths.to_vec())
    }

    pub(super) fn getpath(&mut self, mut at: At, path: &Value) -> Result<At, Stop> {
        let Value::Array(keys) = path else { return Err(no_path()) };
        for key in keys.iter() {
            self.budget.step()?;
            at = self.index(at, key.clone())?;
        }
        Ok(at)
    }

    /// `add`: strings are put together once, and not one by one.
    pub(super) fn sum(&mut self, values: Vec<Value>) -> Result<Value, Stop> {
        if values.len() > 1 && values.iter().all(|value| matches!(value, Value::String(_))) {
            let length: usize = values.iter().filter_map(Value::as_str).map(str::len).sum();
            self.budget.spend_bytes(length as u64)?;
            let text: String = values.iter().filter_map(Value::as_str).collect();
            return Ok(Value::string(&text, self.budget)?);
        }
        values.into_iter().try_fold(Value::Null, |sum, value| {
            ops::arithmetic(Arithmetic::Add, sum, value, self.budget)
        })
    }
}

fn no_path() -> Stop {
    Stop::error("Path must be specified as an array")
}

fn keys(path: &Value) -> &[Value] {
    path.as_array().map_or(&[], |array| array)
}

fn delete_keys(root: Value, keys: &[Value], budget: &mut Budget) -> Result<Value, Stop> {
    match root {
        _ if keys.is_empty() => Ok(root),
        Value::Null => Ok(root),
        Value::Object(mut object) => {
            if Rc::get_mut(&mut object).is_none() {
                budget.spend_bytes(VALUE_BYTES * (3 + 2 * object.len() as u64))?;
            }
            let own: &mut Object = Rc::make_mut(&mut object);
            for key in keys {
                let Value::String(key) = key else {
                    let kind = key.type_name();
                    return Err(Stop::error(format!("Cannot delete {kind} field of object")));
                };
                budget.spend_steps(1 + key.len() as u64 / 64)?;
                own.remove(key);
            }
            Ok(Value::Object(object))
        }
        Value::Array(array) => delete_items(&array, keys, budget),
        other => {
            let kind = other.type_name();
            Err(Stop::error(format!("Cannot delete fields from {kind}")))
        }
    }
}

fn delete_items(array: &Array, keys: &[Value], budget: &mut Budget) -> Result<Value, Stop> {
    budget.spend_bytes(VALUE_BYTES * array.len() as u64)?;
    budget.spend_steps(array.len() as u64 / 16)?;
    let mut gone = vec![false; array.len()];
    for key in keys {
        budget.step()?;
        let range = match key {
            Value::Number(number) => match ops::position(number, array.len()) {
                Some(index) if index < array.len() => index..index + 1,
                _ => continue,
            },
            Value::Object(slice) => ops::slice_range(slice, array.len())?,
            other => {
                let kind = other.type_name();
                return Err(Stop::error(format!("Cannot delete {kind} element of array")));
            }
        };
        budget.spend_steps(range.len() as u64 / 16)?;
        gone[range].fill(true);
    }
    let kept = array.iter().zip(gone).filter(|(_, gone)| !gone).map(|(item, _)| item.clone());
    Ok(Value::from(kept.collect::<Vec<_>>()))
}

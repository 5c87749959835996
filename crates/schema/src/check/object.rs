//! Members of objects.

use super::{Fits, Run};
use crate::failure::{At, Fault, Step};
use crate::node::{Id, Members};
use kafka_edge_bounded_json::{Exceeded, Object, Value};
use std::rc::Rc;

impl Run<'_, '_> {
    /// Takes a step for looking for a key among so many, and more for a long key
    /// and for many.
    fn look(&mut self, key: &str, among: usize) -> Result<(), Exceeded> {
        let halvings = u64::from(among.max(1).ilog2());
        self.budget.spend_steps(1 + key.len() as u64 / 64 + halvings / 4)
    }

    pub(super) fn members(&mut self, members: &Members, object: &Object, at: &At<'_>) -> Fits {
        if members.patterns.is_empty() && members.others.is_none() {
            // Nothing is said about the members that have no name in the schema.
            for (key, id) in &members.named {
                self.look(key, object.len())?;
                let Some(value) = object.get(key) else { continue };
                if !self.apply(*id, value, &at.down(Step::Key(key)))? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        for (key, value) in object.iter() {
            if !self.member(members, key, value, &at.down(Step::Key(key)))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn member(&mut self, members: &Members, key: &str, value: &Value, at: &At<'_>) -> Fits {
        self.look(key, members.named.len())?;
        let mut described = false;
        if let Ok(place) = members.named.binary_search_by(|(name, _)| (**name).cmp(key)) {
            described = true;
            if !self.apply(members.named[place].1, value, at)? {
                return Ok(false);
            }
        }
        for (pattern, id) in &members.patterns {
            if pattern.matches(key, self.budget)? {
                described = true;
                if !self.apply(*id, value, at)? {
                    return Ok(false);
                }
            }
        }
        match members.others {
            Some(others) if !described => self.apply(others, value, at),
            _ => Ok(true),
        }
    }

    pub(super) fn property_names(&mut self, names: Id, object: &Object, at: &At<'_>) -> Fits {
        for key in object.keys() {
            self.budget.step()?;
            let name = Value::String(key.clone());
            if !self.apply(names, &name, &at.down(Step::Name(key)))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn required(
        &mut self,
        id: Id,
        keys: &[Rc<str>],
        object: &Object,
        at: &At<'_>,
    ) -> Fits {
        for key in keys {
            self.look(key, object.len())?;
            if !object.contains_key(key) {
                return self.fail(id, "required", at, Fault::Lacks(key));
            }
        }
        Ok(true)
    }

    pub(super) fn dependent_required(
        &mut self,
        id: Id,
        dependent: &[(Rc<str>, Vec<Rc<str>>)],
        object: &Object,
        at: &At<'_>,
    ) -> Fits {
        for (key, needed) in dependent {
            self.look(key, object.len())?;
            if !object.contains_key(key) {
                continue;
            }
            for other in needed {
                self.look(other, object.len())?;
                if !object.contains_key(other) {
                    let fault = Fault::HasButLacks(key, other);
                    return self.fail(id, "dependentRequired", at, fault);
                }
            }
        }
        Ok(true)
    }

    pub(super) fn dependent_schemas(
        &mut self,
        dependent: &[(Rc<str>, Id)],
        object: &Object,
        value: &Value,
        at: &At<'_>,
    ) -> Fits {
        for (key, id) in dependent {
            self.look(key, object.len())?;
            if object.contains_key(key) && !self.apply(*id, value, at)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

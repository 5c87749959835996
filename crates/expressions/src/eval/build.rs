//! Arrays, objects, strings, and the arguments of functions.

use kafka_edge_bounded_json::{Object, VALUE_BYTES, Value};

use super::{At, Flow, Machine, Out, Scope, Stop};
use crate::formats::Format;
use crate::ops;
use crate::term::{Part, Term};

impl Machine<'_> {
    pub(super) fn collect<'e>(
        &mut self,
        term: Option<&'e Term>,
        at: At,
        env: Scope<'e>,
    ) -> Result<At, Stop> {
        let path = at.path.lost();
        let mut items = Vec::new();
        if let Some(term) = term {
            self.each(term, at.without_path(), env, &mut |machine, found| {
                machine.budget.spend_bytes(VALUE_BYTES)?;
                items.push(found.value);
                Ok(())
            })?;
        }
        self.budget.spend_bytes(2 * VALUE_BYTES)?;
        Ok(At { value: Value::from(items).not_too_deep()?, path })
    }

    /// An object whose keys and values are one each.
    pub(super) fn object<'e>(
        &mut self,
        entries: &'e [(Term, Term)],
        at: At,
        env: Scope<'e>,
    ) -> Result<At, Stop> {
        let mut object = Object::new();
        for (key, value) in entries {
            let key = ops::key(self.value(key, &at, env)?, self.budget)?;
            let value = self.value(value, &at, env)?;
            self.budget.spend_steps(key.len() as u64 / 64)?;
            self.budget.spend_bytes(2 * VALUE_BYTES)?;
            object.insert(key, value);
        }
        self.budget.spend_bytes(3 * VALUE_BYTES)?;
        Ok(at.computed(Value::from(object).not_too_deep()?))
    }

    /// Objects for all combinations, from the entry at `from` on.
    pub(super) fn objects<'e>(
        &mut self,
        entries: &'e [(Term, Term)],
        at: &At,
        env: Scope<'e>,
        made: Object,
        out: Out<'_>,
    ) -> Flow {
        let Some(((key, value), rest)) = entries.split_first() else {
            self.budget.spend_bytes(3 * VALUE_BYTES)?;
            let made = at.computed(Value::from(made).not_too_deep()?);
            return out(self, made);
        };
        self.nested(|machine| {
            machine.values(key, at, env, &mut |machine, key| {
                let key = ops::key(key, machine.budget)?;
                machine.values(value, at, env, &mut |machine, value| {
                    machine.budget.spend_bytes(2 * VALUE_BYTES * (1 + made.len() as u64))?;
                    let mut more = made.clone();
                    more.insert(key.clone(), value);
                    machine.objects(rest, at, env, more, out)
                })
            })
        })
    }

    /// Strings for all combinations; the last part changes slowest, as in jq.
    pub(super) fn interpolate<'e>(
        &mut self,
        format: Format,
        parts: &'e [Part],
        at: &At,
        env: Scope<'e>,
        tail: &str,
        out: Out<'_>,
    ) -> Flow {
        let Some((part, rest)) = parts.split_last() else {
            let made = at.computed(Value::string(tail, self.budget)?);
            return out(self, made);
        };
        self.nested(|machine| match part {
            Part::Text(text) => {
                let tail = ops::concat(text, tail, machine.budget)?;
                machine.interpolate(format, rest, at, env, &tail, out)
            }
            Part::Inside(term) => machine.values(term, at, env, &mut |machine, value| {
                let text = format.apply(&value, machine.budget)?;
                let tail = ops::concat(text.as_str().unwrap_or(""), tail, machine.budget)?;
                machine.interpolate(format, rest, at, env, &tail, out)
            }),
        })
    }

    /// Calls back with the arguments of a function of values, for all combinations; the
    /// last argument changes slowest, as in jq.
    pub(super) fn simple_many<'e>(
        &mut self,
        arguments: &'e [Term],
        at: &At,
        env: Scope<'e>,
        known: &mut Vec<Value>,
        out: &mut dyn FnMut(&mut Machine<'_>, &[Value]) -> Flow,
    ) -> Flow {
        let Some((last, rest)) = arguments.split_last() else {
            let values: Vec<Value> = known.iter().rev().cloned().collect();
            return out(self, &values);
        };
        self.values(last, at, env, &mut |machine, value| {
            known.push(value);
            let flow = machine.simple_many(rest, at, env, known, out);
            known.pop();
            flow
        })
    }
}

//! Functions that give any number of values out of a few.

use kafka_edge_bounded_json::{VALUE_BYTES, Value};
use std::rc::Rc;

use super::{At, Flow, Machine, Out, Scope, Stop};
use crate::builtins::Filter;
use crate::ops;
use crate::term::{Arithmetic, Comparison, Term};

/// What is still to be done. It lies in a list, so that the stack stays flat however
/// often a function goes on.
enum Task {
    /// Decide what to do with a value.
    Visit(At),
    /// Hand it out.
    Give(At),
    /// Go on from it.
    Next(At),
    /// Going on from a value ended with this, behind what it gave before.
    Fail(Stop),
}

impl Machine<'_> {
    /// `recurse(f)`, `while`, `until` and `repeat`.
    pub(super) fn explore<'e>(
        &mut self,
        filter: Filter,
        condition: Option<&'e Term>,
        next: &'e Term,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        if filter == Filter::Repeat {
            loop {
                self.budget.step()?;
                self.each(next, at.clone(), env, out)?;
            }
        }
        let mut tasks = vec![Task::Visit(at)];
        while let Some(task) = tasks.pop() {
            self.budget.step()?;
            self.budget.spend_bytes(VALUE_BYTES)?;
            let from = tasks.len();
            match task {
                Task::Visit(at) => match condition {
                    None => tasks.extend([Task::Give(at.clone()), Task::Next(at)]),
                    Some(condition) => {
                        self.values(condition, &at, env, &mut |machine, value| {
                            machine.budget.spend_bytes(VALUE_BYTES)?;
                            match (filter, value.is_truthy()) {
                                (Filter::Until, true) => tasks.push(Task::Give(at.clone())),
                                (Filter::Until, false) => tasks.push(Task::Next(at.clone())),
                                (_, true) => {
                                    tasks.extend([Task::Give(at.clone()), Task::Next(at.clone())]);
                                }
                                (_, false) => {}
                            }
                            Ok(())
                        })?
                    }
                },
                Task::Give(at) => out(self, at)?,
                Task::Next(at) => {
                    let flow = self.each(next, at, env, &mut |machine, found| {
                        machine.budget.spend_bytes(2 * VALUE_BYTES)?;
                        tasks.push(Task::Visit(found));
                        Ok(())
                    });
                    match flow {
                        Ok(()) => {}
                        Err(stop @ (Stop::Error(_) | Stop::Break(_))) => {
                            tasks.push(Task::Fail(stop))
                        }
                        Err(stop) => return Err(stop),
                    }
                }
                Task::Fail(stop) => return Err(stop),
            }
            tasks[from..].reverse();
        }
        Ok(())
    }

    pub(super) fn range<'e>(
        &mut self,
        from: &'e Term,
        to: &'e Term,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        self.values(from, &at, env, &mut |machine, from| {
            machine.values(to, &at, env, &mut |machine, to| {
                if !matches!((&from, &to), (Value::Number(_), Value::Number(_))) {
                    return Err(Stop::error("Range bounds must be numeric"));
                }
                machine.count(&at, from.clone(), &to, (&Value::from(1), Comparison::Less), out)
            })
        })
    }

    pub(super) fn range_by<'e>(
        &mut self,
        [from, to, by]: [&'e Term; 3],
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        self.values(from, &at, env, &mut |machine, from| {
            machine.values(to, &at, env, &mut |machine, to| {
                machine.values(by, &at, env, &mut |machine, by| {
                    let zero = Value::from(0);
                    let order = kafka_edge_bounded_json::compare(&by, &zero, machine.budget)?;
                    let goes_on = match order {
                        std::cmp::Ordering::Greater => Comparison::Less,
                        std::cmp::Ordering::Less => Comparison::Greater,
                        std::cmp::Ordering::Equal => return Ok(()),
                    };
                    machine.count(&at, from.clone(), &to, (&by, goes_on), out)
                })
            })
        })
    }

    fn count(
        &mut self,
        at: &At,
        mut value: Value,
        to: &Value,
        (by, goes_on): (&Value, Comparison),
        out: Out<'_>,
    ) -> Flow {
        while ops::comparison(goes_on, &value, to, self.budget)?.is_truthy() {
            self.budget.step()?;
            out(self, at.computed(value.clone()))?;
            value = ops::arithmetic(Arithmetic::Add, value, by.clone(), self.budget)?;
        }
        Ok(())
    }

    /// Inside out; of what an entry of an object becomes, the first value counts.
    pub(super) fn walk<'e>(
        &mut self,
        f: &'e Term,
        value: Value,
        env: Scope<'e>,
        out: &mut dyn FnMut(&mut Machine<'_>, Value) -> Flow,
    ) -> Flow {
        self.budget.step()?;
        let made = self.nested(|machine| machine.walk_inside(f, value, env))?;
        if f.single {
            let value = self.one(f, At::from(made), env)?.value;
            return out(self, value);
        }
        self.each(f, At::from(made), env, &mut |machine, found| out(machine, found.value))
    }

    fn walk_inside<'e>(
        &mut self,
        f: &'e Term,
        value: Value,
        env: Scope<'e>,
    ) -> Result<Value, Stop> {
        match value {
            Value::Array(items) => {
                let mut made = Vec::new();
                for item in items.iter() {
                    self.walk(f, item.clone(), env, &mut |machine, value| {
                        machine.budget.spend_bytes(VALUE_BYTES)?;
                        made.push(value);
                        Ok(())
                    })?;
                }
                Ok(Value::from(made).not_too_deep()?)
            }
            Value::Object(mut object) => {
                self.budget.spend_bytes(VALUE_BYTES * (3 + 2 * object.len() as u64))?;
                let before = object.clone();
                for (key, item) in before.iter() {
                    let mut first = None;
                    self.breakable(|machine, label| {
                        machine.walk(f, item.clone(), env, &mut |_, value| {
                            first = Some(value);
                            Err(Stop::Break(label))
                        })
                    })?;
                    let own = Rc::make_mut(&mut object);
                    match first {
                        Some(value) => own.insert(key.clone(), value),
                        None => drop(own.remove(key)),
                    }
                }
                Ok(Value::Object(object).not_too_deep()?)
            }
            scalar => Ok(scalar),
        }
    }

    pub(super) fn combinations(&mut self, at: At, out: Out<'_>) -> Flow {
        let length = self.simple(crate::builtins::Simple::Length, at.value.clone(), &[])?;
        if ops::comparison(Comparison::Equal, &length, &Value::from(0), self.budget)?.is_truthy() {
            let nothing = at.computed(Value::array(Vec::new(), self.budget)?);
            return out(self, nothing);
        }
        let Value::Array(lists) = &at.value else {
            ops::get(&at.value, &Value::from(0), self.budget)?;
            return Ok(());
        };
        self.combine(lists, &at, &mut Vec::new(), out)
    }

    fn combine(&mut self, lists: &[Value], at: &At, chosen: &mut Vec<Value>, out: Out<'_>) -> Flow {
        let Some((list, rest)) = lists.split_first() else {
            let made = Value::array(chosen.clone(), self.budget)?;
            return out(self, at.computed(made));
        };
        self.nested(|machine| {
            machine.iterate(&At::from(list.clone()), false, &mut |machine, item| {
                chosen.push(item.value);
                let flow = machine.combine(rest, at, chosen, out);
                chosen.pop();
                flow
            })
        })
    }
}

//! Functions that take filters.

use kafka_edge_bounded_json::{VALUE_BYTES, Value};

use super::{At, Flow, Machine, Out, Path, Scope, Stop};
use crate::builtins::Filter;
use crate::ops;
use crate::term::{Arithmetic, Comparison, Term};

impl Machine<'_> {
    #[inline(never)]
    pub(super) fn filter<'e>(
        &mut self,
        filter: Filter,
        arguments: &'e [Term],
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        match (filter, arguments) {
            (Filter::Empty, _) => Ok(()),
            (Filter::Error, _) => Err(Stop::Error(at.value)),
            (Filter::Recurse, _) => self.recurse(at, out),
            (Filter::Combinations, _) => self.combinations(at, out),
            (Filter::ErrorWith, [message]) => {
                self.values(message, &at, env, &mut |_, value| Err(Stop::Error(value)))
            }
            (Filter::Path, [f]) => {
                let path = at.path.lost();
                self.each(f, At::root(at.value), env, &mut |machine, found| {
                    let value = machine.path_value(&found)?;
                    out(machine, At { value, path: path.clone() })
                })
            }
            (Filter::Getpath, [path]) => self.values(path, &at, env, &mut |machine, path| {
                let found = machine.getpath(at.clone(), &path)?;
                out(machine, found)
            }),
            (Filter::First, [f]) => match self.first(f, at, env)? {
                Some(found) => out(self, found),
                None => Ok(()),
            },
            (Filter::Last, [f]) => {
                let mut last = None;
                self.each(f, at, env, &mut |_, found| {
                    last = Some(found);
                    Ok(())
                })?;
                last.map_or(Ok(()), |found| out(self, found))
            }
            (Filter::Limit, [n, f]) => self.limit(n, f, at, env, out),
            (Filter::Skip, [n, f]) => self.skip(n, f, at, env, out),
            (Filter::Range, [from, to]) => self.range(from, to, at, env, out),
            (Filter::RangeBy, [from, to, by]) => self.range_by([from, to, by], at, env, out),
            (Filter::RecurseBy | Filter::Repeat, [f]) => {
                self.explore(filter, None, f, at, env, out)
            }
            (Filter::While | Filter::Until, [condition, f]) => {
                self.explore(filter, Some(condition), f, at, env, out)
            }
            (Filter::Walk, [f]) => {
                let path = at.path.lost();
                self.walk(f, at.value, env, &mut |machine, value| {
                    out(machine, At { value, path: path.clone() })
                })
            }
            _ => {
                let path = at.path.lost();
                let value = self.summary(filter, arguments, at, env)?;
                out(self, At { value, path })
            }
        }
    }

    /// Those that give exactly one value.
    #[inline(never)]
    fn summary<'e>(
        &mut self,
        filter: Filter,
        arguments: &'e [Term],
        at: At,
        env: Scope<'e>,
    ) -> Result<Value, Stop> {
        match (filter, arguments) {
            (Filter::Del, [f]) => {
                let paths = self.paths(f, at.value.clone(), env)?;
                self.delete(at.value, paths)
            }
            (Filter::IsEmpty, [f]) => Ok(self.first(f, at.without_path(), env)?.is_none().into()),
            (Filter::Any | Filter::All, [f, condition]) => {
                let decides = filter == Filter::Any;
                let mut decided = false;
                self.breakable(|machine, label| {
                    machine.each(f, at.without_path(), env, &mut |machine, found| {
                        machine.values(condition, &found, env, &mut |_, value| {
                            if value.is_truthy() != decides {
                                return Ok(());
                            }
                            decided = true;
                            Err(Stop::Break(label))
                        })
                    })
                })?;
                Ok((decided == decides).into())
            }
            (Filter::Add, [f]) => {
                let mut values = Vec::new();
                self.each(f, at.without_path(), env, &mut |machine, found| {
                    machine.budget.spend_bytes(VALUE_BYTES)?;
                    values.push(found.value);
                    Ok(())
                })?;
                self.sum(values)
            }
            (_, [f]) => self.by_keys(filter, f, at.value, env),
            _ => Ok(Value::Null),
        }
    }

    /// What sorts by keys or looks for the least or greatest.
    fn by_keys<'e>(
        &mut self,
        filter: Filter,
        f: &'e Term,
        input: Value,
        env: Scope<'e>,
    ) -> Result<Value, Stop> {
        let mut pairs = Vec::new();
        self.iterate(&At::from(input.clone()), false, &mut |machine, item| {
            let key = machine.collect(Some(f), item.clone(), env)?.value;
            machine.budget.spend_bytes(2 * VALUE_BYTES)?;
            pairs.push((key, item.value));
            Ok(())
        })?;
        if !matches!(input, Value::Array(_)) {
            let keys = Value::array(pairs.into_iter().map(|(key, _)| key).collect(), self.budget)?;
            let what = match filter {
                Filter::MinBy | Filter::MaxBy => "cannot be iterated over",
                _ => "cannot be sorted, as they are not both arrays",
            };
            return Err(ops::type_error2(&input, &keys, what, self.budget)?);
        }
        match filter {
            Filter::MinBy => ops::extreme(pairs, false, self.budget),
            Filter::MaxBy => ops::extreme(pairs, true, self.budget),
            Filter::SortBy => {
                let sorted = ops::sort(pairs, self.budget)?;
                let items = sorted.into_iter().map(|(_, item)| item).collect();
                Ok(Value::array(items, self.budget)?)
            }
            _ => ops::group(pairs, filter == Filter::GroupBy, self.budget),
        }
    }

    /// The first value, if there is one; nothing behind it is made.
    pub(super) fn first<'e>(
        &mut self,
        f: &'e Term,
        at: At,
        env: Scope<'e>,
    ) -> Result<Option<At>, Stop> {
        let mut first = None;
        self.breakable(|machine, label| {
            machine.each(f, at, env, &mut |_, found| {
                first = Some(found);
                Err(Stop::Break(label))
            })
        })?;
        Ok(first)
    }

    /// One less, by jq's rules of subtraction.
    fn less_one(&mut self, count: Value) -> Result<Value, Stop> {
        ops::arithmetic(Arithmetic::Subtract, count, Value::from(1), self.budget)
    }

    fn is(&mut self, kind: Comparison, a: &Value, b: i64) -> Result<bool, Stop> {
        Ok(ops::comparison(kind, a, &Value::from(b), self.budget)?.is_truthy())
    }

    fn limit<'e>(
        &mut self,
        n: &'e Term,
        f: &'e Term,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        self.values(n, &at, env, &mut |machine, count| {
            if !machine.is(Comparison::Greater, &count, 0)? {
                if machine.is(Comparison::Equal, &count, 0)? {
                    return Ok(());
                }
                return Err(Stop::error("limit doesn't support negative count"));
            }
            let mut left = count;
            machine.breakable(|machine, label| {
                machine.each(f, at.clone(), env, &mut |machine, found| {
                    left = machine.less_one(std::mem::take(&mut left))?;
                    out(machine, found)?;
                    match machine.is(Comparison::LessOrEqual, &left, 0)? {
                        true => Err(Stop::Break(label)),
                        false => Ok(()),
                    }
                })
            })
        })
    }

    fn skip<'e>(&mut self, n: &'e Term, f: &'e Term, at: At, env: Scope<'e>, out: Out<'_>) -> Flow {
        self.values(n, &at, env, &mut |machine, count| {
            if machine.is(Comparison::Equal, &count, 0)? {
                return machine.each(f, at.clone(), env, out);
            }
            if machine.is(Comparison::Less, &count, 0)? {
                return Err(Stop::error("skip doesn't support negative count"));
            }
            let mut left = count;
            machine.each(f, at.clone(), env, &mut |machine, found| {
                if machine.is(Comparison::Less, &left, 0)? {
                    return out(machine, found);
                }
                left = machine.less_one(std::mem::take(&mut left))?;
                match machine.is(Comparison::Less, &left, 0)? {
                    true => out(machine, found),
                    false => Ok(()),
                }
            })
        })
    }

    /// The value and all that lie in it, outside in. What is still to come lies in a
    /// list, not on the stack.
    fn recurse(&mut self, at: At, out: Out<'_>) -> Flow {
        if matches!(at.path, Path::Lost) {
            return out(self, at);
        }
        let mut tasks = vec![at];
        while let Some(at) = tasks.pop() {
            self.budget.step()?;
            let from = tasks.len();
            if at.value.depth() > 0 {
                self.iterate(&at, true, &mut |machine, found| {
                    machine.budget.spend_bytes(2 * VALUE_BYTES)?;
                    tasks.push(found);
                    Ok(())
                })?;
            }
            tasks[from..].reverse();
            out(self, at)?;
        }
        Ok(())
    }
}

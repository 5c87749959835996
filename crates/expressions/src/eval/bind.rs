//! Variables: destructuring, and the parameters of functions.

use kafka_edge_bounded_json::Value;

use super::{At, Env, Flow, Machine, Out, Scope, Slot, Stop};
use crate::ops;
use crate::term::{Fold, Function, Hops, Member, Pattern, Term};

/// Goes on where all variables are bound.
type Bound<'o> = &'o mut dyn FnMut(&mut Machine<'_>, Scope<'_>) -> Flow;

/// A pattern, or a part of one, against a value. Keys are evaluated in the environment
/// around the pattern.
#[derive(Clone, Copy)]
struct Match<'e> {
    value: &'e Value,
    around: Scope<'e>,
}

impl Machine<'_> {
    pub(crate) fn bind(
        &mut self,
        pattern: &Pattern,
        value: Value,
        around: Scope<'_>,
        bound: Bound<'_>,
    ) -> Flow {
        if matches!(pattern, Pattern::Variable) {
            return bound(self, Some(&Env { slot: Slot::Value(value), next: around }));
        }
        self.take_apart(pattern, Match { value: &value, around }, around, bound)
    }

    fn take_apart(
        &mut self,
        pattern: &Pattern,
        found: Match<'_>,
        env: Scope<'_>,
        bound: Bound<'_>,
    ) -> Flow {
        self.budget.step()?;
        self.nested(|machine| match pattern {
            Pattern::Variable => {
                let slot = Slot::Value(found.value.clone());
                bound(machine, Some(&Env { slot, next: env }))
            }
            Pattern::Array(items) => {
                // jq takes the last item first, which shows in errors.
                let last = Value::from(items.len() as i64 - 1);
                ops::get(found.value, &last, machine.budget)?;
                machine.items(items, 0, found, env, bound)
            }
            Pattern::Object(members) => machine.members(members, found, env, bound),
        })
    }

    fn items(
        &mut self,
        items: &[Pattern],
        index: i64,
        found: Match<'_>,
        env: Scope<'_>,
        bound: Bound<'_>,
    ) -> Flow {
        let Some((item, rest)) = items.split_first() else { return bound(self, env) };
        let value = ops::get(found.value, &Value::from(index), self.budget)?;
        let inner = Match { value: &value, around: found.around };
        self.take_apart(item, inner, env, &mut |machine, env| {
            machine.items(rest, index + 1, found, env, bound)
        })
    }

    fn members(
        &mut self,
        members: &[Member],
        found: Match<'_>,
        env: Scope<'_>,
        bound: Bound<'_>,
    ) -> Flow {
        let Some((member, rest)) = members.split_first() else { return bound(self, env) };
        let here = At::from(found.value.clone());
        self.budget.enter()?;
        let flow = self.values(&member.key, &here, found.around, &mut |machine, key| {
            let value = ops::get(found.value, &key, machine.budget)?;
            let slot = Slot::Value(value.clone());
            let with = Env { slot, next: env };
            let env = if member.binds { Some(&with) } else { env };
            let Some(pattern) = &member.pattern else {
                return machine.members(rest, found, env, bound);
            };
            let inner = Match { value: &value, around: found.around };
            machine.take_apart(pattern, inner, env, &mut |machine, env| {
                machine.members(rest, found, env, bound)
            })
        });
        self.budget.leave();
        flow
    }

    /// A call: the filters that are given, then the values of those that are values.
    #[inline(never)]
    pub(super) fn call<'e>(
        &mut self,
        hops: Hops,
        function: &'e Function,
        arguments: &'e [Term],
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        let defined = self.entry(env, hops)?;
        self.give(function, arguments, arguments, at, (env, defined), out)
    }

    fn give<'e>(
        &mut self,
        function: &'e Function,
        arguments: &'e [Term],
        left: &'e [Term],
        at: At,
        (written, inside): (Scope<'e>, Scope<'e>),
        out: Out<'_>,
    ) -> Flow {
        if let Some((first, left)) = left.split_first() {
            let with = Env { slot: Slot::Filter(first, written), next: inside };
            return self.nested(|machine| {
                machine.give(function, arguments, left, at, (written, Some(&with)), out)
            });
        }
        self.evaluate(function, arguments, 0, at, (written, inside), out)
    }

    fn evaluate<'e>(
        &mut self,
        function: &'e Function,
        arguments: &'e [Term],
        from: usize,
        at: At,
        (written, inside): (Scope<'e>, Scope<'e>),
        out: Out<'_>,
    ) -> Flow {
        let next = function.values.iter().skip(from).position(|value| *value);
        let argument = next.and_then(|next| Some((from + next, arguments.get(from + next)?)));
        let Some((index, argument)) = argument else {
            return self.each(&function.body, at, inside, out);
        };
        let here = at.plain();
        self.values(argument, &here, written, &mut |machine, value| {
            let with = Env { slot: Slot::Value(value), next: inside };
            let scopes = (written, Some(&with));
            machine.nested(|machine| {
                machine.evaluate(function, arguments, index + 1, at.clone(), scopes, out)
            })
        })
    }

    #[inline(never)]
    pub(super) fn parameter<'e>(
        &mut self,
        hops: Hops,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        match self.entry(env, hops)? {
            Some(Env { slot: Slot::Filter(term, written), .. }) => {
                self.each(term, at, *written, out)
            }
            _ => Err(Stop::error("a filter is not there")),
        }
    }

    #[inline(never)]
    pub(super) fn reduce<'e>(
        &mut self,
        fold: &'e Fold,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        let here = at.plain();
        self.each(&fold.init, at, env, &mut |machine, init| {
            let nothing = init.computed(Value::Null);
            let mut state = Some(init);
            machine.values(&fold.source, &here, env, &mut |machine, value| {
                machine.bind(&fold.pattern, value, env, &mut |machine, env| {
                    let before = state.take().unwrap_or_else(|| nothing.clone());
                    if fold.update.single {
                        state = Some(machine.one(&fold.update, before, env)?);
                        return Ok(());
                    }
                    machine.each(&fold.update, before, env, &mut |_, after| {
                        state = Some(after);
                        Ok(())
                    })
                })
            })?;
            out(machine, state.unwrap_or(nothing))
        })
    }

    #[inline(never)]
    pub(super) fn foreach<'e>(
        &mut self,
        fold: &'e Fold,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        let here = at.plain();
        self.each(&fold.init, at, env, &mut |machine, init| {
            let mut state = init;
            machine.values(&fold.source, &here, env, &mut |machine, value| {
                machine.bind(&fold.pattern, value, env, &mut |machine, env| {
                    let before = state.clone();
                    machine.each(&fold.update, before, env, &mut |machine, after| {
                        state = after.clone();
                        match &fold.extract {
                            Some(extract) => machine.each(extract, after, env, out),
                            None => out(machine, after),
                        }
                    })
                })
            })
        })
    }
}

//! Terms that give any number of values.

use kafka_edge_bounded_json::{Object, Value};

use super::{At, Env, Flow, Machine, Out, Scope, Slot, Stop};
use crate::ops;
use crate::term::{Assignment, Op, Term};

impl Machine<'_> {
    /// Only spreads the work, so that the stack has room for one kind of term at a time.
    pub(super) fn many<'e>(
        &mut self,
        term: &'e Term,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        match &term.op {
            Op::Identity | Op::Literal(_) | Op::Variable(_) | Op::Array(_) | Op::Format(_) => {
                let value = self.one(term, at, env)?;
                out(self, value)
            }
            Op::Pipe(stages) => self.pipe(stages, at, env, out),
            Op::Comma(terms) => self.comma(terms, at, env, out),
            Op::Iterate { base, optional } => self.iterate_each(base, *optional, at, env, out),
            Op::Index { base, key, optional } => {
                self.index_each(base, key, *optional, at, env, out)
            }
            Op::Slice { base, from, to, optional } => {
                let bounds = (from.as_deref(), to.as_deref());
                self.slice_each(base, bounds, *optional, at, env, out)
            }
            Op::Bind { source, pattern, body } => {
                let here = at.plain();
                self.values(source, &here, env, &mut |machine, value| {
                    machine.bind(pattern, value, env, &mut |machine, env| {
                        machine.each(body, at.clone(), env, out)
                    })
                })
            }
            Op::Reduce(fold) => self.reduce(fold, at, env, out),
            Op::Foreach(fold) => self.foreach(fold, at, env, out),
            Op::If { condition, then, otherwise } => {
                self.condition(condition, then, otherwise.as_deref(), at, env, out)
            }
            Op::Try { body, catch } => self.attempt(body, catch.as_deref(), at, env, out),
            Op::Arithmetic(..) | Op::Compare(..) | Op::Negate(_) => {
                self.operator(term, at, env, out)
            }
            Op::And(a, b) => self.logic(false, a, b, at, env, out),
            Op::Or(a, b) => self.logic(true, a, b, at, env, out),
            Op::Alternative(a, b) => self.alternative(a, b, at, env, out),
            Op::Assign(kind, left, right) => self.assignment(*kind, left, right, at, env, out),
            Op::Object(entries) => self.objects(entries, &at, env, Object::new(), out),
            Op::Interpolation(format, parts) => self.interpolate(*format, parts, &at, env, "", out),
            Op::Simple(simple, arguments) => {
                let here = at.plain();
                let mut known = Vec::new();
                self.simple_many(arguments, &here, env, &mut known, &mut |machine, values| {
                    let value = machine.simple(*simple, at.value.clone(), values)?;
                    out(machine, at.computed(value))
                })
            }
            Op::Filter(filter, arguments) => self.filter(*filter, arguments, at, env, out),
            Op::Call { hops, function, arguments } => {
                self.call(*hops, function, arguments, at, env, out)
            }
            Op::Parameter(hops, _) => self.parameter(*hops, at, env, out),
            Op::Label(body) => self.breakable(|machine, label| {
                let with = Env { slot: Slot::Label(label), next: env };
                machine.each(body, at, Some(&with), out)
            }),
            Op::Break(hops) => match self.entry(env, *hops)? {
                Some(Env { slot: Slot::Label(label), .. }) => Err(Stop::Break(*label)),
                _ => Err(Stop::error("a label is not there")),
            },
        }
    }

    /// Stages that give one value follow each other without a callback.
    #[inline(never)]
    fn pipe<'e>(&mut self, stages: &'e [Term], mut at: At, env: Scope<'e>, out: Out<'_>) -> Flow {
        for (index, stage) in stages.iter().enumerate() {
            let rest = &stages[index + 1..];
            if rest.is_empty() {
                return self.each(stage, at, env, out);
            }
            if !stage.single {
                return self.each(stage, at, env, &mut |machine, found| {
                    machine.pipe(rest, found, env, out)
                });
            }
            at = self.one(stage, at, env)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn comma<'e>(&mut self, terms: &'e [Term], at: At, env: Scope<'e>, out: Out<'_>) -> Flow {
        terms.iter().try_for_each(|term| self.each(term, at.clone(), env, out))
    }

    #[inline(never)]
    fn iterate_each<'e>(
        &mut self,
        base: &'e Term,
        optional: bool,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        if base.single {
            let found = self.one(base, at, env)?;
            return self.iterate(&found, optional, out);
        }
        self.each(base, at, env, &mut |machine, found| machine.iterate(&found, optional, out))
    }

    #[inline(never)]
    fn index_each<'e>(
        &mut self,
        base: &'e Term,
        key: &'e Term,
        optional: bool,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        let here = at.plain();
        self.values(key, &here, env, &mut |machine, key| {
            machine.each(base, at.clone(), env, &mut |machine, found| {
                machine.access(found, key.clone(), optional, out)
            })
        })
    }

    fn access(&mut self, at: At, key: Value, optional: bool, out: Out<'_>) -> Flow {
        // What is no path at all is an error with `?` as well.
        let lost = matches!(at.path, super::Path::Lost);
        match self.index(at, key) {
            Ok(found) => out(self, found),
            Err(Stop::Error(_)) if optional && !lost => Ok(()),
            Err(stop) => Err(stop),
        }
    }

    #[inline(never)]
    fn slice_each<'e>(
        &mut self,
        base: &'e Term,
        (from, to): (Option<&'e Term>, Option<&'e Term>),
        optional: bool,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        let here = at.plain();
        self.bound(from, &here, env, &mut |machine, from| {
            machine.bound(to, &here, env, &mut |machine, to| {
                let key = ops::slice_key(from.clone(), to, machine.budget)?;
                machine.each(base, at.clone(), env, &mut |machine, found| {
                    machine.access(found, key.clone(), optional, out)
                })
            })
        })
    }

    fn bound<'e>(
        &mut self,
        term: Option<&'e Term>,
        at: &At,
        env: Scope<'e>,
        out: &mut dyn FnMut(&mut Machine<'_>, Value) -> Flow,
    ) -> Flow {
        match term {
            Some(term) => self.values(term, at, env, out),
            None => out(self, Value::Null),
        }
    }

    #[inline(never)]
    fn condition<'e>(
        &mut self,
        condition: &'e Term,
        then: &'e Term,
        otherwise: Option<&'e Term>,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        let here = at.plain();
        self.values(condition, &here, env, &mut |machine, value| match (
            value.is_truthy(),
            otherwise,
        ) {
            (true, _) => machine.each(then, at.clone(), env, out),
            (false, Some(otherwise)) => machine.each(otherwise, at.clone(), env, out),
            (false, None) => out(machine, at.clone()),
        })
    }

    /// Errors of the body are caught, and those of what comes after it are not.
    #[inline(never)]
    fn attempt<'e>(
        &mut self,
        body: &'e Term,
        catch: Option<&'e Term>,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        let path = at.path.lost();
        let mut beyond = None;
        let flow = self.each(body, at, env, &mut |machine, found| {
            out(machine, found).map_err(|stop| {
                beyond = Some(stop);
                Stop::Beyond
            })
        });
        match (flow, beyond) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(stop)) => Err(stop),
            (Err(Stop::Error(value)), None) => match catch {
                Some(catch) => self.each(catch, At { value, path }, env, out),
                None => Ok(()),
            },
            (Err(stop), None) => Err(stop),
        }
    }

    #[inline(never)]
    fn operator<'e>(&mut self, term: &'e Term, at: At, env: Scope<'e>, out: Out<'_>) -> Flow {
        let here = at.plain();
        match &term.op {
            Op::Negate(operand) => self.values(operand, &here, env, &mut |machine, value| {
                let value = ops::negate(&value, machine.budget)?;
                out(machine, at.computed(value))
            }),
            Op::Arithmetic(_, left, right) | Op::Compare(_, left, right) => {
                self.values(right, &here, env, &mut |machine, right| {
                    machine.values(left, &here, env, &mut |machine, left| {
                        let value = match &term.op {
                            Op::Arithmetic(kind, ..) => {
                                ops::arithmetic(*kind, left, right.clone(), machine.budget)?
                            }
                            Op::Compare(kind, ..) => {
                                ops::comparison(*kind, &left, &right, machine.budget)?
                            }
                            _ => Value::Null,
                        };
                        out(machine, at.computed(value))
                    })
                })
            }
            _ => Ok(()),
        }
    }

    /// `or` is decided by the first truth, `and` by the first that is none.
    #[inline(never)]
    fn logic<'e>(
        &mut self,
        decides: bool,
        a: &'e Term,
        b: &'e Term,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        let here = at.plain();
        self.values(a, &here, env, &mut |machine, first| {
            if first.is_truthy() == decides {
                return out(machine, at.computed(Value::Bool(decides)));
            }
            machine.values(b, &here, env, &mut |machine, second| {
                out(machine, at.computed(Value::Bool(second.is_truthy())))
            })
        })
    }

    #[inline(never)]
    fn alternative<'e>(
        &mut self,
        a: &'e Term,
        b: &'e Term,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        let mut found = false;
        self.each(a, at.clone(), env, &mut |machine, value| {
            if !value.value.is_truthy() {
                return Ok(());
            }
            found = true;
            out(machine, value)
        })?;
        if found { Ok(()) } else { self.each(b, at, env, out) }
    }

    #[inline(never)]
    fn assignment<'e>(
        &mut self,
        kind: Assignment,
        left: &'e Term,
        right: &'e Term,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        let path = at.path.lost();
        if kind == Assignment::Update {
            let value = self.update(left, right, at.value, env)?;
            return out(self, At { value, path });
        }
        if right.single {
            let given = self.value(right, &at, env)?;
            let value = self.assign(kind, left, given, at.value, env)?;
            return out(self, At { value, path });
        }
        let here = at.plain();
        self.values(right, &here, env, &mut |machine, given| {
            let value = machine.assign(kind, left, given, at.value.clone(), env)?;
            out(machine, At { value, path: path.clone() })
        })
    }
}

//! Gives expressions their values.

use kafka_edge_bounded_json::{Budget, Exceeded, Value};

use crate::format::{Part, Verb};
use crate::print::Out;
use crate::refused::Failure;
use crate::term::{Function, Term};
use crate::{case, date};

/// What an expression gives.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Value(Value),
    /// In milliseconds since 1970.
    Time(i64),
}

impl Item {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Time(_) => "a time",
            Self::Value(value) => kind(value),
        }
    }
}

pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What expressions are evaluated in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene<'s> {
    pub(crate) data: &'s Value,
    pub(crate) now: i64,
}

impl Scene<'_> {
    pub(crate) fn eval(&self, term: &Term, budget: &mut Budget) -> Result<Item, Failure> {
        budget.step()?;
        match term {
            Term::Literal(value) => Ok(Item::Value(value.clone())),
            Term::Field(names) => self.field(names, budget).map(Item::Value),
            Term::Call(function, terms) => {
                let mut arguments = Vec::with_capacity(terms.len());
                for term in terms {
                    arguments.push(self.eval(term, budget)?);
                }
                self.call(*function, &arguments, budget)
            }
            Term::Printf(parts, terms) => {
                let mut terms = terms.iter();
                let mut made = String::new();
                for part in parts {
                    let mut out = Out::resume(made, budget);
                    match part {
                        Part::Text(text) => out.push(text)?,
                        Part::Verb(verb) => {
                            let item = match terms.next() {
                                Some(term) => self.eval(term, out.budget())?,
                                None => Item::Value(Value::Null),
                            };
                            match verb {
                                Verb::Any => out.any(&item)?,
                                Verb::Text => out.texts(&item)?,
                                Verb::Integer => out.integers(&item)?,
                            }
                        }
                    }
                    made = out.text();
                }
                Ok(Item::Value(Value::String(made.into())))
            }
        }
    }

    /// What is missing is `null`, and so is everything within `null`.
    fn field(&self, names: &[String], budget: &mut Budget) -> Result<Value, Failure> {
        let mut value = self.data;
        for name in names {
            budget.step()?;
            value = match value {
                Value::Object(object) => match object.get(name) {
                    Some(member) => member,
                    None => return Ok(Value::Null),
                },
                Value::Null => return Ok(Value::Null),
                other => {
                    let path = names.join(".");
                    return Err(Failure::NoObject { path, found: kind(other) });
                }
            };
        }
        Ok(value.clone())
    }

    fn call(
        &self,
        function: Function,
        arguments: &[Item],
        budget: &mut Budget,
    ) -> Result<Item, Failure> {
        let argument = |place: usize| arguments.get(place).unwrap_or(&Item::Value(Value::Null));
        let wrong = |takes: &'static str, item: &Item| Failure::Type {
            name: function.name(),
            takes,
            found: item.kind(),
        };
        let text = |place: usize| match argument(place) {
            Item::Value(Value::String(text)) => Ok(&**text),
            other => Err(wrong("a text", other)),
        };
        let made = match function {
            Function::Now => return Ok(Item::Time(self.now)),
            Function::Default => {
                let given = argument(1);
                let chosen = if is_empty(given) { argument(0) } else { given };
                return Ok(chosen.clone());
            }
            Function::Date => {
                let layout = text(0)?;
                let seconds = |item: &Item| match item {
                    Item::Time(millis) => Some((millis.div_euclid(1000), millis.rem_euclid(1000))),
                    Item::Value(Value::Number(number)) => {
                        let whole = i64::try_from(number.as_i128()?).ok()?;
                        Some((whole, 0))
                    }
                    Item::Value(_) => None,
                };
                let (seconds, millis) = seconds(argument(1)).ok_or_else(|| {
                    wrong("`now`, or a whole number of seconds since 1970", argument(1))
                })?;
                spend(layout, budget)?;
                let made = date::format(layout, seconds, millis as u32).ok_or(Failure::Year)?;
                budget.spend_bytes(made.len() as u64)?;
                made
            }
            Function::ToJson => {
                let mut out = Out::new(budget);
                out.json(argument(0))?;
                return out.finish().map(Item::Value);
            }
            Function::Upper | Function::Lower => {
                let text = text(0)?;
                spend(text, budget)?;
                let change = if function == Function::Upper { case::upper } else { case::lower };
                text.chars().map(change).collect()
            }
            Function::Trim => text(0)?.trim().to_owned(),
            Function::Replace => {
                let (old, new, text) = (text(0)?, text(1)?, text(2)?);
                spend(text, budget)?;
                let places = text.matches(old).count();
                budget.spend_bytes(places as u64 * new.len() as u64)?;
                text.replace(old, new)
            }
            Function::Join => {
                let between = text(0)?;
                let mut out = Out::new(budget);
                match argument(1) {
                    Item::Value(Value::Array(items)) => {
                        let items = items.iter().filter(|item| !matches!(item, Value::Null));
                        for (place, item) in items.enumerate() {
                            if place > 0 {
                                out.push(between)?;
                            }
                            out.value(item)?;
                        }
                    }
                    Item::Value(Value::Null) => {}
                    one => out.any(one)?,
                }
                return out.finish().map(Item::Value);
            }
            Function::Quote => {
                let mut made = String::new();
                for item in arguments.iter().filter(|item| !is_null(item)) {
                    let mut out = Out::new(budget);
                    out.any(item)?;
                    let text = out.text();
                    let mut out = Out::resume(made, budget);
                    if !out.is_empty() {
                        out.push(" ")?;
                    }
                    out.quoted(&text)?;
                    made = out.text();
                }
                made
            }
            // It is a term of its own.
            Function::Printf => String::new(),
        };
        Ok(Item::Value(Value::string(&made, budget)?))
    }
}

/// Pays for going through a text, and for a copy of it.
fn spend(text: &str, budget: &mut Budget) -> Result<(), Exceeded> {
    budget.spend_steps(text.len() as u64 / 64)?;
    budget.spend_bytes(text.len() as u64)
}

fn is_null(item: &Item) -> bool {
    matches!(item, Item::Value(Value::Null))
}

/// What sprig takes for empty.
fn is_empty(item: &Item) -> bool {
    match item {
        Item::Time(_) => false,
        Item::Value(value) => match value {
            Value::Null => true,
            Value::Bool(value) => !value,
            Value::Number(number) => number.as_f64() == 0.0,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(object) => object.is_empty(),
        },
    }
}

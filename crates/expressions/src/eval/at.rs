//! A value, and where it was found.

use std::rc::Rc;

use kafka_edge_bounded_json::{Exceeded, MAX_DEPTH, VALUE_BYTES, Value};

use super::{Flow, Machine, Out, Stop};
use crate::ops;

#[derive(Debug, Clone, Default)]
pub(crate) struct At {
    pub(crate) value: Value,
    pub(crate) path: Path,
}

#[derive(Debug, Clone, Default)]
pub(crate) enum Path {
    /// Nobody asks.
    #[default]
    Unasked,
    /// Somebody asks, and the value was computed, so that it has none.
    Lost,
    /// The last key, and how it goes on towards the root.
    Known(Option<Rc<Step>>),
}

#[derive(Debug)]
pub(crate) struct Step {
    key: Value,
    before: Option<Rc<Step>>,
    length: u16,
}

impl Path {
    /// The path of what is computed from here.
    pub(crate) fn lost(&self) -> Self {
        match self {
            Self::Unasked => Self::Unasked,
            _ => Self::Lost,
        }
    }
}

impl At {
    pub(crate) fn from(value: Value) -> Self {
        Self { value, path: Path::Unasked }
    }

    pub(crate) fn root(value: Value) -> Self {
        Self { value, path: Path::Known(None) }
    }

    pub(crate) fn computed(&self, value: Value) -> Self {
        Self { value, path: self.path.lost() }
    }

    pub(crate) fn plain(&self) -> Self {
        Self::from(self.value.clone())
    }

    pub(crate) fn without_path(self) -> Self {
        Self::from(self.value)
    }
}

impl Machine<'_> {
    /// The path of a value that lies one step below.
    pub(crate) fn below(&mut self, path: &Path, key: Value) -> Result<Path, Stop> {
        let Path::Known(before) = path else { return Ok(path.lost()) };
        self.budget.spend_bytes(2 * VALUE_BYTES)?;
        let length = before.as_ref().map_or(0, |step| step.length) + 1;
        // Nothing lies as deep, so a longer path could only lead through `null`.
        if length > MAX_DEPTH {
            return Err(Exceeded::Depth.into());
        }
        Ok(Path::Known(Some(Rc::new(Step { key, before: before.clone(), length }))))
    }

    /// A path as an array, as `path` gives it.
    pub(crate) fn path_value(&mut self, at: &At) -> Result<Value, Stop> {
        let Path::Known(mut step) = at.path.clone() else {
            let dump = ops::dump(&at.value, self.budget)?;
            return Err(Stop::error(format!("Invalid path expression with result {dump}")));
        };
        let mut keys = Vec::new();
        while let Some(here) = step {
            keys.push(here.key.clone());
            step = here.before.clone();
        }
        keys.reverse();
        Ok(Value::array(keys, self.budget)?)
    }

    pub(crate) fn index(&mut self, at: At, key: Value) -> Result<At, Stop> {
        if matches!(at.path, Path::Lost) {
            let key = ops::dump(&key, self.budget)?;
            let value = ops::dump(&at.value, self.budget)?;
            let near = "Invalid path expression near attempt to access element";
            return Err(Stop::error(format!("{near} {key} of {value}")));
        }
        let value = ops::get(&at.value, &key, self.budget)?;
        let path = match at.path {
            Path::Unasked => Path::Unasked,
            path => self.below(&path, key)?,
        };
        Ok(At { value, path })
    }

    /// Calls back for each item of an array or object.
    pub(crate) fn iterate(&mut self, at: &At, optional: bool, out: Out<'_>) -> Flow {
        if matches!(at.path, Path::Lost) {
            let value = ops::dump(&at.value, self.budget)?;
            let near = "Invalid path expression near attempt to iterate through";
            return Err(Stop::error(format!("{near} {value}")));
        }
        match &at.value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.budget.step()?;
                    let path = match at.path {
                        Path::Unasked => Path::Unasked,
                        _ => self.below(&at.path, Value::from(index as i64))?,
                    };
                    out(self, At { value: item.clone(), path })?;
                }
                Ok(())
            }
            Value::Object(object) => {
                for (key, item) in object.iter() {
                    self.budget.step()?;
                    let path = match at.path {
                        Path::Unasked => Path::Unasked,
                        _ => self.below(&at.path, Value::String(key.clone()))?,
                    };
                    out(self, At { value: item.clone(), path })?;
                }
                Ok(())
            }
            _ if optional => Ok(()),
            other => Err(ops::cannot_iterate(other, self.budget)?),
        }
    }
}

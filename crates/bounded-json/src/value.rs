use std::rc::Rc;

use crate::{Array, Budget, Exceeded, MAX_DEPTH, Number, Object, VALUE_BYTES};

/// A JSON value. A clone shares what the value holds.
#[derive(Debug, Clone, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    String(Rc<str>),
    Array(Rc<Array>),
    Object(Rc<Object>),
}

impl Value {
    /// A string whose bytes are counted.
    pub fn string(text: &str, budget: &mut Budget) -> Result<Self, Exceeded> {
        budget.spend_bytes(VALUE_BYTES + text.len() as u64)?;
        Ok(Self::String(text.into()))
    }

    /// An array whose items are counted, and which is not too deep.
    pub fn array(items: Vec<Value>, budget: &mut Budget) -> Result<Self, Exceeded> {
        budget.spend_bytes(VALUE_BYTES * (1 + items.len() as u64))?;
        Self::from(items).not_too_deep()
    }

    /// The value, unless it is deeper than values may be.
    pub fn not_too_deep(self) -> Result<Self, Exceeded> {
        if self.depth() > MAX_DEPTH { Err(Exceeded::Depth) } else { Ok(self) }
    }

    /// How deeply arrays and objects lie in each other here: 0 for a scalar, 1 for an
    /// array of scalars. After changes it may be too large, never too small.
    pub fn depth(&self) -> u16 {
        match self {
            Self::Array(array) => array.depth(),
            Self::Object(object) => object.depth(),
            _ => 0,
        }
    }

    /// The name of the type, as jq and JSON Schema have it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// False for `null` and `false` alone.
    pub fn is_truthy(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The member of an object; nothing for anything else.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::Int(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(Number::Float(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(Rc::new(Array::new(items)))
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(Rc::new(object))
    }
}

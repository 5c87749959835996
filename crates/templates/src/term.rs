//! An expression, as it is evaluated.

use kafka_edge_bounded_json::Value;

use crate::format::Part;

#[derive(Debug, Clone)]
pub(crate) enum Term {
    /// The names behind the dots; none for the dot alone.
    Field(Vec<String>),
    Literal(Value),
    Call(Function, Vec<Term>),
    /// `printf`, whose format is known.
    Printf(Vec<Part>, Vec<Term>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Now,
    Date,
    Default,
    ToJson,
    Upper,
    Lower,
    Trim,
    Replace,
    Join,
    Quote,
    Printf,
}

impl Function {
    const ALL: [Self; 11] = [
        Self::Now,
        Self::Date,
        Self::Default,
        Self::ToJson,
        Self::Upper,
        Self::Lower,
        Self::Trim,
        Self::Replace,
        Self::Join,
        Self::Quote,
        Self::Printf,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Date => "date",
            Self::Default => "default",
            Self::ToJson => "toJson",
            Self::Upper => "upper",
            Self::Lower => "lower",
            Self::Trim => "trim",
            Self::Replace => "replace",
            Self::Join => "join",
            Self::Quote => "quote",
            Self::Printf => "printf",
        }
    }

    /// How many arguments it takes, if that is fixed, and in words.
    pub(crate) fn arity(self) -> (Option<usize>, &'static str) {
        match self {
            Self::Now => (Some(0), "no argument"),
            Self::ToJson | Self::Upper | Self::Lower | Self::Trim => (Some(1), "one argument"),
            Self::Date | Self::Default | Self::Join => (Some(2), "two arguments"),
            Self::Replace => (Some(3), "three arguments"),
            Self::Quote => (None, "one argument or more"),
            Self::Printf => (None, "a format and as many arguments as it has verbs"),
        }
    }
}

//! Query parameters, each declared once with its limits and its default.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::limits::DEFAULT_WAIT;
use super::query::Query;
use crate::error::Error;
use crate::limits;

/// A parameter as routing and the API description know it.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    pub name: &'static str,
    /// A phrase for human readers.
    pub about: &'static str,
    pub kind: Kind,
}

/// What a parameter may hold.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text in UTF-8.
    Text,
    /// Any bytes, percent-encoded.
    Bytes,
    OneOf(&'static [&'static str]),
    /// A whole number within bounds.
    Number {
        least: u64,
        most: u64,
    },
    /// A duration in seconds, which may have decimals.
    Seconds {
        default: Duration,
        most: Duration,
    },
    /// A time, as RFC 3339 or in milliseconds since 1970.
    Time,
    /// A duration in milliseconds. If it is too long, it is shortened.
    Milliseconds,
}

impl Parameter {
    pub(super) const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, about, kind }
    }
}

/// A duration in seconds.
#[derive(Debug)]
pub(super) struct Seconds {
    pub(super) name: &'static str,
    pub(super) default: Duration,
    pub(super) most: Duration,
    pub(super) about: &'static str,
}

impl Seconds {
    pub(super) const fn declared(&self) -> Parameter {
        let kind = Kind::Seconds { default: self.default, most: self.most };
        Parameter { name: self.name, about: self.about, kind }
    }

    pub(super) fn of(&self, query: &Query) -> Result<Duration, Error> {
        let Some(text) = query.text(self.name)? else { return Ok(self.default) };
        // Only plain decimals: the parser would also accept "1e3", "inf" and "+1".
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        text.parse()
            .ok()
            .filter(|_| plain)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| Error::invalid(self.name, "Not a number of seconds"))
            .and_then(|time| limits::check_time(self.name, time, self.most))
    }
}

/// A whole number within bounds.
#[derive(Debug)]
pub(super) struct Number {
    pub(super) name: &'static str,
    pub(super) bounds: RangeInclusive<usize>,
    pub(super) about: &'static str,
}

impl Number {
    pub(super) const fn declared(&self) -> Parameter {
        let (least, most) = (*self.bounds.start() as u64, *self.bounds.end() as u64);
        Parameter { name: self.name, about: self.about, kind: Kind::Number { least, most } }
    }

    pub(super) fn of(&self, query: &Query) -> Result<Option<usize>, Error> {
        let parse = |text: &str| {
            // The parser would accept a leading plus.
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            // A number that does not fit the type exceeds every bound.
            let number = text.parse().ok().filter(|_| plain).unwrap_or(usize::MAX);
            limits::check_number(self.name, number, &self.bounds)
        };
        query.text(self.name)?.map(parse).transpose()
    }
}

/// How long to wait for a record.
pub(super) const WAIT: Seconds = Seconds {
    name: "wait",
    default: DEFAULT_WAIT,
    most: limits::WAIT,
    about: "How long to wait for a record when there is none",
};

/// The maximum number of records in a page.
pub(super) const MAX: Number =
    Number { name: "max", bounds: limits::PAGE_RECORDS, about: "The records in a page, at most" };

/// The maximum number of bytes in a page.
pub(super) const MAX_BYTES: Number = Number {
    name: "max_bytes",
    bounds: limits::PAGE_BYTES,
    about: "The bytes of keys, values and headers in a page, at most; the first record comes however \
            large it is",
};

/// A partition's number.
pub(super) const PARTITION: Parameter = Parameter::new(
    "partition",
    Kind::Number { least: 0, most: i32::MAX as u64 },
    "The partition, counted from 0",
);

/// Where a group or a subscription without a position starts.
pub(super) const FROM: Parameter = Parameter::new(
    "from",
    Kind::OneOf(&["earliest", "latest"]),
    "Where to start without a position",
);

//! Faults at the host boundary, for tests.
//!
//! A [`Faults`] is asked before and after every call that a guest makes to
//! the host: it can delay the call, fail it with an error of its own, or kill
//! the instance there. A call killed *before* has had no effect; one killed
//! *after* has had all of it, and the guest never learns.

use crate::kv::StoreError;
use std::fmt;
use std::time::Duration;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

/// The kind of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// A key's value, or whether it has one.
    KvGet,
    /// A write to a key.
    KvSet,
    /// A removal.
    KvDelete,
    /// A listing of keys.
    KvList,
    /// An addition to a counter.
    KvIncrement,
    /// A compare-and-swap.
    KvSwap,
    /// A variable's value.
    Variable,
    /// An outgoing HTTP request; "after" is when the head of its response
    /// is there.
    Http,
    /// A wait on the clock.
    Sleep,
}

/// Which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Nothing has been done yet.
    Before,
    /// It has been done, and the guest does not know yet.
    After,
}

/// A call that is about to be made, or has just been.
#[derive(Clone, Debug)]
pub struct HostCall<'a> {
    /// What is called.
    pub kind: CallKind,
    /// Which key, variable or URL; the keys of a batch are joined by spaces.
    pub target: &'a str,
    /// Counts the calls of a host from 0, over all of its instances; the same
    /// number before and after.
    pub number: u64,
    /// The instance that calls, counted from 1.
    pub instance: u64,
    /// Before or after.
    pub moment: Moment,
}

/// What happens at a call.
#[derive(Clone, Debug, Default)]
pub enum Fault {
    /// Nothing unusual.
    #[default]
    Continue,
    /// It takes this much longer.
    Delay(Duration),
    /// The instance dies here.
    Trap,
    /// The call fails.
    Fail(Failure),
}

/// An error to fail a call with. One that the call does not know becomes its
/// "other" error.
#[derive(Clone, Debug)]
pub enum Failure {
    /// Of a key-value call.
    Kv(StoreError),
    /// Of an outgoing request.
    Http(ErrorCode),
    /// Of any call, in words.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kv(error) => error.fmt(f),
            Self::Http(code) => fmt::Debug::fmt(code, f),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Kv(error) => error,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<Failure> for ErrorCode {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Http(code) => code,
            other => Self::InternalError(Some(other.to_string())),
        }
    }
}

/// Decides on faults.
pub trait Faults: Send + Sync + 'static {
    /// Asked before and after each call.
    fn at(&self, call: &HostCall<'_>) -> Fault;
}

impl<F> Faults for F
where
    F: Fn(&HostCall<'_>) -> Fault + Send + Sync + 'static,
{
    fn at(&self, call: &HostCall<'_>) -> Fault {
        self(call)
    }
}

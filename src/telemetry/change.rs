//! Administrative changes, as events: who has changed what, by which call.
//!
//! A service reports a change once it is made. It knows what has changed, and not who
//! calls: that is set for the task in which the call is made, as a trace is
//! ([`task`](super::task)), by the one place through which all calls of the HTTP API pass.
//! A call without it was made by another component, through the interface of `wit/`.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::future::LocalBoxFuture;
use serde_json::Value as Json;

use super::{Level, Report, Value, is_on};

/// What the log shows as the call of another component.
const COMPONENT: &str = "component";

thread_local! {
    static CURRENT: RefCell<Option<Rc<AdministrativeCall>>> = const { RefCell::new(None) };
}

/// An administrative call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdministrativeCall {
    /// The name of the caller's credential, if it has one.
    pub credential: Option<String>,
    /// Method and path.
    pub call: String,
}

impl AdministrativeCall {
    /// Runs the call's future so that its changes are reported as its own.
    pub fn making<T>(self, future: LocalBoxFuture<'_, T>) -> Making<'_, T> {
        Making { call: Rc::new(self), future }
    }

    /// It failed so that it is not known what has changed.
    pub fn failed(&self, host: &impl Report, why: &str) {
        report(host, Level::Warn, "change-unknown", self, &[("why", why.into())]);
    }
}

/// A future that is polled as an administrative call.
pub struct Making<'f, T> {
    call: Rc<AdministrativeCall>,
    future: LocalBoxFuture<'f, T>,
}

impl<T> Future for Making<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let _restored = Restored(CURRENT.replace(Some(self.call.clone())));
        self.future.as_mut().poll(cx)
    }
}

impl<T> std::fmt::Debug for Making<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Making").field("call", &self.call).finish_non_exhaustive()
    }
}

/// The previous call, which dropping this restores even if a poll panics.
struct Restored(Option<Rc<AdministrativeCall>>);

impl Drop for Restored {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// What was done with something that is configured.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// What it is: `source`, `credential`.
    pub kind: &'static str,
    pub name: &'a str,
    /// `created`, `changed`, `removed`, `moved`.
    pub what: &'static str,
    /// The names of what is another now, with commas between; empty if all of it is.
    pub fields: &'a str,
}

impl Change<'_> {
    /// Reports the change.
    pub fn report(self, host: &impl Report) {
        let fields = [
            ("kind", self.kind.into()),
            ("name", self.name.into()),
            ("what", self.what.into()),
            ("fields", self.fields.into()),
        ];
        let call = CURRENT.with_borrow(Clone::clone);
        let by_component = || AdministrativeCall { credential: None, call: COMPONENT.into() };
        let call = call.as_deref().cloned().unwrap_or_else(by_component);
        report(host, Level::Info, "configuration-changed", &call, &fields);
    }
}

/// Reports what was made of something, if it was changed. Both texts are JSON objects, and
/// the first is `None` for something new. Their values are compared and shown nowhere.
pub fn report_change(
    host: &impl Report,
    kind: &'static str,
    name: &str,
    before: Option<&str>,
    after: &str,
) {
    if before == Some(after) || !is_on(Level::Info) {
        return;
    }
    let what = if before.is_some() { "changed" } else { "created" };
    let fields = differing(before.unwrap_or_default(), after);
    Change { kind, name, what, fields: &fields }.report(host);
}

/// The names of the members in which two JSON objects differ, with commas between.
fn differing(before: &str, after: &str) -> String {
    let read = |text| kafka_edge_json::from_str::<Json>(text).unwrap_or_default();
    let (before, after) = (read(before), read(after));
    let mut names = Vec::new();
    for (name, value) in after.as_object().into_iter().flatten() {
        if before.get(name) != Some(value) {
            names.push(name.as_str());
        }
    }
    for (name, _) in before.as_object().into_iter().flatten() {
        if after.get(name).is_none() {
            names.push(name);
        }
    }
    names.join(",")
}

fn report(
    host: &impl Report,
    level: Level,
    event: &'static str,
    call: &AdministrativeCall,
    rest: &[(&'static str, Value<'_>)],
) {
    let credential = call.credential.as_deref();
    let mut fields: Vec<_> =
        credential.map(|name| ("credential", name.into())).into_iter().collect();
    fields.push(("call", (&*call.call).into()));
    fields.extend_from_slice(rest);
    host.event(level, event, &fields);
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    #[test]
    fn members_that_differ_are_named_and_their_values_are_not() {
        for (before, after, names) in [
            ("", r#"{"b":1,"a":"x"}"#, "a,b"),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, ""),
            (r#"{"a":1,"b":2,"c":3}"#, r#"{"b":3,"c":3,"d":null}"#, "b,d,a"),
            (r#"{"a":{"b":[1]}}"#, r#"{"a":{"b":[2]}}"#, "a"),
        ] {
            assert_eq!(differing(before, after), names, "{before} {after}");
        }
    }

    #[test]
    fn tasks_that_take_turns_keep_their_calls_apart() {
        let call = |name: &str| AdministrativeCall { credential: None, call: name.into() };
        let current = || CURRENT.with_borrow(|call| call.as_ref().map(|call| call.call.clone()));
        let telling = || {
            let mut polls = 0;
            poll_fn(move |_| {
                polls += 1;
                if polls == 3 { Poll::Ready(current()) } else { Poll::Pending }
            })
        };
        let mut one = pin!(call("one").making(Box::pin(telling())));
        let mut two = pin!(call("two").making(Box::pin(telling())));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(one.as_mut().poll(&mut cx).is_pending() && current().is_none());
            assert!(two.as_mut().poll(&mut cx).is_pending() && current().is_none());
        }
        assert_eq!(one.as_mut().poll(&mut cx), Poll::Ready(Some("one".into())));
        assert_eq!(two.as_mut().poll(&mut cx), Poll::Ready(Some("two".into())));
        assert_eq!(current(), None);
    }
}

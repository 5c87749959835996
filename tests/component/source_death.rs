//! Instances that die with an event, or with a call under an idempotency key, at each of
//! their calls to the host in turn. Another instance then gets the same thing again, when
//! the first try counts as dead.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method};
use kafka_edge_host::faults::{CallKind, HostCall, Moment};
use kafka_edge_host::kv::Memory;
use kafka_edge_host::{Body, body};
use serde_json::{Value, json};

use crate::calling::{Answer, post, request, send, try_send};
use crate::dying::{Life, NOWHERE, Place, doomed_when, heir, places, settle};
use crate::world::World;

/// What is sent, and to be written once.
#[derive(Clone, Copy, Debug)]
enum Sent {
    /// To a source that writes it as it is.
    Event,
    /// To a source that makes a record of it in each of two topics.
    Several,
    /// By a caller with an idempotency key.
    Keyed,
}

const EVENT: &str = r#"{"id":"e"}"#;

impl Sent {
    fn request(self) -> http::Request<Body> {
        let target = match self {
            Self::Event | Self::Several => "/in/s",
            Self::Keyed => "/producer/t",
        };
        let mut request = request(Method::POST, target, body::full(EVENT));
        if let Self::Keyed = self {
            request.headers_mut().insert("idempotency-key", HeaderValue::from_static("e"));
        }
        request
    }

    /// The settings of a source that takes it.
    fn source(self) -> Value {
        let shape = match self {
            Self::Event | Self::Keyed => json!({}),
            Self::Several => json!({"transform": "{id, n: (1, 2)}",
                "topic": {"jq": "if $out.n == 1 then \"t\" else \"t3\" end",
                    "allowed": ["t", "t3"]}}),
        };
        json!({"name": "s", "topic": "t", "verify": {"none": {}},
            "dedupe": {"id": {"field": "/id"}}, "shape": shape})
    }

    /// The topic and the value of each record.
    fn records(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Event | Self::Keyed => &[("t", EVENT)],
            Self::Several => &[("t", r#"{"id":"e","n":1}"#), ("t3", r#"{"id":"e","n":2}"#)],
        }
    }

    /// Whether the answer is about something that was written before.
    fn is_repeat(self, answer: &Answer) -> bool {
        match self {
            Self::Event | Self::Several => answer.json["repeat"] == true,
            Self::Keyed => answer.header("idempotent-replayed") == Some("true"),
        }
    }
}

/// Where the records are, by an answer.
fn places_of(answer: &Answer) -> Vec<Value> {
    let one = |record: &Value| json!([record["topic"], record["partition"], record["offset"]]);
    match answer.json["records"].as_array() {
        Some(records) => records.iter().map(one).collect(),
        None => vec![one(&answer.json)],
    }
}

async fn scene(sent: Sent) -> (World, Memory) {
    let (world, store) = (World::new(), Memory::new());
    let host = world.gateway().store("default", store.clone()).build().unwrap();
    let made = post(&host, "/sources", sent.source().to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    settle(host).await;
    (world, store)
}

/// How often each record is there.
fn copies(world: &World, sent: Sent) -> Vec<usize> {
    sent.records().iter().map(|(topic, value)| world.times(topic, value)).collect()
}

/// What came of a death at a place: whether it was written twice for it.
async fn run(sent: Sent, place: Place) -> (Life, bool) {
    let (world, store) = scene(sent).await;
    // The note that all is done is the first one that is stored after Kafka was called.
    let called = Arc::<Mutex<BTreeSet<String>>>::default();
    let done = Arc::<AtomicBool>::default();
    let watched = {
        let (called, done) = (called.clone(), done.clone());
        move |call: &HostCall<'_>| {
            let mut called = called.lock().unwrap();
            let is_http = call.kind == CallKind::Http;
            if let Some(rest) = call.target.strip_suffix("/records").filter(|_| is_http) {
                called.extend(rest.rsplit('/').next().map(str::to_owned));
            }
            let notes = call.kind == CallKind::KvSet && call.target.contains("/seen/");
            if notes && call.moment == Moment::After && !called.is_empty() {
                done.store(true, Ordering::SeqCst);
            }
            (call.number, call.moment) == place
        }
    };
    let (host, life) = doomed_when(&world, &store, watched);
    let first = try_send(&host, sent.request()).await;
    assert!(first.is_ok() || life.died(), "{place:?}: {first:?}");
    settle(host).await;
    let (before, done) = (copies(&world, sent), done.load(Ordering::SeqCst));
    let called = called.lock().unwrap().clone();

    let heir = heir(&world, &store);
    let second = send(&heir, sent.request()).await;
    let context = format!("{sent:?}, {place:?}: {before:?}, done: {done}, then {second:?}");
    assert_eq!(second.status, 200, "{context}");
    // What was answered was noted as done, and what was noted is not written again. All else
    // is, and so is there twice if Kafka was called for it. Of a call that was under way at
    // the death the record may come later.
    assert!(first.is_err() || done, "{context}");
    assert_eq!(sent.is_repeat(&second), done, "{context}");
    let after = copies(&world, sent);
    for ((topic, _), (before, after)) in sent.records().iter().zip(before.iter().zip(&after)) {
        let most = 1 + usize::from(!done && called.contains(*topic));
        let least = before + usize::from(!done);
        assert!((least.max(1)..=most).contains(after), "{context}: {after} in {topic}");
    }
    if let Ok(first) = &first {
        assert_eq!(first.status, 200, "{context}");
        assert_eq!(places_of(first), places_of(&second), "{context}");
    }
    let third = send(&heir, sent.request()).await;
    assert!(sent.is_repeat(&third), "{context}: {third:?}");
    assert_eq!(places_of(&third), places_of(&second), "{context}");
    assert_eq!(copies(&world, sent), after, "{context}");
    (life, after.contains(&2))
}

async fn a_death_loses_nothing(sent: Sent) {
    let (life, twice) = run(sent, NOWHERE).await;
    assert!(!twice, "without a death");
    let calls = life.calls();
    let runs = stream::iter(places(calls)).map(|place| run(sent, place));
    let lives: Vec<_> = runs.buffered(16).collect().await;
    let deaths = lives.iter().filter(|(life, _)| life.died()).count();
    // Killed when Kafka had a record and the note was not stored yet.
    let twice = lives.iter().filter(|(_, twice)| *twice).count();
    println!("{sent:?}: {calls} calls, died at {deaths} places, written twice at {twice}");
    assert!(deaths > 20 && (1..deaths / 2).contains(&twice), "{deaths} deaths, {twice} twice");
    assert!(lives.last().is_some_and(|(life, _)| !life.died()), "there are more calls to die at");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_with_an_event_loses_nothing() {
    a_death_loses_nothing(Sent::Event).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_with_an_event_that_becomes_several_records_loses_none() {
    a_death_loses_nothing(Sent::Several).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_with_a_call_under_a_key_loses_nothing() {
    a_death_loses_nothing(Sent::Keyed).await;
}

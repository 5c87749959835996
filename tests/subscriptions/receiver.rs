//! Whoever is called back: remembers what came and answers as it is told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use kafka_edge::host::{Incoming, Outgoing};
use kafka_edge_sim::{SimBody, Upstream};
use serde_json::Value;
use tokio::time::Instant;

/// How a callback answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mood {
    Status(u16),
    RetryAfter(u16, &'static str),
    /// 204, after so long.
    Slow(Duration),
    /// Never.
    Stuck,
}

#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) callback: String,
    pub(crate) at: Instant,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) accepted: bool,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn offset(&self) -> i64 {
        self.json()["offset"].as_i64().unwrap()
    }

    pub(crate) fn partition(&self) -> i64 {
        self.json()["partition"].as_i64().unwrap()
    }
}

/// All callbacks of a test. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receiver(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    moods: RefCell<BTreeMap<String, Mood>>,
    received: RefCell<Vec<Received>>,
    /// How many requests are under way, and how many were at once at most.
    under_way: Cell<(usize, usize)>,
    /// Offsets that are refused with this status, whatever the mood.
    refused: RefCell<BTreeMap<i64, u16>>,
}

impl Receiver {
    /// Sets how a callback, known by its whole URL, answers from now on. One
    /// that was never told answers 204 after a millisecond.
    pub(crate) fn set(&self, callback: &str, mood: Mood) {
        self.0.moods.borrow_mut().insert(callback.into(), mood);
    }

    /// From now on the record at this offset gets this status; `None`: no more.
    pub(crate) fn refuse(&self, offset: i64, status: Option<u16>) {
        let mut refused = self.0.refused.borrow_mut();
        match status {
            Some(status) => drop(refused.insert(offset, status)),
            None => drop(refused.remove(&offset)),
        }
    }

    /// How many requests were under way at once, at most.
    pub(crate) fn at_once(&self) -> usize {
        self.0.under_way.get().1
    }

    /// Everything that has come so far.
    pub(crate) fn all(&self) -> Vec<Received> {
        self.0.received.borrow().clone()
    }

    pub(crate) fn of(&self, callback: &str) -> Vec<Received> {
        let mut all = self.all();
        all.retain(|received| received.callback == callback);
        all
    }

    /// The offsets that a callback has accepted, in the order in which they
    /// came, of all partitions.
    pub(crate) fn accepted(&self, callback: &str) -> Vec<i64> {
        let of = self.of(callback);
        of.iter().filter(|received| received.accepted).map(Received::offset).collect()
    }

    pub(crate) fn upstream(&self) -> Upstream {
        let receiver = self.clone();
        Rc::new(move |request| {
            let receiver = receiver.clone();
            Box::pin(async move { Ok(receiver.answer(request).await) })
        })
    }

    async fn answer(&self, request: Outgoing) -> Incoming<SimBody> {
        assert_eq!(request.method, http::Method::POST);
        let callback = request.uri.to_string();
        let mood = self.0.moods.borrow().get(&callback).copied();
        let mood = mood.unwrap_or(Mood::Slow(Duration::from_millis(1)));
        let (delay, status, retry_after) = match mood {
            Mood::Status(status) => (Duration::ZERO, status, None),
            Mood::RetryAfter(status, value) => (Duration::ZERO, status, Some(value)),
            Mood::Slow(delay) => (delay, 204, None),
            Mood::Stuck => (Duration::MAX, 204, None),
        };
        let offset = serde_json::from_slice::<Value>(&request.body).ok();
        let offset = offset.and_then(|json| json.get("offset")?.as_i64());
        let refused = offset.and_then(|offset| self.0.refused.borrow().get(&offset).copied());
        let status = StatusCode::from_u16(refused.unwrap_or(status)).unwrap();
        self.0.received.borrow_mut().push(Received {
            callback,
            at: Instant::now(),
            headers: request.headers,
            body: request.body,
            accepted: status.is_success() && !matches!(mood, Mood::Stuck),
        });
        let (now, most) = self.0.under_way.get();
        self.0.under_way.set((now + 1, most.max(now + 1)));
        match mood {
            Mood::Stuck => std::future::pending().await,
            _ => tokio::time::sleep(delay).await,
        }
        let (now, most) = self.0.under_way.get();
        self.0.under_way.set((now - 1, most));
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert("retry-after", value.parse().unwrap());
        }
        Incoming { status, headers, body: SimBody::full("thanks") }
    }
}

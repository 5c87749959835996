//! Whoever is called, and how they misbehave.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use kafka_edge::host::{Incoming, Outgoing, SendError, SendErrorKind, Sent};
use kafka_edge_sim::{SimBody, Upstream};
use serde_json::Value;

use crate::model::Model;
use crate::plan::Plan;

/// How a callback behaves for one request.
#[derive(Debug, Clone, Copy)]
enum Mood {
    /// It answers 204 after so many milliseconds.
    Kind(u64),
    Status(u16),
    /// 429, with this in `Retry-After`.
    Busy(&'static str),
    /// It answers 200 long after the timeout.
    Late,
    /// It never answers.
    Hangs,
    /// It takes the record, and the connection breaks.
    Breaks,
    /// Nobody listens.
    Refuses,
}

pub(crate) struct Callbacks {
    plan: Plan,
    pub(crate) model: Rc<RefCell<Model>>,
    random: RefCell<fastrand::Rng>,
    /// From now on all are kind.
    pub(crate) is_over: Cell<bool>,
}

impl Callbacks {
    pub(crate) fn new(plan: Plan, model: Rc<RefCell<Model>>) -> Rc<Self> {
        let random = fastrand::Rng::with_seed(plan.seed + 77).into();
        Rc::new(Self { plan, model, random, is_over: Cell::new(false) })
    }

    pub(crate) fn upstream(self: &Rc<Self>) -> Upstream {
        let callbacks = self.clone();
        Rc::new(move |request| {
            let callbacks = callbacks.clone();
            Box::pin(async move { callbacks.answer(request).await })
        })
    }

    /// Records differ: to some of them a callback never says yes before the end.
    fn mood(&self, numbers: &[u64]) -> Mood {
        let mut random = self.random.borrow_mut();
        let kind = Mood::Kind(random.u64(1..60));
        if !self.plan.rude || self.is_over.get() {
            return kind;
        }
        if numbers.iter().any(|number| number % 11 == 5) {
            return Mood::Status(422);
        }
        match random.u32(..100) {
            0..4 => Mood::Status([500, 302, 404, 503][random.usize(..4)]),
            4..6 => Mood::Busy(["0", "1"][random.usize(..2)]),
            6..8 => Mood::Late,
            8..9 => Mood::Hangs,
            9..11 => Mood::Breaks,
            11..12 => Mood::Refuses,
            _ => kind,
        }
    }

    async fn answer(&self, request: Outgoing) -> Result<Incoming<SimBody>, SendError> {
        let number: usize = request.uri.path()[1..].parse().expect("a subscription");
        let id = request.headers["webhook-id"].to_str().expect("an id").to_owned();
        let json: Value = serde_json::from_slice(&request.body).expect("JSON");
        let one = |json: &Value| match json["message"].as_str() {
            // An envelope, whose value is JSON in a text.
            Some(text) => serde_json::from_str::<Value>(text).expect("JSON")["n"].as_u64(),
            None => json["n"].as_u64(),
        };
        let numbers: Vec<u64> = match &json {
            Value::Array(all) => all.iter().filter_map(one).collect(),
            json => one(json).into_iter().collect(),
        };
        assert!(!numbers.is_empty(), "nothing was delivered");
        let mood = self.mood(&numbers);
        let arrival = self.model.borrow_mut().arrived(number, &id, &numbers);
        let timeout = Duration::from_millis(self.plan.wishes[number].timeout);
        let (wait, status, retry_after) = match mood {
            Mood::Kind(millis) => (Duration::from_millis(millis), 204, None),
            Mood::Status(status) => (Duration::from_millis(5), status, None),
            Mood::Busy(after) => (Duration::from_millis(5), 429, Some(after)),
            Mood::Late => (timeout + Duration::from_millis(200), 200, None),
            Mood::Hangs => std::future::pending().await,
            Mood::Breaks | Mood::Refuses => {
                let (sent, kind) = match mood {
                    Mood::Breaks => (Sent::Perhaps, SendErrorKind::Broken),
                    _ => (Sent::Not, SendErrorKind::Refused),
                };
                self.model.borrow_mut().refused(arrival);
                return Err(SendError { sent, kind });
            }
        };
        tokio::time::sleep(wait).await;
        let status = StatusCode::from_u16(status).expect("a status");
        match status.is_success() && wait < timeout {
            true => self.model.borrow_mut().accepted(arrival),
            false => self.model.borrow_mut().refused(arrival),
        }
        let mut headers = HeaderMap::new();
        if let Some(after) = retry_after {
            headers.insert("retry-after", after.parse().expect("a header"));
        }
        Ok(Incoming { status, headers, body: SimBody::full("thanks") })
    }
}

//! An upstream with scripted answers.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use kafka_edge::host::{Incoming, Outgoing, SendError};

use crate::body::{Piece, SimBody};
use crate::world::Upstream;

/// A scripted answer, or a failure to get one.
#[derive(Debug, Clone)]
pub struct Answer {
    delay: Duration,
    result: Result<(StatusCode, HeaderMap, Vec<Piece>), SendError>,
}

impl Answer {
    /// An answer whose body comes in pieces.
    pub fn pieces(status: u16, pieces: impl IntoIterator<Item = impl Into<Piece>>) -> Self {
        let status = StatusCode::from_u16(status).expect("a scripted status is valid");
        let pieces = pieces.into_iter().map(Into::into).collect();
        Self { delay: Duration::ZERO, result: Ok((status, HeaderMap::new(), pieces)) }
    }

    /// An answer with a whole body.
    pub fn body(status: u16, body: impl Into<String>) -> Self {
        Self::pieces(status, [Piece::Data(body.into().into())])
    }

    pub fn fails(error: SendError) -> Self {
        Self { delay: Duration::ZERO, result: Err(error) }
    }

    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        if let Ok((_, headers, _)) = &mut self.result {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        self
    }

    /// Its head comes after this time.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    async fn give(self) -> Result<Incoming<SimBody>, SendError> {
        tokio::time::sleep(self.delay).await;
        let (status, headers, pieces) = self.result?;
        Ok(Incoming { status, headers, body: SimBody::scripted(pieces) })
    }
}

type Wanted = Box<dyn Fn(&Outgoing) -> bool>;

struct Route {
    wanted: Wanted,
    answers: VecDeque<Answer>,
}

/// Answers by route, in order, and repeats the last answer; records the
/// requests. Cheap to clone: a handle.
#[derive(Clone, Default)]
pub struct Script(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    routes: Vec<Route>,
    seen: Vec<Outgoing>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("seen", &self.seen()).finish_non_exhaustive()
    }
}

impl Script {
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers `"METHOD /path"`, whatever the query; a segment `*` of the path
    /// stands for any one. A route that was added later goes first.
    pub fn on(&self, route: &str, answers: impl IntoIterator<Item = Answer>) -> &Self {
        let route = route.to_owned();
        let wanted = move |request: &Outgoing| matches(&route, request);
        let answers = answers.into_iter().collect();
        self.0.borrow_mut().routes.insert(0, Route { wanted: Box::new(wanted), answers });
        self
    }

    /// Gives the same answer to everything.
    pub fn always(answer: Answer) -> Self {
        let script = Self::new();
        let route = Route { wanted: Box::new(|_| true), answers: [answer].into() };
        script.0.borrow_mut().routes.push(route);
        script
    }

    /// What was asked so far.
    pub fn seen(&self) -> Vec<Outgoing> {
        self.0.borrow().seen.clone()
    }

    /// The number of requests of `"METHOD /path"`, with `*` as in
    /// [`on`](Self::on).
    pub fn count(&self, route: &str) -> usize {
        self.0.borrow().seen.iter().filter(|request| matches(route, request)).count()
    }

    /// For [`World::set_upstream`](crate::World::set_upstream).
    ///
    /// # Panics
    ///
    /// Panics on a request without a scripted answer.
    pub fn upstream(&self) -> Upstream {
        let script = self.clone();
        Rc::new(move |request| {
            let answer = script.answer(request);
            Box::pin(answer.give())
        })
    }

    fn answer(&self, request: Outgoing) -> Answer {
        let mut inner = self.0.borrow_mut();
        let route = inner.routes.iter_mut().find(|route| (route.wanted)(&request));
        let answer = match route.map(|route| &mut route.answers) {
            Some(answers) if answers.len() > 1 => answers.pop_front(),
            Some(answers) => answers.front().cloned(),
            None => None,
        };
        let answer = answer.unwrap_or_else(|| panic!("no answer to {}", route_of(&request)));
        inner.seen.push(request);
        answer
    }
}

fn matches(route: &str, request: &Outgoing) -> bool {
    let asked = route_of(request);
    let (mut route, mut asked) = (route.split('/'), asked.split('/'));
    loop {
        match (route.next(), asked.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(route), Some(asked)) if route == asked => {}
            _ => return false,
        }
    }
}

pub(crate) fn route_of(request: &Outgoing) -> String {
    format!("{} {}", request.method, request.uri.path())
}

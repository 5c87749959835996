//! Faults between an instance and its upstream.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use kafka_edge::host::{Incoming, Outgoing, SendError, SendErrorKind, Sent};

use crate::body::{SimBody, broken};
use crate::script::route_of;
use crate::world::Upstream;

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// No connection; the request never arrives.
    Refuse,
    /// The request arrives and its answer is lost.
    DropAnswer,
    /// The request breaks off before it has arrived, which cannot be known.
    BreakBefore,
    /// The request and its answer together take this much longer.
    Delay(Duration),
    /// Something in between answers with this status and HTML.
    Status(u16),
    /// The answer's body breaks off after this number of bytes.
    CutBody(usize),
    /// The request arrives and no answer ever comes.
    Hang,
}

struct Rule {
    part: String,
    fault: Fault,
    times: usize,
}

/// Faults to come. Cheap to clone: a handle, so that a test can add some while
/// its instances run.
#[derive(Clone, Default)]
pub struct Faults(Rc<RefCell<Vec<Rule>>>);

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("rules", &self.0.borrow().len()).finish()
    }
}

impl Faults {
    pub fn new() -> Self {
        Self::default()
    }

    /// The next request whose `METHOD /path` contains `part` suffers this.
    pub fn once(&self, part: &str, fault: Fault) {
        self.times(1, part, fault);
    }

    /// The next `times` requests whose `METHOD /path` contains `part` do.
    pub fn times(&self, times: usize, part: &str, fault: Fault) {
        self.0.borrow_mut().push(Rule { part: part.into(), fault, times });
    }

    /// Whether every fault has happened.
    pub fn all_happened(&self) -> bool {
        self.0.borrow().iter().all(|rule| rule.times == 0)
    }

    /// The same upstream with these faults in front of it.
    pub fn wrap(&self, upstream: Upstream) -> Upstream {
        let faults = self.clone();
        Rc::new(move |request| {
            let fault = faults.take(&request);
            let upstream = upstream.clone();
            Box::pin(async move { suffer(fault, request, &upstream).await })
        })
    }

    fn take(&self, request: &Outgoing) -> Option<Fault> {
        let route = route_of(request);
        let mut rules = self.0.borrow_mut();
        let rule = rules.iter_mut().find(|rule| rule.times > 0 && route.contains(&rule.part))?;
        rule.times -= 1;
        Some(rule.fault.clone())
    }
}

async fn suffer(
    fault: Option<Fault>,
    request: Outgoing,
    upstream: &Upstream,
) -> Result<Incoming<SimBody>, SendError> {
    match fault {
        None => upstream(request).await,
        Some(Fault::Refuse) => Err(SendError { sent: Sent::Not, kind: SendErrorKind::Refused }),
        Some(Fault::BreakBefore) => Err(broken()),
        Some(Fault::DropAnswer) => {
            exhaust(upstream(request).await).await;
            Err(broken())
        }
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time / 2).await;
            let answer = upstream(request).await;
            tokio::time::sleep(time / 2).await;
            answer
        }
        Some(Fault::Status(status)) => Ok(Incoming {
            status: StatusCode::from_u16(status).expect("a fault's status is valid"),
            headers: HeaderMap::new(),
            body: SimBody::full("<html><body>something in between</body></html>"),
        }),
        Some(Fault::CutBody(limit)) => {
            let Incoming { status, headers, body } = upstream(request).await?;
            Ok(Incoming { status, headers, body: body.cut_after(limit) })
        }
        Some(Fault::Hang) => {
            exhaust(upstream(request).await).await;
            std::future::pending().await
        }
    }
}

/// Reads an answer to its end: a server may do its work while it answers.
async fn exhaust(answer: Result<Incoming<SimBody>, SendError>) {
    use kafka_edge::host::Body;
    if let Ok(mut answer) = answer {
        while let Some(Ok(_)) = answer.body.chunk().await {}
    }
}

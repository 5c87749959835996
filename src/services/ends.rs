//! The ends of topics, which all callers of this instance poll that wait for
//! records.
//!
//! The server is asked once for all of them, whatever their groups: a caller
//! uses the result of a look that another one has made in the meantime, or is
//! making. Callers are woken at once by records that are written through this
//! instance.

mod poller;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

use futures_util::future::{Either, join, select};

pub use self::poller::EndPoller;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::sorted::SortedMap;

/// The number of topics that are remembered although no caller polls them.
const MAX_REMEMBERED_TOPICS: usize = 100;

/// What a look at a topic shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenEnds {
    pub partitions: i32,
    /// `None` if the server does not report it.
    pub ends: Option<SortedMap<i32, i64>>,
}

/// The error if an end is needed but the server does not report it.
pub fn untold() -> Error {
    ErrorKind::Unsupported("The Kafka server does not report where a topic ends".into()).into()
}

/// Looks are numbered in the order in which they begin, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Look(u64);

type EndsAnswer = Result<Rc<SeenEnds>>;

/// The ends of the topics that callers wait for.
pub struct Ends<H: Host, L> {
    host: H,
    log: Rc<L>,
    topics: RefCell<SortedMap<Rc<str>, TopicEnds<H::Wake>>>,
    last: Cell<Look>,
}

struct TopicEnds<W> {
    answer: Option<(Look, EndsAnswer)>,
    /// A look is in progress. This is dropped with the look, which wakes the
    /// callers that wait for its result.
    looking: Option<Vec<W>>,
    /// Looks up to this number may not show what was written through this
    /// instance.
    outdated: Look,
    /// The callers that sleep until the next look.
    sleeping: Vec<Weak<Bell<W>>>,
}

/// Wakes its callers when it is emptied.
type Bell<W> = Cell<Option<W>>;

impl<W> Default for TopicEnds<W> {
    fn default() -> Self {
        Self { answer: None, looking: None, outdated: Look(0), sleeping: Vec::new() }
    }
}

impl<W> TopicEnds<W> {
    fn is_in_use(&self) -> bool {
        self.looking.is_some() || self.sleeping.iter().any(|bell| bell.strong_count() > 0)
    }
}

impl<H: Host, L: Log> Ends<H, L> {
    pub fn new(host: H, log: Rc<L>) -> Self {
        Self { host, log, topics: RefCell::default(), last: Cell::default() }
    }

    /// A record was, or may have been, written to a topic through this
    /// instance. The callers that wait there look at once.
    pub fn written(&self, topic: &str) {
        let sleeping = match self.topics.borrow_mut().get_mut(topic) {
            Some(known) => {
                known.outdated = self.last.get();
                std::mem::take(&mut known.sleeping)
            }
            None => return,
        };
        for bell in sleeping.iter().filter_map(Weak::upgrade) {
            drop(bell.take());
        }
    }

    /// The number of topics that are remembered.
    pub fn remembered(&self) -> usize {
        self.topics.borrow().len()
    }

    /// The result of a look that began after `seen`.
    async fn after(&self, topic: &Rc<str>, seen: Look) -> Result<(Look, Rc<SeenEnds>)> {
        let mut waited = false;
        loop {
            let woken = {
                let mut topics = self.topics.borrow_mut();
                let known = topics.get_or_default(topic.clone());
                // A look that failed some time ago is no reason to fail now, but whoever
                // waited for one has failed with it: another may take as long.
                if let Some((look, answer)) = &known.answer
                    && match answer {
                        Ok(_) => *look > seen.max(known.outdated),
                        Err(_) => waited,
                    }
                {
                    return answer.clone().map(|answer| (*look, answer));
                }
                let Some(waiting) = &mut known.looking else { break };
                let (wake, woken) = self.host.signal();
                waiting.push(wake);
                woken
            };
            woken.await;
            waited = true;
        }
        self.look(topic).await
    }

    async fn look(&self, topic: &Rc<str>) -> Result<(Look, Rc<SeenEnds>)> {
        let look = Look(self.last.get().0 + 1);
        self.last.set(look);
        let mut looking = Looking { topics: &self.topics, topic };
        looking.begin();
        let (known, ends) = join(self.log.topic(topic), self.log.ends(topic)).await;
        let answer = known.and_then(|known| {
            let ends = match ends {
                Err(error) if matches!(*error, ErrorKind::Unsupported(_)) => None,
                ends => Some(ends?.into_iter().collect()),
            };
            Ok(Rc::new(SeenEnds { partitions: known.partitions, ends }))
        });
        looking.end(look, answer.clone());
        answer.map(|answer| (look, answer))
    }

    /// Sleeps until a record is written through this instance to one of the
    /// topics, unless these looks included it, and no longer than `time`.
    /// Returns whether there was such a record.
    async fn sleep(&self, looks: &SortedMap<Rc<str>, Look>, time: Duration) -> bool {
        let (wake, rung) = self.host.signal();
        let bell = Rc::new(Bell::new(Some(wake)));
        for (topic, look) in looks {
            let mut topics = self.topics.borrow_mut();
            let known = topics.get_or_default(topic.clone());
            if known.outdated >= *look {
                return true;
            }
            known.sleeping.retain(|bell| bell.strong_count() > 0);
            known.sleeping.push(Rc::downgrade(&bell));
        }
        matches!(select(rung, Box::pin(self.host.sleep(time))).await, Either::Left(_))
    }
}

/// A look in progress. If it is dropped before its end, because its task was
/// stopped, the next caller looks.
struct Looking<'a, W> {
    topics: &'a RefCell<SortedMap<Rc<str>, TopicEnds<W>>>,
    topic: &'a Rc<str>,
}

impl<W> Looking<'_, W> {
    fn begin(&mut self) {
        let mut topics = self.topics.borrow_mut();
        if topics.len() > MAX_REMEMBERED_TOPICS {
            topics.retain(|_, known| known.is_in_use());
        }
        let known = topics.get_or_default(self.topic.clone());
        known.looking = Some(Vec::new());
        known.answer.take_if(|(_, answer)| answer.is_err());
    }

    fn end(self, look: Look, answer: EndsAnswer) {
        if let Some(known) = self.topics.borrow_mut().get_mut(self.topic) {
            known.answer = Some((look, answer));
        }
    }
}

impl<W> Drop for Looking<'_, W> {
    fn drop(&mut self) {
        let mut topics = self.topics.borrow_mut();
        let waiting = topics.get_mut(self.topic).and_then(|known| known.looking.take());
        drop(topics);
        drop(waiting);
    }
}

impl<H: Host, L> fmt::Debug for Ends<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}

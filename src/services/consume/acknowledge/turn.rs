//! A turn for acknowledgements at one partition.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, join, select};

use super::Order;
use crate::dead_letter::GivenUp;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::services::consume::disposal::{Told, Wishes, apply_all, judge_all, rejected, told_all};
use crate::services::consume::giving_up::{Case, Found, GivingUp};
use crate::services::consume::position::Position;
use crate::services::group_settings::Settings;
use crate::sorted::SortedSet;
use crate::state::keys::LaneName;
use crate::state::lane::{Document, Held, Lane, Params, Take, Written};
use crate::telemetry::{Level, Report};

/// How long an acknowledgement waits for the lane: longer than it takes until a dead
/// holder is followed, and one more turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(9);

pub(super) fn busy() -> Error {
    ErrorKind::Busy("The consumer group is being read; try again".into()).into()
}

/// The turns of this instance at one lane.
pub(super) struct Turns<H: Host, L> {
    host: H,
    giving_up: Rc<GivingUp<H, L>>,
    lane: Lane<H, Position>,
    group: String,
    topic: String,
    partition: i32,
}

/// The dead letters of a turn: where they go, and what was read for them.
struct Letters {
    settings: Rc<Settings>,
    found: Found,
    /// What was tried to be read.
    tried: SortedSet<i64>,
}

impl<H: Host, L: Log> Turns<H, L> {
    pub(super) fn new(
        host: H,
        giving_up: Rc<GivingUp<H, L>>,
        params: Params,
        lane: LaneName,
        (group, topic, partition): (String, String, i32),
    ) -> Self {
        let lane = Lane::new(host.clone(), lane, params);
        Self { host, giving_up, lane, group, topic, partition }
    }

    /// Takes a turn for all of these orders, and answers them.
    pub(super) async fn take(&self, orders: Vec<Order<H::Wake>>) {
        let wishes: Vec<_> = orders.iter().map(|order| &order.wishes).collect();
        let letters = orders.iter().any(Order::rejects);
        let answers = match self.turn(&wishes, letters).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error); orders.len()],
        };
        for (order, answer) in orders.into_iter().zip(answers) {
            *order.answer.borrow_mut() = Some(answer);
        }
    }

    async fn turn(&self, wishes: &[&Wishes], rejects: bool) -> Result<Vec<Told>> {
        let give_up = self.host.monotonic() + PATIENCE;
        let stale = millis(self.lane.params().stale);
        let mut letters = match rejects {
            true => self.letters().await?,
            false => None,
        };
        let mut read_again = false;
        loop {
            // What is still to be read before the lane is taken.
            let unread = RefCell::new(Vec::new());
            let worth = |document: Option<&Document<Position>>| {
                let now = self.host.now();
                if !judge_all(wishes, document, now, stale).any_live {
                    return false;
                }
                if let Some(letters) = &letters {
                    *unread.borrow_mut() = letters.unread(wishes, document, now);
                }
                unread.borrow().is_empty()
            };
            let taken = self.lane.take_when(worth, async |_| Ok(Position::at(0))).await?;
            let unread = unread.into_inner();
            let pause = match taken {
                Take::Busy { retry_in } => retry_in,
                Take::Unworthy(_) if !unread.is_empty() => {
                    if let Some(letters) = &mut letters {
                        letters.read(&self.giving_up, self.case(), unread).await;
                    }
                    Duration::ZERO
                }
                Take::Unworthy(document) => {
                    let now = self.host.now();
                    let judged = judge_all(wishes, document.as_ref(), now, stale);
                    // Where reads are current, it is a receipt of another group.
                    let may_be_stale = stale > 0;
                    if !may_be_stale || !judged.is_stale {
                        return Ok(judged.told);
                    }
                    if read_again {
                        let detail = "the store shows an older state than that of a receipt";
                        return Err(ErrorKind::Store { detail: detail.into() }.into());
                    }
                    read_again = true;
                    Duration::ZERO
                }
                Take::Held(held) if held.begins() => {
                    // The group was deleted meanwhile.
                    held.delete().await?;
                    return Ok(wishes.iter().map(|wishes| Told::unknown(wishes)).collect());
                }
                Take::Held(held) => return self.act(held, wishes, letters).await,
            };
            if self.host.monotonic() + pause >= give_up {
                return Err(busy());
            }
            self.host.sleep(pause).await;
        }
    }

    /// Does what is wanted while the lane is held.
    async fn act(
        &self,
        mut held: Held<H, Position>,
        wishes: &[&Wishes],
        letters: Option<Letters>,
    ) -> Result<Vec<Told>> {
        // Nobody else changes a claim until the lane is let go, so that it is judged once.
        let now = self.host.now();
        let buried = match letters {
            None => None,
            Some(letters) => match self.bury(&mut held, wishes, &letters, now).await? {
                Some(buried) => Some(buried),
                None => return Err(self.lost(&held.name().clone())),
            },
        };
        let mut position = held.payload().clone();
        let tickets = (held.generation(), held.ticket());
        let applied = apply_all(wishes, &mut position, tickets, now, buried.as_ref());
        let name = held.name().clone();
        if held.release(position).await? == Written::Lost {
            return Err(self.lost(&name));
        }
        Ok(told_all(wishes, applied, now, self.host.now()))
    }

    /// Writes the dead letters. If that takes longer than half of the grace, the lane is
    /// kept for longer. `None`: the lane is lost.
    async fn bury(
        &self,
        held: &mut Held<H, Position>,
        wishes: &[&Wishes],
        letters: &Letters,
        now: Millis,
    ) -> Result<Option<SortedSet<i64>>> {
        let before = held.payload().clone();
        let counts = rejected(wishes, &before, held.generation(), now);
        if counts.is_empty() {
            return Ok(Some(SortedSet::new()));
        }
        // Nothing is done before others know of a founder.
        if held.is_founding() && held.write(before.clone()).await? == Written::Lost {
            return Ok(None);
        }
        let half = Box::pin(self.host.sleep(held.until_renewal()));
        let Letters { settings, found, .. } = letters;
        let burying = Box::pin(self.giving_up.bury(self.case(), settings, found, &counts));
        match select(burying, half).await {
            Either::Left((buried, _)) => Ok(Some(buried)),
            Either::Right(((), burying)) => {
                let (buried, written) = join(burying, held.write(before)).await;
                Ok((written? == Written::Kept).then_some(buried))
            }
        }
    }

    /// `None`: no record goes to a dead-letter topic.
    async fn letters(&self) -> Result<Option<Letters>> {
        let settings = self.giving_up.settings(&self.group).await?;
        let has_topic = settings.dead_letter.is_some();
        let letters = || Letters { settings, found: Found::default(), tried: SortedSet::new() };
        Ok(has_topic.then(letters))
    }

    fn case(&self) -> Case<'_> {
        let Self { group, topic, partition, .. } = self;
        Case { group, topic, partition: *partition, why: GivenUp::Rejected }
    }

    fn lost(&self, lane: &LaneName) -> Error {
        self.host.event(Level::Warn, "lane-lost", &[("lane", lane.as_str().into())]);
        busy()
    }
}

impl Letters {
    /// The records that are to be rejected and were not tried to be read.
    fn unread(
        &self,
        wishes: &[&Wishes],
        document: Option<&Document<Position>>,
        now: Millis,
    ) -> Vec<i64> {
        let Some(document) = document else { return Vec::new() };
        let Some(position) = &document.payload else { return Vec::new() };
        let rejected = rejected(wishes, position, document.generation, now);
        let offsets = rejected.into_iter().map(|(offset, _)| offset);
        offsets.filter(|offset| !self.tried.contains(offset)).collect()
    }

    async fn read<H: Host, L: Log>(
        &mut self,
        giving_up: &GivingUp<H, L>,
        case: Case<'_>,
        unread: Vec<i64>,
    ) {
        let found = giving_up.find(case, &unread).await;
        self.found.records.extend(found.records);
        self.found.gone.extend(found.gone);
        self.tried.extend(unread);
    }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

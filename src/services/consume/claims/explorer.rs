//! Explores the real decisions about claims: two callers with clocks apart take pages of
//! one record, acknowledge it, give it back, renew it, or do nothing, and each write lands
//! and returns as separate events, late or never.
//!
//! Turns exclude each other, which `tests/lane_explorer` explores: a turn is over once its
//! write has landed, or at its end, and what lands after the next one has begun is in an
//! era that has ended. The last rows of the protocol's wrong variants are here
//! (`state-protocol.md`, section 11): each [rule](Rules) left out goes wrong.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use super::may_be_told;
use crate::host::Millis;
use crate::services::consume::disposal::{
    Acknowledged, Applied, Disposal, Wishes, apply_all, judge_all, told_all,
};
use crate::services::consume::position::Position;
use crate::services::consume::receipt::{Page, Receipt};
use crate::state::lane::{Document, Ticket, Version};

const CALLERS: usize = 2;

/// How far the clock of each caller's instance is ahead.
const AHEAD: [Millis; CALLERS] = [0, 1];

/// What [`AHEAD`] makes necessary: added to the end of a lease by whoever waits for it.
const MARGIN: Millis = 1;

#[derive(Debug, Clone, Copy)]
struct Rules {
    /// A write that returned after its turn's end does not count.
    timely: bool,
    /// A receipt is judged again by what the turn starts from.
    judged_again: bool,
    /// A receipt is good for the page that it came with.
    page_compared: bool,
    /// A caller is answered once its claims are written.
    written_first: bool,
    /// It is not answered after their end.
    within_lease: bool,
    /// Whoever waits for the end of a lease adds the margin.
    margin: bool,
}

const ALL: Rules = Rules {
    timely: true,
    judged_again: true,
    page_compared: true,
    written_first: true,
    within_lease: true,
    margin: true,
};

#[derive(Debug, Clone, Copy)]
struct Scenario {
    rules: Rules,
    records: i64,
    /// Of a claim.
    lease: Millis,
    /// Of a turn.
    grace: Millis,
    /// The last tick of the clock.
    until: Millis,
    /// The most turns that are taken.
    turns: u64,
    disposals: &'static [Disposal],
}

const NACK: Disposal = Disposal::Nack { delay: Duration::ZERO };
const RENEW: Disposal = Disposal::Renew { lease: Duration::from_millis(3) };

impl Scenario {
    const SMALL: Self = Self {
        rules: ALL,
        records: 1,
        lease: 3,
        grace: 2,
        until: 6,
        turns: 3,
        disposals: &[Disposal::Ack, NACK],
    };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Violation {
    /// A record comes after its caller was told that it is acknowledged.
    AfterAck,
    /// Two callers have a record.
    TwoLeases,
    /// The committed offset has passed a record that nobody has acknowledged.
    PassedOver,
}

#[derive(Debug, Clone)]
struct World {
    time: Millis,
    position: Position,
    /// The last ticket that was drawn, and the one that wrote the position.
    drawn: u64,
    wrote: u64,
    /// Until when the turn of the last ticket keeps others out.
    taken: Option<Millis>,
    callers: [Caller; CALLERS],
    /// Turns whose callers gave up before the write had landed.
    given_up: Vec<Turn>,
    /// Records whose acknowledgement has landed, and has been told.
    struck: Vec<i64>,
    told: Vec<i64>,
}

#[derive(Debug, Clone, Default)]
struct Caller {
    /// What it was answered with and has said nothing about, and until when it counts on
    /// that.
    has: Option<(Receipt, Millis)>,
    doing: Doing,
}

#[derive(Debug, Clone, Default)]
enum Doing {
    #[default]
    Nothing,
    /// It has asked for a page at this time.
    Asked(Millis),
    /// It has said something about a record, which was live when its instance looked.
    Said(Wishes),
    Turn(Box<Turn>),
}

#[derive(Debug, Clone)]
struct Turn {
    ticket: u64,
    end: Millis,
    position: Position,
    landed: bool,
    of: Of,
}

#[derive(Debug, Clone)]
enum Of {
    Page(Receipt),
    Word(Wishes, Word),
}

#[derive(Debug, Clone)]
struct Word {
    applied: Vec<Vec<Applied>>,
    began: Millis,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Tick,
    /// A caller asks for a page.
    Ask(usize),
    /// It says something about its record, or forgets it.
    Say(usize, Disposal),
    Forget(usize),
    /// Its instance gets the turn that it waits for.
    Begin(usize),
    /// The turn's write takes effect; returns; or is never heard of, and the caller gives up.
    Land(usize),
    Return(usize),
    GiveUp(usize),
    LandLate(usize),
}

impl World {
    fn new() -> Self {
        Self {
            time: 0,
            position: Position::at(0),
            drawn: 0,
            wrote: 0,
            taken: None,
            callers: Default::default(),
            given_up: Vec::new(),
            struck: Vec::new(),
            told: Vec::new(),
        }
    }

    fn wall(&self, i: usize) -> Millis {
        self.time + AHEAD[i]
    }

    fn may_begin(&self, scenario: &Scenario) -> bool {
        self.drawn < scenario.turns && self.taken.is_none_or(|end| self.time > end)
    }

    fn events(&self, scenario: &Scenario) -> Vec<Event> {
        let mut events = Vec::new();
        for (i, caller) in self.callers.iter().enumerate() {
            match &caller.doing {
                Doing::Nothing if caller.has.is_some() => {
                    events.push(Event::Forget(i));
                    events.extend(scenario.disposals.iter().map(|said| Event::Say(i, *said)));
                }
                Doing::Nothing => events.push(Event::Ask(i)),
                Doing::Asked(_) | Doing::Said(_) => {
                    if self.may_begin(scenario) {
                        events.push(Event::Begin(i));
                    }
                }
                Doing::Turn(turn) => {
                    if !turn.landed {
                        events.push(Event::Land(i));
                        events.push(Event::GiveUp(i));
                    }
                    events.push(Event::Return(i));
                }
            }
        }
        events.extend((0..self.given_up.len()).map(Event::LandLate));
        if self.time < scenario.until {
            events.push(Event::Tick);
        }
        events
    }

    fn apply(&mut self, event: Event, scenario: &Scenario) -> Result<(), Violation> {
        match event {
            Event::Tick => self.time += 1,
            Event::Ask(i) => self.callers[i].doing = Doing::Asked(self.wall(i)),
            Event::Say(i, disposal) => {
                if let Some((receipt, _)) = self.callers[i].has.take() {
                    let wishes = vec![(receipt, disposal)];
                    let document = self.document();
                    let judged = judge_all(&[&wishes], Some(&document), self.wall(i), 0);
                    if judged.any_live {
                        self.callers[i].doing = Doing::Said(wishes);
                    }
                }
            }
            Event::Forget(i) => self.callers[i].has = None,
            Event::Begin(i) => self.begin(i, scenario)?,
            Event::Land(i) => {
                let Doing::Turn(turn) = &mut self.callers[i].doing else { return Ok(()) };
                turn.landed = true;
                let turn = turn.clone();
                self.land(*turn)?;
            }
            Event::Return(i) => self.returned(i, scenario)?,
            Event::GiveUp(i) => {
                if let Doing::Turn(turn) = std::mem::take(&mut self.callers[i].doing) {
                    self.given_up.push(*turn);
                }
            }
            Event::LandLate(n) => {
                let turn = self.given_up.remove(n);
                self.land(turn)?;
            }
        }
        Ok(())
    }

    fn document(&self) -> Document<Position> {
        Document {
            version: Version::CURRENT,
            ticket: Ticket::of(self.wrote),
            upto: Ticket::of(self.wrote),
            held: None,
            generation: Ticket::NONE,
            payload: Some(self.position.clone()),
        }
    }

    fn begin(&mut self, i: usize, scenario: &Scenario) -> Result<(), Violation> {
        let rules = scenario.rules;
        let (now, ticket, mut position) = (self.wall(i), self.drawn + 1, self.position.clone());
        let of = match std::mem::take(&mut self.callers[i].doing) {
            Doing::Asked(asked) => {
                let margin = if rules.margin { MARGIN } else { 0 };
                let free = position.claims.free(asked, margin);
                let new = (position.next < scenario.records).then_some(position.next);
                let Some(offset) = free.first().map(|(offset, _)| *offset).or(new) else {
                    return Ok(());
                };
                position.next = position.next.max(offset + 1);
                let (nonce, until) = (format!("page {ticket}"), now + scenario.lease);
                position.claims.put(offset, &nonce, until);
                let ticket = Ticket::of(ticket);
                let page = Page { topic: String::new(), partition: 0, ticket, nonce, until };
                Of::Page(Receipt { page: Rc::new(page), offset })
            }
            Doing::Said(mut wishes) => {
                let (receipt, disposal) = &mut wishes[0];
                let claim = position.claims.get(receipt.offset).cloned();
                if let (Some(claim), false) = (&claim, rules.page_compared) {
                    Rc::make_mut(&mut receipt.page).nonce.clone_from(&claim.nonce);
                }
                let began = match rules.judged_again {
                    true => now,
                    false => Millis::MIN,
                };
                if !rules.judged_again && *disposal == Disposal::Ack {
                    // It was live at the look.
                    position.claims.put(receipt.offset, &receipt.page.nonce, Millis::MAX);
                }
                let tickets = (Ticket::NONE, Ticket::of(ticket));
                let applied = apply_all(&[&wishes], &mut position, tickets, began, None);
                Of::Word(wishes, Word { applied, began })
            }
            other => {
                self.callers[i].doing = other;
                return Ok(());
            }
        };
        let end = self.time + scenario.grace;
        (self.drawn, self.taken) = (ticket, Some(end));
        let answer = match &of {
            Of::Page(receipt) if !rules.written_first => Some(receipt.clone()),
            _ => None,
        };
        self.callers[i].doing =
            Doing::Turn(Box::new(Turn { ticket, end, position, landed: false, of }));
        answer.map_or(Ok(()), |receipt| self.answer(i, receipt))
    }

    fn land(&mut self, turn: Turn) -> Result<(), Violation> {
        if turn.ticket < self.drawn {
            return Ok(());
        }
        if let Of::Word(wishes, _) = &turn.of
            && let (receipt, Disposal::Ack) = &wishes[0]
            && !turn.position.claims.contains(receipt.offset)
        {
            self.struck.push(receipt.offset);
        }
        (self.position, self.wrote, self.taken) = (turn.position, turn.ticket, None);
        let committed = self.position.committed();
        match (0..committed).all(|offset| self.struck.contains(&offset)) {
            true => Ok(()),
            false => Err(Violation::PassedOver),
        }
    }

    fn returned(&mut self, i: usize, scenario: &Scenario) -> Result<(), Violation> {
        let rules = scenario.rules;
        let now = self.wall(i);
        let Doing::Turn(turn) = std::mem::take(&mut self.callers[i].doing) else { return Ok(()) };
        // Without an effect it has failed, which nobody takes for a success.
        let kept = turn.landed && (self.time < turn.end || !rules.timely);
        match turn.of {
            Of::Page(_) if !rules.written_first => Ok(()),
            Of::Page(receipt) => {
                let until = if rules.within_lease { receipt.page.until } else { Millis::MAX };
                match may_be_told(kept, until, now) {
                    true => self.answer(i, receipt),
                    false => Ok(()),
                }
            }
            Of::Word(..) if !kept => Ok(()),
            Of::Word(wishes, Word { applied, began }) => {
                let written = if rules.timely { now } else { Millis::MIN };
                let told = told_all(&[&wishes], applied, began, written);
                let [(receipt, disposal)] = &wishes[..] else { return Ok(()) };
                if told[0].acknowledged == [Acknowledged::Done] {
                    match disposal {
                        Disposal::Ack => self.told.push(receipt.offset),
                        Disposal::Renew { lease } => {
                            let until = began + lease.as_millis() as Millis;
                            return self.answer_until(i, receipt.clone(), until);
                        }
                        Disposal::Nack { .. } | Disposal::Reject => {}
                    }
                }
                Ok(())
            }
        }
    }

    fn answer(&mut self, i: usize, receipt: Receipt) -> Result<(), Violation> {
        let until = receipt.page.until;
        self.answer_until(i, receipt, until)
    }

    fn answer_until(&mut self, i: usize, receipt: Receipt, until: Millis) -> Result<(), Violation> {
        if self.told.contains(&receipt.offset) {
            return Err(Violation::AfterAck);
        }
        for (j, caller) in self.callers.iter().enumerate() {
            if let Some((other, until)) = &caller.has
                && j != i
                && other.offset == receipt.offset
                && self.wall(j) <= *until
            {
                return Err(Violation::TwoLeases);
            }
        }
        self.callers[i].has = Some((receipt, until));
        Ok(())
    }
}

/// Every state that can be reached.
fn explore(scenario: &Scenario) -> (usize, Option<(Violation, Vec<Event>)>) {
    let start = World::new();
    let mut visited = HashSet::from([hash(&start)]);
    let mut path = vec![(start.events(scenario), start)];
    let mut trace = Vec::new();
    while let Some((events, world)) = path.last_mut() {
        let Some(event) = events.pop() else {
            path.pop();
            trace.pop();
            continue;
        };
        let mut next = world.clone();
        trace.push(event);
        if let Err(violation) = next.apply(event, scenario) {
            return (visited.len(), Some((violation, trace)));
        }
        if visited.insert(hash(&next)) {
            path.push((next.events(scenario), next));
        } else {
            trace.pop();
        }
    }
    (visited.len(), None)
}

#[test]
fn claims_hold() {
    for scenario in
        [Scenario::SMALL, Scenario { disposals: &[Disposal::Ack, RENEW], ..Scenario::SMALL }]
    {
        let (states, found) = explore(&scenario);
        println!("{states} states");
        assert!(found.is_none(), "{found:?}");
    }
}

fn hash(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{world:?}").hash(&mut hasher);
    hasher.finish()
}

/// What is expected goes wrong, and with all rules nothing does.
fn wrong(expected: Violation, scenario: Scenario) {
    let right = Scenario { rules: ALL, ..scenario };
    let (states, found) = explore(&scenario);
    println!("{states} states: {found:?}");
    assert_eq!(found.map(|(violation, _)| violation), Some(expected));
    let (states, found) = explore(&right);
    println!("{states} states with all rules");
    assert!(found.is_none(), "{found:?}");
}

#[test]
fn a_late_write_is_told_as_acknowledged() {
    let rules = Rules { timely: false, ..ALL };
    wrong(Violation::AfterAck, Scenario { rules, disposals: &[Disposal::Ack], ..Scenario::SMALL });
}

#[test]
fn the_end_of_a_lease_is_not_looked_at_again() {
    let rules = Rules { judged_again: false, ..ALL };
    wrong(Violation::AfterAck, Scenario { rules, disposals: &[Disposal::Ack], ..Scenario::SMALL });
}

#[test]
fn the_page_is_not_compared() {
    let rules = Rules { page_compared: false, ..ALL };
    let small = Scenario { rules, disposals: &[NACK], ..Scenario::SMALL };
    wrong(Violation::TwoLeases, Scenario { turns: 4, lease: 2, until: 5, ..small });
}

#[test]
fn a_caller_is_answered_before_its_claims_are_written() {
    let rules = Rules { written_first: false, ..ALL };
    wrong(Violation::TwoLeases, Scenario { rules, disposals: &[], ..Scenario::SMALL });
}

#[test]
fn a_caller_is_answered_past_the_end_of_its_lease() {
    let rules = Rules { within_lease: false, ..ALL };
    let small = Scenario { rules, disposals: &[], ..Scenario::SMALL };
    wrong(Violation::TwoLeases, Scenario { lease: 1, grace: 4, ..small });
}

#[test]
fn who_waits_for_a_lease_adds_no_margin() {
    let rules = Rules { margin: false, ..ALL };
    wrong(Violation::TwoLeases, Scenario { rules, disposals: &[], ..Scenario::SMALL });
}

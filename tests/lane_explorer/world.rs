//! The world as a state with events, and the properties that each event is checked
//! for.

use std::time::Duration;

use kafka_edge::state::lane::look::{self, Memory, Outcome, Step, Won};
use kafka_edge::state::lane::turn::{Change, Start, Turn};
use kafka_edge::state::lane::{Now, Ticket, Written};

use crate::instance::{Holding, Instance, Read, Stage, Writing};
use crate::scenario::Scenario;
use crate::store::{Key, Position, Store, Time, Value};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) time: Time,
    pub(crate) instances: Vec<Instance>,
    store: Store,
    /// What was sent and the store has not seen yet, of those who died or gave up.
    ghosts: Vec<Ghost>,
    end: Position,
    /// How often each record was handed out.
    answered: Vec<u8>,
    /// Where the group's first holder began.
    first: Option<Position>,
    /// The furthest start of any holder: generation and position.
    furthest: (Ticket, Position),
    /// Somebody died or was late, so records may come twice.
    excused: bool,
    deaths: u8,
    seeks: u8,
    unknown: u8,
    double_draws: u8,
    losses: u8,
    draws: u64,
    /// Whether `d/0` was ever there.
    first_document: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Ghost {
    Draw(u64),
    Put(Key, Option<Value>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Tick,
    Append,
    /// The counter is set back to nothing.
    LoseCounter,
    /// The wall clock of an instance jumps to this.
    Clock(usize, i64),
    Begin(usize),
    /// The counter is read.
    Count(usize),
    /// A value is read, as the n-th that it may be.
    Read(usize, usize),
    /// What was read arrives.
    Arrive(usize),
    /// A draw takes effect, or is answered with the number of the last one.
    Draw(usize),
    DrawTwice(usize),
    HandOut(usize),
    /// A founder writes what it starts from.
    Found(usize),
    /// A holder writes and stays.
    Write(usize),
    /// A holder reads the counter, and then lets go.
    CountForRelease(usize),
    Release(usize),
    Seek(usize),
    /// A write takes effect; returns; or its outcome stays unknown.
    Land(usize),
    Return(usize),
    Unknown(usize),
    /// A holder sees that its time is over.
    Stop(usize),
    Die(usize),
    LandGhost(usize),
}

impl Event {
    /// Whose event it is.
    pub(crate) fn instance(self) -> Option<usize> {
        match self {
            Self::Tick | Self::Append | Self::LoseCounter | Self::LandGhost(_) => None,
            Self::Begin(i)
            | Self::Clock(i, _)
            | Self::Count(i)
            | Self::Read(i, _)
            | Self::Arrive(i)
            | Self::Draw(i)
            | Self::DrawTwice(i)
            | Self::HandOut(i)
            | Self::Found(i)
            | Self::Write(i)
            | Self::CountForRelease(i)
            | Self::Release(i)
            | Self::Seek(i)
            | Self::Land(i)
            | Self::Return(i)
            | Self::Unknown(i)
            | Self::Stop(i)
            | Self::Die(i) => Some(i),
        }
    }

    /// Something that goes wrong, or that nobody has to do.
    pub(crate) fn is_optional(self) -> bool {
        match self {
            Self::Die(_)
            | Self::Clock(..)
            | Self::Seek(_)
            | Self::Write(_)
            | Self::Unknown(_)
            | Self::DrawTwice(_) => true,
            Self::Read(_, nth) => nth > 0,
            _ => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Violation {
    PassedOver,
    TwoHolders,
    Repeat,
    StepBack,
    NoProgress,
}

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let instance =
            |ahead: &i64| Instance { ahead: *ahead, stage: Stage::Idle(Memory::default()) };
        Self {
            time: 0,
            instances: scenario.ahead[..scenario.instances].iter().map(instance).collect(),
            store: Store::default(),
            ghosts: Vec::new(),
            end: scenario.records,
            answered: vec![0; usize::from(scenario.records + scenario.appends)],
            first: None,
            furthest: (Ticket::NONE, 0),
            excused: false,
            deaths: scenario.deaths,
            seeks: scenario.seeks,
            unknown: scenario.unknown,
            double_draws: scenario.double_draws,
            losses: scenario.losses,
            draws: 0,
            first_document: false,
        }
    }

    fn now(&self, i: usize) -> Now {
        Now {
            wall: 1_000 + i64::from(self.time) + self.instances[i].ahead,
            monotonic: Duration::from_millis(self.time.into()),
        }
    }

    /// All that may happen next.
    pub(crate) fn events(&self, scenario: &Scenario) -> Vec<Event> {
        let mut events = Vec::new();
        for i in 0..self.instances.len() {
            match &self.instances[i].stage {
                Stage::Idle(_) => events.push(Event::Begin(i)),
                Stage::Looking(step, read) => self.of_looking(i, step, read, scenario, &mut events),
                Stage::Holding(holding) => self.of_holding(i, holding, scenario, &mut events),
            }
            if self.deaths > 0 && !self.instances[i].is_idle() {
                events.push(Event::Die(i));
            }
            if let Some(most) = scenario.clocks_move {
                let ahead = self.instances[i].ahead;
                events.push(Event::Clock(i, if ahead == 0 { most } else { 0 }));
            }
        }
        events.extend((0..self.ghosts.len()).map(Event::LandGhost));
        if usize::from(self.end) < self.answered.len() {
            events.push(Event::Append);
        }
        // Before its first document a lane has no other trace of its past; neither
        // has a draw that was sent then.
        let quiet = self.instances.iter().all(Instance::is_idle);
        if self.losses > 0 && self.first_document && quiet {
            events.push(Event::LoseCounter);
        }
        if self.time < scenario.until {
            events.push(Event::Tick);
        }
        events
    }

    fn of_looking(
        &self,
        i: usize,
        step: &Step<Position>,
        read: &Read,
        scenario: &Scenario,
        events: &mut Vec<Event>,
    ) {
        let (counts, key) = wants(step);
        let whole = (read.counter.is_some() || !counts) && (read.value.is_some() || key.is_none());
        match step {
            Step::SetWatch(_) => events.push(Event::Land(i)),
            Step::Draw(_) if self.draws >= scenario.draws => {}
            Step::Draw(_) => {
                events.push(Event::Draw(i));
                if self.double_draws > 0 && self.store.counter > 0 {
                    events.push(Event::DrawTwice(i));
                }
            }
            _ if whole => events.push(Event::Arrive(i)),
            _ => {
                if counts && read.counter.is_none() {
                    events.push(Event::Count(i));
                }
                if let (Some(key), None) = (key, read.value) {
                    let readable = self.store.readable(key, self.time, scenario.stale).len();
                    events.extend((0..readable).map(|nth| Event::Read(i, nth)));
                }
            }
        }
    }

    fn of_holding(
        &self,
        i: usize,
        holding: &Holding,
        scenario: &Scenario,
        events: &mut Vec<Event>,
    ) {
        let now = self.now(i);
        let ahead = if scenario.caller.answer_first { self.end } else { holding.written };
        if holding.turn.is_live(now) && holding.position < ahead {
            events.push(Event::HandOut(i));
        }
        match holding.writing {
            Some(Writing { landed: true, .. }) => events.push(Event::Return(i)),
            Some(_) => {
                events.push(Event::Land(i));
                if self.unknown > 0 {
                    events.push(Event::Unknown(i));
                }
            }
            None if holding.delete.is_some() => events.push(Event::Land(i)),
            None => {
                let live = holding.turn.is_live(now) || holding.turn.is_founding();
                if !live && (scenario.rules.upto_before_end || holding.upto.is_none()) {
                    return events.push(Event::Stop(i));
                }
                let worth = match scenario.caller.answer_first {
                    true => holding.position > holding.written || holding.turn.renew_due(now),
                    false => holding.written < self.end,
                };
                if holding.turn.is_founding() {
                    events.push(Event::Found(i));
                } else if worth {
                    events.push(Event::Write(i));
                }
                match holding.upto {
                    None => events.push(Event::CountForRelease(i)),
                    Some(_) => {
                        events.push(Event::Release(i));
                        if self.seeks > 0 {
                            events.push(Event::Seek(i));
                        }
                        if !scenario.rules.upto_before_end {
                            events.push(Event::CountForRelease(i));
                        }
                    }
                }
            }
        }
    }

    /// Lets an event happen.
    pub(crate) fn apply(&mut self, event: Event, scenario: &Scenario) -> Result<(), Violation> {
        match event {
            Event::Tick => self.time += 1,
            Event::Append => self.end += 1,
            Event::LoseCounter => {
                self.losses -= 1;
                self.store.counter = 0;
            }
            Event::Clock(i, ahead) => self.instances[i].ahead = ahead,
            Event::Begin(i) => self.begin(i, scenario)?,
            Event::Count(i) => {
                let counter = self.store.counter;
                if let Stage::Looking(_, read) = &mut self.instances[i].stage {
                    read.counter = Some(counter);
                }
            }
            Event::Read(i, nth) => self.read(i, nth, scenario),
            Event::Arrive(i) => self.arrive(i, scenario)?,
            Event::Draw(i) => self.draw(i, false, scenario)?,
            Event::DrawTwice(i) => self.draw(i, true, scenario)?,
            Event::HandOut(i) => self.hand_out(i, scenario)?,
            Event::Found(i) | Event::Write(i) => self.write(i, false, false, scenario),
            Event::CountForRelease(i) => {
                let counter = self.store.counter;
                if let Stage::Holding(holding) = &mut self.instances[i].stage {
                    holding.upto = Some(counter);
                }
            }
            Event::Release(i) => self.write(i, true, false, scenario),
            Event::Seek(i) => self.write(i, true, true, scenario),
            Event::Land(i) => self.land(i, scenario),
            Event::Return(i) => self.returned(i, scenario)?,
            Event::Unknown(i) => {
                self.unknown -= 1;
                self.excused = true;
                self.ghosts.extend(self.sent(i));
                let rules = scenario.rules;
                if let Stage::Holding(holding) = &mut self.instances[i].stage {
                    holding.turn.failed();
                    holding.writing = None;
                }
                if rules.spent {
                    self.instances[i].stage = Stage::Idle(Memory::default());
                }
            }
            Event::Stop(i) => {
                self.excused = true;
                self.instances[i].stage = Stage::Idle(Memory::default());
            }
            Event::Die(i) => {
                self.deaths -= 1;
                self.excused |= self.instances[i].stage.turn().is_some();
                self.ghosts.extend(self.sent(i));
                self.instances[i].stage = Stage::Idle(Memory::default());
            }
            Event::LandGhost(n) => match self.ghosts.remove(n) {
                Ghost::Draw(by) => drop(self.store.draw(by)),
                Ghost::Put(key, value) => self.put(key, value, scenario),
            },
        }
        if scenario.promises.one_holder && self.holders().count() > 1 {
            return Err(Violation::TwoHolders);
        }
        Ok(())
    }

    /// The instances that may act on the lane by their own clocks.
    fn holders(&self) -> impl Iterator<Item = usize> {
        (0..self.instances.len()).filter(|i| {
            let turn = self.instances[*i].stage.turn();
            turn.is_some_and(|turn| turn.is_live(self.now(*i)))
        })
    }

    pub(crate) fn all_answered(&self) -> bool {
        let begin = self.first.unwrap_or(0).min(self.end);
        self.answered[begin.into()..self.end.into()].iter().all(|times| *times > 0)
    }

    fn put(&mut self, key: Key, value: Option<Value>, scenario: &Scenario) {
        self.first_document |= key == Key::Document(0);
        self.store.put(key, value, self.time, scenario.stale);
    }

    fn begin(&mut self, i: usize, scenario: &Scenario) -> Result<(), Violation> {
        let Stage::Idle(memory) = self.instances[i].stage.clone() else { return Ok(()) };
        let memory = if scenario.remembers { memory } else { Memory::default() };
        let step = look::begin(scenario.params, scenario.rules, memory, self.now(i));
        self.go_on(i, step, scenario)
    }

    /// Enters a step.
    fn go_on(
        &mut self,
        i: usize,
        step: Step<Position>,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        self.instances[i].stage = match step {
            // Whether a knock is heard is fairness, which is not explored: holders
            // here let go whenever they like.
            Step::Knock(knock) => {
                let step = knock.done(self.now(i));
                return self.go_on(i, step, scenario);
            }
            Step::Done(Outcome::Busy(memory, _)) => Stage::Idle(memory),
            Step::Done(Outcome::Won(won)) => return self.wins(i, &won, scenario),
            step => Stage::Looking(step, Read::default()),
        };
        Ok(())
    }

    fn read(&mut self, i: usize, nth: usize, scenario: &Scenario) {
        let Stage::Looking(step, read) = &mut self.instances[i].stage else { return };
        let Some(key) = wants(step).1 else { return };
        read.value = Some(self.store.readable(key, self.time, scenario.stale)[nth]);
    }

    fn arrive(&mut self, i: usize, scenario: &Scenario) -> Result<(), Violation> {
        let now = self.now(i);
        let Stage::Looking(step, read) = self.instances[i].stage.clone() else { return Ok(()) };
        let counter = read.counter.unwrap_or(0);
        let document = match read.value {
            Some(Some(Value::Document(document))) => Some(document),
            _ => None,
        };
        let watch = match read.value {
            Some(Some(Value::Watch(watch))) => Some(watch),
            _ => None,
        };
        let next = match step {
            Step::Look(step) => step.got(counter, document, now),
            Step::GetDocument(step) => step.got(document, now),
            Step::GetWatch(step) => step.got(watch, now),
            Step::Recheck(step) => step.got(counter, now),
            step => panic!("nothing is read for {step:?}"),
        };
        self.go_on(i, next, scenario)
    }

    fn draw(&mut self, i: usize, twice: bool, scenario: &Scenario) -> Result<(), Violation> {
        let Stage::Looking(Step::Draw(draw), _) = self.instances[i].stage.clone() else {
            return Ok(());
        };
        self.draws += 1;
        self.double_draws -= u8::from(twice);
        let ticket = self.store.draw(if twice { 0 } else { draw.by });
        // When this returns makes no difference: its time counts from before.
        self.go_on(i, draw.got(ticket.number()), scenario)
    }

    /// What an instance has sent and the store not seen.
    fn sent(&self, i: usize) -> Option<Ghost> {
        match &self.instances[i].stage {
            Stage::Looking(Step::Draw(draw), _) => Some(Ghost::Draw(draw.by)),
            Stage::Looking(Step::SetWatch(set), _) => {
                Some(Ghost::Put(Key::Watch, Some(Value::Watch(set.watch))))
            }
            Stage::Holding(holding) => match (holding.writing, holding.delete) {
                (Some(Writing { document, landed: false, .. }), _) => {
                    let era = holding.turn.ticket().era();
                    Some(Ghost::Put(Key::Document(era), Some(Value::Document(document))))
                }
                (None, Some(era)) => Some(Ghost::Put(Key::Document(era), None)),
                _ => None,
            },
            Stage::Idle(_) | Stage::Looking(..) => None,
        }
    }

    fn land(&mut self, i: usize, scenario: &Scenario) {
        if let Some(Ghost::Put(key, value)) = self.sent(i) {
            self.put(key, value, scenario);
        }
        let now = self.now(i);
        let late = self.instances[i].stage.turn().is_some_and(|turn| turn.remaining(now).is_zero());
        let stage = self.instances[i].stage.clone();
        match stage {
            Stage::Looking(Step::SetWatch(step), _) => {
                // When this returns makes no difference.
                _ = self.go_on(i, step.done(), scenario);
            }
            Stage::Holding(mut holding) => {
                match &mut holding.writing {
                    // It comes too late for some, who start from the one before.
                    Some(writing) => {
                        writing.landed = true;
                        self.excused |= late && !holding.turn.is_founding();
                    }
                    None => holding.delete = None,
                }
                self.leave_if_released(i, holding, scenario);
            }
            Stage::Idle(_) | Stage::Looking(..) => {}
        }
    }

    /// A holder that has let go, and has nothing more to do, is idle.
    fn leave_if_released(&mut self, i: usize, holding: Holding, scenario: &Scenario) {
        let now = self.now(i);
        let over = !holding.turn.is_founding() && holding.turn.remaining(now).is_zero();
        let released = holding.writing.is_none() && holding.delete.is_none() && holding.released();
        self.instances[i].stage = match released && over {
            true => {
                let mut memory = Memory::default();
                if let (true, Some(document)) = (scenario.remembers, holding.last()) {
                    memory.released(document, now);
                }
                Stage::Idle(memory)
            }
            false => Stage::Holding(holding),
        };
    }

    /// Instance `i` has won a turn.
    fn wins(
        &mut self,
        i: usize,
        won: &Won<Position>,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        let position = match won.start() {
            Start::From(position) => position,
            Start::New if scenario.caller.from_latest => self.end,
            Start::New | Start::Restart => 0,
        };
        let holding = Holding {
            turn: Turn::new(won),
            position,
            written: position,
            begun: false,
            has_base: won.base.is_some(),
            upto: None,
            writing: None,
            delete: None,
            kept: None,
        };
        self.instances[i].stage = Stage::Holding(holding);
        if let (false, Stage::Holding(holding)) =
            (scenario.rules.found_before_acting, &mut self.instances[i].stage)
        {
            holding.delete = holding.turn.take_older();
        }
        if scenario.stale == crate::store::Stale::Any && won.base.is_none() {
            // Its first document may be read late by somebody who sees nothing newer.
            self.answered[..position.into()].fill(1);
        }
        match won.founds && scenario.rules.found_before_acting {
            true => Ok(()),
            false => self.starts(i, scenario),
        }
    }

    /// Instance `i` may act from now on.
    fn starts(&mut self, i: usize, scenario: &Scenario) -> Result<(), Violation> {
        let Stage::Holding(holding) = &mut self.instances[i].stage else { return Ok(()) };
        holding.begun = true;
        let holding_has_base = holding.has_base;
        let (at, generation) = (holding.written, holding.turn.generation());
        let first = *self.first.get_or_insert(at);
        let below = usize::from(first.min(at))..usize::from(at);
        if self.answered[below].contains(&0) {
            return Err(Violation::PassedOver);
        }
        // Whoever has not let go was late.
        self.excused |= (0..self.instances.len())
            .any(|other| other != i && self.instances[other].stage.turn().is_some());
        let start = (generation, at);
        if scenario.promises.no_step_back && start < self.furthest {
            return Err(Violation::StepBack);
        }
        // Who finds nothing may begin at the end; a later one that finds nothing,
        // either, begins at the beginning.
        if holding_has_base {
            self.furthest = self.furthest.max(start);
        }
        Ok(())
    }

    fn write(&mut self, i: usize, release: bool, seek: bool, scenario: &Scenario) {
        let (now, end) = (self.now(i), self.end);
        let Stage::Holding(holding) = &mut self.instances[i].stage else { return };
        let payload = match scenario.caller.answer_first {
            _ if seek => 0,
            true => holding.position,
            false if release => holding.written,
            false => (holding.written + 1).min(end),
        };
        let upto = release.then(|| Ticket::of(holding.upto.unwrap_or(0)));
        let change = Change { payload: Some(payload), release: upto, seek };
        let Some(document) = holding.turn.write(change, now) else {
            self.excused = true;
            self.instances[i].stage = Stage::Idle(Memory::default());
            return;
        };
        holding.upto = None;
        holding.writing = Some(Writing { document, landed: false, seeks: seek });
        self.seeks -= u8::from(seek);
        self.excused |= seek;
    }

    fn returned(&mut self, i: usize, scenario: &Scenario) -> Result<(), Violation> {
        let now = self.now(i);
        let Stage::Holding(mut holding) = self.instances[i].stage.clone() else { return Ok(()) };
        let Some(writing) = holding.writing.take() else { return Ok(()) };
        if holding.turn.returned(now) == Written::Lost {
            self.excused |= holding.begun;
            self.instances[i].stage = Stage::Idle(Memory::default());
            return Ok(());
        }
        holding.written = writing.document.payload.unwrap_or(0);
        holding.kept = Some(writing.document);
        holding.delete = holding.turn.take_older();
        if writing.seeks {
            let seek = (holding.turn.generation(), holding.written);
            self.furthest = self.furthest.max(seek);
        }
        let stays = writing.document.held.is_some();
        self.instances[i].stage = Stage::Holding(holding.clone());
        if !holding.begun && stays {
            self.starts(i, scenario)?;
            holding.begun = true;
        }
        self.leave_if_released(i, holding, scenario);
        Ok(())
    }

    fn hand_out(&mut self, i: usize, scenario: &Scenario) -> Result<(), Violation> {
        let Stage::Holding(holding) = &mut self.instances[i].stage else { return Ok(()) };
        let times = &mut self.answered[usize::from(holding.position)];
        holding.position += 1;
        *times = (*times + 1).min(2);
        if scenario.promises.no_repeat && *times > 1 && !self.excused {
            return Err(Violation::Repeat);
        }
        Ok(())
    }
}

/// What has to be read for a step: the counter, and a value.
fn wants(step: &Step<Position>) -> (bool, Option<Key>) {
    match step {
        Step::Look(step) => (true, Some(Key::Document(step.era))),
        Step::GetDocument(step) => (false, Some(Key::Document(step.era))),
        Step::GetWatch(_) => (false, Some(Key::Watch)),
        Step::Recheck(_) => (true, None),
        Step::SetWatch(_) | Step::Knock(_) | Step::Draw(_) | Step::Done(_) => (false, None),
    }
}

//! The world as a state with events, and the properties that each event is
//! checked for.

use std::time::Duration;

use kafka_edge::state::lane::take::{self, Memory, Outcome, Step, Won};
use kafka_edge::state::lane::tenure::{Change, Chore, Start, Tenure};
use kafka_edge::state::lane::{Epoch, Now, Written};

use crate::instance::{Answer, Holding, Instance, Stage, Tidying, Writing};
use crate::scenario::Scenario;
use crate::store::{Key, Position, Stale, Store, Time, Value};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) time: Time,
    pub(crate) instances: Vec<Instance>,
    store: Store,
    /// What the dead have sent and the store has not seen yet.
    ghosts: Vec<Ghost>,
    end: Position,
    /// How often each record was handed out.
    answered: Vec<u8>,
    /// Where the group's first holder began.
    first: Option<Position>,
    /// The furthest start of any holder: generation and position.
    furthest: (Epoch, Position),
    /// Somebody died or was late, so records may come twice.
    excused: bool,
    deaths: u8,
    seeks: u8,
    double_claims: u8,
    /// Instances remember what their last poll has seen.
    remembers: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ghost {
    key: Key,
    value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Tick,
    Append,
    /// The wall clock of an instance jumps to this.
    Clock(usize, i64),
    Begin(usize),
    /// A read is answered, with the n-th that it may be.
    Read(usize, Part, usize),
    /// A write takes effect.
    Land(usize),
    Return(usize),
    Announce(usize),
    Seek(usize),
    HandOut(usize),
    Write(usize),
    Release(usize),
    /// A holder sees that its time is over.
    Stop(usize),
    Die(usize),
    LandGhost(usize),
}

impl Event {
    /// Whose event it is.
    pub(crate) fn instance(self) -> Option<usize> {
        match self {
            Self::Tick | Self::Append | Self::LandGhost(_) => None,
            Self::Begin(i)
            | Self::Clock(i, _)
            | Self::Read(i, ..)
            | Self::Land(i)
            | Self::Return(i)
            | Self::Announce(i)
            | Self::Seek(i)
            | Self::HandOut(i)
            | Self::Write(i)
            | Self::Release(i)
            | Self::Stop(i)
            | Self::Die(i) => Some(i),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Only,
    Document,
    Hint,
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
            furthest: (0, 0),
            excused: false,
            deaths: scenario.deaths,
            seeks: scenario.seeks,
            double_claims: scenario.double_claims,
            remembers: scenario.remembers,
        }
    }

    fn now(&self, i: usize) -> Now {
        let time = self.time.into();
        Now {
            wall: 1_000 + i64::from(self.time) + self.instances[i].ahead,
            monotonic: Duration::from_millis(time),
        }
    }

    /// All that may happen next.
    pub(crate) fn events(&self, scenario: &Scenario) -> Vec<Event> {
        let mut events = Vec::new();
        for i in 0..self.instances.len() {
            self.events_of(i, scenario, &mut events);
        }
        events.extend((0..self.ghosts.len()).map(Event::LandGhost));
        if usize::from(self.end) < self.answered.len() {
            events.push(Event::Append);
        }
        if self.time < scenario.until {
            events.push(Event::Tick);
        }
        events
    }

    fn events_of(&self, i: usize, scenario: &Scenario, events: &mut Vec<Event>) {
        let instance = &self.instances[i];
        match &instance.stage {
            Stage::Idle(_) => events.push(Event::Begin(i)),
            Stage::Taking(step, answer) => self.events_of_taking(i, step, answer, scenario, events),
            Stage::Writing(Writing { landed: true, .. }) => events.push(Event::Return(i)),
            Stage::Writing(_) | Stage::Tidying(_) => events.push(Event::Land(i)),
            Stage::Holding(holding) => {
                let now = self.now(i);
                if !holding.tenure.is_live(now) {
                    events.push(Event::Stop(i));
                    return self.common(i, scenario, events);
                }
                let ahead = if scenario.caller.answer_first { self.end } else { holding.written };
                if holding.position < ahead {
                    events.push(Event::HandOut(i));
                }
                let worth = if scenario.caller.answer_first {
                    holding.position > holding.written || holding.tenure.renew_due(now)
                } else {
                    holding.written < self.end
                };
                if worth {
                    events.push(Event::Write(i));
                }
                events.push(Event::Release(i));
            }
        }
        self.common(i, scenario, events);
    }

    fn common(&self, i: usize, scenario: &Scenario, events: &mut Vec<Event>) {
        if self.deaths > 0 && !matches!(self.instances[i].stage, Stage::Idle(_)) {
            events.push(Event::Die(i));
        }
        if let Some(most) = scenario.clocks_move {
            let ahead = self.instances[i].ahead;
            events.push(Event::Clock(i, if ahead == 0 { most } else { 0 }));
        }
    }

    fn events_of_taking(
        &self,
        i: usize,
        step: &Step<Position>,
        answer: &Answer,
        scenario: &Scenario,
        events: &mut Vec<Event>,
    ) {
        let mut read = |part: Part, key: Key| {
            let readable = self.store.readable(key, self.time, scenario.stale).len();
            events.extend((0..readable).map(|nth| Event::Read(i, part, nth)));
        };
        match (step, answer) {
            (Step::GetBase(step), Answer::Base(document, hint)) => {
                match step.document() {
                    _ if document.is_some() => {}
                    None => events.push(Event::Read(i, Part::Document, 0)),
                    Some(epoch) => read(Part::Document, document_key(epoch, scenario)),
                }
                if hint.is_none() {
                    let readable = self.store.readable(Key::Hint, self.time, scenario.stale).len();
                    events.extend((0..readable).map(|nth| Event::Read(i, Part::Hint, nth)));
                }
            }
            (Step::GetHint(_), Answer::None) => read(Part::Only, Key::Hint),
            (Step::GetDocument(step), Answer::None) => {
                read(Part::Only, document_key(step.epoch, scenario));
            }
            (Step::GetWatch(step), Answer::None) => read(Part::Only, Key::Watch(step.epoch)),
            (Step::ListDocuments(_), Answer::None) => events.push(Event::Read(i, Part::Only, 0)),
            (Step::Claim(step), Answer::None) => {
                if step.epoch > scenario.epochs {
                    return;
                }
                events.push(Event::Read(i, Part::Only, 0));
                if self.double_claims > 0 && self.store.claimed(step.epoch) {
                    events.push(Event::Read(i, Part::Only, 1));
                }
            }
            (Step::SetWatch(_), Answer::None) => events.push(Event::Land(i)),
            (Step::Done(Outcome::Won(_)), _) => {
                events.push(Event::Announce(i));
                if self.seeks > 0 {
                    events.push(Event::Seek(i));
                }
            }
            _ => events.push(Event::Return(i)),
        }
    }

    /// Lets an event happen.
    pub(crate) fn apply(&mut self, event: Event, scenario: &Scenario) -> Result<(), Violation> {
        match event {
            Event::Tick => self.time += 1,
            Event::Append => self.end += 1,
            Event::Clock(i, ahead) => self.instances[i].ahead = ahead,
            Event::Begin(i) => self.begin(i, scenario),
            Event::Read(i, part, nth) => self.read(i, part, nth, scenario),
            Event::Land(i) => self.land(i, scenario),
            Event::Return(i) => self.returned(i, scenario)?,
            Event::Announce(i) => self.announce(i, scenario, false),
            Event::Seek(i) => self.announce(i, scenario, true),
            Event::HandOut(i) => self.hand_out(i, scenario)?,
            Event::Write(i) => self.write(i, scenario, false),
            Event::Release(i) => self.write(i, scenario, true),
            Event::Stop(i) => {
                self.excused = true;
                self.instances[i].stage = Stage::Idle(Memory::default());
            }
            Event::Die(i) => self.die(i, scenario),
            Event::LandGhost(n) => {
                let ghost = self.ghosts.remove(n);
                self.put(ghost.key, ghost.value, scenario);
            }
        }
        if scenario.promises.one_holder && self.holders().count() > 1 {
            return Err(Violation::TwoHolders);
        }
        Ok(())
    }

    /// The instances that hold the lane by their own clocks.
    fn holders(&self) -> impl Iterator<Item = usize> {
        (0..self.instances.len()).filter(|i| {
            let tenure = self.instances[*i].stage.tenure();
            tenure.is_some_and(|tenure| !tenure.remaining(self.now(*i)).is_zero())
        })
    }

    pub(crate) fn all_answered(&self) -> bool {
        let begin = self.first.unwrap_or(0).min(self.end);
        self.answered[begin.into()..self.end.into()].iter().all(|times| *times > 0)
    }

    fn put(&mut self, key: Key, value: Option<Value>, scenario: &Scenario) {
        self.store.put(key, value, self.time, scenario.stale);
    }

    fn begin(&mut self, i: usize, scenario: &Scenario) {
        let Stage::Idle(memory) = self.instances[i].stage else { return };
        let step = take::begin(scenario.params, scenario.rules, memory, self.now(i));
        self.go_on(i, step);
    }

    /// Enters a step.
    fn go_on(&mut self, i: usize, step: Step<Position>) {
        self.instances[i].stage = match step {
            // Whether a knock is heard is fairness, which is not explored:
            // holders here let go whenever they like.
            Step::Knock(step) => return self.go_on(i, step.done(self.now(i))),
            Step::Done(Outcome::Busy(memory)) if self.remembers => Stage::Idle(memory),
            Step::Done(Outcome::Busy(_)) => Stage::Idle(Memory::default()),
            Step::Done(Outcome::Missing) => Stage::Idle(Memory::default()),
            Step::GetBase(base) => {
                let hint = (!base.wants_hint()).then_some(None);
                Stage::Taking(step, Answer::Base(None, hint))
            }
            step => Stage::Taking(step, Answer::None),
        };
    }

    fn read(&mut self, i: usize, part: Part, nth: usize, scenario: &Scenario) {
        let Stage::Taking(step, mut answer) = self.instances[i].stage.clone() else { return };
        let readable = |key| self.store.readable(key, self.time, scenario.stale)[nth];
        let document = |epoch: Epoch| match readable(document_key(epoch, scenario)) {
            Some(Value::Document(by, document)) if by == epoch || part != Part::Only => {
                Some(document)
            }
            _ => None,
        };
        let hint = || match readable(Key::Hint) {
            Some(Value::Hint(hint)) => Some(hint),
            _ => None,
        };
        match (&step, &mut answer) {
            (Step::GetBase(step), Answer::Base(at, _)) if part == Part::Document => {
                *at = Some(step.document().and_then(document));
            }
            (Step::GetBase(_), Answer::Base(_, at)) => *at = Some(hint()),
            (Step::GetHint(_), _) => answer = Answer::Hint(hint()),
            (Step::GetDocument(step), _) => answer = Answer::Document(document(step.epoch)),
            (Step::ListDocuments(_), _) => answer = Answer::Highest(self.store.highest()),
            (Step::GetWatch(step), _) => {
                answer = Answer::Watch(match readable(Key::Watch(step.epoch)) {
                    Some(Value::Watch(watch)) => Some(watch),
                    _ => None,
                });
            }
            (Step::Claim(step), _) => {
                let won = !self.store.claimed(step.epoch);
                self.put(Key::Claim(step.epoch), Some(Value::Claim), scenario);
                self.double_claims -= u8::from(nth == 1);
                // When this returns makes no difference.
                return self.go_on(i, step.clone().got(won || nth == 1));
            }
            _ => {}
        }
        if let (Step::GetBase(step), Answer::Base(Some(document), Some(hint))) = (&step, answer) {
            return self.go_on(i, step.got(document, hint));
        }
        self.instances[i].stage = Stage::Taking(step, answer);
    }

    /// The writes that an instance has sent and the store not seen.
    fn sent(&self, i: usize, scenario: &Scenario) -> Vec<Ghost> {
        let ghost = |key, value| Ghost { key, value };
        match &self.instances[i].stage {
            Stage::Taking(Step::Claim(step), Answer::None) => {
                vec![ghost(Key::Claim(step.epoch), Some(Value::Claim))]
            }
            Stage::Taking(Step::SetWatch(step), Answer::None) => {
                vec![ghost(Key::Watch(step.epoch), Some(Value::Watch(step.watch)))]
            }
            Stage::Writing(writing) if !writing.landed => {
                let epoch = writing.tenure.epoch();
                let value = Value::Document(epoch, writing.document);
                vec![ghost(document_key(epoch, scenario), Some(value))]
            }
            Stage::Tidying(tidying) => match tidying.chores[0] {
                Chore::SetHint(hint) => vec![ghost(Key::Hint, Some(Value::Hint(hint)))],
                Chore::Delete(epoch) => {
                    let watch = ghost(Key::Watch(epoch), None);
                    // One document for all is never swept.
                    let document = ghost(Key::Document(epoch), None);
                    if scenario.caller.key_per_epoch { vec![document, watch] } else { vec![watch] }
                }
                Chore::Free(epoch) => vec![ghost(Key::Claim(epoch), None)],
            },
            _ => Vec::new(),
        }
    }

    fn land(&mut self, i: usize, scenario: &Scenario) {
        for write in self.sent(i, scenario) {
            self.put(write.key, write.value, scenario);
        }
        // It comes too late for some, who start from the one before.
        self.excused |=
            self.instances[i].stage.tenure().is_some() && !self.holders().any(|at| at == i);
        let now = self.now(i);
        match self.instances[i].stage.clone() {
            Stage::Writing(writing) => {
                self.instances[i].stage = Stage::Writing(Writing { landed: true, ..writing });
            }
            // When these return makes no difference.
            Stage::Taking(Step::SetWatch(step), _) => self.go_on(i, step.done(now)),
            Stage::Tidying(mut tidying) => {
                tidying.chores.remove(0);
                self.tidy(i, tidying);
            }
            Stage::Taking(..) | Stage::Idle(_) | Stage::Holding(_) => {}
        }
    }

    fn die(&mut self, i: usize, scenario: &Scenario) {
        self.deaths -= 1;
        self.excused |= self.instances[i].stage.tenure().is_some();
        self.ghosts.extend(self.sent(i, scenario));
        self.instances[i].stage = Stage::Idle(Memory::default());
    }

    fn returned(&mut self, i: usize, scenario: &Scenario) -> Result<(), Violation> {
        let now = self.now(i);
        match self.instances[i].stage.clone() {
            Stage::Taking(step, answer) => {
                let next = match (step, answer) {
                    (Step::GetHint(step), Answer::Hint(hint)) => step.got(hint, now),
                    (Step::GetDocument(step), Answer::Document(found)) => step.got(found, now),
                    (Step::ListDocuments(step), Answer::Highest(epoch)) => step.got(epoch, now),
                    (Step::GetWatch(step), Answer::Watch(watch)) => step.got(watch, now),
                    (step, answer) => panic!("{answer:?} does not answer {step:?}"),
                };
                self.go_on(i, next);
                Ok(())
            }
            Stage::Writing(writing) => self.written(i, writing, scenario),
            Stage::Idle(_) | Stage::Holding(_) | Stage::Tidying(_) => Ok(()),
        }
    }

    fn tidy(&mut self, i: usize, tidying: Tidying) {
        self.instances[i].stage = match tidying {
            Tidying { chores, then: Some(holding), .. } if chores.is_empty() => {
                Stage::Holding(holding)
            }
            Tidying { chores, .. } if chores.is_empty() => Stage::Idle(Memory::default()),
            tidying => Stage::Tidying(tidying),
        };
    }

    /// Where the winner of a claim begins.
    fn start(&self, won: &Won<Position>, scenario: &Scenario) -> Position {
        match won.start() {
            Start::From(position) => position,
            Start::New if scenario.caller.from_latest => self.end,
            Start::New | Start::Restart => 0,
        }
    }

    fn announce(&mut self, i: usize, scenario: &Scenario, seeks: bool) {
        let now = self.now(i);
        let Stage::Taking(Step::Done(Outcome::Won(won)), _) = &self.instances[i].stage else {
            return;
        };
        let position = if seeks { 0 } else { self.start(won, scenario) };
        if scenario.stale == Stale::Any && won.epoch == 1 {
            // Its announcement may land late and be read by somebody who sees
            // nothing newer. It leaves out no more than its caller wished.
            self.answered[..position.into()].fill(1);
        }
        let mut tenure = Tenure::new(won);
        let change = Change { payload: Some(position), release: seeks, seek: seeks };
        let Some(document) = tenure.write(change, now) else { return };
        self.seeks -= u8::from(seeks);
        self.excused |= seeks;
        self.instances[i].stage = Stage::Writing(Writing {
            tenure,
            document,
            landed: false,
            position,
            announces: true,
            seeks,
        });
    }

    fn write(&mut self, i: usize, scenario: &Scenario, release: bool) {
        let now = self.now(i);
        let Stage::Holding(Holding { mut tenure, position, written }) = self.instances[i].stage
        else {
            return;
        };
        let payload = match scenario.caller.answer_first {
            true => position,
            false if release => written,
            false => (written + 1).min(self.end),
        };
        let change = Change { payload: Some(payload), release, seek: false };
        let Some(document) = tenure.write(change, now) else { return };
        self.instances[i].stage = Stage::Writing(Writing {
            tenure,
            document,
            landed: false,
            position,
            announces: false,
            seeks: false,
        });
    }

    fn written(
        &mut self,
        i: usize,
        writing: Writing,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        let Writing { mut tenure, document, position, announces, seeks, .. } = writing;
        if tenure.returned(self.now(i)) == Written::Lost {
            self.excused |= !announces;
            self.instances[i].stage = Stage::Idle(Memory::default());
            return Ok(());
        }
        let written = document.payload.unwrap_or(0);
        if seeks {
            self.furthest = self.furthest.max((tenure.epoch(), written));
        } else if announces {
            self.starts(i, &tenure, written, scenario)?;
        }
        let then = (!document.released).then_some(Holding { tenure, position, written });
        let mut tidying = Tidying { chores: Vec::new(), then };
        if let Some(holding) = &mut tidying.then {
            tidying.chores = holding.tenure.chores();
        } else {
            tidying.chores = tenure.chores();
        }
        self.tidy(i, tidying);
        Ok(())
    }

    /// Instance `i` holds the lane from now on.
    fn starts(
        &mut self,
        i: usize,
        tenure: &Tenure,
        at: Position,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        let first = *self.first.get_or_insert(at);
        let below = usize::from(first.min(at))..usize::from(at);
        if self.answered[below].contains(&0) {
            return Err(Violation::PassedOver);
        }
        // Whoever has not let go was late.
        self.excused |= (0..self.instances.len())
            .any(|other| other != i && self.instances[other].stage.tenure().is_some());
        let start = (tenure.generation(), at);
        if scenario.promises.no_step_back && start < self.furthest {
            return Err(Violation::StepBack);
        }
        self.furthest = self.furthest.max(start);
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

fn document_key(epoch: Epoch, scenario: &Scenario) -> Key {
    Key::Document(if scenario.caller.key_per_epoch { epoch } else { 0 })
}

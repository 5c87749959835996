//! Searching the states of a world: all of them, or many long runs.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use crate::scenario::Scenario;
use crate::world::{Event, Violation, World};

/// What a search found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) violation: Option<Violation>,
    /// The events that lead to it.
    pub(crate) trace: Vec<Event>,
    pub(crate) states: usize,
    /// Whether nothing was left out.
    pub(crate) complete: bool,
}

/// Every state that can be reached if instances that are in the midst of
/// something are interrupted by others at most `switches` times, or as many
/// states as `most`. Few interruptions find most of what any number would.
pub(crate) fn exhaustive(scenario: &Scenario, switches: u8, most: usize) -> Found {
    let mut visited = HashSet::new();
    let mut trace = Vec::new();
    let start = Turn { world: World::new(scenario), last: None, switches };
    visited.insert(hash(&start));
    // Depth first: the events still to be tried at each state of the path.
    let mut path = vec![(start.world.events(scenario), start)];
    let found = |violation, trace, states, complete| Found { violation, trace, states, complete };
    while let Some((events, turn)) = path.last_mut() {
        let Some(event) = events.pop() else {
            path.pop();
            trace.pop();
            continue;
        };
        let Some(mut next) = turn.switch(event) else { continue };
        let result = next.world.apply(event, scenario);
        trace.push(event);
        if let Err(violation) = result {
            return found(Some(violation), trace, visited.len(), false);
        }
        if !visited.insert(hash(&next)) {
            trace.pop();
            continue;
        }
        let sampled = visited.len().is_multiple_of(64) && scenario.promises.progress;
        if sampled && !goes_on(&next.world, scenario) {
            return found(Some(Violation::NoProgress), trace, visited.len(), false);
        }
        if visited.len() >= most {
            return found(None, Vec::new(), visited.len(), false);
        }
        path.push((next.world.events(scenario), next));
    }
    found(None, Vec::new(), visited.len(), true)
}

/// A world, and who did the last thing in it.
#[derive(Clone, Hash)]
struct Turn {
    world: World,
    last: Option<usize>,
    switches: u8,
}

impl Turn {
    /// The same before an event, if that is still allowed.
    fn switch(&self, event: Event) -> Option<Self> {
        let Some(by) = event.instance() else { return Some(self.clone()) };
        let interrupts =
            self.last.is_some_and(|last| last != by && !self.world.instances[last].is_idle());
        let switches = self.switches.checked_sub(interrupts.into())?;
        Some(Self { world: self.world.clone(), last: Some(by), switches })
    }
}

/// Runs in which instances are fast and slow in turn.
pub(crate) fn random(scenario: &Scenario, runs: u64) -> Found {
    let mut states = 0;
    for run in 1..=runs {
        let mut random = Random(run.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut world = World::new(scenario);
        let mut trace = Vec::new();
        let mut speeds = [1; 3];
        for step in 0..scenario.steps {
            if step % 8 == 0 {
                speeds = std::array::from_fn(|_| [0, 1, 8, 64][random.below(4)]);
            }
            let events = world.events(scenario);
            let weights = events.iter().map(|event| weight(*event, &speeds)).collect::<Vec<_>>();
            let total = weights.iter().sum::<usize>();
            if total == 0 {
                continue;
            }
            let mut at = random.below(total);
            let chosen = weights.iter().position(|weight| {
                let here = at < *weight;
                at = at.saturating_sub(*weight);
                here
            });
            let event = events[chosen.unwrap_or(0)];
            trace.push(event);
            states += 1;
            if let Err(violation) = world.apply(event, scenario) {
                return Found { violation: Some(violation), trace, states, complete: false };
            }
        }
        if scenario.promises.progress && !goes_on(&world, scenario) {
            let violation = Some(Violation::NoProgress);
            return Found { violation, trace, states, complete: false };
        }
    }
    Found { violation: None, trace: Vec::new(), states, complete: false }
}

fn weight(event: Event, speeds: &[usize; 3]) -> usize {
    match event {
        Event::Tick => 12,
        Event::Append | Event::LandGhost(_) => 2,
        Event::Die(_) | Event::Clock(..) | Event::LoseCounter => 1,
        event => event.instance().map_or(0, |i| speeds[i]),
    }
}

/// Whether all records get handed out from here on, if nobody dies any more
/// and every call returns at once.
fn goes_on(world: &World, scenario: &Scenario) -> bool {
    let mut scenario = scenario.clone();
    scenario.draws = u64::MAX;
    scenario.until = u16::MAX;
    let mut world = world.clone();
    for _ in 0..40 {
        for _ in 0..16 {
            for i in 0..world.instances.len() {
                let events = world.events(&scenario);
                let of_i = |event: &&Event| !event.is_optional() && event.instance() == Some(i);
                if let Some(event) = events.iter().find(of_i)
                    && world.apply(*event, &scenario).is_err()
                {
                    return false;
                }
            }
            if world.all_answered() {
                return true;
            }
        }
        if world.apply(Event::Tick, &scenario).is_err() {
            return false;
        }
    }
    false
}

fn hash(turn: &Turn) -> u64 {
    let mut hasher = Quick(0);
    turn.hash(&mut hasher);
    hasher.finish()
}

/// Much faster unoptimised than the standard one.
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(23) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}

/// Xorshift: the same runs every time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

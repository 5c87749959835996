//! What this instance has done, for its metrics: how many calls, and how long they took
//! together.

use std::cell::Cell;
use std::time::Duration;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Requests that were answered, up to the head of the answer.
    Request,
    /// Operations of the store.
    Store,
    /// Calls of Kafka's REST server.
    Kafka,
    /// Calls of the schema registry.
    SchemaRegistry,
    /// Deliveries to callbacks, up to the end of the answer.
    Callback,
}

const NAMES: [&str; 5] = ["request", "store", "kafka", "schema_registry", "callback"];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    pub count: u64,
    pub time: Duration,
}

thread_local! {
    /// An instance of the component has one thread. Simulated instances on the same thread
    /// are counted together.
    static DONE: Cell<[Done; 5]> = const { Cell::new([Done { count: 0, time: Duration::ZERO }; 5]) };
}

/// Counts work that has ended.
pub fn count(work: Work, took: Duration) {
    let mut all = DONE.get();
    let done = &mut all[work as usize];
    done.count += 1;
    done.time = done.time.saturating_add(took);
    DONE.set(all);
}

/// All that was counted, by name.
pub fn done() -> impl Iterator<Item = (&'static str, Done)> {
    NAMES.into_iter().zip(DONE.get())
}

/// Whether this instance has answered a request before.
pub fn has_answered() -> bool {
    DONE.get()[Work::Request as usize].count > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_by_its_kind() {
        let of = |name| done().find(|(known, _)| *known == name).map(|(_, done)| done);
        let before = of("callback").unwrap();
        for millis in [20, 30] {
            count(Work::Callback, Duration::from_millis(millis));
        }
        let after = of("callback").unwrap();
        assert_eq!(after.count - before.count, 2);
        assert_eq!(after.time - before.time, Duration::from_millis(50));
        assert_eq!(of("store").unwrap(), Done::default());
    }
}

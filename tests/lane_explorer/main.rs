//! Explores the real steps of a lane: two or three instances over a model of a store,
//! in which every call is sent, lands and returns as separate events, instances die
//! at each of them, what the dead have sent lands later or never, and clocks move.
//!
//! `holds` searches for a violation of what the protocol promises and finds none;
//! `wrong` leaves out one rule at a time and finds one each time, which shows both
//! that the rule is needed and that the search would see it.
//!
//! `LANE_RUNS` is the number of random runs of each test (more is deeper).

mod holds;
mod instance;
mod scenario;
mod search;
mod store;
mod world;
mod wrong;

//! The built component, run in this process: its HTTP API from outside, with
//! the Kafka REST server's emulator and callbacks behind a network that does
//! as it is told, and with hosts' stores, faults and deaths.

mod after_answer;
mod calling;
mod configuration;
mod consume_death;
mod consuming;
mod credentials;
mod destinations_death;
mod dying;
mod errors;
mod exactly_once;
mod expressions;
mod forwarding;
mod hostile;
mod listing;
mod moving;
mod outbound;
mod outcome;
mod price;
mod redis;
mod shared_calls;
mod size;
mod source_death;
mod stalls;
mod stream_damage;
mod stream_reader;
mod streams;
mod traps;
mod waiting;
mod webhook_death;
mod world;

#[path = "../support/names.rs"]
mod names;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/seen_memory.rs"]
mod seen_memory;

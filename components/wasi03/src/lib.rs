//! What the components have in common that run on WASI 0.3: requests and answers, clocks,
//! tasks and signals. A component beside this has its store and its variables.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod body;
pub mod clock;
mod contents;
mod handler;
mod send;
mod signal;
mod spawn;
mod wasi;

pub use body::AnswerBody;
pub use handler::{Ending, WasiBody, handle};
pub use send::send;
pub use signal::{Wait, Wake, signal};
pub use spawn::{spawn, start_tasks, starting_tasks};

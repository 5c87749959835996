//! The program that `cargo dev` runs, over real sockets.

mod alone;
mod composed;
mod gateway;

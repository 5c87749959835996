//! What operators see of a gateway in a world where things go wrong, and what
//! they must never see.

mod events;
mod leaks;
mod requests;
mod scene;
mod traces;

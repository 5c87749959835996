//! Lanes: how instances that know nothing of each other take turns at a document, on
//! a store whose only atomic operation is a counter's `increment`.
//!
//! Everything rests on one rule, which is the caller's to keep: *every document ever
//! written is a safe place to start from*. Hand out first, then write the position;
//! fold an acknowledgement into the state and only then tell of it. A document that
//! is stale, late or written by two instances can then make records repeat, and never
//! lose one. All other rules only prevent repeats. `docs/state.md` tells the protocol
//! with a diagram and an example.
//!
//! ```text
//! let lane = Lane::new(host, LaneName::group("g", "orders", 0)?, Params::default());
//! match lane.hold_when(|_| true, async |_| Ok(Position(0))).await? {
//!     Take::Busy { retry_in } => …,          // try another partition, or wait
//!     Take::Unworthy(document) => …,         // there is nothing to do
//!     Take::Held(mut held) => {
//!         …                                  // hand out while held.is_live()
//!         held.release(Position(7)).await?;  // then say so, and let go
//!     }
//! }
//! ```
//!
//! A turn costs two writes: the draw of a ticket and the document. [`look`] and
//! [`turn`] are the decisions, without clock and store; [`Lane`] and [`Held`] carry
//! them out. `tests/lane_explorer` searches the decisions for runs in which something
//! is passed over, held twice, handed out twice or never.

mod document;
mod driver;
mod held;
pub mod look;
pub mod params;
mod payload;
mod ticket;
pub mod turn;

pub use document::{Document, HeldUntil, Knock, Now, Version, Watch, Watched};
pub use driver::{Ask, Lane, Take};
pub use held::Held;
pub use params::{Params, Rules};
pub(in crate::state) use payload::Payload;
pub use ticket::{Era, Ticket};
pub use turn::Written;

/// How much a lane that nobody has a document for knows of its past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Nothing was ever done here, or all of it was deleted just before: begin
    /// wherever the caller likes.
    New,
    /// Somebody may have begun here and died. Begin at the very beginning: to begin
    /// at the end now could pass over what that one was to do.
    Restart,
}

//! Lanes: how instances that know nothing of each other take turns at a
//! document, on a store whose only atomic thing is a claim.
//!
//! This is not a lock. A lease keeps two holders apart as long as clocks agree
//! and claims are claims; where they do not, work is done twice, and still
//! none is passed over. That rests on one rule, which is the caller's to keep:
//! *write a state only once everything before it was done.* Hand out, then
//! write the position; fold an acknowledgement, then delete it.
//!
//! The turns of a lane are its epochs, numbered from 1. Epoch n belongs to
//! whoever wins the claim `c/n`, and only that one writes the document `s/n`.
//! It starts from the highest document below, announces itself by writing its
//! own, and has the lane until the time that this names, unless the document
//! says that it was let go. A late write of an old holder lands in a document
//! that nobody looks at any more. A claim without a document is waited for
//! (`w/n` tells since when) and then passed by. `h` is a hint where to begin
//! looking, `k` asks the holder to let go.
//!
//! ```text
//! let lane = Lane::new(host, LaneName::group("g", "orders", 0)?, Params::default());
//! match lane.try_take(async |_| Ok(Position(0))).await? {
//!     Take::Busy { retry_in } => …,          // try another partition, or wait
//!     Take::Held(mut held) => {
//!         …                                  // hand out while held.is_live()
//!         held.release(Position(7)).await?;  // then say so, and let go
//!     }
//! }
//! ```
//!
//! Alone and cold a turn costs a get of `h`, a claim, two gets at once and a
//! set before work may begin; a set of the document, one of `h` and three
//! deletes after.
//!
//! [`take`] and [`tenure`] are the decisions, without clock and store;
//! [`Lane`], [`Claimed`] and [`Held`] carry them out.

mod claimed;
mod document;
mod driver;
mod held;
pub mod params;
mod peek;
mod sweep;
pub mod take;
pub mod tenure;

pub use claimed::Claimed;
pub use document::{Document, Epoch, Hint, Knock, Now, Version, Watch};
pub use driver::{Claim, Lane, Take};
pub use held::Held;
pub use params::{Params, Rules};
pub use tenure::Written;

/// How much a lane that nobody has a document for knows of its past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Nothing was ever done here, or all of it was deleted just before: begin
    /// wherever the caller likes.
    New,
    /// Somebody may have begun here and died. Begin at the very beginning: to
    /// begin at the end now could pass over what that one was to do.
    Restart,
}

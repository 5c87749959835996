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
//! [`Lane`], [`Claimed`] and [`Held`] carry them out. `tests/lane_explorer`
//! searches the decisions for runs in which something is passed over, held
//! twice, handed out twice or never.
//!
//! # What is easily got wrong
//!
//! Each of these the explorer has shown, some in rules that read well:
//!
//! - Whether a lease or a watch is over is judged by the clock *before* the
//!   document was asked for. Judged by the clock once it is there, a read that
//!   travels for long shows a document that was renewed meanwhile, and two
//!   hold.
//! - How far old epochs are swept is written only once it is done, and a claim
//!   goes only when every document below it has. So the order is documents,
//!   hint, claims, and the hint tells how far; a holder that wrote it into its
//!   own document would have to say so before it did it. Otherwise a document
//!   that a slow sweeper left behind, a late hint and a freed claim together
//!   begin the lane anew from there.
//! - A stale read within the bound makes no second holder; but the winner of a
//!   claim may start from what the last holder wrote *before* its last write.
//!   Repeats are the price of such a store even where the bound is known.
//! - Where reads are stale without bound, the announcement of a first holder
//!   that asked for the log's end may come late, and be found by somebody who
//!   sees nothing newer: then a group goes on from there that had begun at the
//!   earliest record. It is the one case in which a record is passed over.
//! - Who waits on a claim without a document has to ask the hint at each poll.
//!   Where turns are short its document is written and swept between two, and
//!   looks like one that never was: a wait of the whole grace for nobody. (No
//!   run goes wrong by it, so the explorer does not tell.)
//!
//! Small choices: a knock names an epoch, not a time, so no clocks are
//! compared. A document names its lease, so that lanes of different leases can
//! tell a distant end from a wrong clock. A holder that stays sets the hint
//! with its first renewal, else everybody who comes would walk up from the
//! last one that let go. After a delete the next caller may choose where to
//! begin only if no claim was won in between.

mod claimed;
mod document;
mod driver;
mod held;
pub mod params;
mod payload;
mod peek;
mod sweep;
pub mod take;
pub mod tenure;

pub use claimed::Claimed;
pub use document::{Document, Epoch, Hint, Knock, Now, Version, Watch};
pub use driver::{Claim, Lane, Take};
pub use held::Held;
pub use params::{Params, Rules};
pub use sweep::Swept;
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

//! The times of a lane, and the rules of its protocol.

use std::time::Duration;

/// How long a ticket is good for, from just before its draw, unless its holder
/// writes a document that says for how long: a draw, an answer and a write fit in.
const GRACE: Duration = Duration::from_secs(3);

/// For turns that are longer. Each write renews it.
const LEASE: Duration = Duration::from_secs(10);

/// How far two wall clocks may be apart. The waiting side adds it.
const SKEW: Duration = Duration::from_secs(1);

/// The pauses between two looks of an instance that waits.
pub const POLL_MIN: Duration = Duration::from_millis(50);
pub const POLL_MAX: Duration = Duration::from_millis(100);

/// Where a watch stands, it takes a while until it is over.
pub const WATCH_POLL: Duration = Duration::from_millis(500);

/// How often a holder looks for a knock, and how long whoever let go after a knock
/// stays away: two polls of those who wait.
pub const KNOCK_CHECK: Duration = Duration::from_millis(200);

/// The same while a holder has nothing to do.
pub const KNOCK_CHECK_IDLE: Duration = Duration::from_millis(50);

/// A knock may be overwritten by a late one for an earlier ticket; so whoever still
/// waits after this time knocks again.
pub const KNOCK_AGAIN: Duration = Duration::from_secs(2);

/// Founders wait for a random time up to this before they draw: together, most of
/// their draws would be lost, and each of those can block the lane.
pub const FOUNDER_WAIT: Duration = Duration::from_secs(1);

/// How long an instance draws without a look after its own release.
pub const WARM: Duration = Duration::from_millis(500);

/// The times of a lane. Whoever shares a lane should agree on them; where leases
/// differ, each document tells the one with which it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Params {
    pub lease: Duration,
    pub grace: Duration,
    pub skew: Duration,
    /// How old a read may be: zero on sqlite and on a single Redis.
    pub stale: Duration,
    /// Whether a holder is asked to let go. Whoever only wants to take part in its
    /// work does not ask.
    pub knocks: bool,
    /// Whether a watch is set at the first look, for whoever does not look again.
    pub glances: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            lease: LEASE,
            grace: GRACE,
            skew: SKEW,
            stale: Duration::ZERO,
            knocks: true,
            glances: false,
        }
    }
}

impl Params {
    /// For a holder that does something of this length between two writes, such as
    /// a callback.
    #[must_use]
    pub fn with_longer_lease(mut self, by: Duration) -> Self {
        self.lease += by;
        self
    }

    /// For work that others may do as well: it neither asks a holder to let go nor
    /// waits for one.
    #[must_use]
    pub fn passing_by(mut self) -> Self {
        (self.knocks, self.glances) = (false, true);
        self
    }

    /// For a store whose reads may be this old.
    #[must_use]
    pub fn with_stale_bound(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// What is added to a time by whoever waits for it.
    pub fn margin(&self) -> Duration {
        self.skew + self.stale
    }
}

/// The rules of the protocol that can be left out one by one. Production has them
/// [all](Rules::ALL); the explorer in the tests shows for each what goes wrong
/// without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules {
    /// A draw holds only if it gave the ticket that follows the document.
    pub exact_ticket: bool,
    /// A ticket without a document is waited for.
    pub wait_for_tickets: bool,
    /// A watch names the ticket that it is kept on.
    pub watch_names_ticket: bool,
    /// Whoever watches a ticket and whoever watches an unlikely end keep one watch, so that
    /// they do not overwrite each other's.
    pub one_watch: bool,
    /// Whoever waits adds the skew.
    pub skew_margin: bool,
    /// What is over is judged by the clock as it stood before the reads were sent.
    pub judge_by_the_asking: bool,
    /// A ticket is good for the grace only.
    pub end_of_grace: bool,
    /// A write that returned late does not count.
    pub timed_writes: bool,
    /// Whoever follows somebody dead begins an era, with a document of its own.
    pub new_era: bool,
    /// A founder holds only if nothing was drawn since its look.
    pub exact_founding: bool,
    /// A founder acts only once its document is there.
    pub found_before_acting: bool,
    /// A lost ticket holds only behind a document that was released.
    pub next_after_release: bool,
    /// The grace of a lost ticket counts from its own draw.
    pub own_grace: bool,
    /// The lease in a document of a lower era counts.
    pub heed_lower_era: bool,
    /// How far tickets are finished with is read before the end.
    pub upto_before_end: bool,
    /// A ticket with a write of unknown outcome is spent.
    pub spent: bool,
    /// `d/0` stays.
    pub keep_first: bool,
    /// Only the first ticket, or the one right after a delete, may begin wherever
    /// its caller likes.
    pub only_the_first_chooses: bool,
}

impl Rules {
    pub const ALL: Self = Self {
        exact_ticket: true,
        wait_for_tickets: true,
        watch_names_ticket: true,
        one_watch: true,
        skew_margin: true,
        judge_by_the_asking: true,
        end_of_grace: true,
        timed_writes: true,
        new_era: true,
        exact_founding: true,
        found_before_acting: true,
        next_after_release: true,
        own_grace: true,
        heed_lower_era: true,
        upto_before_end: true,
        spent: true,
        keep_first: true,
        only_the_first_chooses: true,
    };
}

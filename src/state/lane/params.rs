//! All constants of the protocol, with their reasons.

use std::time::Duration;

/// How long a holder has the lane without another write. Fetch, hand-out and
/// the write of the position fit in.
pub const LEASE: Duration = Duration::from_secs(10);

/// How long the winner of a claim may take to announce itself. The claim, the
/// reads and one write fit in; who dies there blocks the lane for so long from
/// when somebody first sees it.
pub const GRACE: Duration = Duration::from_secs(3);

/// How far the wall clocks of two instances may lie apart. The waiting side
/// adds it.
pub const SKEW: Duration = Duration::from_secs(1);

/// Epochs whose keys are kept. Who comes late finds the document of the epoch
/// that it knew, and need not list the store.
pub const KEPT_EPOCHS: u64 = 16;

/// Between two looks at a busy lane; drawn at random so that waiters do not
/// come in step. An idle lane changes hands within this time.
pub const POLL_MIN: Duration = Duration::from_millis(50);
pub const POLL_MAX: Duration = Duration::from_millis(100);

/// How often a holder looks for a knock, and who let go after a knock stays
/// away: two polls of those who wait.
pub const KNOCK_CHECK: Duration = Duration::from_millis(200);

/// How often it looks while it has nothing to do but to wait for more of its
/// own callers. Who comes back at once, as a loop does, comes within.
pub const KNOCK_CHECK_IDLE: Duration = Duration::from_millis(20);

/// A knock may be overwritten by a late one for an earlier epoch; so who still
/// waits after this time knocks again.
pub const KNOCK_AGAIN: Duration = Duration::from_secs(2);

/// What a poll has seen is the starting point of the next one for this long.
pub const MEMORY: Duration = Duration::from_secs(1);

/// The most epochs that one holder sweeps. There is more than one if holders
/// have died.
pub const SWEEP_AT_ONCE: u64 = 8;

/// The most claims that one holder frees on a store with stale reads, where
/// they go in batches.
pub const FREE_AT_ONCE: u64 = 32;

/// The times of a lane. Who shares a lane should agree on them; where leases
/// differ (a deployment with another timeout), the document of a lane tells
/// the one it was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Params {
    pub lease: Duration,
    pub grace: Duration,
    pub skew: Duration,
    /// How old a read may be: zero on sqlite and on a single Redis. On a
    /// replicated store 60 s until measured.
    pub stale: Duration,
    pub kept_epochs: u64,
    /// Whether a holder is asked to let go. Whoever only wants to take part in its
    /// work does not ask.
    pub knocks: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            lease: LEASE,
            grace: GRACE,
            skew: SKEW,
            stale: Duration::ZERO,
            kept_epochs: KEPT_EPOCHS,
            knocks: true,
        }
    }
}

impl Params {
    /// For a holder that does something of this length between two writes,
    /// such as a callback.
    #[must_use]
    pub fn with_longer_lease(mut self, by: Duration) -> Self {
        self.lease += by;
        self
    }

    /// For a holder that lets others finish.
    #[must_use]
    pub fn without_knocking(mut self) -> Self {
        self.knocks = false;
        self
    }

    /// For a store whose reads may be this old.
    #[must_use]
    pub fn with_stale_bound(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }
}

/// The rules of the protocol that can be left out one by one. Production has
/// them [all](Rules::ALL); the explorer in the tests shows for each what goes
/// wrong without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Whether a lease is over is judged by the clock as it stood before its
    /// document was asked for, not by the clock once the answer is there.
    pub judge_by_the_asking: bool,
    /// Who waits adds the skew.
    pub skew_margin: bool,
    /// A claim without a document is waited for before the next is tried.
    pub watch_claims: bool,
    /// The winner of a claim holds only if its announcement returned in time.
    pub timed_announcement: bool,
    /// A holder goes on only if its write returned in time.
    pub timed_renewal: bool,
    /// The winner of a claim reads the highest document below its own, not
    /// the one that the hint named.
    pub highest_document: bool,
    /// The winner of a claim reads the document after the claim, even the one
    /// that it has read before.
    pub document_after_claim: bool,
    /// The winner of a claim that finds a document asks the hint whether its
    /// epoch was swept long ago.
    pub hint_after_claim: bool,
    /// The winner of a claim that finds no document at all asks the hint
    /// whether there was one.
    pub hint_without_document: bool,
    /// Only the first epoch, or the one right after a delete, may begin
    /// wherever its caller likes.
    pub only_the_first_chooses: bool,
    /// The claim of an epoch is swept only long after the epoch.
    pub keep_claims: bool,
}

impl Rules {
    pub const ALL: Self = Self {
        judge_by_the_asking: true,
        skew_margin: true,
        watch_claims: true,
        timed_announcement: true,
        timed_renewal: true,
        highest_document: true,
        document_after_claim: true,
        hint_after_claim: true,
        hint_without_document: true,
        only_the_first_chooses: true,
        keep_claims: true,
    };
}

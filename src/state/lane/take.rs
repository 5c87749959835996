//! Taking the lane, as steps without a clock or a store: each says what to
//! ask of the store, and its answer, with the time, gives the next one.
//!
//! A step remembers when it was made, which is before its question is asked.
//! Whether a lease or a watch is over is judged by that time: an answer may
//! travel for long, and its document may have been renewed meanwhile.

use std::time::Duration;

use super::document::{Document, Epoch, Hint, Now, Watch, millis};
use super::params::{KNOCK_AGAIN, MEMORY, Params, Rules};
use super::sweep::Swept;

/// So often a take begins anew, each time because a sweep overtook it.
const ROUNDS: u8 = 3;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step<T> {
    GetHint(GetHint),
    GetDocument(GetDocument),
    /// Finds the highest epoch that has a document.
    ListDocuments(ListDocuments),
    Claim(Claim<T>),
    /// Reads a document and the hint, at once.
    GetBase(GetBase),
    GetWatch(GetWatch),
    SetWatch(SetWatch),
    Knock(SetKnock),
    Done(Outcome<T>),
}

/// How it ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome<T> {
    /// The claim is won. The lane is held once an announcement has returned
    /// in time.
    Won(Won<T>),
    /// Somebody has the lane, or may have it.
    Busy(Memory),
    /// There is a hint, and no document at all.
    Missing,
}

/// A claim that was won.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Won<T> {
    pub epoch: Epoch,
    /// Read before the claim was sent; the grace counts from here.
    pub since: Now,
    /// The highest document below, and its epoch.
    pub base: Option<(Epoch, Document<T>)>,
    pub swept: Swept,
    pub params: Params,
    pub rules: Rules,
}

/// What a poll remembers of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Memory {
    seen: Option<(Seen, Duration)>,
    knocked: Option<(Epoch, Duration)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Seen {
    /// The document of this epoch, neither released nor expired.
    Held(Epoch),
    /// A claim without a document, above the last document known.
    Claimed { known: Epoch, epoch: Epoch },
}

/// What every step carries along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Context {
    params: Params,
    rules: Rules,
    knocked: Option<(Epoch, Duration)>,
    rounds: u8,
}

/// The first step.
pub fn begin<T: Clone>(params: Params, rules: Rules, memory: Memory, now: Now) -> Step<T> {
    let context = Context { params, rules, knocked: memory.knocked, rounds: 0 };
    match memory.seen {
        Some((seen, at)) if now.monotonic < at + MEMORY => match seen {
            Seen::Held(epoch) => context.get_document(epoch, From::Memory, now),
            Seen::Claimed { known, epoch } => {
                Step::GetHint(GetHint { context, claimed: Some((known, epoch)) })
            }
        },
        _ => Step::GetHint(GetHint { context, claimed: None }),
    }
}

impl Context {
    fn get_document<T>(self, epoch: Epoch, from: From, asked: Now) -> Step<T> {
        Step::GetDocument(GetDocument { context: self, epoch, from, asked })
    }

    fn again<T>(mut self) -> Step<T> {
        self.rounds += 1;
        if self.rounds < ROUNDS {
            Step::GetHint(GetHint { context: self, claimed: None })
        } else {
            Step::Done(Outcome::Busy(Memory { seen: None, knocked: self.knocked }))
        }
    }

    fn busy<T>(self, seen: Seen, now: Now) -> Step<T> {
        Step::Done(Outcome::Busy(Memory {
            seen: Some((seen, now.monotonic)),
            knocked: self.knocked,
        }))
    }

    /// Claims the next epoch, whatever is known of the ones before it.
    fn claim<T>(self, known: Epoch, epoch: Epoch, now: Now) -> Step<T> {
        Step::Claim(Claim { context: self, known, epoch, since: now, seen: None })
    }

    fn won<T>(
        self,
        epoch: Epoch,
        since: Now,
        base: Option<(Epoch, Document<T>)>,
        swept: Swept,
    ) -> Step<T> {
        let Self { params, rules, .. } = self;
        Step::Done(Outcome::Won(Won { epoch, since, base, swept, params, rules }))
    }

    /// What the waiting side adds to whatever it waits for.
    fn margin(self) -> Duration {
        let skew = if self.rules.skew_margin { self.params.skew } else { Duration::ZERO };
        skew + self.params.stale
    }

    /// A document was found. `asked` is the time before it was read.
    fn judge<T: Clone>(
        self,
        known: Epoch,
        epoch: Epoch,
        document: Document<T>,
        asked: Now,
        now: Now,
    ) -> Step<T> {
        let asked = if self.rules.judge_by_the_asking { asked } else { now };
        let far =
            document.lease.saturating_add(millis(self.params.skew)).saturating_add(asked.wall);
        if document.released || asked.wall >= document.until.saturating_add(millis(self.margin())) {
            let seen = (!self.rules.document_after_claim).then_some((epoch, document));
            Step::Claim(Claim { context: self, known, epoch: epoch + 1, since: now, seen })
        } else if document.until > far {
            let of = Of::Far { until: document.until, lease: document.lease, asked };
            Step::GetWatch(GetWatch { context: self, epoch, of })
        } else if self.params.knocks
            && self
                .knocked
                .is_none_or(|(at, when)| at != epoch || now.monotonic >= when + KNOCK_AGAIN)
        {
            Step::Knock(SetKnock { context: self, epoch })
        } else {
            self.busy(Seen::Held(epoch), now)
        }
    }
}

/// Where the number of a document comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum From {
    Memory,
    Hint,
    List,
    /// A claim that was lost, above the last document known.
    Lost {
        known: Epoch,
        watch: Option<Watch>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GetHint {
    context: Context,
    /// A claim that the last poll saw without a document, above the last
    /// document known. Where turns are short, enough of them pass until the
    /// next poll that its document was written and swept: then nothing is
    /// there to be waited for.
    claimed: Option<(Epoch, Epoch)>,
}

impl GetHint {
    pub fn got<T>(self, hint: Option<Hint>, now: Now) -> Step<T> {
        if let Some((known, epoch)) = self.claimed
            && hint.is_none_or(|hint| hint.epoch < epoch)
        {
            let of = Of::Claim { known };
            return Step::GetWatch(GetWatch { context: self.context, epoch, of });
        }
        match hint {
            None => self.context.claim(0, 1, now),
            Some(Hint { epoch, released: true, .. }) => self.context.claim(epoch, epoch + 1, now),
            Some(Hint { epoch, .. }) => self.context.get_document(epoch, From::Hint, now),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GetDocument {
    context: Context,
    pub epoch: Epoch,
    from: From,
    asked: Now,
}

impl GetDocument {
    pub fn got<T: Clone>(self, document: Option<Document<T>>, now: Now) -> Step<T> {
        let Self { context, epoch, from, asked } = self;
        if let Some(document) = document {
            let known = match from {
                From::Lost { known, .. } if !context.rules.highest_document => known,
                _ => epoch,
            };
            return context.judge(known, epoch, document, asked, now);
        }
        match from {
            From::Memory | From::List => context.again(),
            From::Hint => Step::ListDocuments(ListDocuments { context }),
            From::Lost { known, watch } => {
                let asked = if context.rules.judge_by_the_asking { asked } else { now };
                let dead_after = millis(context.params.grace + context.margin());
                let skew = millis(context.params.skew);
                match watch {
                    _ if !context.rules.watch_claims => context.claim(known, epoch + 1, now),
                    // A watch of the other kind is from a sleeper, long ago.
                    Some(Watch { since, until: None })
                        if since <= now.wall.saturating_add(skew) =>
                    {
                        if asked.wall >= since.saturating_add(dead_after) {
                            context.claim(known, epoch + 1, now)
                        } else {
                            context.busy(Seen::Claimed { known, epoch }, now)
                        }
                    }
                    _ => Step::SetWatch(SetWatch {
                        context,
                        epoch,
                        watch: Watch { since: now.wall, until: None },
                        seen: Seen::Claimed { known, epoch },
                    }),
                }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListDocuments {
    context: Context,
}

impl ListDocuments {
    pub fn got<T>(self, highest: Option<Epoch>, now: Now) -> Step<T> {
        match highest {
            Some(epoch) => self.context.get_document(epoch, From::List, now),
            None => Step::Done(Outcome::Missing),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim<T> {
    context: Context,
    /// The highest epoch below that is known to have had a document, or 0.
    known: Epoch,
    pub epoch: Epoch,
    since: Now,
    seen: Option<(Epoch, Document<T>)>,
}

impl<T: Clone> Claim<T> {
    pub fn got(self, won: bool) -> Step<T> {
        let Self { context, known, epoch, since, seen } = self;
        if !won {
            return Step::GetWatch(GetWatch { context, epoch, of: Of::Claim { known } });
        }
        if seen.is_some() {
            return context.won(epoch, since, seen, Swept::default());
        }
        let first = if context.rules.highest_document { epoch - 1 } else { known };
        Step::GetBase(GetBase { context, known, epoch, since, document: first, hint: None })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GetBase {
    context: Context,
    known: Epoch,
    epoch: Epoch,
    since: Now,
    /// The epoch whose document to read; 0 has none.
    document: Epoch,
    hint: Option<Option<Hint>>,
}

impl GetBase {
    /// The document to read, if any.
    pub fn document(&self) -> Option<Epoch> {
        (self.document > 0).then_some(self.document)
    }

    /// Whether to read the hint, too.
    pub fn wants_hint(&self) -> bool {
        self.hint.is_none()
    }

    /// `hint` is what was read of it if it was [wanted](Self::wants_hint).
    pub fn got<T: Clone>(self, document: Option<Document<T>>, hint: Option<Hint>) -> Step<T> {
        let Self { context, known, epoch, since, document: at, hint: earlier } = self;
        let hint = earlier.unwrap_or(hint);
        let rules = context.rules;
        if rules.hint_after_claim && hint.is_some_and(|hint| hint.epoch >= epoch) {
            // The name had been swept: it was won before, by its real holder.
            return context.again();
        }
        let base = match document {
            Some(document) => Some((at, document)),
            None if at > known.max(1) => {
                return Step::GetBase(Self { document: at - 1, hint: Some(hint), ..self });
            }
            None if known > 0 || (rules.hint_without_document && hint.is_some()) => {
                return context.again();
            }
            None => None,
        };
        context.won(epoch, since, base, hint.map(|hint| hint.swept).unwrap_or_default())
    }
}

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Of {
    /// A claim without a document, above the last document known.
    Claim { known: Epoch },
    /// A document that ends too far in the future to be true.
    Far { until: i64, lease: i64, asked: Now },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GetWatch {
    context: Context,
    pub epoch: Epoch,
    of: Of,
}

impl GetWatch {
    pub fn got<T>(self, watch: Option<Watch>, now: Now) -> Step<T> {
        let Self { context, epoch, of } = self;
        let (until, lease, asked) = match of {
            // The document is looked for after the watch was read. The other
            // way round its holder may write it in between.
            Of::Claim { known } => {
                return context.get_document(epoch, From::Lost { known, watch }, now);
            }
            Of::Far { until, lease, asked } => (until, lease, asked),
        };
        let skew = millis(context.params.skew);
        match watch {
            Some(Watch { since, until: Some(seen) })
                if seen == until && since <= now.wall.saturating_add(skew) =>
            {
                let over = since.saturating_add(lease).saturating_add(millis(context.margin()));
                if asked.wall >= over {
                    context.claim(epoch, epoch + 1, now)
                } else {
                    context.busy(Seen::Held(epoch), now)
                }
            }
            _ => Step::SetWatch(SetWatch {
                context,
                epoch,
                watch: Watch { since: now.wall, until: Some(until) },
                seen: Seen::Held(epoch),
            }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetWatch {
    context: Context,
    pub epoch: Epoch,
    pub watch: Watch,
    seen: Seen,
}

impl SetWatch {
    pub fn done<T>(self, now: Now) -> Step<T> {
        self.context.busy(self.seen, now)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetKnock {
    context: Context,
    pub epoch: Epoch,
}

impl SetKnock {
    pub fn done<T>(mut self, now: Now) -> Step<T> {
        self.context.knocked = Some((self.epoch, now.monotonic));
        self.context.busy(Seen::Held(self.epoch), now)
    }
}

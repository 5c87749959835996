//! Looking at a lane, waiting for it and drawing a ticket, as decisions without a
//! clock or a store. Each step names what is to be asked of the store; its answer
//! gives the next step.

use std::time::Duration;

use super::document::{Document, HeldUntil, Now, Watch, Watched, millis};
use super::params::{KNOCK_AGAIN, Params, Rules, WARM, WATCH_POLL};
use super::ticket::{ERA, Era, Ticket};

/// What an instance keeps of a lane from one look to the next. Nothing of it is
/// needed for correctness, except that a lost ticket is not forgotten silently: it
/// blocks the lane until it is void.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Memory<T> {
    era: Era,
    /// The counter is at least this: the instance was given this ticket.
    least: Ticket,
    lost: Option<Drawn>,
    /// What the last look would have watched.
    watched: Option<Watched>,
    knocked: Option<(Ticket, Duration)>,
    /// The document that this instance has just released.
    own: Option<(Document<T>, Duration)>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        let (era, least, lost, watched, knocked, own) = (0, Ticket::NONE, None, None, None, None);
        Self { era, least, lost, watched, knocked, own }
    }
}

/// A ticket, and the time just before its draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Drawn {
    pub ticket: Ticket,
    pub since: Now,
}

impl<T> Memory<T> {
    /// What is kept when a look fails: which tickets this instance was given.
    pub fn tickets(&self) -> Self {
        Self { era: self.era, least: self.least, lost: self.lost, ..Self::default() }
    }

    /// A turn was won, with this ticket.
    pub fn won(&mut self, drawn: Drawn) {
        (self.era, self.lost) = (drawn.ticket.era(), None);
        self.least = self.least.max(drawn.ticket);
    }

    /// A turn was won, and nothing came of it.
    pub fn lost(&mut self, drawn: Drawn) {
        self.lost = Some(drawn);
    }

    /// A ticket that may still get its turn, and blocks the lane for others until
    /// it is void or its grace is over.
    pub fn has_lost(&self, now: Now, params: Params) -> bool {
        self.lost.is_some_and(|lost| now.before(lost.since.plus(params.grace)))
    }

    /// Whether the next ticket may be drawn without a look.
    pub fn may_draw_at_once(&self) -> bool {
        self.own.is_some()
    }

    /// The instance has released this document: it may draw without a look.
    pub fn released(&mut self, document: Document<T>, now: Now) {
        self.era = document.ticket.era();
        self.least = self.least.max(document.upto);
        self.own = Some((document, now.monotonic));
    }

    fn forget_what_was_seen(&mut self) {
        (self.watched, self.own) = (None, None);
    }
}

/// What a look or a draw asks of the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step<T> {
    /// Read the counter and the document of the era.
    Look(Look<T>),
    /// Read the document of an era.
    GetDocument(GetDocument<T>),
    GetWatch(GetWatch<T>),
    SetWatch(SetWatch<T>),
    Knock(SetKnock<T>),
    /// Wait for a random time and read the counter again.
    Recheck(Recheck<T>),
    Draw(Draw<T>),
    Done(Outcome<T>),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome<T> {
    Won(Won<T>),
    Busy(Memory<T>, Busy),
}

/// When to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Busy {
    /// Turns change fast.
    Soon,
    /// A watch stands, and is over after this time.
    Watched(Duration),
}

/// A turn that was won.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Won<T> {
    pub drawn: Drawn,
    /// The document that it starts from, if there is one, and the era of its key.
    pub base: Option<(Era, Document<T>)>,
    /// It takes the lane from somebody dead.
    pub founds: bool,
    pub params: Params,
    pub rules: Rules,
}

pub fn begin<T: Clone>(params: Params, rules: Rules, memory: Memory<T>, now: Now) -> Step<T> {
    let mut context = Context { params, rules, memory, asked: now };
    if context.memory.lost.is_none()
        && let Some((document, at)) = context.memory.own.take()
        && now.monotonic.saturating_sub(at) <= WARM
    {
        let base = Some((document.ticket.era(), document));
        return context.draw(base, now);
    }
    context.look()
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Context<T> {
    params: Params,
    rules: Rules,
    memory: Memory<T>,
    /// The clocks before the first read was sent.
    asked: Now,
}

impl<T: Clone> Context<T> {
    fn look(self) -> Step<T> {
        Step::Look(Look { era: self.memory.era, context: self })
    }

    fn busy(self, busy: Busy) -> Step<T> {
        Step::Done(Outcome::Busy(self.memory, busy))
    }

    fn margin(&self) -> i64 {
        let skew = if self.rules.skew_margin { self.params.skew } else { Duration::ZERO };
        millis(skew + self.params.stale)
    }

    /// Draws the ticket that follows a released document.
    fn draw(self, base: Option<(Era, Document<T>)>, now: Now) -> Step<T> {
        let wanted = Wanted::Next(upto(&base).plus(1));
        Step::Draw(Draw { by: 1, wanted, base, since: now, context: self })
    }

    /// Takes the lane from somebody dead.
    fn found(self, ticket: Ticket, base: Option<(Era, Document<T>)>) -> Step<T> {
        Step::Recheck(Recheck { ticket, base, context: self })
    }

    fn decide(mut self, ticket: Ticket, base: Option<(Era, Document<T>)>, now: Now) -> Step<T> {
        self.memory.era = ticket.era();
        let upto = upto(&base);
        let judged = if self.rules.judge_by_the_asking { self.asked } else { now };
        let held = base.as_ref().and_then(|(era, document)| {
            let counts = self.rules.heed_lower_era || *era == ticket.era();
            document.held.filter(|_| counts).map(|held| (document.ticket, held))
        });
        let mut far = None;
        if let Some((writer, held)) = held
            && judged.wall < held.until.saturating_add(self.margin())
        {
            let likely = judged.wall.saturating_add(held.lease).saturating_add(self.margin());
            if held.until <= likely {
                return self.knock(writer, now);
            }
            far = Some(held);
        }
        // A ticket is void, or gets its turn, or its grace is over.
        self.memory.lost = self
            .memory
            .lost
            .filter(|lost| lost.ticket > upto && now.before(lost.since.plus(self.params.grace)));
        if ticket <= upto && far.is_none() {
            return match held {
                None => self.draw(base, now),
                Some(_) => self.found(ticket, base),
            };
        }
        if let Some(lost) = self.memory.lost
            && lost.ticket == upto.plus(1)
            && far.is_none()
            && (held.is_none() || !self.rules.next_after_release)
            && base.as_ref().map_or(0, |(era, _)| *era) == lost.ticket.era()
        {
            let since = if self.rules.own_grace { lost.since } else { now };
            self.memory.lost = None;
            return self.won(Drawn { ticket: lost.ticket, since }, base, false);
        }
        if !self.rules.wait_for_tickets && far.is_none() {
            return match held {
                None => self.draw(base, now),
                Some(_) => self.found(ticket, base),
            };
        }
        let until = held.map(|(_, held)| held.until);
        let until = until.filter(|_| self.rules.one_watch || far.is_some());
        let of = Watched { ticket, until };
        Step::GetWatch(GetWatch { of, far, base, context: self })
    }

    fn knock(mut self, writer: Ticket, now: Now) -> Step<T> {
        self.memory.watched = None;
        let due = self
            .memory
            .knocked
            .is_none_or(|(at, when)| at != writer || now.monotonic >= when + KNOCK_AGAIN);
        match self.params.knocks && due {
            true => Step::Knock(SetKnock { ticket: writer, context: self }),
            false => self.busy(Busy::Soon),
        }
    }

    fn won(self, drawn: Drawn, base: Option<(Era, Document<T>)>, founds: bool) -> Step<T> {
        let Self { params, rules, .. } = self;
        Step::Done(Outcome::Won(Won { drawn, base, founds, params, rules }))
    }
}

fn upto<T>(base: &Option<(Era, Document<T>)>) -> Ticket {
    base.as_ref().map_or(Ticket::NONE, |(_, document)| document.upto)
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Look<T> {
    context: Context<T>,
    pub era: Era,
}

impl<T: Clone> Look<T> {
    /// `counter` and the document of [`era`](Self::era), which were asked for
    /// together.
    pub fn got(self, counter: u64, document: Option<Document<T>>, now: Now) -> Step<T> {
        let Self { mut context, era } = self;
        let ticket = Ticket::of(counter).max(context.memory.least);
        context.memory.own = None;
        match document {
            Some(document) if era == ticket.era() => {
                context.decide(ticket, Some((era, document)), now)
            }
            None if era == ticket.era() => below(context, ticket, era, now),
            _ => {
                let era = ticket.era();
                Step::GetDocument(GetDocument { ticket, era, context })
            }
        }
    }
}

/// There is no document of this era: the era before may have one.
fn below<T: Clone>(context: Context<T>, ticket: Ticket, era: Era, now: Now) -> Step<T> {
    match era.checked_sub(1) {
        None => context.decide(ticket, None, now),
        Some(era) => Step::GetDocument(GetDocument { ticket, era, context }),
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GetDocument<T> {
    context: Context<T>,
    ticket: Ticket,
    pub era: Era,
}

impl<T: Clone> GetDocument<T> {
    pub fn got(self, document: Option<Document<T>>, now: Now) -> Step<T> {
        let Self { context, ticket, era } = self;
        match document {
            Some(document) => context.decide(ticket, Some((era, document)), now),
            None => below(context, ticket, era, now),
        }
    }
}

/// Somebody has drawn and not written, or a document names an unlikely end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GetWatch<T> {
    context: Context<T>,
    of: Watched,
    far: Option<HeldUntil>,
    base: Option<(Era, Document<T>)>,
}

impl<T: Clone> GetWatch<T> {
    pub fn got(self, watch: Option<Watch>, now: Now) -> Step<T> {
        let Self { mut context, of, far, base } = self;
        let params = context.params;
        let stands = |watch: &Watch| {
            let same = watch.of == of || !context.rules.watch_names_ticket;
            same && watch.since <= now.wall.saturating_add(millis(params.skew))
        };
        let Some(watch) = watch.filter(stands) else {
            // A look that shows the same as the one before, or the only one.
            if context.memory.watched.replace(of) == Some(of) || params.glances {
                let watch = Watch { of, since: now.wall };
                return Step::SetWatch(SetWatch { watch, context });
            }
            return context.busy(Busy::Soon);
        };
        context.memory.watched = Some(of);
        let wait = match far {
            Some(held) => held.lease,
            None => millis(params.grace),
        };
        let over = watch.since.saturating_add(wait).saturating_add(context.margin());
        let judged = if context.rules.judge_by_the_asking { context.asked } else { now };
        if judged.wall >= over {
            context.memory.forget_what_was_seen();
            return context.found(of.ticket, base);
        }
        let left = u64::try_from(over.saturating_sub(now.wall)).unwrap_or(0);
        context.busy(Busy::Watched(Duration::from_millis(left).min(WATCH_POLL)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SetWatch<T> {
    context: Context<T>,
    pub watch: Watch,
}

impl<T: Clone> SetWatch<T> {
    pub fn done(self) -> Step<T> {
        self.context.busy(Busy::Watched(WATCH_POLL))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SetKnock<T> {
    context: Context<T>,
    pub ticket: Ticket,
}

impl<T: Clone> SetKnock<T> {
    pub fn done(mut self, now: Now) -> Step<T> {
        self.context.memory.knocked = Some((self.ticket, now.monotonic));
        self.context.busy(Busy::Soon)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recheck<T> {
    context: Context<T>,
    ticket: Ticket,
    base: Option<(Era, Document<T>)>,
}

impl<T: Clone> Recheck<T> {
    /// `counter` was read after the wait.
    pub fn got(self, counter: u64, now: Now) -> Step<T> {
        let Self { context, ticket, base } = self;
        if Ticket::of(counter) > ticket {
            // Somebody has drawn: the lane goes on.
            return context.busy(Busy::Soon);
        }
        let by = if context.rules.new_era { ERA } else { 1 };
        let wanted = Wanted::Era(ticket.max(upto(&base)).plus(by));
        Step::Draw(Draw { by, wanted, base, since: now, context })
    }
}

/// Add to the counter. The clocks were read before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Draw<T> {
    context: Context<T>,
    pub by: u64,
    wanted: Wanted,
    base: Option<(Era, Document<T>)>,
    since: Now,
}

/// What a draw is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Wanted {
    /// This ticket, which follows a released document.
    Next(Ticket),
    /// This ticket, which begins an era.
    Era(Ticket),
    /// The counter was set back and has to reach what was given before. Nobody may
    /// use these tickets.
    Nothing,
}

impl<T: Clone> Draw<T> {
    /// The document that the turn would start from; `None` if no turn is wanted.
    pub fn base(&self) -> Option<Option<&Document<T>>> {
        let base = self.base.as_ref().map(|(_, document)| document);
        (self.wanted != Wanted::Nothing).then_some(base)
    }

    /// What is remembered if nothing is drawn.
    pub fn memory(&self) -> Memory<T> {
        self.context.memory.clone()
    }

    pub fn got(self, counter: u64) -> Step<T> {
        let Self { mut context, wanted, base, since, .. } = self;
        let drawn = Drawn { ticket: Ticket::of(counter), since };
        let upto = upto(&base);
        let (expected, exact, founds) = match wanted {
            Wanted::Next(expected) => (expected, context.rules.exact_ticket, false),
            Wanted::Era(expected) => (expected, context.rules.exact_founding, true),
            Wanted::Nothing => return context.busy(Busy::Soon),
        };
        if drawn.ticket == expected || (!exact && drawn.ticket > upto) {
            return context.won(drawn, base, founds);
        }
        context.memory.forget_what_was_seen();
        if drawn.ticket < upto {
            let by = upto.number() - drawn.ticket.number();
            return Step::Draw(Draw { by, wanted: Wanted::Nothing, base: None, since, context });
        }
        if drawn.ticket > upto {
            context.memory.least = context.memory.least.max(drawn.ticket);
            context.memory.lost = Some(drawn);
        }
        context.busy(Busy::Soon)
    }

    /// Nothing is known of what the store did: a ticket may have been drawn. If it
    /// blocks the lane, it is watched like that of somebody dead.
    pub fn unknown(self) -> Step<T> {
        let mut context = self.context;
        context.memory.forget_what_was_seen();
        context.busy(Busy::Soon)
    }
}

impl<T> Memory<T> {
    /// The era of the last look, as a guess for the next one.
    pub fn era(&self) -> Era {
        self.era
    }

    /// The counter is at least this, whatever a stale read says.
    pub fn least(&self) -> Ticket {
        self.least
    }
}

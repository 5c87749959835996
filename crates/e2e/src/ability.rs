//! What a gateway may be unable to do, by its host or by its log.

use std::fmt;

/// Something that some scenarios need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// Deliveries begin by themselves: work goes on after the answer, or the
    /// host has a timer.
    UnaskedDeliveries,
    /// Work goes on after the answer.
    WorkAfterAnswers,
    /// The gateway reaches the receiver of this suite.
    Callbacks,
    /// Answers are sent while they come to be.
    Streams,
    /// Records that are read carry their headers.
    Headers,
    /// Records that are read carry their timestamps.
    Timestamps,
    /// A time has an offset.
    OffsetByTime,
    /// The gateway was built with sources, and has a key for their secrets.
    Sources,
    /// The gateway was built with actions.
    Actions,
    /// The gateway was built with `/config`.
    Configuration,
    /// Callers need credentials, and the suite was given one.
    Credentials,
    /// What is written to the host's store is there for the next request.
    KeptState,
}

impl Ability {
    pub const ALL: [Self; 12] = [
        Self::UnaskedDeliveries,
        Self::WorkAfterAnswers,
        Self::Callbacks,
        Self::Streams,
        Self::Headers,
        Self::Timestamps,
        Self::OffsetByTime,
        Self::Sources,
        Self::Actions,
        Self::Configuration,
        Self::Credentials,
        Self::KeptState,
    ];

    /// By its name on the command line.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ability| ability.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::UnaskedDeliveries => "unasked-deliveries",
            Self::WorkAfterAnswers => "work-after-answers",
            Self::Callbacks => "callbacks",
            Self::Streams => "streams",
            Self::Headers => "headers",
            Self::Timestamps => "timestamps",
            Self::OffsetByTime => "offset-by-time",
            Self::Sources => "sources",
            Self::Actions => "actions",
            Self::Configuration => "configuration",
            Self::Credentials => "credentials",
            Self::KeptState => "kept-state",
        }
    }

    /// What the gateway can do that has it.
    pub fn about(self) -> &'static str {
        match self {
            Self::UnaskedDeliveries => "deliveries begin by themselves",
            Self::WorkAfterAnswers => "work goes on after the answer",
            Self::Callbacks => "the receiver of this suite is reached",
            Self::Streams => "answers are sent while they come to be",
            Self::Headers => "records that are read carry their headers",
            Self::Timestamps => "records that are read carry their timestamps",
            Self::OffsetByTime => "a time has an offset",
            Self::Sources => "sources were built in, and their secrets have a key",
            Self::Actions => "actions were built in",
            Self::Configuration => "/config was built in",
            Self::Credentials => "callers need credentials, and the suite was given one",
            Self::KeptState => "what is written to the store is there for the next request",
        }
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

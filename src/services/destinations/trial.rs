//! Trying a destination, without leaving a record behind.

use crate::error::{ErrorKind, Fault, Result};
use crate::kafka::WriteAccess;

/// What trying a destination shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Whether its REST server answers.
    pub reachable: Finding,
    /// Whether the topic is there.
    pub topic: Finding,
    pub partitions: Option<i32>,
    /// Whether the key may write to it.
    pub write: Finding,
}

/// What is known of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Yes,
    No(Fault),
    /// It could not be found out.
    Unknown(&'static str),
}

const NOT_REACHED: &str = "Nothing can be asked of a server that is not reached";
const NOT_SHOWN: &str = "The server did not show the topic";
/// The API cannot try a write without writing.
const NOT_TOLD: &str = "The server does not say what the key may do, and only a record could \
                        show it; none was written";

impl Trial {
    /// Nothing was asked, because of this.
    pub(super) fn impossible(fault: Fault) -> Self {
        let nothing = || Finding::Unknown(NOT_REACHED);
        Self { reachable: Finding::No(fault), topic: nothing(), partitions: None, write: nothing() }
    }

    pub(super) fn of(answer: Result<WriteAccess>) -> Self {
        let error = match answer {
            Ok(WriteAccess { topic, allowed }) => {
                let write = match allowed {
                    Some(true) => Finding::Yes,
                    Some(false) => Finding::No(Fault::Forbidden),
                    None => Finding::Unknown(NOT_TOLD),
                };
                let partitions = Some(topic.partitions);
                return Self { reachable: Finding::Yes, topic: Finding::Yes, partitions, write };
            }
            Err(error) => error,
        };
        let fault = Fault::from(&error);
        let (reachable, topic, write) = match *error {
            ErrorKind::Unreachable { .. } | ErrorKind::Timeout => return Self::impossible(fault),
            ErrorKind::UnknownTopic(_) => {
                (Finding::Yes, Finding::No(fault), Finding::Unknown("The topic is not there"))
            }
            // Whoever may write to a topic may see it, and the gateway looks before it writes.
            ErrorKind::PermissionDenied { .. } => {
                (Finding::Yes, Finding::Unknown(NOT_SHOWN), Finding::No(fault))
            }
            ErrorKind::Unconfigured(_) => {
                (Finding::Yes, Finding::No(fault), Finding::Unknown(NOT_SHOWN))
            }
            _ => (Finding::No(fault), Finding::Unknown(NOT_SHOWN), Finding::Unknown(NOT_SHOWN)),
        };
        Self { reachable, topic, partitions: None, write }
    }
}

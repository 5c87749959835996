//! What all calls of one emulator share.

use crate::counters::Counters;
use crate::limits::Limits;
use crate::log::Log;
use crate::options::Options;
use crate::produce::Producer;
use crate::v2::Consumers;

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) limits: Limits,
    pub(crate) log: Log,
    pub(crate) producer: Producer,
    pub(crate) consumers: Consumers,
    pub(crate) counters: Counters,
}

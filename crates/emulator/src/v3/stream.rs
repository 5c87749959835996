//! The records of a produce request, one after another.

use crate::json::{InputEnd, Parser, Stop, Token};
use crate::options::Version;
use crate::produce::{ProduceRecord, RecordError, RecordReader};

/// What comes next in the stream.
#[derive(Debug)]
pub(super) enum Next {
    /// A record and how many bytes of JSON it is.
    Record(ProduceRecord, usize),
    /// A record that cannot be read; the stream goes on behind it if it can.
    Bad(RecordError),
    /// The stream cannot go on; the text says why.
    Broken(String),
    /// All of it was read.
    End,
    /// More bytes have to come first.
    NeedMore,
}

/// Below this much unread input a record is tried again whenever bytes come;
/// above, only when the input has doubled, so that a large record in many
/// pieces is not read once for each of them.
const ALWAYS_TRY: usize = 64 * 1024;

/// Splits a stream into records as the proxy's iterator does: after a bad
/// record it skips to that record's end, and where even that fails, the
/// stream is broken.
#[derive(Debug)]
pub(super) struct RecordStream {
    version: Version,
    parser: Parser,
    behind_bad: bool,
    size_limit: Option<u64>,
    try_again_at: usize,
}

impl RecordStream {
    pub(super) fn new(version: Version, size_limit: Option<u64>) -> RecordStream {
        RecordStream {
            version,
            parser: Parser::streaming(version),
            behind_bad: false,
            size_limit,
            try_again_at: 0,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.parser.feed(bytes);
    }

    pub(super) fn finish(&mut self, end: InputEnd) {
        self.parser.finish(end);
        self.try_again_at = 0;
    }

    pub(super) fn next(&mut self) -> Next {
        if self.parser.unread() < self.try_again_at {
            return Next::NeedMore;
        }
        let mark = self.parser.mark();
        let behind_bad = self.behind_bad;
        let next = self.step();
        if matches!(next, Next::NeedMore) {
            self.parser.reset(mark);
            self.behind_bad = behind_bad;
            let unread = self.parser.unread();
            self.try_again_at = if unread > ALWAYS_TRY { unread * 2 } else { 0 };
            if self.size_limit.is_some_and(|limit| unread as u64 > limit) {
                return self.too_large();
            }
        } else {
            self.try_again_at = 0;
        }
        next
    }

    fn step(&mut self) -> Next {
        if self.behind_bad {
            if let Err(stop) = self.skip_to_end_of_record() {
                return broken(stop);
            }
            self.behind_bad = false;
        }
        let start = self.parser.position();
        if self.parser.current().is_none() {
            match self.parser.next_token() {
                Ok(None | Some(Token::EndArray)) => return Next::End,
                Ok(Some(_)) => {}
                Err(stop) => return broken(stop),
            }
        }
        let reader = RecordReader { in_batch: false, version: self.version };
        let outcome = reader.read(&mut self.parser);
        if outcome == Err(RecordError::Stop(Stop::NeedMore)) {
            return Next::NeedMore;
        }
        self.parser.clear_current();
        if self.size_limit.is_some_and(|limit| self.parser.position() - start > limit) {
            return self.too_large();
        }
        match outcome {
            Ok(record) => Next::Record(record, (self.parser.position() - start) as usize),
            Err(error) => {
                self.behind_bad = true;
                Next::Bad(error)
            }
        }
    }

    fn too_large(&self) -> Next {
        Next::Broken("Produce request size is larger than allowed threshold".into())
    }

    fn skip_to_end_of_record(&mut self) -> Result<(), Stop> {
        while !self.parser.at_root() {
            match self.parser.next_token()? {
                Some(Token::EndArray | Token::EndObject) if self.parser.at_root() => {
                    self.parser.clear_current();
                }
                Some(Token::StartArray | Token::StartObject) => self.parser.skip_children()?,
                Some(_) => {}
                None => break,
            }
        }
        Ok(())
    }
}

fn broken(stop: Stop) -> Next {
    match stop {
        Stop::NeedMore => Next::NeedMore,
        Stop::Syntax(message) | Stop::Limit(message) | Stop::Input(message) => {
            Next::Broken(message)
        }
    }
}

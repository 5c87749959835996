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

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the records of a stream that arrives in pieces.
    fn outcomes(pieces: &[&str], end: InputEnd) -> Vec<String> {
        let mut stream = RecordStream::new(Version::default(), None);
        let mut found = Vec::new();
        let mut pieces = pieces.iter();
        loop {
            match stream.next() {
                Next::Record(record, _) => {
                    let value = record.value.map(|v| v.data.to_string());
                    found.push(value.unwrap_or_else(|| "none".into()));
                }
                Next::Bad(error) => found.push(format!("bad: {error:?}")),
                Next::Broken(why) => {
                    found.push(format!("broken: {why}"));
                    return found;
                }
                Next::End => return found,
                Next::NeedMore => match pieces.next() {
                    Some(piece) => stream.feed(piece.as_bytes()),
                    None => stream.finish(end.clone()),
                },
            }
        }
    }

    fn whole(text: &str) -> Vec<String> {
        outcomes(&[text], InputEnd::Complete)
    }

    const ONE: &str = r#"{"value":{"type":"JSON","data":1}}"#;

    #[test]
    fn records_need_nothing_between_them_and_may_be_cut_anywhere() {
        let text = format!("{ONE}{ONE} \n{ONE}");
        let expected = vec!["1"; 3];
        assert_eq!(whole(&text), expected);
        for cut in 0..text.len() {
            let (start, rest) = text.split_at(cut);
            assert_eq!(outcomes(&[start, rest], InputEnd::Complete), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_bad_record_is_skipped_to_its_end() {
        let text = format!(r#"{{"x":[1,{{}}],"value":null}}[{ONE}]{ONE}"#);
        let found = whole(&text);
        assert_eq!(found.len(), 3);
        assert!(found[0].contains("Unrecognized field"), "{}", found[0]);
        assert!(found[1].contains("from Array value"), "{}", found[1]);
        assert_eq!(found[2], "1");
    }

    #[test]
    fn broken_json_gives_two_errors_and_the_end() {
        let found = whole(&format!(r#"{ONE}{{"value":x}}{ONE}"#));
        assert_eq!(found.len(), 3);
        assert!(found[1].starts_with("bad: Stop(Syntax(\"Unrecognized token 'x'"), "{}", found[1]);
        assert!(found[2].starts_with("broken: Unexpected character ('{'"), "{}", found[2]);
    }

    /// A blank behind the wrong word leaves the brace, and with it the end of
    /// the record, to be found.
    #[test]
    fn a_broken_word_that_ends_by_itself_costs_its_own_record_only() {
        let found = whole(&format!(r#"{{"value":x }}{ONE}"#));
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[1], "1");
    }

    #[test]
    fn an_error_of_the_connection_inside_a_record_shows_twice() {
        let cut = InputEnd::Broken("gone".into());
        let found = outcomes(&[ONE, &ONE[..9]], cut);
        assert_eq!(found, ["1", "bad: Stop(Input(\"gone\"))", "broken: gone"]);
    }

    #[test]
    fn a_record_over_the_limit_breaks_the_stream() {
        let mut stream = RecordStream::new(Version::default(), Some(20));
        stream.feed(ONE.as_bytes());
        assert!(matches!(stream.next(), Next::Broken(_)));
    }
}

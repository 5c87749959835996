//! The reports of a produce, read as they arrive.

use serde::Deserialize;

/// The longest report that is accepted; they have about 200 bytes
/// (`recordings/v3-produce.jsonl`).
const MAX_REPORT_BYTES: usize = 64 * 1024;

/// What the server reports on one record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Report {
    pub(super) error_code: i64,
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) partition_id: Option<i32>,
    #[serde(default)]
    pub(super) offset: Option<i64>,
    #[serde(default)]
    pub(super) timestamp: Option<String>,
}

/// The text is not a report, so the reports after it cannot be found either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Finds reports in the pieces in which they arrive. A report is complete with
/// its closing brace: the server sends the line end after it only with the next
/// report, so reading by lines would always be one record late
/// (`recordings/v3-produce-stream.jsonl`, "five records sent 300 ms apart").
#[derive(Debug, Default)]
pub(super) struct ReportReader {
    text: String,
    /// The bytes behind the text: a character that has not arrived whole, or what is no UTF-8.
    rest: Vec<u8>,
    start: usize,
}

/// A character is cut by the end of a piece after so many bytes at most.
const MAX_CUT: usize = 3;

impl ReportReader {
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.text.drain(..self.start);
        self.start = 0;
        self.rest.extend_from_slice(piece);
        let valid =
            std::str::from_utf8(&self.rest).map_or_else(|error| error.valid_up_to(), str::len);
        self.text.push_str(std::str::from_utf8(&self.rest[..valid]).unwrap_or_default());
        self.rest.drain(..valid);
    }

    /// The next complete report.
    pub(super) fn next(&mut self) -> Result<Option<Report>, Unreadable> {
        let rest = &self.text[self.start..];
        let blank = rest.bytes().take_while(u8::is_ascii_whitespace).count();
        let rest = &rest[blank..];
        let is_whole_text = self.rest.len() <= MAX_CUT;
        match rest.as_bytes().first() {
            None if is_whole_text => return Ok(None),
            // Serde would accept an array as a report, too.
            Some(b'{') => {}
            _ => return Err(Unreadable),
        }
        let mut objects = serde_json::Deserializer::from_str(rest).into_iter::<Report>();
        match objects.next() {
            Some(Ok(report)) => {
                self.start += blank + objects.byte_offset();
                Ok(Some(report))
            }
            Some(Err(error))
                if error.is_eof() && is_whole_text && rest.len() <= MAX_REPORT_BYTES =>
            {
                Ok(None)
            }
            _ => Err(Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = concat!(
        r#"{"error_code":200,"cluster_id":"c1","topic_name":"orders","partition_id":2,"offset":1234,"#,
        r#""timestamp":"2026-03-01T10:15:30.250Z","value":{"type":"STRING","size":3}}"#,
        "\r\n",
        r#"{"error_code":40402,"message":"a \" } brace"}"#,
    );

    fn all(pieces: &[&[u8]]) -> Result<Vec<Report>, Unreadable> {
        let (mut reports, mut found) = (ReportReader::default(), Vec::new());
        for piece in pieces {
            reports.push(piece);
            while let Some(report) = reports.next()? {
                found.push(report);
            }
        }
        Ok(found)
    }

    #[test]
    fn a_report_ends_with_its_brace() {
        let found = all(&[TWO.as_bytes()]).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].partition_id, found[0].offset), (Some(2), Some(1234)));
        assert_eq!(found[1].message.as_deref(), Some(r#"a " } brace"#));
    }

    #[test]
    fn pieces_may_end_anywhere() {
        let whole = all(&[TWO.as_bytes()]).unwrap();
        let bytes: Vec<_> = TWO.as_bytes().chunks(1).collect();
        assert_eq!(all(&bytes), Ok(whole.clone()));
        for cut in 0..TWO.len() {
            let (head, tail) = TWO.as_bytes().split_at(cut);
            assert_eq!(all(&[head, tail]), Ok(whole.clone()), "cut at {cut}");
        }
    }

    #[test]
    fn pieces_may_end_within_a_character() {
        let text = r#"{"error_code":40402,"message":"żółw 🐢"}"#.as_bytes();
        for cut in 0..text.len() {
            let (head, tail) = text.split_at(cut);
            let found = all(&[head, tail]).unwrap();
            assert_eq!(found[0].message.as_deref(), Some("żółw 🐢"), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_text_is_unreadable() {
        let (report, no_text) = (br#"{"error_code":200}"#, b"\xff\xff\xff\xff");
        assert_eq!(all(&[no_text]), Err(Unreadable));
        assert_eq!(all(&[br#"{"message":""#, no_text, br#""}"#]), Err(Unreadable));
        let mut reports = ReportReader::default();
        reports.push(&[&report[..], no_text].concat());
        assert!(matches!(reports.next(), Ok(Some(_))));
        assert_eq!(reports.next(), Err(Unreadable));
    }

    #[test]
    fn what_is_no_report_is_unreadable() {
        for text in [
            "<html>",
            "[200]",
            r#"[200,"m",1,2,"t"]"#,
            "200",
            "{]",
            "{}",
            r#"{"error_code":"x"}"#,
            r#"{"error_code":200,"offset":1e99}"#,
            "null",
            "\u{feff}{}",
        ] {
            assert_eq!(all(&[text.as_bytes()]), Err(Unreadable), "{text}");
        }
    }

    #[test]
    fn a_report_without_end_is_unreadable() {
        let piece = "x".repeat(MAX_REPORT_BYTES);
        assert_eq!(all(&[br#"{"message":""#, piece.as_bytes()]), Err(Unreadable));
    }
}

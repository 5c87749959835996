//! What an answer means for a record: it was written, it was not, or the outcome
//! is unknown.
//!
//! A mistake in one direction loses a record that the caller believes to be
//! written; in the other direction it makes the caller, or us, write it twice.
//!
//! The codes are those of the REST Proxy's exception mapper
//! (`reference/confluent-rest.md`, 3.6 and 8).

use super::report::Report;
use crate::calendar;
use crate::error::{Error, ErrorKind};
use crate::kafka::Topic;
use crate::kafka::confluent::failure::{ErrorAnswer, clean};
use crate::record::{NewRecord, RecordMetadata};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReportMeaning {
    Written(RecordMetadata),
    Failed(Error),
    /// Certainly not written; it may be sent again. The error is reported if
    /// there is no time left for that.
    Again(Error),
}

/// What a report within a 200 means.
pub(super) fn of_report(report: Report, record: &NewRecord, topic: &Topic) -> ReportMeaning {
    let code = report.error_code;
    if code == 200 {
        return written(report);
    }
    let message = clean(report.message.as_deref().unwrap_or_default());
    let detail = format!("error code {code}: {message}");
    ReportMeaning::Failed(match code {
        // The proxy and Kafka check their rate limits before they accept a
        // record (`recordings/configured-produce-rate-limit.jsonl`).
        429 | 42901 => {
            return ReportMeaning::Again(
                ErrorKind::Throttled { retry_after: std::time::Duration::from_secs(1) }.into(),
            );
        }
        401 | 40101 => ErrorKind::PermissionDenied { known: false, detail }.into(),
        403 | 40301 => ErrorKind::PermissionDenied { known: true, detail }.into(),
        // The topic was still missing after a minute, or was deleted in the
        // meantime. A missing partition has the same code
        // (`recordings/v3-produce-unknown-topic.jsonl`).
        40401 | 40403 if record.partition.is_none() => {
            ErrorKind::UnknownTopic(topic.name.clone()).into()
        }
        40401 | 40403 => Error::invalid("partition", "The topic or its partition is gone"),
        40402 => Error::invalid("partition", "The topic has no such partition"),
        413 => too_large(record),
        // The answer for a record sent on a stream that is too old. The record
        // is in the log most of the time
        // (`recordings/configured-stream-age-2s.jsonl`).
        408 => ErrorKind::OutcomeUnknown { detail }.into(),
        // Kafka refused for good, because of the record itself: it has no key
        // for a compacted topic (`recordings/v3-produce-more.jsonl`), or its time
        // is out of range (`recordings/8.3.1/v3-produce.jsonl`).
        50_002 => Error::invalid("record", format!("Kafka refused the record: {message}")),
        // Other 4xx: the proxy could not make a Kafka record of the JSON, or
        // Kafka refused the request as invalid.
        400..=499 | 40_000..=49_999 => ErrorKind::Upstream { detail }.into(),
        // 50003 and 50302 are Kafka's retriable errors: a lost connection to a
        // broker, or no acknowledgement in time. The record may have been sent.
        // 500 is any other exception of the proxy, at any moment.
        _ => ErrorKind::OutcomeUnknown { detail }.into(),
    })
}

fn written(report: Report) -> ReportMeaning {
    match (report.partition_id, report.offset) {
        (Some(partition), Some(offset)) if partition >= 0 && offset >= 0 => {
            let timestamp = report.timestamp.as_deref().and_then(calendar::parse_rfc3339);
            ReportMeaning::Written(RecordMetadata { partition, offset, timestamp })
        }
        _ => ReportMeaning::Failed(unknown("the server's report has no offset")),
    }
}

/// What a status other than 200 means, for all records of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whole {
    Failed(Error),
    Again(Error),
    /// The call was too large: each half may pass.
    Split,
}

/// The proxy answers 200 before it reads the first record
/// (`reference/confluent-rest.md`, 3.4), so nothing was written if it answers
/// with another status. A server between us and the proxy may answer 502 or 504
/// after the proxy got the call.
pub(super) fn of_status(refusal: &ErrorAnswer, topic: &Topic) -> Whole {
    let detail = refusal.detail();
    match (refusal.status.as_u16(), refusal.code) {
        (429, _) => Whole::Again(refusal.throttled()),
        (504, _) | (502, None) => Whole::Failed(ErrorKind::OutcomeUnknown { detail }.into()),
        (500.., _) => Whole::Again(ErrorKind::Upstream { detail }.into()),
        (404, Some(40401 | 40403)) => {
            Whole::Failed(ErrorKind::UnknownTopic(topic.name.clone()).into())
        }
        (413, _) => Whole::Split,
        // Any other success is not what a produce answers with.
        (..300, _) => Whole::Failed(ErrorKind::OutcomeUnknown { detail }.into()),
        _ => Whole::Failed(refusal.error()),
    }
}

/// The server says that the record is over its limit, but not what the limit is.
pub(super) fn too_large(record: &NewRecord) -> Error {
    let size = super::size::in_a_batch(record);
    ErrorKind::TooLarge { size, limit: size - 1 }.into()
}

pub(super) fn unknown(detail: &str) -> Error {
    ErrorKind::OutcomeUnknown { detail: detail.into() }.into()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn topic() -> Topic {
        Topic { name: "orders".into(), partitions: 3, max_message_bytes: None }
    }

    fn of_code(error_code: i64) -> ReportMeaning {
        let report = Report {
            error_code,
            message: Some("why".into()),
            partition_id: None,
            offset: None,
            timestamp: None,
        };
        of_report(report, &NewRecord::default(), &topic())
    }

    fn failed(meaning: ReportMeaning) -> ErrorKind {
        match meaning {
            ReportMeaning::Failed(error) => error.into_kind(),
            other => panic!("{other:?}"),
        }
    }

    fn again(meaning: ReportMeaning) -> ErrorKind {
        match meaning {
            ReportMeaning::Again(error) => error.into_kind(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_200_with_an_offset_is_written() {
        let report = Report {
            error_code: 200,
            message: None,
            partition_id: Some(2),
            offset: Some(7),
            timestamp: Some("1970-01-01T00:00:01Z".into()),
        };
        let written = RecordMetadata { partition: 2, offset: 7, timestamp: Some(1_000) };
        let verdict = |report| of_report(report, &NewRecord::default(), &topic());
        assert_eq!(verdict(report.clone()), ReportMeaning::Written(written));
        let without = Report { offset: None, ..report };
        assert!(matches!(failed(verdict(without)), ErrorKind::OutcomeUnknown { .. }));
    }

    #[test]
    fn only_what_was_throttled_is_sent_again() {
        for code in [429, 42901] {
            assert!(matches!(again(of_code(code)), ErrorKind::Throttled { .. }), "{code}");
        }
    }

    #[test]
    fn what_may_have_been_written_is_unknown() {
        for code in [0, 200, 408, 500, 502, 503, 50003, 50302, 50001, 99_999, -1] {
            let verdict = of_code(code);
            assert!(matches!(failed(verdict), ErrorKind::OutcomeUnknown { .. }), "{code}");
        }
    }

    #[test]
    fn what_was_refused_is_not() {
        for code in [400, 422, 40002, 42206] {
            let verdict = of_code(code);
            assert!(matches!(failed(verdict), ErrorKind::Upstream { .. }), "{code}");
        }
        for code in [401, 403, 40101, 40301] {
            let verdict = of_code(code);
            assert!(matches!(failed(verdict), ErrorKind::PermissionDenied { .. }), "{code}");
        }
        for code in [40401, 40403] {
            assert_eq!(
                of_code(code),
                ReportMeaning::Failed(ErrorKind::UnknownTopic("orders".into()).into())
            );
        }
        assert!(matches!(failed(of_code(40402)), ErrorKind::Invalid { field: "partition", .. }));
        let refused = Error::invalid("record", "Kafka refused the record: why");
        assert_eq!(of_code(50002), ReportMeaning::Failed(refused));
        assert!(matches!(failed(of_code(413)), ErrorKind::TooLarge { size: 68, .. }));
    }

    #[test]
    fn statuses_before_the_stream() {
        let of = |status, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            of_status(&ErrorAnswer::new(status, &HeaderMap::new(), body.as_bytes(), 0), &topic())
        };
        let failed = |status, body: &str| match of(status, body) {
            Whole::Failed(error) => error.into_kind(),
            other => panic!("{other:?}"),
        };
        let again = |status, body: &str| match of(status, body) {
            Whole::Again(error) => error.into_kind(),
            other => panic!("{other:?}"),
        };
        let json = |code: i64| format!(r#"{{"error_code":{code},"message":"why"}}"#);
        assert!(matches!(again(429, ""), ErrorKind::Throttled { .. }));
        assert!(matches!(again(500, &json(500)), ErrorKind::Upstream { .. }));
        assert!(matches!(again(503, "<html>"), ErrorKind::Upstream { .. }));
        assert!(matches!(again(502, &json(502)), ErrorKind::Upstream { .. }));
        assert!(matches!(failed(502, "<html>"), ErrorKind::OutcomeUnknown { .. }));
        assert!(matches!(failed(504, &json(504)), ErrorKind::OutcomeUnknown { .. }));
        assert!(matches!(failed(204, ""), ErrorKind::OutcomeUnknown { .. }));
        assert_eq!(
            of(404, &json(40403)),
            Whole::Failed(ErrorKind::UnknownTopic("orders".into()).into())
        );
        assert!(matches!(failed(404, &json(404)), ErrorKind::Upstream { .. }));
        assert!(matches!(failed(401, &json(40101)), ErrorKind::PermissionDenied { .. }));
        assert!(matches!(failed(302, ""), ErrorKind::Upstream { .. }));
        assert_eq!(of(413, &json(413)), Whole::Split);
    }
}

//! What an answer means for a record: written, not written, or nobody knows.
//!
//! Wrong in one direction it loses a record that the caller believes written;
//! in the other it writes one twice, because the caller, or we, sent it again.

use super::report::Report;
use crate::calendar;
use crate::error::Error;
use crate::kafka::Topic;
use crate::kafka::confluent::failure::{ErrorAnswer, clean};
use crate::record::{NewRecord, RecordMetadata};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReportMeaning {
    Written(RecordMetadata),
    Failed(Error),
    /// Certainly not written, and sent again it may be. The error is for when
    /// there is no time left for that.
    Again(Error),
}

/// What a report within a 200 means.
pub(super) fn of_report(report: Report, record: &NewRecord, topic: &Topic) -> ReportMeaning {
    let code = report.error_code;
    let message = clean(report.message.as_deref().unwrap_or_default());
    let detail = format!("error code {code}: {message}");
    ReportMeaning::Failed(match code {
        200 => return written(report),
        // The limits of the proxy and of Kafka are looked at before a record
        // is sent on.
        429 | 42901 => {
            return ReportMeaning::Again(Error::Throttled {
                retry_after: std::time::Duration::from_secs(1),
            });
        }
        401 | 40101 => Error::PermissionDenied { known: false, detail },
        403 | 40301 => Error::PermissionDenied { known: true, detail },
        // Not in the metadata after a minute of waiting, or gone meanwhile.
        // Of a partition the same code is said.
        40401 | 40403 if record.partition.is_none() => Error::UnknownTopic(topic.name.clone()),
        40401 | 40403 => Error::invalid("partition", "The topic or its partition is gone"),
        40402 => Error::invalid("partition", "The topic has no such partition"),
        413 => too_large(record),
        // Said of the record with which an old stream ends; it is in the log
        // most of the time.
        408 => Error::OutcomeUnknown { detail },
        // Kafka's "no" for good. Of a record it is said where the record itself
        // is at fault: no key on a compacted topic, a time out of range.
        50_002 => Error::invalid("record", format!("Kafka refused the record: {message}")),
        // Other 4xx: the proxy could not make a Kafka record of what it got,
        // or Kafka refused the request as invalid.
        400..=499 | 40_000..=49_999 => Error::Upstream { detail },
        // 50003 and 50302 are what Kafka calls worth a retry: a lost
        // connection to a broker, or no acknowledgement in time. The record
        // may have been on its way. 500 is any other exception of the proxy,
        // at whatever moment.
        _ => Error::OutcomeUnknown { detail },
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
    /// Too much for one call: each half may pass.
    Split,
}

/// The proxy answers 200 before it looks at the first record, so with any
/// other status of its own nothing was written. Who stands between us and the
/// proxy may say 502 or 504 after the proxy got the call.
pub(super) fn of_status(refusal: &ErrorAnswer, topic: &Topic) -> Whole {
    let detail = refusal.detail();
    match (refusal.status.as_u16(), refusal.code) {
        (429, _) => Whole::Again(refusal.throttled()),
        (504, _) | (502, None) => Whole::Failed(Error::OutcomeUnknown { detail }),
        (500.., _) => Whole::Again(Error::Upstream { detail }),
        (404, Some(40401 | 40403)) => Whole::Failed(Error::UnknownTopic(topic.name.clone())),
        (413, _) => Whole::Split,
        // Any other success is not what a produce answers with.
        (..300, _) => Whole::Failed(Error::OutcomeUnknown { detail }),
        _ => Whole::Failed(refusal.error()),
    }
}

/// The server does not say what its limit is, only that this is over it.
pub(super) fn too_large(record: &NewRecord) -> Error {
    let size = super::size::in_a_batch(record);
    Error::TooLarge { size, limit: size - 1 }
}

pub(super) fn unknown(detail: &str) -> Error {
    Error::OutcomeUnknown { detail: detail.into() }
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
        assert!(matches!(verdict(without), ReportMeaning::Failed(Error::OutcomeUnknown { .. })));
    }

    #[test]
    fn only_what_was_throttled_is_sent_again() {
        for code in [429, 42901] {
            assert!(
                matches!(of_code(code), ReportMeaning::Again(Error::Throttled { .. })),
                "{code}"
            );
        }
    }

    #[test]
    fn what_may_have_been_written_is_unknown() {
        for code in [0, 200, 408, 500, 502, 503, 50003, 50302, 50001, 99_999, -1] {
            let verdict = of_code(code);
            assert!(
                matches!(verdict, ReportMeaning::Failed(Error::OutcomeUnknown { .. })),
                "{code}"
            );
        }
    }

    #[test]
    fn what_was_refused_is_not() {
        for code in [400, 422, 40002, 42206] {
            let verdict = of_code(code);
            assert!(matches!(verdict, ReportMeaning::Failed(Error::Upstream { .. })), "{code}");
        }
        for code in [401, 403, 40101, 40301] {
            let verdict = of_code(code);
            assert!(
                matches!(verdict, ReportMeaning::Failed(Error::PermissionDenied { .. })),
                "{code}"
            );
        }
        for code in [40401, 40403] {
            assert_eq!(of_code(code), ReportMeaning::Failed(Error::UnknownTopic("orders".into())));
        }
        assert!(matches!(
            of_code(40402),
            ReportMeaning::Failed(Error::Invalid { field: "partition", .. })
        ));
        let refused = Error::invalid("record", "Kafka refused the record: why");
        assert_eq!(of_code(50002), ReportMeaning::Failed(refused));
        assert!(matches!(of_code(413), ReportMeaning::Failed(Error::TooLarge { size: 68, .. })));
    }

    #[test]
    fn statuses_before_the_stream() {
        let of = |status, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            of_status(&ErrorAnswer::new(status, &HeaderMap::new(), body.as_bytes(), 0), &topic())
        };
        let json = |code: i64| format!(r#"{{"error_code":{code},"message":"why"}}"#);
        assert!(matches!(of(429, ""), Whole::Again(Error::Throttled { .. })));
        assert!(matches!(of(500, &json(500)), Whole::Again(Error::Upstream { .. })));
        assert!(matches!(of(503, "<html>"), Whole::Again(Error::Upstream { .. })));
        assert!(matches!(of(502, &json(502)), Whole::Again(Error::Upstream { .. })));
        assert!(matches!(of(502, "<html>"), Whole::Failed(Error::OutcomeUnknown { .. })));
        assert!(matches!(of(504, &json(504)), Whole::Failed(Error::OutcomeUnknown { .. })));
        assert!(matches!(of(204, ""), Whole::Failed(Error::OutcomeUnknown { .. })));
        assert_eq!(of(404, &json(40403)), Whole::Failed(Error::UnknownTopic("orders".into())));
        assert!(matches!(of(404, &json(404)), Whole::Failed(Error::Upstream { .. })));
        assert!(matches!(of(401, &json(40101)), Whole::Failed(Error::PermissionDenied { .. })));
        assert!(matches!(of(302, ""), Whole::Failed(Error::Upstream { .. })));
        assert_eq!(of(413, &json(413)), Whole::Split);
    }
}

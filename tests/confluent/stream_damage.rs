//! Everything that was seen to go wrong within a stream of reports, and what
//! is said then of each record.

use kafka_edge::error::{ErrorKind, Result};
use kafka_edge::record::RecordMetadata;
use kafka_edge_sim::{Answer, Piece, local};

use crate::setup::{RECORDS, Scripted, refusal, report, written};

/// The outcomes of three records when the stream comes as `pieces`. Nothing
/// is ever sent twice here.
async fn three(pieces: impl IntoIterator<Item = impl Into<Piece>>) -> [Result<RecordMetadata>; 3] {
    let test = Scripted::producing([Answer::pieces(200, pieces)]);
    let outcomes = test.produce_values(["a", "b", "c"]).await;
    assert_eq!(test.script.count(RECORDS), 1);
    outcomes
}

fn is_unknown(outcome: &Result<RecordMetadata>) -> bool {
    outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::OutcomeUnknown { .. }))
}

fn is_upstream(outcome: &Result<RecordMetadata>) -> bool {
    outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Upstream { .. }))
}

#[tokio::test(start_paused = true)]
async fn an_error_of_one_record_is_its_own() {
    local(async {
        let pieces = [report(0), refusal(400, "Unrecognized field"), report(1)];
        let outcomes = three(pieces.each_ref().map(String::as_str)).await;
        assert_eq!((&outcomes[0], &outcomes[2]), (&written(0), &written(1)));
        assert!(is_upstream(&outcomes[1]), "{outcomes:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_stream_error_the_rest_is_unknown() {
    local(async {
        // A record over the proxy's own limit; the stream ends with it.
        let over = refusal(400, "Bad Request: Error processing message: Produce request size ...");
        let outcomes = three([report(0).as_str(), &over]).await;
        assert_eq!(outcomes[0], written(0));
        assert!(is_upstream(&outcomes[1]), "{outcomes:?}");
        assert!(is_unknown(&outcomes[2]), "{outcomes:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_second_error_of_a_broken_record_is_nobodys_success() {
    local(async {
        let twice = [refusal(400, "Unexpected end-of-input"), refusal(400, "Early EOF")].concat();
        let outcomes = three([report(0).as_str(), &twice]).await;
        assert_eq!(outcomes[0], written(0));
        assert!(outcomes[1..].iter().all(is_upstream), "{outcomes:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_old_streams_last_record_is_unknown() {
    local(async {
        let old = refusal(408, "Streaming connection open for longer than allowed");
        let outcomes = three([report(0).as_str(), &old]).await;
        assert_eq!(outcomes[0], written(0));
        assert!(outcomes[1..].iter().all(is_unknown), "{outcomes:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn missing_reports_are_unknown() {
    local(async {
        for sent in 0..3 {
            let reports: String = (0..sent).map(|offset| report(offset) + "\r\n").collect();
            let outcomes = three([reports.as_str()]).await;
            for (index, outcome) in outcomes.iter().enumerate() {
                let told = (index as i64) < sent;
                assert_eq!(told, outcome.is_ok(), "{sent} reports: {outcomes:?}");
                assert!(told || is_unknown(outcome), "{sent} reports: {outcomes:?}");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_cut_anywhere_tells_no_lies() {
    local(async {
        let whole: String = (0..3).map(|offset| report(offset) + "\r\n").collect();
        let ends: Vec<_> = whole.match_indices("}}").map(|(at, _)| at + 2).collect();
        for cut in (0..whole.len()).step_by(7).chain(ends.iter().copied()) {
            let complete = ends.iter().filter(|end| **end <= cut).count();
            for end in [Some(Piece::Cut), None] {
                let pieces = [Piece::from(&whole[..cut])].into_iter().chain(end);
                let outcomes = three(pieces).await;
                for (index, outcome) in outcomes.iter().enumerate() {
                    if index < complete {
                        assert_eq!(*outcome, written(index as i64), "cut at {cut}");
                    } else {
                        assert!(is_unknown(outcome), "cut at {cut}: {outcome:?}");
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_stream_of_reports_is_unknown() {
    local(async {
        for body in ["<html>200, they say</html>", "[]", "null", "\"ok\"", "{}", r#"{"offset":1}"#]
        {
            let outcomes = three([body]).await;
            assert!(outcomes.iter().all(is_unknown), "{body}: {outcomes:?}");
        }
        let garbage = format!("{}\r\n###{}", report(0), report(1));
        let outcomes = three([garbage.as_str()]).await;
        assert_eq!(outcomes[0], written(0));
        assert!(outcomes[1..].iter().all(is_unknown), "{outcomes:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_success_without_an_offset_is_unknown() {
    local(async {
        let lies = [report(0), r#"{"error_code":200,"partition_id":1}"#.into(), report(1)];
        let outcomes = three(lies.each_ref().map(String::as_str)).await;
        assert!(is_unknown(&outcomes[1]), "{outcomes:?}");
        assert_eq!((&outcomes[0], &outcomes[2]), (&written(0), &written(1)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn more_reports_than_records_are_ignored() {
    local(async {
        let reports: String = (0..9).map(report).collect();
        assert_eq!(three([reports.as_str()]).await, [written(0), written(1), written(2)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_kafka_itself_is_unsure_of_is_unknown() {
    local(async {
        let reports = [
            refusal(50003, "Expiring 1 record(s)"),
            refusal(500, "Internal Server Error"),
            report(0),
        ];
        let outcomes = three(reports.each_ref().map(String::as_str)).await;
        assert!(outcomes[..2].iter().all(is_unknown), "{outcomes:?}");
        assert_eq!(outcomes[2], written(0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_endless_report_is_given_up() {
    local(async {
        let piece = "x".repeat(40_000);
        let outcomes = three([r#"{"error_code":200,"message":""#, &piece, &piece, &piece]).await;
        assert!(outcomes.iter().all(is_unknown), "{outcomes:?}");
    })
    .await;
}

//! Reading through consumer instances: what is asked of them, and when one is
//! replaced.

use std::time::Duration;

use kafka_edge::config::ConsumeApi;
use kafka_edge::error::{Error, ErrorKind};
use kafka_edge::host::Clock;
use kafka_edge::kafka::{Fetched, Log, Place};
use kafka_edge_sim::{Answer, Fault, Piece, local};
use serde_json::{Value, json};

use crate::setup::{Scripted, at, configs, error, offsets_of};

const CREATE: &str = "POST /consumers/kafka-edge";
const ASSIGN: &str = "POST /consumers/kafka-edge/instances/*/assignments";
const SEEK: &str = "POST /consumers/kafka-edge/instances/*/positions";
const READ: &str = "GET /consumers/kafka-edge/instances/*/records";
const DELETE: &str = "DELETE /consumers/kafka-edge/instances/*";
const BOUNDS: &str = "GET /topics/orders/partitions/0/offsets";

const NOW: Duration = Duration::ZERO;

/// A proxy whose log has offsets 0 to 99 and whose instances answer reads so.
fn reading(answers: impl IntoIterator<Item = Answer>) -> Scripted {
    let test = Scripted::new(ConsumeApi::V2);
    let created = json!({"instance_id": "x", "base_uri": "http://elsewhere:1/consumers/kafka-edge/instances/x"});
    test.script.on(CREATE, [Answer::body(200, created.to_string())]);
    test.script.on(ASSIGN, [Answer::body(204, "")]);
    test.script.on(SEEK, [Answer::body(204, "")]);
    test.script.on(DELETE, [Answer::body(204, "")]);
    test.script.on(BOUNDS, [bounds(0, 100)]);
    test.script.on(READ, answers);
    test
}

fn bounds(first: i64, end: i64) -> Answer {
    Answer::body(200, json!({"beginning_offset": first, "end_offset": end}).to_string())
}

/// A page with these records.
fn page(offsets: impl IntoIterator<Item = i64>) -> Answer {
    let record = |offset: i64| json!({"topic": "orders", "key": null, "value": "dg==", "partition": 0, "offset": offset});
    Answer::body(200, Value::from_iter(offsets.into_iter().map(record)).to_string())
}

/// Nothing, after the second that a server waits.
fn nothing() -> Answer {
    page([]).after(Duration::from_secs(1))
}

fn offsets(fetched: &Fetched) -> Vec<i64> {
    offsets_of(&fetched.records)
}

impl Scripted {
    async fn fetch(&self, offset: i64, place: Option<Place>) -> Result<Fetched, Error> {
        let fetched = self.log.fetch(at(offset, place, NOW)).await;
        // Let instances that were given up be deleted.
        self.host.idle().await;
        fetched
    }

    fn instances(&self) -> (usize, usize) {
        (self.script.count(CREATE), self.script.count(DELETE))
    }

    fn bodies(&self, route: &str) -> Vec<Value> {
        let tail = route.rsplit('/').next().unwrap();
        let calls = self.script.seen().into_iter().filter(|call| call.uri.path().ends_with(tail));
        calls.map(|call| serde_json::from_slice(&call.body).unwrap()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_made_once_and_read_in_sequence() {
    local(async {
        let test = reading([page(5..10), page(10..12), page(12..13)]);
        let mut fetched = test.fetch(5, None).await.unwrap();
        assert_eq!((offsets(&fetched), fetched.next), ((5..10).collect(), 10));
        let record = &fetched.records[0];
        assert_eq!(record.value.as_deref(), Some(&b"v"[..]));
        // Absent, not empty: v2 does not tell.
        assert_eq!((&record.headers, record.timestamp), (&None, None));

        fetched = test.fetch(fetched.next, fetched.place).await.unwrap();
        fetched = test.fetch(fetched.next, fetched.place).await.unwrap();
        assert_eq!((offsets(&fetched), fetched.next), (vec![12], 13));
        assert_eq!(test.instances(), (1, 0));
        assert_eq!(test.script.count(SEEK), 1);
        // Each further page is one call and no more.
        let reads: Vec<_> =
            test.script.seen().iter().rev().take(2).map(|c| c.method.clone()).collect();
        assert_eq!(reads, [http::Method::GET, http::Method::GET]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_made_as_reading_without_a_session_needs_it() {
    local(async {
        let test = reading([page([5])]);
        test.fetch(5, None).await.unwrap();
        let create = &test.bodies(CREATE)[0];
        assert_eq!(create["format"], "binary");
        assert_eq!(create["auto.offset.reset"], "none");
        assert_eq!(create["auto.commit.enable"], "false");
        assert_eq!(create["fetch.min.bytes"], 1);
        assert_eq!(
            test.bodies(ASSIGN),
            [json!({"partitions": [{"topic": "orders", "partition": 0}]})]
        );
        let seek = json!({"offsets": [{"topic": "orders", "partition": 0, "offset": 5}]});
        assert_eq!(test.bodies(SEEK), [seek]);
        // Its own idea of its address is not followed, nor its idea of a name.
        let name = create["name"].as_str().unwrap();
        let read = test.script.seen().pop().unwrap();
        assert_eq!(read.uri.authority().unwrap(), "kafka.test:8082");
        assert!(read.uri.path().contains(&format!("/instances/{name}/records")), "{}", read.uri);
        assert_eq!(read.headers["accept"], "application/vnd.kafka.binary.v2+json");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_page_has_room_for_the_largest_record() {
    local(async {
        let test = reading([page([0])]);
        test.script.on(crate::setup::CONFIGS, [configs(5_000_000)]);
        test.fetch(0, None).await.unwrap();
        let read = test.script.seen().pop().unwrap();
        let query = read.uri.query().unwrap();
        assert!(query.contains("max_bytes=10000000"), "{query}");
        assert!(!query.contains("timeout=0&"), "zero means the full second: {query}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handed_over_instance_that_is_off_is_replaced() {
    local(async {
        let wrong = [
            page([6]),                                           // somebody took 5
            page([5, 7]),                                        // somebody took 6
            page([4, 5]),                                        // a page that was cut
            error(404, 40403, "Consumer instance not found."),   // expired
            error(500, 500, "Internal Server Error"),            // being deleted
            error(408, 40801, "JsonParseException"),             // poisoned
            error(500, 50002, "Fetch position is out of range"), // gone
            Answer::body(200, "[{"),
            Answer::body(503, "<html>"),
            Answer::pieces(200, [Piece::from("[{\"topic\":"), Piece::Cut]),
            page([5]).after(Duration::from_secs(3_600)),
        ];
        for answer in wrong {
            let test = reading([page([4]), answer.clone(), page([5, 6])]);
            let first = test.fetch(4, None).await.unwrap();
            let second = test.fetch(5, first.place.clone()).await.unwrap();
            assert_eq!((offsets(&second), second.next), (vec![5, 6], 7), "{answer:?}");
            assert_ne!(first.place, second.place);
            assert_eq!(test.script.count(CREATE), 2, "{answer:?}");
            assert_eq!(test.bodies(SEEK)[1]["offsets"][0]["offset"], 5);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_read_whose_answer_is_lost_loses_no_record() {
    local(async {
        for fault in [Fault::DropAnswer, Fault::CutBody(20), Fault::Hang, Fault::Status(502)] {
            let test = reading([page([5, 6])]);
            let place = test.fetch(5, None).await.unwrap().place;
            test.script.on(READ, [page([7, 8])]);
            test.faults.once("/records", fault.clone());
            let fetched = test.fetch(7, place).await.unwrap();
            assert_eq!(offsets(&fetched), [7, 8], "{fault:?}");
            assert_eq!(test.instances(), (2, 1), "{fault:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn gaps_are_lawful_on_a_new_instance() {
    local(async {
        let test = reading([page([7, 9, 20])]);
        let fetched = test.fetch(5, None).await.unwrap();
        assert_eq!((offsets(&fetched), fetched.next), (vec![7, 9, 20], 21));
        assert_eq!(test.instances(), (1, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_fetch_reads_on_while_pages_are_full_and_more_is_wanted() {
    local(async {
        let reads = |test: &Scripted| {
            let seen = test.script.seen();
            seen.iter().filter(|call| call.uri.path().ends_with("/records")).count()
        };
        // What is wanted, 100 records, is there.
        let test = reading([page(5..35), page(35..65), page(65..95), page(95..125), page([125])]);
        let fetched = test.fetch(5, None).await.unwrap();
        assert_eq!((offsets(&fetched), fetched.next), ((5..125).collect(), 125));
        assert_eq!((reads(&test), test.instances()), (4, (1, 0)));
        assert_eq!(offsets(&test.fetch(125, fetched.place).await.unwrap()), [125]);

        // A page that is not full is the last one.
        let test = reading([page(5..35), page(35..40), page([40])]);
        let fetched = test.fetch(5, None).await.unwrap();
        assert_eq!((fetched.next, reads(&test)), (40, 2));
        assert_eq!(offsets(&test.fetch(40, fetched.place).await.unwrap()), [40]);

        // What was read is returned whatever becomes of the next page, and the instance
        // is not used again if it may have lost records with that.
        for (next, deleted) in [
            (nothing(), 0),
            (error(429, 429, "Too Many Requests"), 0),
            (page([36]), 0),
            (error(500, 50002, "Kafka error"), 1),
        ] {
            let test = reading([page(5..35), next]);
            let fetched = test.fetch(5, None).await.unwrap();
            assert_eq!((offsets(&fetched).len() >= 30, fetched.records[0].offset), (true, 5));
            assert_eq!(test.instances(), (1, deleted));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_log_with_gaps_is_read_through_one_instance_that_nobody_else_gets() {
    local(async {
        let test = reading([page([7, 9, 20]), page([22, 29]), page([31])]);
        let first = test.fetch(5, None).await.unwrap();
        assert_eq!((offsets(&first), first.next), (vec![7, 9, 20], 21));
        assert_eq!(first.place, None, "who gets it would take a gap for the work of others");
        // The caller did not get past all of it.
        assert_eq!(offsets(&test.fetch(10, None).await.unwrap()), [20]);
        assert_eq!(offsets(&test.fetch(21, None).await.unwrap()), [22, 29]);
        assert_eq!(offsets(&test.fetch(30, None).await.unwrap()), [31]);
        assert_eq!(test.instances(), (1, 0));
        // Somebody moved back.
        let test = reading([page([7, 9]), page([7, 9])]);
        for _ in 0..2 {
            test.fetch(5, None).await.unwrap();
            test.fetch(9, None).await.unwrap();
        }
        assert_eq!(test.instances(), (2, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_second_instance_that_is_off_is_an_error() {
    local(async {
        let test = reading([page([4])]);
        let outcome = test.fetch(5, None).await;
        assert!(
            outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Upstream { .. })),
            "{outcome:?}"
        );
        assert_eq!(test.instances(), (2, 2), "no instance is left behind");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn silence_is_checked_against_the_log() {
    local(async {
        // A dead reader took 5 to 99 along.
        let test = reading([page([4]), nothing(), nothing(), page(5..30)]);
        let place = test.fetch(4, None).await.unwrap().place;
        let fetched = test.fetch(5, place).await.unwrap();
        assert_eq!(offsets(&fetched), (5..30).collect::<Vec<_>>());
        assert_eq!(test.instances(), (2, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn silence_at_the_end_is_right() {
    local(async {
        let test = reading([page([99]), nothing()]);
        let mut fetched = test.fetch(99, None).await.unwrap();
        for _ in 0..3 {
            fetched = test.fetch(100, fetched.place).await.unwrap();
            assert_eq!((offsets(&fetched), fetched.next), (vec![], 100));
        }
        assert_eq!(test.instances(), (1, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stretch_without_records_is_found_silent_once() {
    local(async {
        // The markers of transactions take offsets and are never given.
        let test = reading([page([97]), nothing()]);
        let mut fetched = test.fetch(97, None).await.unwrap();
        for _ in 0..4 {
            fetched = test.fetch(98, fetched.place).await.unwrap();
            assert!(fetched.records.is_empty());
        }
        assert_eq!(test.instances(), (2, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_fits_no_page_is_named() {
    local(async {
        // A record that does not fit is withheld, and the answer comes at once.
        let test = reading([page([])]);
        let error = test.fetch(5, None).await.unwrap_err();
        let ErrorKind::Upstream { detail } = error.into_kind() else { panic!() };
        assert!(detail.contains("orders/0/5") && detail.contains("too large"), "{detail}");
        let sizes = test.script.seen().into_iter().filter_map(|call| {
            Some(call.uri.query()?.split_once("max_bytes=")?.1.parse::<usize>().unwrap())
        });
        assert_eq!(sizes.max(), Some(24 * 1024 * 1024));
        assert_eq!(test.instances(), (1, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn waiting_is_reading_again_and_again() {
    local(async {
        let test = reading([nothing(), nothing(), nothing(), page([100])]);
        let start = test.host.monotonic();
        let fetched = test.log.fetch(at(100, None, Duration::from_secs(30))).await.unwrap();
        assert_eq!(offsets(&fetched), [100]);
        assert_eq!((test.host.monotonic() - start).as_secs(), 3);

        let test = reading([nothing()]);
        let start = test.host.monotonic();
        let fetched = test.log.fetch(at(100, None, Duration::from_secs(7))).await.unwrap();
        assert!(fetched.records.is_empty());
        assert_eq!((test.host.monotonic() - start).as_secs(), 7);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_at_once_is_not_hammered() {
    local(async {
        let test = reading([page([])]);
        test.log.fetch(at(100, None, Duration::from_secs(5))).await.unwrap();
        assert!(test.script.count(READ) <= 101, "{}", test.script.count(READ));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_offset_that_is_gone_is_moved_up() {
    local(async {
        let test = reading([page([40])]);
        test.script.on(BOUNDS, [bounds(40, 100)]);
        let fetched = test.fetch(5, None).await.unwrap();
        assert_eq!((offsets(&fetched), fetched.next), (vec![40], 41));
        assert_eq!(test.bodies(SEEK)[0]["offsets"][0]["offset"], 40);

        // It went while an instance stood there.
        let gone = error(500, 50002, "Fetch position FetchPosition{offset=41} is out of range");
        test.script.on(READ, [gone, page([60])]);
        test.script.on(BOUNDS, [bounds(60, 100)]);
        let fetched = test.fetch(fetched.next, fetched.place).await.unwrap();
        assert_eq!((offsets(&fetched), fetched.next), (vec![60], 61));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_offset_past_the_end_reads_nothing_and_takes_its_time() {
    local(async {
        let test = reading([page([0])]);
        let start = test.host.monotonic();
        let fetched = test.log.fetch(at(101, None, Duration::from_secs(2))).await.unwrap();
        assert_eq!((offsets(&fetched), fetched.next), (vec![], 101));
        assert_eq!((test.host.monotonic() - start).as_secs(), 2);
        assert_eq!(test.instances(), (0, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn throttled_the_place_is_kept() {
    local(async {
        let slow = error(429, 429, "Request rate limit exceeded");
        let test = reading([page([5]), slow, page([6])]);
        let first = test.fetch(5, None).await.unwrap();
        let outcome = test.fetch(6, first.place.clone()).await.unwrap_err();
        assert_eq!(outcome, ErrorKind::Throttled { retry_after: Duration::from_secs(1) }.into());
        let fetched = test.fetch(6, first.place).await.unwrap();
        assert_eq!(offsets(&fetched), [6]);
        assert_eq!(test.instances(), (1, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_place_elsewhere_is_given_up() {
    local(async {
        let test = reading([page([5]), page([50])]);
        let place = test.fetch(5, None).await.unwrap().place;
        assert_eq!(offsets(&test.fetch(50, place).await.unwrap()), [50]);
        assert_eq!(test.instances(), (2, 1));

        let odd = Some(Place("not one of ours".into()));
        assert_eq!(offsets(&test.fetch(50, odd).await.unwrap()), [50]);
        assert_eq!(test.instances(), (3, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_place_is_closed() {
    local(async {
        let test = reading([page([5])]);
        let place = test.fetch(5, None).await.unwrap().place.unwrap();
        test.log.close(place).await;
        assert_eq!(test.instances(), (1, 1));
        test.log.close(Place("not one of ours".into())).await;
        assert_eq!(test.instances(), (1, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_cannot_be_set_up_is_not_left_behind() {
    local(async {
        for route in [ASSIGN, SEEK] {
            let test = reading([page([5])]);
            test.script.on(route, [error(500, 500, "Internal Server Error")]);
            assert!(test.fetch(5, None).await.is_err());
            assert_eq!(test.instances(), (1, 1), "{route}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_without_this_api_is_named() {
    local(async {
        for route in [BOUNDS, CREATE] {
            let test = reading([page([5])]);
            test.script.on(route, [error(404, 404, "HTTP 404 Not Found")]);
            let outcome = test.fetch(5, None).await;
            assert!(
                outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Unsupported(_))),
                "{outcome:?}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_does_not_exist_is_not_read() {
    local(async {
        let test = reading([page([5])]);
        for partition in [-1, 3] {
            let fetch = kafka_edge::kafka::Fetch { partition, ..at(0, None, NOW) };
            let outcome = test.log.fetch(fetch).await;
            assert!(
                outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Invalid { .. })),
                "{outcome:?}"
            );
        }
        assert_eq!(test.instances(), (0, 0));
    })
    .await;
}

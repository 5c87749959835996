//! Producing through the service: who shares a call with whom.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use kafka_edge::error::ErrorKind;
use kafka_edge::record::NewRecord;
use kafka_edge::services::produce::SharedCalls;
use kafka_edge_sim::{SimHost, SimLog, World, local};

fn setup() -> (SimHost, SimLog, Rc<SharedCalls<SimHost, SimLog>>) {
    let host = World::new(1).instance();
    let log = SimLog::new();
    log.create_topic("orders", 1);
    log.create_topic("events", 1);
    let produce = Rc::new(SharedCalls::new(host.clone(), Rc::new(log.clone())));
    (host, log, produce)
}

fn record(value: String) -> NewRecord {
    NewRecord { value: Some(Bytes::from(value)), ..NewRecord::default() }
}

#[tokio::test(start_paused = true)]
async fn callers_that_come_during_a_call_share_the_next_one() {
    local(async {
        let (host, log, produce) = setup();
        log.set_delay(Duration::from_millis(10));
        let callers = (0..64).map(|caller| {
            let produce = produce.clone();
            host.run(async move { produce.send("orders", vec![record(caller.to_string())]).await })
        });
        let answers = join_all(callers).await;
        let mut offsets: Vec<_> =
            answers.into_iter().map(|answer| answer.unwrap()[0].clone().unwrap().offset).collect();
        offsets.sort();
        assert_eq!(offsets, (0..64).collect::<Vec<_>>());
        assert_eq!(log.calls("produce"), 2, "one call of the first, one of all others");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn topics_do_not_wait_for_each_other_and_a_lone_caller_waits_for_nobody() {
    local(async {
        let (host, log, produce) = setup();
        log.set_delay(Duration::from_millis(10));
        let start = tokio::time::Instant::now();
        let callers = ["orders", "events"].map(|topic| {
            let produce = produce.clone();
            host.run(async move { produce.send(topic, vec![record(topic.into())]).await })
        });
        for answer in join_all(callers).await {
            assert_eq!(answer.unwrap()[0].as_ref().unwrap().offset, 0);
        }
        assert_eq!(start.elapsed(), Duration::from_millis(10));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_callers_bad_record_is_no_others_failure() {
    local(async {
        let (host, log, produce) = setup();
        log.set_delay(Duration::from_millis(10));
        let callers = (0..6).map(|caller| {
            let produce = produce.clone();
            let bad = NewRecord { partition: Some(7), ..NewRecord::default() };
            let records = if caller % 2 == 1 { vec![bad] } else { vec![record("good".into())] };
            host.run(async move { produce.send("orders", records).await })
        });
        for (caller, answer) in join_all(callers).await.into_iter().enumerate() {
            let report = answer.unwrap().remove(0);
            assert_eq!(report.is_err(), caller % 2 == 1, "caller {caller}: {report:?}");
        }
        assert_eq!(log.end("orders", 0), 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_takes_nobody_with_it() {
    local(async {
        let (host, log, produce) = setup();
        log.set_delay(Duration::from_millis(10));
        let leader = {
            let produce = produce.clone();
            tokio::task::spawn_local(async move {
                produce.send("orders", vec![record("leader".into())]).await
            })
        };
        tokio::time::sleep(Duration::from_millis(5)).await;
        let other = produce.clone();
        let follower =
            host.run(async move { other.send("orders", vec![record("follower".into())]).await });
        let cut = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            leader.abort();
        };
        let (answer, ()) = futures_util::future::join(follower, cut).await;
        assert!(answer.unwrap()[0].is_ok());

        let again = produce.send("orders", vec![record("later".into())]).await;
        assert!(again[0].is_ok(), "the lead was passed on and given back");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_is_told_to_each_of_its_callers() {
    local(async {
        let (_, log, produce) = setup();
        log.set_failure(Some(ErrorKind::Timeout.into()));
        let answer = produce.send("orders", vec![record("a".into()), record("b".into())]).await;
        assert_eq!(answer, [Err(ErrorKind::Timeout.into()), Err(ErrorKind::Timeout.into())]);
        assert!(produce.send("orders", Vec::new()).await.is_empty());
        assert_eq!(log.calls("produce"), 1, "nothing to send is no call");
    })
    .await;
}

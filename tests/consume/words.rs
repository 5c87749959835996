//! What callers can say about claimed records beside that they are done: they give them
//! up, or keep them for longer. And records that come too often.

use std::time::Duration;

use kafka_edge::access::Grant;
use kafka_edge::error::ErrorKind;
use kafka_edge::record::Record;
use kafka_edge::services::condition::Condition;
use kafka_edge::services::consume::{Acknowledged, Consumed, Disposal, Next};
use kafka_edge_sim::{Fate, local};
use tokio::time::{Instant, sleep};

use crate::scene::{ACK, Cluster, Instance, TOPIC, claim, claiming, next, number, page, receipts};

const DEAD: &str = "orders.dead";
const DONE: Acknowledged = Acknowledged::Done;
const NACK: Disposal = Disposal::Nack { delay: Duration::ZERO };

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn renewing(lease: u64) -> Disposal {
    Disposal::Renew { lease: seconds(lease) }
}

/// What is given back comes free after the millisecond in which that was done.
async fn a_moment() {
    sleep(Duration::from_millis(1)).await;
}

impl Instance {
    async fn set(&self, json: &str) {
        let (groups, json) = (self.groups.clone(), json.to_owned());
        let set = self.host.run(async move {
            groups.set("g", json.as_bytes(), false, Condition::None, &Grant::open()).await
        });
        set.await.expect("it lives").expect("the group is set");
    }

    /// Rejected and given up on partition 0.
    async fn given_up(&self) -> (u64, u64) {
        let group = self.groups.get("g", &Grant::open()).await.unwrap();
        let tally = group.topics[TOPIC][0].tally;
        (tally.rejected, tally.given_up)
    }
}

/// A topic with so many records, and one for dead letters.
async fn scene(seed: u64, records: usize, settings: &str) -> Cluster {
    let cluster = Cluster::new(seed, 1);
    cluster.log.create_topic(DEAD, 1);
    cluster.append(0..records, 1);
    cluster.instance().set(settings).await;
    cluster
}

fn with_dead_letters() -> String {
    format!(r#"{{"dead_letter":"{DEAD}","delivery_limit":2}}"#)
}

fn header(record: &Record, name: &str) -> String {
    let mut headers = record.headers.iter().flatten();
    let value = headers.rfind(|header| header.name == name);
    let value = value.and_then(|header| header.value.clone()).unwrap_or_default();
    String::from_utf8(value.to_vec()).unwrap()
}

/// The offsets of the records in the dead-letter topic.
fn dead(cluster: &Cluster) -> Vec<i64> {
    let dead = cluster.log.records(DEAD, 0);
    dead.iter().map(|record| header(record, "__dlq.errors.offset").parse().unwrap()).collect()
}

fn numbers(page: &[Consumed]) -> Vec<usize> {
    page.iter().map(number).collect()
}

#[tokio::test(start_paused = true)]
async fn a_renewed_lease_holds_as_long_as_it_was_renewed_for() {
    local(async {
        let cluster = scene(1, 2, "{}").await;
        let (one, two) = (cluster.instance(), cluster.instance());
        let claimed = page(&one, claiming(2, 5)).await;
        let receipts = receipts(&claimed);
        for _ in 0..4 {
            sleep(seconds(4)).await;
            assert_eq!(two.acknowledge(&receipts[..1], renewing(5)).await, [DONE]);
        }
        let late = one.acknowledge(&receipts[1..], renewing(60)).await;
        assert_eq!(late, [Acknowledged::Expired], "it was not renewed");
        let again = page(&two, claiming(2, 60)).await;
        assert_eq!((numbers(&again), claim(&again[0]).delivery_count), (vec![1], 2));
        assert_eq!(one.acknowledge(&receipts[..1], renewing(1)).await, [DONE]);
        sleep(seconds(4)).await;
        assert_eq!(two.acknowledge(&receipts[..1], ACK).await, [DONE], "it is never shorter");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_record_is_among_the_dead_letters_before_that_is_said() {
    local(async {
        let cluster = scene(1, 3, &with_dead_letters()).await;
        let instance = cluster.instance();
        let claimed = page(&instance, claiming(3, 60)).await;
        let receipts = receipts(&claimed);
        assert_eq!(instance.acknowledge(&receipts[1..2], Disposal::Reject).await, [DONE]);
        let letters = cluster.log.records(DEAD, 0);
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].value.as_deref(), Some(&b"1"[..]));
        for (name, value) in [
            ("topic", TOPIC),
            ("partition", "0"),
            ("offset", "1"),
            ("group", "g"),
            ("delivery.count", "1"),
            ("message", "A consumer rejected the record"),
        ] {
            assert_eq!(header(&letters[0], &format!("__dlq.errors.{name}")), value);
        }
        let again = instance.acknowledge(&receipts[1..2], Disposal::Reject).await;
        assert_eq!(again, [Acknowledged::DoneBefore]);
        assert_eq!(instance.acknowledge(&receipts[1..2], renewing(9)).await, again);
        assert_eq!(instance.acknowledge(&receipts, ACK).await, [DONE; 3]);
        assert_eq!(dead(&cluster), [1]);
        assert_eq!((instance.standing().await, instance.given_up().await), ((3, 0), (1, 0)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_dead_letter_topic_what_is_given_up_is_dropped_and_counted() {
    local(async {
        let cluster = scene(1, 3, r#"{"delivery_limit":2}"#).await;
        let instance = cluster.instance();
        let claimed = page(&instance, claiming(3, 60)).await;
        let receipts_ = receipts(&claimed);
        assert_eq!(instance.acknowledge(&receipts_[..1], Disposal::Reject).await, [DONE]);
        assert_eq!(instance.acknowledge(&receipts_[1..], NACK).await, [DONE; 2]);
        a_moment().await;
        let again = page(&instance, claiming(3, 60)).await;
        assert_eq!(numbers(&again), [1, 2]);
        instance.acknowledge(&receipts(&again), NACK).await;
        a_moment().await;
        assert_eq!(page(&instance, claiming(3, 60)).await, []);
        assert_eq!((instance.standing().await, instance.given_up().await), ((3, 0), (1, 2)));
        assert_eq!(dead(&cluster), [0i64; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_is_handed_out_as_often_as_the_group_allows_and_no_more() {
    local(async {
        for auto in [false, true] {
            let cluster = scene(1, 2, &with_dead_letters()).await;
            let (one, two) = (cluster.instance(), cluster.instance());
            let first = page(&one, claiming(1, 60)).await;
            one.acknowledge(&receipts(&first), NACK).await;
            a_moment().await;
            let second = page(&two, claiming(1, 3)).await;
            assert_eq!((numbers(&second), claim(&second[0]).delivery_count), (vec![0], 2));
            // Its lease ends.
            sleep(seconds(5)).await;
            let asked = if auto { Next { max: 9, ..next(0) } } else { claiming(9, 60) };
            let rest = page(&two, asked).await;
            assert_eq!(numbers(&rest), [1], "what is behind it comes at once");
            let letter = &cluster.log.records(DEAD, 0)[0];
            assert_eq!(header(letter, "__dlq.errors.delivery.count"), "2");
            assert_eq!(header(letter, "kafka-edge-reason"), "delivery-limit");
            assert_eq!((dead(&cluster), two.given_up().await), (vec![0], (0, 1)));
            let late = one.acknowledge(&receipts(&second), Disposal::Reject).await;
            assert_eq!(late, [Acknowledged::DoneBefore]);
            assert_eq!(two.standing().await.0, if auto { 2 } else { 1 });
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_dead_letter_cannot_be_written_is_not_lost() {
    local(async {
        let cluster = scene(1, 3, &with_dead_letters()).await;
        let instance = cluster.instance();
        let claimed = page(&instance, claiming(3, 8)).await;
        cluster.log.set_failure_of("produce", ErrorKind::Timeout.into());
        let receipts_ = receipts(&claimed);
        let undelivered = instance.acknowledge(&receipts_[..2], Disposal::Reject).await;
        assert_eq!(undelivered, [Acknowledged::Undelivered; 2]);
        assert_eq!(instance.standing().await, (0, 3));
        assert_eq!(instance.acknowledge(&receipts_[..1], ACK).await, [DONE], "it is still theirs");
        assert_eq!(instance.acknowledge(&receipts_[1..], NACK).await, [DONE; 2]);
        a_moment().await;
        let again = page(&instance, claiming(3, 3)).await;
        assert_eq!(numbers(&again), [1, 2]);
        sleep(seconds(6)).await;
        // They may not come again, and must not be forgotten.
        for _ in 0..3 {
            assert_eq!(page(&instance, claiming(3, 3)).await, []);
            assert_eq!((instance.standing().await, instance.given_up().await), ((1, 2), (0, 0)));
            sleep(seconds(7)).await;
        }
        cluster.log.clear_failures();
        sleep(seconds(10)).await;
        assert_eq!(page(&instance, claiming(3, 3)).await, []);
        assert_eq!((instance.standing().await, instance.given_up().await), ((3, 0), (0, 2)));
        assert_eq!(dead(&cluster), [1, 2]);
    })
    .await;
}

/// The lane is kept for as long as that takes.
#[tokio::test(start_paused = true)]
async fn dead_letters_that_take_long_cost_a_write_more_and_nobody_comes_between() {
    local(async {
        for (delay, writes) in [(1_000, 2), (2_000, 3), (4_500, 3)] {
            let cluster = scene(1, 2, &with_dead_letters()).await;
            let (one, two) = (cluster.instance(), cluster.instance());
            let claimed = page(&one, claiming(1, 60)).await;
            one.host.idle().await;
            cluster.log.set_delay(Duration::from_millis(delay));
            let before = cluster.world.store_calls().writes;
            let told = one.acknowledge(&receipts(&claimed), Disposal::Reject).await;
            assert_eq!(told, [DONE]);
            assert_eq!(cluster.world.store_calls().writes - before, writes, "{delay}");
            cluster.log.set_delay(Duration::ZERO);
            assert_eq!(numbers(&page(&two, claiming(2, 60)).await), [1]);
            assert_eq!(dead(&cluster), [0]);
        }
        // What takes longer than that is not waited for.
        let cluster = scene(1, 1, &with_dead_letters()).await;
        let one = cluster.instance();
        let claimed = page(&one, claiming(1, 60)).await;
        cluster.log.set_delay(seconds(7));
        let told = one.acknowledge(&receipts(&claimed), Disposal::Reject).await;
        assert_eq!(told, [Acknowledged::Undelivered]);
        assert_eq!(one.standing().await, (0, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn others_can_acknowledge_while_dead_letters_are_written() {
    local(async {
        let cluster = scene(1, 2, &with_dead_letters()).await;
        let one = cluster.instance();
        let receipts = receipts(&page(&one, claiming(2, 60)).await);
        cluster.log.set_delay(seconds(3));
        let rejecting = one.acknowledge(&receipts[..1], Disposal::Reject);
        let start = Instant::now();
        let others = async {
            let told = one.acknowledge(&receipts[1..], ACK).await;
            (told, start.elapsed())
        };
        let (rejected, (acked, took)) = tokio::join!(rejecting, others);
        assert_eq!((rejected, acked), (vec![DONE], vec![DONE]));
        // It came while the first turn was under way, and no later than after that.
        assert!(took < seconds(8), "{took:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_log_has_deleted_needs_no_dead_letter() {
    local(async {
        let cluster = scene(1, 4, &with_dead_letters()).await;
        let one = cluster.instance();
        let receipts_ = receipts(&page(&one, claiming(4, 60)).await);
        cluster.log.delete_before(TOPIC, 0, 1);
        let told = one.acknowledge(&receipts_[..2], Disposal::Reject).await;
        assert_eq!((told, dead(&cluster)), (vec![DONE; 2], vec![1]));
        one.acknowledge(&receipts_[2..], NACK).await;
        a_moment().await;
        let again = page(&one, claiming(4, 60)).await;
        one.acknowledge(&receipts(&again), NACK).await;
        a_moment().await;
        cluster.log.delete_before(TOPIC, 0, 3);
        assert_eq!(page(&one, claiming(4, 60)).await, []);
        assert_eq!((one.standing().await.0, dead(&cluster)), (4, vec![1, 3]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_the_log_reads_no_headers_the_value_says_why() {
    local(async {
        let cluster = scene(1, 1, &with_dead_letters()).await;
        cluster.log.read_in_places(5);
        let one = cluster.instance();
        let receipts = receipts(&page(&one, claiming(1, 60)).await);
        assert_eq!(one.acknowledge(&receipts, Disposal::Reject).await, [DONE]);
        let letter = cluster.log.records(DEAD, 0).remove(0);
        let value: serde_json::Value = serde_json::from_slice(&letter.value.unwrap()).unwrap();
        assert_eq!(value["message"], "0");
        assert_eq!((&value["topic"], &value["offset"]), (&TOPIC.into(), &0.into()));
        assert_eq!((&value["group"], &value["reason"]), (&"g".into(), &"rejected".into()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_more_is_claimed_than_the_group_allows() {
    local(async {
        let cluster = scene(1, 9, r#"{"max_claimed":3}"#).await;
        let (one, two) = (cluster.instance(), cluster.instance());
        let claimed = page(&one, claiming(9, 60)).await;
        assert_eq!(numbers(&claimed), [0, 1, 2]);
        let before = cluster.world.store_calls().writes;
        assert_eq!(page(&two, claiming(9, 60)).await, []);
        assert_eq!(page(&one, claiming(9, 60)).await, []);
        let writes = cluster.world.store_calls().writes - before;
        assert!(writes <= 3, "{writes} writes to find out that nothing can be claimed");
        one.acknowledge(&receipts(&claimed)[..2], ACK).await;
        assert_eq!(numbers(&page(&two, claiming(9, 60)).await), [3, 4]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn settings_are_heeded_within_five_seconds() {
    local(async {
        let cluster = scene(1, 9, r#"{"lease":{"default":20,"maximum":40}}"#).await;
        let one = cluster.instance();
        let usual = seconds(30);
        assert_eq!(one.consume.default_lease("g", usual).await, Ok(seconds(20)));
        let refused = one.consume.next(claiming(1, 41)).await.map(drop);
        assert!(
            refused
                .as_ref()
                .is_err_and(|error| matches!(**error, ErrorKind::Invalid { field: "lease", .. })),
            "{refused:?}"
        );
        let receipts = receipts(&page(&one, claiming(1, 40)).await);
        let longer = one.try_acknowledge(&receipts, renewing(41)).await;
        assert!(
            longer
                .as_ref()
                .is_err_and(|error| matches!(**error, ErrorKind::Invalid { field: "lease", .. })),
            "{longer:?}"
        );
        cluster.instance().set("{}").await;
        sleep(seconds(6)).await;
        assert_eq!(one.consume.default_lease("g", usual).await, Ok(usual));
        assert_eq!(one.acknowledge(&receipts, renewing(41)).await, [DONE]);
        one.groups.delete("g", &Grant::open()).await.unwrap();
    })
    .await;
}

/// However it dies, the record is somebody's, or among the dead letters, before the
/// position moves past it.
#[tokio::test(start_paused = true)]
async fn a_rejected_record_survives_the_death_of_its_instance_at_any_call() {
    local(async {
        let (mut again, mut twice) = (0, 0);
        for fate in [Fate::Done, Fate::NotDone] {
            for call in 1.. {
                let cluster = scene(call, 2, &with_dead_letters()).await;
                let claimed = page(&cluster.instance(), claiming(1, 20)).await;
                let receipts_ = receipts(&claimed);
                let first = cluster.instance();
                first.host.kill_at(call, fate);
                let (asked, given) = (first.clone(), receipts_.clone());
                let told = first
                    .host
                    .run(async move { asked.acknowledge(&given, Disposal::Reject).await })
                    .await;
                let letters = dead(&cluster).len();
                assert!(told.is_none() || letters == 1, "killed at {call} ({fate:?})");
                let second = cluster.instance();
                sleep(seconds(30)).await;
                let mut seen = Vec::new();
                for _ in 0..4 {
                    let rest = page(&second, claiming(2, 600)).await;
                    seen.extend(numbers(&rest));
                    second.acknowledge(&receipts(&rest), ACK).await;
                }
                assert!(seen.contains(&1));
                let came_again = seen.contains(&0);
                assert!(came_again || letters == 1, "killed at {call} ({fate:?}): it is lost");
                assert!(!(came_again && told.is_some()), "it was said to be rejected");
                assert_eq!(second.standing().await, (2, 0));
                again += u32::from(came_again);
                twice += u32::from(came_again && letters == 1);
                if !first.host.is_dead() && first.host.calls() < call {
                    break;
                }
            }
        }
        assert!(again > 3 && twice > 0, "{again} {twice}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_at_its_limit_survives_the_death_of_its_instance_at_any_call() {
    local(async {
        let mut twice = 0;
        for fate in [Fate::Done, Fate::NotDone] {
            for call in 1.. {
                let cluster = scene(call, 1, &with_dead_letters()).await;
                let before = cluster.instance();
                for _ in 0..2 {
                    let claimed = page(&before, claiming(1, 20)).await;
                    before.acknowledge(&receipts(&claimed), NACK).await;
                    a_moment().await;
                }
                let first = cluster.instance();
                first.host.kill_at(call, fate);
                let asked = first.clone();
                let answer = first.host.run(async move {
                    let handed = asked.consume.next(claiming(1, 60)).await.unwrap();
                    handed.records.len()
                });
                assert!(answer.await.is_none_or(|records| records == 0), "it is not handed out");
                let second = cluster.instance();
                sleep(seconds(20)).await;
                for _ in 0..4 {
                    assert_eq!(page(&second, claiming(1, 60)).await, []);
                }
                let letters = dead(&cluster);
                assert!(!letters.is_empty(), "killed at {call} ({fate:?}): it is lost");
                assert_eq!((second.standing().await, second.given_up().await), ((1, 0), (0, 1)));
                twice += u32::from(letters.len() > 1);
                if !first.host.is_dead() && first.host.calls() < call {
                    break;
                }
            }
        }
        assert!(twice > 0, "nobody died between the dead letter and the document");
    })
    .await;
}

//! Consuming through the service, on simulated instances under virtual time.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge::error::{Error, Result};
use kafka_edge::services::consume::{
    Ack, Acknowledged, Claim, Consume, Consumed, Disposal, Next, StartFrom,
};
use kafka_edge::services::ends::Ends;
use kafka_edge::services::groups::{Groups, SeekTo};
use kafka_edge::state::lane::Params;
use kafka_edge_sim::{Fate, SimHost, SimLog, StoreMode, World, local};

const TOPIC: &str = "orders";

/// One instance and its consumer.
#[derive(Clone)]
struct Instance {
    host: SimHost,
    ends: Rc<Ends<SimHost, SimLog>>,
    consume: Rc<Consume<SimHost, SimLog>>,
    groups: Rc<Groups<SimHost, SimLog>>,
}

struct Cluster {
    world: World,
    log: SimLog,
}

impl Cluster {
    fn new(seed: u64, partitions: usize) -> Self {
        let (world, log) = (World::new(seed), SimLog::new());
        log.create_topic(TOPIC, partitions);
        Self { world, log }
    }

    fn instance(&self) -> Instance {
        let host = self.world.instance();
        let (log, params) = (Rc::new(self.log.clone()), Params::default());
        let groups = Rc::new(Groups::new(host.clone(), log.clone(), params));
        let ends = Rc::new(Ends::new(host.clone(), log.clone()));
        let (known, waiting) = (groups.clone(), ends.clone());
        let consume = Rc::new(Consume::new(host.clone(), log, waiting, known, params));
        Instance { host, ends, consume, groups }
    }

    /// Spreads records over the partitions; their values are their numbers.
    fn append(&self, numbers: std::ops::Range<usize>, partitions: usize) {
        for number in numbers {
            self.log.append(TOPIC, number % partitions, number.to_string());
        }
    }
}

fn next(wait: u64) -> Next {
    Next {
        group: "g".into(),
        topics: vec![TOPIC.into()],
        from: StartFrom::Earliest,
        wait: Duration::from_secs(wait),
        max: 1,
        max_bytes: usize::MAX,
        ack: Ack::Auto,
    }
}

fn number(consumed: &Consumed) -> usize {
    std::str::from_utf8(consumed.record.value.as_deref().unwrap()).unwrap().parse().unwrap()
}

impl Instance {
    /// Asks as a caller does and takes what comes. `None`: the instance died.
    async fn ask(&self, next: Next) -> Option<Result<Option<usize>>> {
        let consume = self.consume.clone();
        self.host
            .run(async move {
                let handed = consume.next(next).await?;
                Ok(handed.map(|handed| {
                    let number = number(&handed.records[0]);
                    handed.delivered();
                    number
                }))
            })
            .await
    }

    async fn get(&self, wait: u64) -> Option<usize> {
        self.ask(next(wait)).await.expect("the instance lives").expect("no error")
    }
}

/// Two hundred callers at once over five instances. How often each record was
/// handed out.
async fn crowd(cluster: &Cluster, wait: u64) -> BTreeMap<usize, usize> {
    let instances: Vec<_> = (0..5).map(|_| cluster.instance()).collect();
    let callers = (0..200).map(|caller| {
        let instance = instances[caller % instances.len()].clone();
        async move { instance.get(wait).await }
    });
    let mut seen = BTreeMap::new();
    for number in join_all(callers).await.into_iter().flatten() {
        *seen.entry(number).or_insert(0) += 1;
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn two_hundred_callers_on_five_instances_get_two_hundred_records_once_each() {
    local(async {
        for partitions in [1, 3, 7] {
            let cluster = Cluster::new(partitions as u64, partitions);
            cluster.append(0..200, partitions);
            let start = tokio::time::Instant::now();
            let seen = crowd(&cluster, 1).await;
            println!("{partitions} partitions: {:?} of virtual time", start.elapsed());
            assert_eq!(seen, (0..200).map(|number| (number, 1)).collect());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_store_may_repeat_records_and_loses_none() {
    local(async {
        for seed in 0..5 {
            let cluster = Cluster::new(seed, 3);
            cluster.world.set_store_mode(StoreMode {
                stale: Duration::from_millis(500),
                ..StoreMode::default()
            });
            cluster.append(0..60, 3);
            let mut seen = BTreeMap::new();
            while seen.len() < 60 {
                let instances = [cluster.instance(), cluster.instance()];
                let asked = join_all((0..40).map(|caller| {
                    let instance = instances[caller % 2].clone();
                    async move { instance.ask(next(30)).await.unwrap() }
                }));
                let before = seen.len();
                for number in asked.await.into_iter().filter_map(|answer| answer.ok().flatten()) {
                    *seen.entry(number).or_insert(0) += 1;
                }
                assert!(seen.len() > before, "no progress at {before} records");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_dies_anywhere_loses_no_record() {
    local(async {
        let mut died = 0;
        for fate in [Fate::Done, Fate::NotDone] {
            for call in 1.. {
                let cluster = Cluster::new(call, 1);
                cluster.append(0..3, 1);
                let first = cluster.instance();
                first.host.kill_at(call, fate);
                let mut seen = Vec::new();
                for _ in 0..2 {
                    seen.extend(first.ask(next(0)).await.and_then(|answer| answer.unwrap()));
                }
                if !first.host.is_dead() {
                    first.host.idle().await;
                }
                let dead = first.host.is_dead();
                died += u32::from(dead);

                let second = cluster.instance();
                while !seen.contains(&2) {
                    // A lane that a death left taken answers "busy" for a while.
                    seen.extend(second.ask(next(5)).await.unwrap().unwrap_or_default());
                }
                let mut distinct = seen.clone();
                distinct.dedup();
                assert_eq!(distinct, [0, 1, 2], "killed at call {call} ({fate:?}): {seen:?}");
                if !dead {
                    assert_eq!(seen, [0, 1, 2], "no death, no repeat");
                    break;
                }
            }
        }
        assert!(died > 20, "only {died} places to die at");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_caller_did_not_take_goes_to_the_next_one() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..2, 1);
        let instance = cluster.instance();
        let consume = instance.consume.clone();
        instance.host.run(async move { drop(consume.next(next(1)).await) }).await.unwrap();
        assert_eq!(instance.get(1).await, Some(0));
        assert_eq!(instance.get(1).await, Some(1));
        assert_eq!(instance.get(1).await, None);

        cluster.append(2..5, 1);
        let gone = Rc::new(Cell::new(false));
        let (consume, flag) = (instance.consume.clone(), gone.clone());
        let hanging = instance.host.run(async move {
            let handed = consume.next(next(1)).await;
            flag.set(true);
            // Takes the record and never says whether it arrived.
            std::future::pending::<()>().await;
            drop(handed);
        });
        let others = async {
            while !gone.get() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            [instance.get(5).await, instance.get(5).await, instance.get(5).await]
        };
        futures_util::pin_mut!(hanging, others);
        match futures_util::future::select(hanging, others).await {
            futures_util::future::Either::Right((seen, _)) => {
                assert_eq!(seen, [Some(2), Some(3), Some(4)]);
            }
            futures_util::future::Either::Left(_) => unreachable!("it never ends"),
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_waiting_caller_gets_a_record_soon_after_it_appears() {
    local(async {
        let cluster = Cluster::new(1, 3);
        let instance = cluster.instance();
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let instance = instance.clone();
                tokio::task::spawn_local(async move { instance.get(30).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(20)).await;
        let polls = cluster.log.calls("offsets");
        assert!(polls <= 20 * 6, "{polls} looks at the server in 20 s for 50 callers");
        let appeared = tokio::time::Instant::now();
        cluster.append(0..50, 3);
        for caller in waiting {
            assert!(caller.await.unwrap().is_some());
        }
        assert!(appeared.elapsed() < Duration::from_millis(400), "{:?}", appeared.elapsed());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_written_through_the_same_instance_is_there_the_moment_it_is_written() {
    local(async {
        let cluster = Cluster::new(1, 3);
        let instance = cluster.instance();
        for number in 0..20 {
            let waiting = tokio::task::spawn_local({
                let instance = instance.clone();
                async move { instance.get(30).await }
            });
            // Long enough for the longest pauses between two looks.
            tokio::time::sleep(Duration::from_millis(5_000 + 17 * number as u64)).await;
            let written = tokio::time::Instant::now();
            cluster.append(number..number + 1, 3);
            instance.ends.written("another");
            instance.ends.written(TOPIC);
            assert_eq!(waiting.await.unwrap(), Some(number));
            assert!(written.elapsed() < Duration::from_millis(10), "{:?}", written.elapsed());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn groups_that_wait_for_one_topic_cost_no_more_than_one_of_them() {
    local(async {
        let cluster = Cluster::new(1, 3);
        // A look takes longer than the shortest pause between two.
        cluster.log.set_delay(Duration::from_millis(30));
        let instance = cluster.instance();
        let ask = |group: usize, wait: u64| {
            let instance = instance.clone();
            let next = Next { group: format!("g{group}"), ..next(wait) };
            tokio::task::spawn_local(async move { instance.ask(next).await.unwrap().unwrap() })
        };
        let mut waiting = Vec::new();
        for group in 0..30 {
            waiting.push(ask(group, 25 + group as u64 % 2));
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
        // Those who have just come look more often than those who have waited.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = (cluster.log.calls("offsets"), cluster.log.calls("topic"));
        tokio::time::sleep(Duration::from_secs(20)).await;
        let polls = cluster.log.calls("offsets") - before.0;
        assert!(polls <= 20 * 5, "{polls} looks at the server in 20 s for 30 groups");
        assert_eq!(cluster.log.calls("topic") - before.1, polls);
        assert_eq!(cluster.log.calls("fetch"), 0);

        // Whoever comes now is told what is there now.
        cluster.append(0..1, 3);
        assert_eq!(ask(30, 0).await.unwrap(), Some(0));
        for caller in waiting {
            assert_eq!(caller.await.unwrap(), Some(0), "each group gets it");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_record_within_the_wait_is_said_in_time_and_costs_no_lease() {
    local(async {
        let cluster = Cluster::new(1, 3);
        let instance = cluster.instance();
        for wait in [0, 1, 7] {
            let start = tokio::time::Instant::now();
            assert_eq!(instance.get(wait).await, None);
            let late = start.elapsed() - Duration::from_secs(wait);
            assert!(late < Duration::from_millis(300), "wait={wait}: {late:?} late");
        }
        instance.host.idle().await;
        assert!(cluster.world.store().is_empty(), "{:?}", cluster.world.store());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn latest_starts_a_new_group_at_the_end_and_no_other() {
    local(async {
        let cluster = Cluster::new(1, 3);
        cluster.append(0..9, 3);
        let latest = |group: &str| Next { group: group.into(), from: StartFrom::Latest, ..next(0) };
        let ask = async |next| cluster.instance().ask(next).await.unwrap().unwrap();
        assert_eq!(ask(latest("new")).await, None);
        cluster.append(9..12, 3);
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.extend(ask(Next { wait: Duration::from_secs(5), ..latest("new") }).await);
        }
        seen.sort();
        assert_eq!(seen, [9, 10, 11], "what came after the first call is the group's");

        let old = Next { group: "old".into(), ..next(0) };
        let first = ask(old.clone()).await.unwrap();
        assert!(first < 3, "the first record of some partition");
        let mut rest = Vec::new();
        while rest.len() < 11 {
            rest.extend(ask(Next { wait: Duration::from_secs(5), ..latest("old") }).await);
        }
        rest.push(first);
        rest.sort();
        assert_eq!(rest, (0..12).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_offset_that_is_gone_is_passed_and_a_drained_partition_not_asked_again() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..10, 1);
        cluster.log.delete_before(TOPIC, 0, 4);
        let instance = cluster.instance();
        assert_eq!(instance.get(0).await, Some(4));
        instance.host.idle().await;

        let cluster = Cluster::new(2, 1);
        cluster.append(0..10, 1);
        cluster.log.delete_before(TOPIC, 0, 10);
        let instance = cluster.instance();
        assert_eq!(instance.get(20).await, None);
        assert!(cluster.log.calls("fetch") <= 2, "{}", cluster.log.calls("fetch"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn errors_reach_every_caller_and_heal() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..1, 1);
        let instance = cluster.instance();
        let unknown = Next { topics: vec!["nowhere".into()], ..next(30) };
        let asked = instance.ask(unknown).await.unwrap();
        assert_eq!(asked, Err(Error::UnknownTopic("nowhere".into())));

        cluster.log.set_failure(Some(Error::Timeout));
        let callers = (0..3).map(|_| instance.ask(next(30)));
        for answer in join_all(callers).await {
            assert_eq!(answer.unwrap(), Err(Error::Timeout));
        }
        cluster.log.set_failure(None);
        assert_eq!(instance.get(1).await, Some(0));

        let unnamed = Next { group: String::new(), ..next(0) };
        let refused = instance.ask(unnamed).await.unwrap();
        assert!(matches!(refused, Err(Error::Invalid { field: "group", .. })), "{refused:?}");
    })
    .await;
}

/// Asks for a page and takes it.
async fn page(instance: &Instance, next: Next) -> Vec<Consumed> {
    let consume = instance.consume.clone();
    let taken = instance.host.run(async move {
        let Some(handed) = consume.next(next).await.unwrap() else { return Vec::new() };
        let records = handed.records.clone();
        handed.delivered();
        records
    });
    taken.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_page_holds_what_is_there_of_all_partitions_and_topics() {
    local(async {
        let cluster = Cluster::new(1, 3);
        cluster.log.create_topic("events", 1);
        cluster.append(0..30, 3);
        for number in 30..40 {
            cluster.log.append("events", 0, number.to_string());
        }
        let topics = vec!["events".to_owned(), TOPIC.to_owned(), TOPIC.to_owned()];
        let want = |max, max_bytes| Next { topics: topics.clone(), max, max_bytes, ..next(1) };
        let instance = cluster.instance();

        let first = page(&instance, want(25, usize::MAX)).await;
        assert_eq!(first.len(), 25);
        let second = page(&instance, want(500, 9)).await;
        assert!(second.len() >= 4, "at most 9 bytes in records of 1 or 2: {second:?}");
        let bytes: usize = second.iter().map(|c| c.record.value.as_ref().unwrap().len()).sum();
        assert!(bytes <= 9, "{bytes}");
        instance.host.idle().await;
        let third = page(&instance, want(500, usize::MAX)).await;
        assert_eq!(page(&instance, want(500, usize::MAX)).await, []);

        let all: Vec<_> = [first, second, third].concat();
        let mut numbers: Vec<_> = all.iter().map(number).collect();
        numbers.sort();
        assert_eq!(numbers, (0..40).collect::<Vec<_>>());
        let mut reached = BTreeMap::new();
        for consumed in &all {
            let lane = (consumed.topic.clone(), consumed.record.partition);
            let before = reached.insert(lane, consumed.record.offset);
            assert!(before.is_none_or(|before| before < consumed.record.offset), "out of order");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_nobody_took_comes_again_whole() {
    local(async {
        let cluster = Cluster::new(1, 3);
        cluster.append(0..12, 3);
        let instance = cluster.instance();
        let want = Next { max: 100, ..next(1) };
        let (consume, dropped) = (instance.consume.clone(), want.clone());
        instance.host.run(async move { drop(consume.next(dropped).await) }).await.unwrap();
        let mut numbers: Vec<_> = page(&instance, want).await.iter().map(number).collect();
        numbers.sort();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn single_records_of_one_page_cost_one_place_whichever_instance_takes_them() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..90, 1);
        cluster.log.read_in_places(30);
        let instances: Vec<_> = (0..3).map(|_| cluster.instance()).collect();
        for number in 0..90 {
            assert_eq!(instances[number % 3].get(5).await, Some(number));
        }
        assert_eq!(cluster.log.calls("open"), 1);
        assert_eq!(cluster.log.calls("fetch"), 3, "a page is read once");
    })
    .await;
}

fn claiming(max: usize, lease: u64) -> Next {
    Next { max, ack: Ack::Manual { lease: Duration::from_secs(lease) }, ..next(2) }
}

fn receipts(claimed: &[Consumed]) -> Vec<String> {
    claimed.iter().map(|consumed| claim(consumed).receipt).collect()
}

fn claim(consumed: &Consumed) -> Claim {
    consumed.claim.clone().expect("it was claimed")
}

const ACK: Disposal = Disposal::Ack;

impl Instance {
    async fn acknowledge(&self, receipts: &[String], disposal: Disposal) -> Vec<Acknowledged> {
        self.consume.acknowledge("g", |topic| topic == TOPIC, receipts, disposal).await.unwrap()
    }

    /// Committed and claimed on partition 0.
    async fn standing(&self) -> (i64, usize) {
        self.host.idle().await;
        let group = self.groups.get("g", |_| true).await.unwrap();
        let standing = &group.topics[TOPIC][0];
        (standing.committed, standing.claimed)
    }
}

#[tokio::test(start_paused = true)]
async fn claimed_records_are_committed_in_order_however_they_are_acknowledged() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..6, 1);
        let (one, two) = (cluster.instance(), cluster.instance());
        let claimed = page(&one, claiming(4, 60)).await;
        assert_eq!(claimed.iter().map(number).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(claim(&claimed[0]).delivery_count, 1);
        assert_eq!(one.standing().await, (0, 4));

        let all = receipts(&claimed);
        let done = Acknowledged::Done;
        assert_eq!(two.acknowledge(&all[2..3], ACK).await, [done]);
        assert_eq!(two.standing().await, (0, 3), "0 and 1 are still out");
        assert_eq!(two.acknowledge(&all[..2], ACK).await, [done, done]);
        assert_eq!(two.standing().await, (3, 1), "the end of the unbroken prefix");
        assert_eq!(two.acknowledge(&all[..1], ACK).await, [done], "again is no harm");

        let rest = page(&two, claiming(10, 60)).await;
        assert_eq!(rest.iter().map(number).collect::<Vec<_>>(), [4, 5], "3 is still out");
        let forged = ["nonsense".to_owned()];
        assert_eq!(two.acknowledge(&forged, ACK).await, [Acknowledged::Unknown]);
        let others = two.consume.acknowledge("other", |_| true, &all, ACK).await.unwrap();
        assert_eq!(others, [Acknowledged::Unknown; 4], "another group's receipts");
        let mut left = receipts(&rest);
        left.push(all[3].clone());
        assert_eq!(two.acknowledge(&left, ACK).await, [done; 3]);
        assert_eq!(two.standing().await, (6, 0));
        let marks = cluster.world.store().into_keys().filter(|key| key.contains("/a/")).count();
        assert_eq!(marks, 0, "marks are deleted once they are folded");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ends_and_a_record_given_back_come_again() {
    local(async {
        let cluster = Cluster::new(1, 1);
        cluster.append(0..3, 1);
        let (one, two) = (cluster.instance(), cluster.instance());
        let first = page(&one, claiming(3, 5)).await;
        assert_eq!(page(&two, claiming(3, 5)).await, [], "all are out");

        let back = Disposal::Nack { delay: Duration::from_secs(1) };
        let given_back = two.acknowledge(&receipts(&first[1..2]), back).await;
        assert_eq!(given_back, [Acknowledged::Done]);
        let again = page(&two, Next { wait: Duration::from_secs(4), ..claiming(3, 60) }).await;
        assert_eq!(again.iter().map(number).collect::<Vec<_>>(), [1]);
        assert_eq!(claim(&again[0]).delivery_count, 2);
        let late = one.acknowledge(&receipts(&first[1..2]), ACK).await;
        assert_eq!(late, [Acknowledged::Expired], "somebody else has it");

        let expired = page(&two, Next { wait: Duration::from_secs(9), ..claiming(3, 60) }).await;
        assert_eq!(expired.iter().map(number).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(claim(&expired[0]).delivery_count, 2);
        assert_eq!(one.acknowledge(&receipts(&first), ACK).await, [Acknowledged::Expired; 3]);
        let now = [receipts(&again), receipts(&expired)].concat();
        assert_eq!(two.acknowledge(&now, ACK).await, [Acknowledged::Done; 3]);
        assert_eq!(two.standing().await, (3, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_survives_the_death_of_its_instance_at_any_call() {
    local(async {
        for fate in [Fate::Done, Fate::NotDone] {
            for call in 1.. {
                let cluster = Cluster::new(call, 1);
                cluster.append(0..2, 1);
                let first = cluster.instance();
                first.host.kill_at(call, fate);
                let asked = first.clone();
                let claimed = first.host.run(async move {
                    let handed = asked.consume.next(claiming(1, 5)).await.unwrap().unwrap();
                    let claimed = handed.records.clone();
                    handed.delivered();
                    claimed
                });
                let claimed = claimed.await;
                let second = cluster.instance();
                if let Some(claimed) = &claimed {
                    let acked = second.acknowledge(&receipts(claimed), ACK).await;
                    assert_eq!(acked, [Acknowledged::Done], "who got it can acknowledge it");
                }
                let mut seen = Vec::new();
                for _ in 0..8 {
                    let wait = Duration::from_secs(5);
                    let Ok(Some(handed)) =
                        second.consume.next(Next { wait, ..claiming(2, 60) }).await
                    else {
                        continue;
                    };
                    let again = handed.records.clone();
                    handed.delivered();
                    seen.extend(again.iter().map(number));
                    second.acknowledge(&receipts(&again), ACK).await;
                }
                // A claim that was written and never heard of costs a lease:
                // its record comes after the others.
                seen.sort();
                let expected = if claimed.is_some() { vec![1] } else { vec![0, 1] };
                assert_eq!(seen, expected, "killed at {call} ({fate:?})");
                if !first.host.is_dead() && first.host.calls() < call {
                    break;
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn groups_are_listed_moved_and_deleted() {
    local(async {
        let cluster = Cluster::new(1, 2);
        cluster.append(0..10, 2);
        let instance = cluster.instance();
        assert_eq!(
            instance.groups.get("g", |_| true).await,
            Err(Error::UnknownGroup("g".into())),
            "a group exists once it has read"
        );
        let claimed = page(&instance, claiming(500, 60)).await;
        assert_eq!(claimed.len(), 10);
        let list = instance.groups.list().await.unwrap();
        assert_eq!(list, BTreeMap::from([("g".into(), [TOPIC.to_owned()].into())]));

        let moved = instance.groups.seek("g", TOPIC, SeekTo::Offsets([(1, 3)].into())).await;
        assert_eq!(moved, Ok([(1, 3)].into()));
        let of_moved: Vec<_> =
            claimed.iter().filter(|c| c.record.partition == 1).cloned().collect();
        let void = instance.acknowledge(&receipts(&of_moved), ACK).await;
        assert_eq!(void, [Acknowledged::Unknown; 5], "claims from before a seek are void");
        let mut again = Vec::new();
        for _ in 0..2 {
            again.push(instance.get(1).await);
        }
        assert_eq!(again, [Some(7), Some(9)]);
        assert_eq!(instance.get(0).await, None);

        let earliest = instance.groups.seek("g", TOPIC, SeekTo::Earliest).await;
        assert_eq!(earliest, Ok([(0, 0), (1, 0)].into()));
        assert_eq!(page(&instance, Next { max: 500, ..next(1) }).await.len(), 10);
        instance.groups.seek("g", TOPIC, SeekTo::Latest).await.unwrap();
        assert_eq!(instance.get(0).await, None);
        let time = instance.groups.seek("g", TOPIC, SeekTo::Time(4)).await;
        assert_eq!(time, Ok([(0, 4), (1, 4)].into()), "the simulation stamps with the offset");
        let refused = instance.groups.seek("g", TOPIC, SeekTo::Offsets([(2, 0)].into())).await;
        assert!(matches!(refused, Err(Error::Invalid { field: "offsets", .. })), "{refused:?}");

        instance.groups.delete("g").await.unwrap();
        assert_eq!(instance.groups.list().await, Ok(BTreeMap::new()));
        assert_eq!(instance.groups.delete("g").await, Err(Error::UnknownGroup("g".into())));
        assert_eq!(page(&instance, Next { max: 500, ..next(1) }).await.len(), 10);
        assert_eq!(instance.groups.list().await.unwrap().len(), 1, "it is listed again");
    })
    .await;
}

//! The component with its state in a real Redis, to which everything happens that can
//! happen to one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kafka_edge_emulator::Options;
use kafka_edge_host::kv::Memory;
use kafka_edge_host::{Host, HostBuilder};
use serde_json::json;

use crate::calling::{get, post};
use crate::consuming::{Id, all, counted, id, pages, rest};
use crate::exactly_once::{INSTANCES, each_record_goes_to_one_caller, filled};
use crate::world::{ConsumeApi, World};

#[path = "../support/redis.rs"]
pub(crate) mod server;

use server::Redis;

/// What a crash does not take away.
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

fn gateway(world: &World, url: &str) -> HostBuilder {
    world.gateway().variable("state_store", url).allow_redis(url)
}

fn host(world: &World, url: &str) -> Host {
    gateway(world, url).spread_over(1).build().unwrap()
}

/// The detail of a 503 that the store is the reason of.
async fn detail(host: &Host, target: &str) -> String {
    let answer = get(host, target).await;
    let (sentence, detail) = answer.error(503);
    assert_eq!(sentence, "The key-value store failed", "{target}");
    detail.expect("it says why").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_state_is_there_and_none_in_the_hosts_store() {
    let Some(redis) = Redis::start() else { return };
    let (world, store) = (World::new(), Memory::new());
    world.append("t", 0, 20);
    let open = || gateway(&world, &redis.url()).store("default", store.clone()).spread_over(2);
    let host = open().build().unwrap();
    get(&host, "/readyz").await.ok();
    let mut got = pages(&host, "/consumer/t?group=g&max=7&wait=0").await;
    world.append("t", 0, 1);
    // Another gateway goes on where this one was.
    let other = open().build().unwrap();
    got.extend(pages(&other, "/consumer/t?group=g&max=7&wait=0").await);
    assert_eq!(got, (0..21).map(|offset| (0, offset)).collect::<Vec<_>>());
    assert_eq!(store.entries(), []);
    let keys = redis.command("DBSIZE");
    assert!(keys.trim_start_matches(':').parse::<u32>().unwrap() > 4, "{keys}");
    assert_eq!((host.stats().traps, other.stats().traps), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_the_address_is_said_without_quoting_it() {
    let world = World::new();
    for (value, part) in [
        ("redis", "neither host nor a URL"),
        ("http://:hush@redis", "neither host nor a URL"),
        ("redis://:hush@", "without a server"),
        ("rediss://:hush@cache.test", "does not name a port"),
    ] {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let told = lines.clone();
        let host = gateway(&world, value).output(move |line| {
            told.lock().unwrap().push(format!("{line:?}"));
        });
        let host = host.build().unwrap();
        for target in ["/readyz", "/consumer/t", "/producer/t/m"] {
            let answer = get(&host, target).await;
            let (sentence, _) = answer.error(503);
            assert!(sentence.contains(part), "{value}: {answer:?}");
            assert!(!answer.text.contains("hush"));
        }
        let lines = lines.lock().unwrap().join("\n");
        assert!(lines.contains("configuration-invalid") && !lines.contains("hush"), "{lines}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_the_host_does_not_allow_is_told_with_where_to_look() {
    let world = World::new();
    let url = "redis://:hush@127.0.0.1:6379";
    let host = world.gateway().variable("state_store", url).build().unwrap();
    for target in ["/readyz", "/consumer/t"] {
        let detail = detail(&host, target).await;
        assert!(detail.contains("does not let Redis be reached"), "{detail}");
        assert!(detail.contains("allowed_outbound_hosts"), "{detail}");
        assert!(!detail.contains("hush"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_password_is_told_and_never_shown() {
    let Some(redis) = Redis::with(&["--requirepass", "correct"]) else { return };
    let world = World::new();
    world.append("t", 0, 1);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = lines.clone();
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}", redis.port());
    let wrong = gateway(&world, &url("wrong-hush")).variable("log_level", "debug");
    let wrong = wrong.output(move |line| told.lock().unwrap().push(format!("{line:?}")));
    let wrong = wrong.spread_over(1).build().unwrap();
    for target in ["/readyz", "/consumer/t", "/webhooks"] {
        let detail = detail(&wrong, target).await;
        assert_eq!(detail, "Redis refused the password in state_store", "{target}");
    }
    assert!(!lines.lock().unwrap().join("\n").contains("hush"));
    let right = host(&world, &url("correct"));
    assert_eq!(rest(&right, "/consumer/t?wait=0").await, [(0, 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_memory_and_a_read_only_replica_are_told_and_cost_nothing() {
    let (Some(redis), Some(replica)) = (Redis::start(), Redis::start()) else { return };
    let world = World::new();
    world.append("t", 0, 30);
    // Whoever lost a turn is followed after some seconds.
    let page = "/consumer/t?group=g&max=10&wait=20";
    let full = host(&world, &redis.url());
    let mut got = take(&full, page).await;
    assert_eq!(redis.command("CONFIG SET maxmemory 1"), "+OK");
    for target in ["/readyz", page] {
        assert_eq!(detail(&full, target).await, "The memory of Redis is full");
    }
    assert_eq!(redis.command("CONFIG SET maxmemory 0"), "+OK");
    get(&full, "/readyz").await.ok();
    got.extend(take(&full, page).await);

    assert_eq!(replica.command(&format!("REPLICAOF 127.0.0.1 {}", redis.port())), "+OK");
    let begun = Instant::now();
    while replica.info("master_link_status") != "up" {
        assert!(begun.elapsed() < Duration::from_secs(30), "the replica does not follow");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let follower = host(&world, &replica.url());
    for target in ["/readyz", page] {
        assert_eq!(detail(&follower, target).await, "Redis is a read-only replica");
    }
    // As after a failover: the same gateway goes on with the same server.
    assert_eq!(replica.command("REPLICAOF NO ONE"), "+OK");
    get(&follower, "/readyz").await.ok();
    while got.iter().max() != Some(&(0, 29)) {
        got.extend(take(&follower, page).await);
    }
    // What was handed out and could not be noted came again. Nothing was passed over.
    let counts = counted(got);
    assert_eq!(counts.keys().copied().collect::<BTreeSet<_>>(), all(1, 30));
    assert!(counts.values().all(|count| *count <= 2), "{counts:?}");
    assert_eq!((full.stats().traps, follower.stats().traps), (0, 0));
}

async fn take(host: &Host, page: &str) -> Vec<Id> {
    let page = get(host, page).await.ok();
    page["records"].as_array().unwrap().iter().filter_map(id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_costs_a_call_some_seconds_and_no_record() {
    let Some(redis) = Redis::start() else { return };
    let world = World::new();
    world.append("t", 0, 20);
    let host = host(&world, &redis.url());
    let page = "/consumer/t?group=g&max=10&wait=0";
    let mut got = take(&host, page).await;
    redis.freeze();
    let begun = Instant::now();
    let (ready, consumed) = tokio::join!(detail(&host, "/readyz"), detail(&host, page));
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert_eq!(ready, "the store took too long to answer");
    assert_eq!(consumed, "the store took too long to answer");
    redis.thaw();
    get(&host, "/readyz").await.ok();
    let begun = Instant::now();
    // The first page comes again if the server froze before it was noted.
    while got.iter().copied().collect::<BTreeSet<_>>().len() < 20 {
        let next = get(&host, page).await;
        if next.status == 200 {
            let records = next.json["records"].as_array().unwrap();
            got.extend(records.iter().filter_map(id));
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it goes on");
    }
    assert_eq!(got.iter().copied().collect::<BTreeSet<_>>(), all(1, 20));
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_restarted_under_load_it_loses_no_record_and_no_event() {
    let Some(mut redis) = Redis::with(&DURABLE) else { return };
    let world = World::with(ConsumeApi::Cloud, Options::quick());
    let part =
        || [(0, 75), (1, 50), (2, 25)].into_iter().for_each(|(p, n)| world.append("t3", p, n));
    part();
    let host = gateway(&world, &redis.url()).spread_over(4).build().unwrap();
    let source = json!({"name": "s", "topic": "t", "verify": {"none": {}},
        "dedupe": {"id": {"field": "/id"}}});
    assert_eq!(post(&host, "/sources", source.to_string()).await.status, 201);

    let over = Arc::new(AtomicBool::new(false));
    let consumers = (0..12).map(|_| {
        let (host, over) = (host.clone(), over.clone());
        tokio::spawn(async move {
            let (mut got, mut failed) = (Vec::new(), 0);
            while !over.load(Ordering::Relaxed) {
                match get(&host, "/consumer/t3?group=g&max=5&wait=1").await {
                    answer if answer.status == 200 => {
                        let records = answer.json["records"].as_array().unwrap();
                        got.extend(records.iter().filter_map(id));
                    }
                    answer => {
                        answer.error(503);
                        failed += 1;
                    }
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            (got, failed)
        })
    });
    let consumers: Vec<_> = consumers.collect();
    // A sender that repeats each event until it is taken, and then once more.
    let sender = {
        let host = host.clone();
        tokio::spawn(async move {
            for event in 0..60 {
                let body = json!({"id": format!("{event}")}).to_string();
                let mut taken = 0;
                while taken < 2 {
                    let answer = post(&host, "/in/s", body.clone()).await;
                    match answer.status {
                        200 => taken += 1,
                        _ => {
                            answer.error(503);
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                    }
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
    };
    for pause in [700, 1_500, 2_500] {
        tokio::time::sleep(Duration::from_secs(2)).await;
        redis.kill();
        // While nothing comes, a consumer's instance reads the store every five seconds only,
        // and need not notice that it was gone.
        part();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        redis.restart();
    }
    sender.await.unwrap();
    over.store(true, Ordering::Relaxed);
    let (mut got, mut failed) = (Vec::new(), 0);
    for consumer in join_all(consumers).await {
        let (records, failures) = consumer.unwrap();
        got.extend(records);
        failed += failures;
    }
    // Whoever died with a ticket in its hands is followed after some seconds.
    let begun = Instant::now();
    loop {
        let page = get(&host, "/consumer/t3?group=g&max=500&wait=5").await.ok();
        let records = page["records"].as_array().unwrap().clone();
        got.extend(records.iter().filter_map(id));
        let seen: BTreeSet<_> = got.iter().copied().collect();
        if seen.len() == 600 && records.is_empty() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{} of 600 records", seen.len());
    }
    let counts = counted(got);
    let repeats: usize = counts.values().map(|count| count - 1).sum();
    let expected: BTreeSet<_> = [(0, 300), (1, 200), (2, 100)]
        .into_iter()
        .flat_map(|(partition, end)| (0..end).map(move |offset| (partition, offset)))
        .collect();
    assert_eq!(counts.keys().copied().collect::<BTreeSet<_>>(), expected);
    let written = (0..60).map(|event| world.times("t", &format!("{{\"id\":\"{event}\"}}")));
    let written: Vec<_> = written.collect();
    assert!(written.iter().all(|times| *times >= 1), "{written:?}");
    println!(
        "killed three times: {failed} calls of consumers were refused, {repeats} of 600 records \
         came again, {} of 60 events were written twice",
        written.iter().filter(|times| **times > 1).count()
    );
    assert!(failed > 0, "nobody noticed");
    assert_eq!(host.stats().traps, 0);
}

/// All callers at once, each with the record that it got.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_callers_get_each_record_once() {
    let Some(redis) = Redis::start() else { return };
    for (api, topic) in [(ConsumeApi::V2, "t"), (ConsumeApi::Cloud, "t3")] {
        assert_eq!(redis.command("FLUSHALL"), "+OK");
        let world = filled(api, topic);
        let host = gateway(&world, &redis.url()).spread_over(INSTANCES).build().unwrap();
        each_record_goes_to_one_caller(&host, topic).await;
    }
}

/// The same event from many senders at the same moment, over instances that know nothing of
/// each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_comes_at_once_to_many_instances_is_written_once() {
    let Some(redis) = Redis::start() else { return };
    let world = World::new();
    let host = gateway(&world, &redis.url()).spread_over(8).build().unwrap();
    let source = json!({"name": "s", "topic": "t", "verify": {"none": {}},
        "dedupe": {"id": {"field": "/id"}}});
    assert_eq!(post(&host, "/sources", source.to_string()).await.status, 201);
    for event in 0..5 {
        let body = json!({"id": event}).to_string();
        let answers = join_all((0..40).map(|_| post(&host, "/in/s", body.clone()))).await;
        let records: BTreeSet<_> =
            answers.into_iter().map(|answer| answer.ok()["records"].to_string()).collect();
        assert_eq!(records.len(), 1, "all are told the same place: {records:?}");
        assert_eq!(world.times("t", &body), 1);
    }
    assert_eq!(host.stats().traps, 0);
}

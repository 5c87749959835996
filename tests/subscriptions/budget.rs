//! What an execution may spend where its host limits requests and time: the simulated host
//! refuses what goes beyond, as the adapter for Fastly Compute does.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use http::StatusCode;
use kafka_edge::access::Grant;
use kafka_edge::host::{Host, HostCapabilities, Incoming, Limit, Outgoing};
use kafka_edge_sim::{SimBody, SimHost, local};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::receiver::Mood;
use crate::scene::{HOOK, Instance, Scene, TOPIC};

const DEAD: &str = "dead";

/// So many requests may an execution send.
const CALLS: u32 = 32;

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// From now on each instance is one execution, which may send so many requests.
fn limit(scene: &Scene, calls: u32) {
    let unlimited = scene.world.instance().capabilities();
    scene.world.set_capabilities(HostCapabilities {
        outbound_calls: Limit::AtMost(calls),
        instances_reused: false,
        ..unlimited
    });
}

/// A subscription for which the first failure is the last one.
fn at_once_dead(number: usize) -> Value {
    json!({"callback_url": format!("{HOOK}/{number}"), "exhausted": {"dead_letter": DEAD},
        "retry": {"delays": [], "jitter": 0.0}})
}

/// What a produce of the records that are there starts in an execution of its own, to its end.
async fn produced(scene: &Scene) -> Instance {
    let instance = scene.instance();
    instance.webhooks.deliver_written(TOPIC, [(0, scene.log.end(TOPIC, 0))].into());
    instance.host.idle().await;
    instance
}

fn was_refused_nothing(host: &SimHost) {
    let (sent, refused) = host.requests();
    assert!(refused == 0 && sent <= CALLS, "{sent} sent, {refused} refused");
}

#[tokio::test(start_paused = true)]
async fn all_workers_of_a_produce_share_what_an_execution_may_send() {
    local(async {
        let scene = Scene::new(1);
        scene.log.create_topic(DEAD, 1);
        let mut ids = Vec::new();
        for number in 0..40 {
            ids.push(scene.instance().create(at_once_dead(number)).await);
        }
        limit(&scene, CALLS);
        scene.append(0, 1);
        let first = produced(&scene).await;
        was_refused_nothing(&first.host);
        let sent = scene.receiver.all().len();
        assert!((20..32).contains(&sent), "{sent} sent at once");
        // As long as more comes than can be sent, each has its turn.
        for _ in 0..10 {
            scene.append(0, 1);
            was_refused_nothing(&produced(&scene).await.host);
        }
        for number in 0..40 {
            assert!(!scene.receiver.of(&format!("{HOOK}/{number}")).is_empty(), "{number}");
        }
        for _ in 0..40 {
            was_refused_nothing(&produced(&scene).await.host);
        }
        for (number, id) in ids.iter().enumerate() {
            let accepted = scene.receiver.accepted(&format!("{HOOK}/{number}"));
            assert_eq!(accepted, (0..11).collect::<Vec<_>>());
            assert_eq!(scene.instance().total(id, "failed").await, 0);
        }
        assert_eq!(scene.log.records(DEAD, 0).len(), 0);
    })
    .await;
}

/// A scene with so many topics, each with a subscription and some records.
async fn of_many_topics(topics: usize, records: usize) -> Scene {
    let scene = Scene::new(1);
    for number in 0..topics {
        let topic = format!("topic-{number}");
        scene.log.create_topic(&topic, 1);
        let url = format!("{HOOK}/{number}");
        scene.instance().create(json!({"topics": [topic], "callback_url": url})).await;
        for _ in 0..records {
            scene.log.append(&topic, 0, "1");
        }
    }
    scene
}

#[tokio::test(start_paused = true)]
async fn a_round_over_many_topics_leaves_requests_for_deliveries() {
    local(async {
        let scene = of_many_topics(100, 2).await;
        limit(&scene, CALLS);
        let mut rounds = 0;
        while scene.receiver.all().len() < 200 {
            let before = scene.receiver.all().len();
            let instance = scene.instance();
            instance.deliver().await;
            was_refused_nothing(&instance.host);
            rounds += 1;
            // Where the next instance begins is a matter of chance.
            assert!(rounds < 300, "{before} delivered");
            if rounds < 5 {
                assert!(scene.receiver.all().len() > before, "nothing in round {rounds}");
            }
        }
        assert!(scene.receiver.all().iter().all(|received| received.accepted));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_next_round_goes_on_where_one_ended_for_want_of_requests() {
    local(async {
        let scene = of_many_topics(100, 0).await;
        limit(&scene, 200);
        let instance = scene.instance();
        let topics = async || -> Vec<String> {
            instance.deliver().await.into_iter().map(|report| report.topic).collect()
        };
        let (first, second) = (topics().await, topics().await);
        assert!((50..100).contains(&first.len()), "{}", first.len());
        assert!(second.len() >= 100 - first.len(), "{}", second.len());
        let both = first.iter().chain(&second[..100 - first.len()]);
        assert_eq!(both.collect::<BTreeSet<_>>().len(), 100);
    })
    .await;
}

/// Token servers beside the callbacks: the first token of each is taken by nobody.
fn revoking(scene: &Scene) {
    let callback = scene.receiver.upstream();
    let given = Rc::new(RefCell::new(BTreeSet::new()));
    scene.world.set_upstream(Rc::new(move |mut request: Outgoing| {
        let (given, callback) = (given.clone(), callback.clone());
        Box::pin(async move {
            let answer = |status, body: &'static str| {
                let status = StatusCode::from_u16(status).unwrap();
                Ok(Incoming { status, headers: Default::default(), body: SimBody::full(body) })
            };
            // Others go on meanwhile.
            tokio::time::sleep(Duration::from_millis(10)).await;
            if request.uri.path().starts_with("/token") {
                return match given.borrow_mut().insert(request.uri.to_string()) {
                    true => answer(200, r#"{"access_token":"old"}"#),
                    false => answer(200, r#"{"access_token":"new"}"#),
                };
            }
            match request.headers.remove("authorization").unwrap() == "Bearer new" {
                true => callback(request).await,
                false => answer(401, ""),
            }
        })
    }));
}

fn oauth2(number: usize) -> Value {
    let url = format!("https://example.com/token/{number}");
    json!({"oauth2": {"token_url": url, "client_id": "c", "client_secret": "s"}})
}

#[tokio::test(start_paused = true)]
async fn requests_for_tokens_are_counted() {
    local(async {
        let scene = Scene::new(1);
        scene.log.create_topic(DEAD, 1);
        revoking(&scene);
        for number in 0..20 {
            let mut settings = at_once_dead(number);
            settings["auth"] = oauth2(number);
            scene.instance().create(settings).await;
        }
        limit(&scene, CALLS);
        scene.append(0, 1);
        for _ in 0..20 {
            was_refused_nothing(&produced(&scene).await.host);
        }
        assert_eq!(scene.receiver.all().len(), 20);
        assert_eq!(scene.log.records(DEAD, 0).len(), 0);
    })
    .await;
}

/// Sends requests until no more may be sent.
async fn spend_all(host: &SimHost) {
    while host.outbound_calls_left() != Limit::AtMost(0) {
        let other = Outgoing {
            method: http::Method::POST,
            uri: "https://example.com/other".parse().unwrap(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            connect_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
        };
        host.send(other).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_host_sends_no_more_is_no_failure_of_the_callback() {
    local(async {
        let scene = Scene::new(1);
        scene.log.create_topic(DEAD, 1);
        scene.log.create_topic("operations", 1);
        let mut settings = at_once_dead(0);
        settings["auth"] = oauth2(0);
        settings["breaker"] = json!({"failures": 1, "cooldown": 1000.0});
        let id = scene.instance().create(settings).await;
        limit(&scene, CALLS);
        scene.append(0, 1);
        let (callback, spent) = (scene.receiver.upstream(), Rc::new(Cell::new(false)));
        let instance = scene.instance_with(&[("operations_topic", "operations")]);
        let host = instance.host.clone();
        scene.world.set_upstream(Rc::new(move |request: Outgoing| {
            let (callback, host, spent) = (callback.clone(), host.clone(), spent.clone());
            Box::pin(async move {
                if request.uri.path() != "/token/0" {
                    return callback(request).await;
                }
                if !spent.replace(true) {
                    // The call that the execution is for takes the rest meanwhile.
                    spend_all(&host).await;
                }
                let body = SimBody::full(r#"{"access_token":"t"}"#);
                Ok(Incoming { status: StatusCode::OK, headers: Default::default(), body })
            })
        }));
        instance.webhooks.deliver_written(TOPIC, [(0, 1)].into());
        instance.host.idle().await;
        assert_eq!(instance.host.requests(), (CALLS, 1), "the attempt was refused");
        let hook = format!("{HOOK}/0");
        let view = scene.instance().webhooks.describe(&id, &Grant::open()).await.unwrap();
        assert_eq!(view.totals.iter().map(|(_, number)| number).sum::<u64>(), 0);
        let attempts = scene.instance().webhooks.attempts(&id, &Grant::open()).await.unwrap();
        assert!(attempts.is_empty() && scene.receiver.of(&hook).is_empty());
        // The lane is free, and nothing has to be waited for.
        was_refused_nothing(&produced(&scene).await.host);
        assert_eq!(scene.receiver.accepted(&hook), [0]);
        assert_eq!(scene.log.records(DEAD, 0).len() + scene.log.records("operations", 0).len(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_the_host_sends_no_more_is_written_by_the_next_execution() {
    local(async {
        let scene = Scene::new(1);
        scene.log.create_topic(DEAD, 1);
        scene.instance().create(at_once_dead(0)).await;
        limit(&scene, CALLS);
        scene.append(0, 1);
        scene.receiver.refuse(0, Some(422));
        let (callback, instance) = (scene.receiver.upstream(), scene.instance());
        let host = instance.host.clone();
        scene.world.set_upstream(Rc::new(move |request: Outgoing| {
            let (callback, host) = (callback.clone(), host.clone());
            Box::pin(async move {
                if request.uri.path() == "/hook/0" {
                    spend_all(&host).await;
                }
                callback(request).await
            })
        }));
        instance.webhooks.deliver_written(TOPIC, [(0, 1)].into());
        instance.host.idle().await;
        assert_eq!(instance.host.requests(), (CALLS, 0));
        assert_eq!(scene.log.records(DEAD, 0).len(), 0);
        seconds(11).await;
        was_refused_nothing(&produced(&scene).await.host);
        assert_eq!(scene.log.records(DEAD, 0).len(), 1);
        assert_eq!(scene.receiver.of(&format!("{HOOK}/0")).len(), 1, "it is tried once");
    })
    .await;
}

/// How long the deliveries of a produce take, whose callback is in this mood, and when the
/// last attempt began, both in seconds.
async fn deliveries(scene: &Scene, mood: Mood, variables: &[(&str, &str)]) -> (u64, u64) {
    scene.receiver.set(HOOK, mood);
    let settings = json!({"timeout": 60.0, "retry": {"delays": [1.0], "jitter": 0.0}});
    scene.instance().create(settings).await;
    scene.append(0, 100);
    let (instance, begun) = (scene.instance_with(variables), Instant::now());
    instance.webhooks.deliver_in_background(TOPIC);
    instance.host.idle().await;
    let took = begun.elapsed().as_secs();
    let last = scene.receiver.all().last().map_or(begun, |last| last.at);
    (took, last.duration_since(begun).as_secs())
}

#[tokio::test(start_paused = true)]
async fn deliveries_end_within_the_time_that_an_execution_may_take() {
    local(async {
        for (stated, variables) in [
            (Limit::None, &[("wall_time", "30s")][..]),
            (Limit::AtMost(Duration::from_secs(30)), &[]),
            (Limit::AtMost(Duration::from_secs(30)), &[("wall_time", "10m")]),
            (Limit::AtMost(Duration::from_secs(600)), &[("wall_time", "30s")]),
        ] {
            let scene = || {
                let scene = Scene::new(1);
                let unlimited = scene.world.instance().capabilities();
                let stated = HostCapabilities { wall_time: stated, ..unlimited };
                scene.world.set_capabilities(stated);
                scene
            };
            // A callback that hangs is let go in time.
            let (took, _) = deliveries(&scene(), Mood::Stuck, variables).await;
            assert!((12..30).contains(&took), "{took} s");
            // And no attempt begins that could not end.
            let slow = Mood::Slow(Duration::from_secs(2));
            let (took, last) = deliveries(&scene(), slow, variables).await;
            assert!((12..16).contains(&last) && took < 20, "{took} s, the last one at {last} s");
        }
        // What nobody limits goes on.
        let slow = Mood::Slow(Duration::from_secs(2));
        let (took, _) = deliveries(&Scene::new(1), slow, &[]).await;
        assert!((200..210).contains(&took), "{took} s");
    })
    .await;
}

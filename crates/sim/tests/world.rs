//! What the simulated world promises to those who test with it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use kafka_edge::host::{Body, Clock, Host, Outgoing, SendErrorKind, Sent, Store, StoreErrorKind};
use kafka_edge_sim::{Answer, Fate, Fault, Faults, Piece, Script, StoreMode, World, local};

fn get(path: &str) -> Outgoing {
    Outgoing {
        method: Method::GET,
        uri: format!("http://upstream{path}").parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        connect_timeout: Duration::from_secs(1),
        read_timeout: Duration::from_secs(5),
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "a counter's key was written: t")]
async fn a_counter_is_never_set() {
    let host = World::new(1).instance();
    host.increment("t", 1).await.unwrap();
    _ = host.set("t", b"1").await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "a counter's key was read: t")]
async fn a_counter_is_never_read_as_a_value() {
    let host = World::new(1).instance();
    host.increment("t", 1).await.unwrap();
    _ = host.get("t").await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "a key with a value is counted: d")]
async fn a_value_is_never_incremented() {
    let host = World::new(1).instance();
    host.set("d", b"1").await.unwrap();
    _ = host.increment("d", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_counter_gives_a_number_twice() {
    local(async {
        let world = World::new(1);
        world.set_store_mode(StoreMode { double_draws: 1.0, ..StoreMode::default() });
        let host = world.instance();
        assert_eq!(host.increment("t", 1).await, Ok(1));
        assert_eq!(host.increment("t", 1).await, Ok(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_store_refuses_has_not_happened() {
    local(async {
        let world = World::new(1);
        world.set_store_mode(StoreMode::REFUSING);
        let host = world.instance();
        for n in 0..20 {
            let set = host.set(&format!("key/{n}"), b"").await;
            assert_eq!(set.unwrap_err().kind, StoreErrorKind::Refused);
            let draw = host.increment("t", 1).await;
            assert_eq!(draw.unwrap_err().kind, StoreErrorKind::Refused);
        }
        assert!(world.store().is_empty(), "{:?}", world.store());
        world.set_store_mode(StoreMode { failures: 1.0, ..StoreMode::default() });
        assert_eq!(host.get("key").await.unwrap_err().kind, StoreErrorKind::Unknown);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_read_is_no_older_than_the_bound() {
    local(async {
        let world = World::new(7);
        let stale = Duration::from_secs(10);
        world.set_store_mode(StoreMode { stale, ..StoreMode::default() });
        let host = world.instance();
        host.set("key", b"old").await.unwrap();
        tokio::time::sleep(stale * 2).await;
        host.set("key", b"new").await.unwrap();
        let mut seen = Vec::new();
        for _ in 0..20 {
            seen.push(host.get("key").await.unwrap().unwrap());
        }
        assert!(seen.contains(&b"old".to_vec()), "no read was stale");
        tokio::time::sleep(stale).await;
        for _ in 0..20 {
            assert_eq!(host.get("key").await, Ok(Some(b"new".to_vec())));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn failing_writes_land_or_do_not() {
    local(async {
        let world = World::new(3);
        let host = world.instance();
        world.set_store_mode(StoreMode { failures: 1.0, ..StoreMode::default() });
        for n in 0..40 {
            assert!(host.set(&format!("key/{n}"), b"").await.is_err());
        }
        let landed = world.store().len();
        assert!((1..40).contains(&landed), "{landed} of 40 landed");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_death_at_a_call_has_its_effect_or_none() {
    local(async {
        for (fate, there) in [(Fate::Done, true), (Fate::NotDone, false)] {
            let world = World::new(1);
            let host = world.instance();
            host.kill_at(2, fate);
            let inside = host.clone();
            let ended = host.run(async move {
                inside.set("first", b"").await.unwrap();
                inside.set("second", b"").await.unwrap();
                inside.set("third", b"").await.unwrap();
            });
            assert_eq!(ended.await, None);
            assert!(host.is_dead());
            let store = world.store();
            assert!(store.contains_key("first"));
            assert_eq!(store.contains_key("second"), there);
            assert!(!store.contains_key("third"));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn background_work_outlives_the_request_but_not_the_instance() {
    local(async {
        let world = World::new(1);
        let host = world.instance();
        let steps = Rc::new(Cell::new(0));
        let (inside, counter) = (host.clone(), steps.clone());
        host.run(async move {
            let timer = inside.clone();
            inside.spawn(async move {
                loop {
                    timer.sleep(Duration::from_secs(1)).await;
                    counter.set(counter.get() + 1);
                }
            });
        })
        .await;
        tokio::time::sleep(Duration::from_millis(3_500)).await;
        assert_eq!(steps.get(), 3);
        host.kill();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(steps.get(), 3);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_signal_wakes_when_its_other_end_is_dropped() {
    local(async {
        let host = World::new(1).instance();
        let (wake, wait) = host.signal();
        let timer = host.clone();
        host.spawn(async move {
            timer.sleep(Duration::from_secs(3)).await;
            drop(wake);
        });
        let before = host.monotonic();
        wait.await;
        assert_eq!(host.monotonic() - before, Duration::from_secs(3));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn wall_clocks_differ_by_their_skew() {
    local(async {
        let world = World::new(1);
        world.set_wall_clock(1_000);
        let (one, two) = (world.instance(), world.instance());
        two.set_skew(-300);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!((one.now(), two.now()), (3_000, 2_700));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn answers_come_in_order_and_in_pieces() {
    local(async {
        let world = World::new(1);
        let script = Script::new();
        let cut = [Piece::from("ab"), Piece::Wait(Duration::from_secs(1)), Piece::Cut];
        script.on("GET /a", [Answer::body(200, "first"), Answer::pieces(503, cut)]);
        world.set_upstream(script.upstream());
        let host = world.instance();
        let mut first = host.send(get("/a?x=1")).await.unwrap();
        assert_eq!(first.body.chunk().await, Some(Ok(Bytes::from("first"))));
        assert_eq!(first.body.chunk().await, None);
        let mut second = host.send(get("/a")).await.unwrap();
        assert_eq!(second.status, 503);
        assert_eq!(second.body.chunk().await, Some(Ok(Bytes::from("ab"))));
        let cut = second.body.chunk().await.unwrap().unwrap_err();
        assert_eq!(cut.kind, SendErrorKind::Broken);
        assert_eq!(script.count("GET /a"), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn faults_stand_between_an_instance_and_its_upstream() {
    local(async {
        let world = World::new(1);
        let script = Script::new();
        script.on("GET /a", [Answer::body(200, "answer")]);
        let faults = Faults::new();
        world.set_upstream(faults.wrap(script.upstream()));
        let host = world.instance();

        faults.once("/a", Fault::Refuse);
        assert_eq!(host.send(get("/a")).await.unwrap_err().sent, Sent::Not);
        assert_eq!(script.count("GET /a"), 0);

        faults.once("/a", Fault::DropAnswer);
        assert_eq!(host.send(get("/a")).await.unwrap_err().sent, Sent::Perhaps);
        assert_eq!(script.count("GET /a"), 1);

        faults.once("/a", Fault::Hang);
        let error = host.send(get("/a")).await.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Timeout);

        faults.once("/a", Fault::CutBody(3));
        let mut cut = host.send(get("/a")).await.unwrap();
        assert_eq!(cut.body.chunk().await, Some(Ok(Bytes::from("ans"))));
        assert!(cut.body.chunk().await.unwrap().is_err());

        faults.once("/a", Fault::Status(502));
        assert_eq!(host.send(get("/a")).await.unwrap().status, 502);
        assert!(faults.all_happened());
        assert_eq!(host.send(get("/a")).await.unwrap().status, 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_variable_is_not_set() {
    local(async {
        let world = World::new(1);
        let host = world.instance();
        world.set_variable("a", "1");
        world.set_variable("b", "");
        assert_eq!(host.variable("a").await, Ok(Some("1".to_owned())));
        assert_eq!(host.variable("b").await, Ok(None));
        assert_eq!(host.variable("c").await, Ok(None));
        world.set_variables_fail(true);
        assert!(host.variable("a").await.is_err());
    })
    .await;
}

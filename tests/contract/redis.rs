//! The store in a Redis of one's own, over the connections that `crates/host` gives the
//! component, and against a real server.

use std::rc::Rc;

use kafka_edge::host::{Store, StoreErrorKind};
use kafka_edge_host::redis::{self as host, Connection};
use kafka_edge_redis_store::{Address, NotOpened, RedisStore, Reply, Server};
use kafka_edge_sim::local;

#[path = "../support/redis.rs"]
mod server;

pub(crate) use server::Redis;

pub(crate) struct Native;

impl Server for Native {
    type Connection = Connection;

    const UNREACHABLE: &'static str = "Look elsewhere";

    async fn open(&self, address: &str) -> Result<Connection, NotOpened> {
        Connection::open(address).await.map_err(|error| match error {
            host::NotOpened::InvalidAddress => NotOpened::Forbidden,
            host::NotOpened::Other(text) => NotOpened::Said(text),
        })
    }

    async fn execute(
        connection: &Connection,
        command: &str,
        arguments: Vec<Vec<u8>>,
    ) -> Result<Vec<Reply>, String> {
        let answer = connection.execute(command, arguments).await?;
        let reply = |reply| match reply {
            host::Reply::Nil => Reply::Nil,
            host::Reply::Status(_) => Reply::Status,
            host::Reply::Number(number) => Reply::Number(number),
            host::Reply::Bytes(bytes) => Reply::Bytes(bytes),
        };
        Ok(answer.into_iter().map(reply).collect())
    }
}

fn store(url: &str) -> RedisStore<Native> {
    let address = Address::parse(url).expect("it is a URL").expect("it is a Redis");
    RedisStore::new(Native, address)
}

/// An empty server, if there is one on this machine.
pub(crate) fn open() -> Option<impl Fn() -> RedisStore<Native>> {
    let server = Rc::new(Redis::start()?);
    Some(move || store(&server.url()))
}

/// What a set and a get are answered: the kind of the error, and a part of its sentence.
async fn assert_fails(url: &str, set: (StoreErrorKind, &str), get: Option<&str>) {
    let store = store(url);
    let error = store.set("k", b"v").await.expect_err("it is not set");
    assert_eq!(error.kind, set.0, "{}", error.detail);
    assert!(error.detail.contains(set.1), "{}", error.detail);
    match (store.get("k").await, get) {
        (Ok(_), None) => {}
        (Err(error), Some(part)) => {
            assert_eq!(error.kind, StoreErrorKind::Refused, "a read changes nothing");
            assert!(error.detail.contains(part), "{}", error.detail);
        }
        (answer, expected) => panic!("{answer:?} in place of {expected:?}"),
    }
    // A counter or a script is refused as a value is.
    assert_eq!(store.increment("t", 1).await.unwrap_err().kind, set.0);
    let create = store.create("c", b"v", std::time::Duration::from_secs(1)).await;
    let error = create.expect_err("it is not created");
    assert_eq!(error.kind, set.0, "{}", error.detail);
    assert!(error.detail.contains(set.1), "{}", error.detail);
}

#[tokio::test]
async fn a_refused_password_is_told() {
    let Some(server) = Redis::with(&["--requirepass", "hush"]) else { return };
    let port = server.port();
    local(async {
        let right = format!("redis://:hush@127.0.0.1:{port}");
        assert_eq!(store(&right).set("k", b"v").await, Ok(()));
        let refused = (StoreErrorKind::Refused, "refused the password");
        let wrong = format!("redis://:wrong@127.0.0.1:{port}");
        assert_fails(&wrong, refused, Some("refused the password")).await;
        let none = format!("redis://127.0.0.1:{port}");
        let wanted = (StoreErrorKind::Refused, "wants a password");
        assert_fails(&none, wanted, Some("wants a password")).await;
    })
    .await;
}

#[tokio::test]
async fn one_client_too_many_is_told() {
    let Some(server) = Redis::start() else { return };
    local(async {
        let one = store(&server.url());
        one.set("k", b"v").await.unwrap();
        server.command("CONFIG SET maxclients 1");
        let refused = (StoreErrorKind::Refused, "too many clients");
        assert_fails(&server.url(), refused, Some("too many clients")).await;
        assert_eq!(one.get("k").await, Ok(Some(b"v".to_vec())));
    })
    .await;
}

#[tokio::test]
async fn a_user_who_may_not_do_it_is_told() {
    let Some(server) = Redis::start() else { return };
    server.command("ACL SETUSER reader on >hush ~* +get");
    let url = format!("redis://reader:hush@127.0.0.1:{}", server.port());
    let refused = (StoreErrorKind::Refused, "does not allow this to the user");
    local(assert_fails(&url, refused, None)).await;
}

#[tokio::test]
async fn a_read_only_replica_takes_no_writes() {
    let (Some(primary), Some(replica)) = (Redis::start(), Redis::start()) else { return };
    replica.command(&format!("REPLICAOF 127.0.0.1 {}", primary.port()));
    let refused = (StoreErrorKind::Refused, "read-only replica");
    local(assert_fails(&replica.url(), refused, None)).await;
    // Another connection is opened once the server has become the primary.
    local(async {
        let store = store(&replica.url());
        store.set("k", b"v").await.unwrap_err();
        replica.command("REPLICAOF NO ONE");
        assert_eq!(store.set("k", b"v").await, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn a_full_memory_takes_no_writes_and_loses_nothing() {
    let Some(server) = Redis::start() else { return };
    local(async {
        let store = store(&server.url());
        store.set("before", b"v").await.unwrap();
        server.command("CONFIG SET maxmemory 1");
        let refused = (StoreErrorKind::Refused, "The memory of Redis is full");
        assert_fails(&server.url(), refused, None).await;
        assert_eq!(store.get("before").await, Ok(Some(b"v".to_vec())));
        server.command("CONFIG SET maxmemory 0");
        assert_eq!(store.set("k", b"v").await, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn a_server_that_loads_its_data_takes_nothing() {
    let Some(mut server) = Redis::with(&["--rdbcompression", "no"]) else { return };
    local(async {
        let (store, value) = (store(&server.url()), [b'v'; 2_048]);
        for number in 0..400 {
            store.set(&format!("{number}"), &value).await.unwrap();
        }
        assert_eq!(server.command("SAVE"), "+OK");
        server.kill();
        // Each key takes 100 ms, and the server answers after each.
        let slow =
            ["--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024"];
        server.restart_with(&slow);
        let refused = (StoreErrorKind::Refused, "loading its data");
        assert_fails(&server.url(), refused, Some("loading its data")).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_gone_takes_nothing_and_one_that_comes_back_is_found() {
    let Some(mut server) = Redis::with(&["--appendonly", "yes", "--appendfsync", "always"]) else {
        return;
    };
    local(async {
        let warm = store(&server.url());
        warm.set("k", b"before").await.unwrap();
        server.kill();
        // The first call on the old connection: it may have been sent.
        let error = warm.set("k", b"late").await.expect_err("nobody is there");
        assert_eq!(error.kind, StoreErrorKind::Unknown, "{}", error.detail);
        assert!(error.detail.contains("broke"), "{}", error.detail);
        let refused = (StoreErrorKind::Refused, "does not accept connections");
        assert_fails(&server.url(), refused, Some("does not accept connections")).await;
        assert_eq!(warm.set("k", b"v").await.unwrap_err().kind, StoreErrorKind::Refused);
        server.restart();
        assert_eq!(warm.get("k").await, Ok(Some(b"before".to_vec())));
        // A connection that broke meanwhile costs a read one error, which is certain.
        server.kill();
        server.restart();
        assert_eq!(warm.get("k").await.unwrap_err().kind, StoreErrorKind::Refused);
        assert_eq!(warm.get("k").await, Ok(Some(b"before".to_vec())));
    })
    .await;
}

#[tokio::test]
async fn a_call_that_was_given_up_takes_its_connection_with_it() {
    let Some(server) = Redis::start() else { return };
    local(async {
        let store = store(&server.url());
        store.set("k", b"v").await.unwrap();
        let before: u64 = server.info("total_connections_received").parse().unwrap();
        server.freeze();
        let limit = std::time::Duration::from_millis(200);
        let given_up = tokio::time::timeout(limit, store.set("k", b"late")).await;
        assert!(given_up.is_err(), "a frozen server does not answer");
        server.thaw();
        assert_eq!(store.set("k", b"after").await, Ok(()));
        // One is the question itself.
        let after: u64 = server.info("total_connections_received").parse().unwrap();
        assert_eq!(after - before, 2);
        assert_eq!(store.set("k", b"again").await, Ok(()));
        let later: u64 = server.info("total_connections_received").parse().unwrap();
        assert_eq!(later - after, 1, "the connection is kept");
    })
    .await;
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_told_without_its_password() {
    local(async {
        for (url, part) in [
            ("redis://:hush@no-such-host.invalid:6379", "cannot be reached. Look elsewhere"),
            ("redis://:hush@127.0.0.1:1", "does not accept connections"),
            ("redis://:hush@127.0.0.1:1/no-number", "does not let Redis be reached. Look"),
        ] {
            let error = store(url).get("k").await.expect_err("it leads nowhere");
            assert_eq!(error.kind, StoreErrorKind::Refused);
            assert!(error.detail.contains(part), "{url}: {}", error.detail);
            assert!(!format!("{error:?}").contains("hush"));
        }
    })
    .await;
}

/// One command for each call, and none beside it.
#[tokio::test]
async fn each_call_is_one_command() {
    let Some(server) = Redis::start() else { return };
    local(async {
        let store = store(&server.url());
        store.set("k", b"v").await.unwrap();
        let calls = || {
            let stats = server.command("INFO commandstats");
            let count = |line: &str| {
                let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
                let count: u64 = rest.split(',').next()?.parse().ok()?;
                (!matches!(name, "info" | "ping")).then_some((name.to_owned(), count))
            };
            stats.lines().filter_map(count).collect::<std::collections::BTreeMap<_, _>>()
        };
        let before = calls();
        store.get("k").await.unwrap();
        store.counter("t").await.unwrap();
        store.increment("t", 1).await.unwrap();
        store.delete("k").await.unwrap();
        let second = std::time::Duration::from_secs(1);
        store.create("c", b"v", second).await.unwrap();
        store.create("c", b"v", second).await.unwrap();
        store.set_for("c", b"v", second).await.unwrap();
        store.keys("").await.unwrap();
        let mut made = calls();
        for (name, count) in before {
            *made.get_mut(&name).unwrap() -= count;
        }
        made.retain(|_, count| *count > 0);
        // What a script calls is counted, too: SET twice, and GET for the second one.
        let expected =
            [("del", 1), ("eval", 2), ("get", 3), ("incrby", 1), ("scan", 1), ("set", 3)];
        let expected = expected.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(made.into_iter().collect::<Vec<_>>(), expected);
    })
    .await;
}

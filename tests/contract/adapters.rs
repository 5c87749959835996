//! The promises, kept by the adapters of the platforms: by what `components/` has between a
//! platform and the core, built as it ships, on its host or what stands for it here. Those of
//! a log, which the core has over the adapter, are in `adapters/rest.rs`.
//!
//! In place of the gateway a component plays a promise for each request (the feature
//! `probe`); one that is not kept is a trap, and the words are among the test's output.
//!
//! | adapter | host | store |
//! |---|---|---|
//! | `components/spin` | `crates/host` | as Spin's sqlite and Redis are; a real Redis of one's own |
//! | `components/wasi02` | `crates/host` | in memory |
//! | the same for Spin 3 | `crates/host` | as Spin's sqlite and Redis are |
//! | `components/wasmcloud` | `crates/host`; `wash` in `.ci/hosts` | in memory; Redis there |
//! | `components/fastly` | Viceroy, if it is built: `cargo dev --host fastly` builds it | its own |

mod imitated;
mod rest;
mod viceroy;

use std::net::SocketAddr;
use std::sync::Arc;

use kafka_edge_contract::with_promises;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use imitated::Imitated;
use viceroy::Viceroy;

/// What plays the promises.
trait Plays {
    /// The status and the body of the answer.
    async fn get(&self, path: &str) -> (u16, String);

    async fn expect(&self, path: &str) -> String {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

/// The tests of one adapter. `$start` gives one whose store is empty, or none where its host
/// is absent.
macro_rules! adapter {
    ($name:ident, $start:expr) => {
        mod $name {
            use super::*;
            adapter!(@all $start);
            with_promises!(store_counters, each, "store", $start);
            with_promises!(store_counters_fresh, each, "store", $start);
        }
    };
    // Whose counters are no keys like others, and which creates keys.
    ($name:ident, with counters apart, creating, $start:expr) => {
        mod $name {
            use super::*;
            adapter!(@all $start);
            with_promises!(store_creating, each, "store", $start);
        }
    };
    // Which creates keys.
    ($name:ident, creating, $start:expr) => {
        mod $name {
            use super::*;
            adapter!(@all $start);
            with_promises!(store_counters, each, "store", $start);
            with_promises!(store_counters_fresh, each, "store", $start);
            with_promises!(store_creating, each, "store", $start);
        }
    };
    (@all $start:expr) => {
        with_promises!(store_wherever, each, "store", $start);
        with_promises!(store_fresh, each, "store", $start);
        with_promises!(host, each, "host", $start);

        #[tokio::test]
        async fn a_variable_that_is_set_is_read() {
            let Some(host) = $start else { return };
            assert_eq!(host.expect("/variables/kafka_rest_url").await, VARIABLE);
        }

        #[tokio::test]
        async fn work_goes_on_after_the_answer_where_that_is_stated() {
            let Some(host) = $start else { return };
            work_goes_on_after_the_answer(host).await;
        }

        #[tokio::test]
        async fn as_many_requests_can_be_sent_as_are_stated() {
            let Some(host) = $start else { return };
            as_many_requests_can_be_sent(host).await;
        }
    };
}

macro_rules! each {
    ($kind:literal, $start:expr => $($promise:ident)*) => {
        $(#[tokio::test]
        async fn $promise() {
            let Some(host) = $start else { return };
            let played = host.expect(concat!("/", $kind, "/", stringify!($promise))).await;
            assert_eq!(played, "kept");
        })*
    };
}

adapter!(spin_with_sqlite, Some(Imitated::spin_with_sqlite()));
adapter!(spin_with_redis, Some(Imitated::spin_with_redis()));
adapter!(spin_with_its_own_redis, creating, Imitated::spin_with_its_own_redis());
adapter!(wasi02, Some(Imitated::wasi02()));
adapter!(spin3_with_sqlite, Some(Imitated::spin3_with_sqlite()));
adapter!(spin3_with_redis, Some(Imitated::spin3_with_redis()));
adapter!(wasmcloud, Some(Imitated::wasmcloud()));
adapter!(fastly, with counters apart, creating, Viceroy::start().await);

/// What each of them is given as `kafka_rest_url`.
const VARIABLE: &str = "http://kafka.test:8082/a path?and=more";

/// What a host states as the words of `HostCapabilities`.
async fn states(host: &impl Plays, words: &str) -> bool {
    host.expect("/capabilities").await.contains(words)
}

async fn work_goes_on_after_the_answer(host: impl Plays) {
    let goes_on = states(&host, "after_answer: GoesOn(").await;
    assert_ne!(goes_on, states(&host, "after_answer: Ends").await);
    host.expect("/work/begin").await;
    // A host that lets it end may do more: what was begun is brought to its end where it can.
    if goes_on {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while host.expect("/work/done").await == "false" {
            assert!(tokio::time::Instant::now() < deadline, "it did not go on");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

/// More than any host lets through that has a limit.
const MANY_REQUESTS: u32 = 40;

async fn as_many_requests_can_be_sent(host: impl Plays) {
    let server = answering(|_| {}).await;
    let sent = host.expect(&format!("/calls/{MANY_REQUESTS}/{server}")).await.parse::<u32>();
    let stated = host.expect("/capabilities").await;
    let (_, limit) = stated.split_once("outbound_calls: ").expect("they are stated");
    let limit = match limit.strip_prefix("AtMost(") {
        Some(number) => number.split_once(')').expect("it ends").0.parse().expect("a number"),
        None => MANY_REQUESTS,
    };
    assert_eq!(sent, Ok(limit.min(MANY_REQUESTS)), "{stated}");
}

/// A server that answers everything with 204, a connection each, after it has done what is
/// to be done for the path.
async fn answering(act: impl Fn(&str) + Send + Sync + 'static) -> SocketAddr {
    let act = Arc::new(act);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let act = act.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => return,
                    }
                }
                let head = String::from_utf8_lossy(&head);
                act(head.split(' ').nth(1).unwrap_or_default());
                let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
                _ = stream.write_all(answer).await;
            });
        }
    });
    address
}

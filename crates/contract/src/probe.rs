//! A component that answers each request by playing a promise, in place of the gateway.
//!
//! | path | answer |
//! |---|---|
//! | `/` | the paths of all promises, a line each |
//! | `/store/PROMISE`, `/host/PROMISE` | 200: it was kept. Where it is not, the program panics |
//! | `/log/PROMISE/KAFKA/BEHIND` | the same for a log over the REST Proxy at the authority KAFKA. What is at BEHIND changes its topic for `/append/PARTITION/COUNT` and `/delete-before/PARTITION/OFFSET` |
//! | `/log/PROMISE/KAFKA/BEHIND/CLUSTER` | the same over the calls of Confluent Cloud |
//! | `/clear` | the store has no keys left |
//! | `/capabilities` | what the host states |
//! | `/variables/NAME` | the value of a variable |
//! | `/work/begin` | something begins that writes a key a second after the answer |
//! | `/work/done` | whether it has |
//! | `/calls/NUMBER/AUTHORITY` | makes so many requests of a server, and says how many were sent |

mod rest;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use kafka_edge::host::{Host, Limit, Outgoing, SendError, Store};
use kafka_edge::http::{Body, Response};

use crate::names::list;
use crate::{Serves, Stores, host, log, store, with_promises};

/// What [`Probe::answer`] has begun, a second after its answer.
const DONE: &str = "the-work-is-done";

/// The host that the component runs on.
#[derive(Debug)]
struct Probe<H, F> {
    /// Of the request.
    host: H,
    /// Makes one that shares nothing with it.
    another: F,
}

impl<H: Host, F: Fn() -> H> Stores for Probe<H, F> {
    type Store = H;

    fn open(&self) -> H {
        (self.another)()
    }

    async fn pass(&self, time: Duration) {
        self.host.sleep(time).await;
    }
}

impl<H: Host, F: Fn() -> H> Serves for Probe<H, F> {
    type Host = H;

    fn host(&self) -> H {
        self.host.clone()
    }

    /// All of it is one request.
    async fn serve(&self, request: impl Future<Output = ()> + 'static) {
        request.await;
    }
}

/// Answers a request for this path.
pub async fn answer<H: Host>(host: H, another: impl Fn() -> H, target: &str) -> Response {
    let mut parts = target.trim_start_matches('/').splitn(3, '/');
    let mut part = || parts.next().unwrap_or_default();
    let probe = Probe { host: host.clone(), another };
    let played = match part() {
        "" => return text(StatusCode::OK, names(&host).await),
        "store" => store::play(part(), probe).await,
        "host" => host::play(part(), probe).await,
        "log" => {
            let name = part();
            let served = rest::Served::at(part(), probe.host, probe.another);
            log::play(name, served.expect("a REST server, and what changes its log")).await
        }
        "clear" => clear(&host).await,
        "capabilities" => return text(StatusCode::OK, format!("{:?}", host.capabilities())),
        "variables" => {
            let value = host.variable(part()).await.expect("it can be read");
            return text(StatusCode::OK, value.unwrap_or_default());
        }
        "work" => {
            return match part() {
                "begin" => {
                    begin(host);
                    text(StatusCode::OK, "begun".to_owned())
                }
                _ => {
                    let done = host.get(DONE).await.expect("it can be read").is_some();
                    text(StatusCode::OK, done.to_string())
                }
            };
        }
        "calls" => {
            let number = part().parse().expect("a number");
            return text(StatusCode::OK, calls(&host, number, part()).await.to_string());
        }
        _ => false,
    };
    match played {
        true => text(StatusCode::OK, "kept".to_owned()),
        false => text(StatusCode::NOT_FOUND, "there is no such promise".to_owned()),
    }
}

fn text(status: StatusCode, body: String) -> Response {
    let body = Body::Whole(Bytes::from(body));
    Response { status, headers: Vec::new(), body, on_sent: None }
}

/// The promises that can be played from within: all but what needs another request.
async fn names(store: &impl Store) -> String {
    let mut text = String::new();
    with_promises!(store_wherever, list, text, "store");
    with_promises!(store_fresh, list, text, "store");
    with_promises!(store_counters, list, text, "store");
    with_promises!(store_counters_fresh, list, text, "store");
    if store.store_capabilities().await.is_ok_and(|can| can.creates) {
        with_promises!(store_creating, list, text, "store");
    }
    with_promises!(host, list, text, "host");
    text
}

async fn clear(store: &impl Store) -> bool {
    for key in store.keys("").await.expect("keys are listed") {
        store.delete(&key).await.expect("it is deleted");
    }
    true
}

fn begin(host: impl Host) {
    let inside = host.clone();
    host.spawn(async move {
        inside.sleep(Duration::from_secs(1)).await;
        inside.set(DONE, b"").await.expect("it is written");
    });
}

/// How many of so many requests were sent until one was not. A host that limits them says
/// before each how many are left.
async fn calls(host: &impl Host, number: u32, authority: &str) -> u32 {
    let stated = host.capabilities().outbound_calls;
    for sent in 0..number {
        let left = match stated {
            Limit::None => Limit::None,
            Limit::AtMost(most) => Limit::AtMost(most.saturating_sub(sent)),
        };
        assert_eq!(host.outbound_calls_left(), left);
        if get(host, &format!("http://{authority}/")).await.is_err() {
            return sent;
        }
    }
    number
}

/// The status of the answer.
async fn get(host: &impl Host, uri: &str) -> Result<StatusCode, SendError> {
    let request = Outgoing {
        method: http::Method::GET,
        uri: uri.parse().expect("an address"),
        headers: http::HeaderMap::new(),
        body: Bytes::new(),
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(5),
    };
    Ok(host.send(request).await?.status)
}

//! What a call costs in guest instructions, to within 2 %, and in calls of the host,
//! exactly; for the pinned toolchain. Whoever makes a call dearer changes a figure here.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use kafka_edge_emulator::{NewRecord, Options};
use kafka_edge_host::faults::{Fault, HostCall, Moment};
use kafka_edge_host::kv::{Memory, Store as _};
use kafka_edge_host::{Host, WallClock, body};
use serde_json::json;

use crate::calling::{get, post, request, send};
use crate::program::metered;
use crate::world::{ConsumeApi, World};

/// Instructions, and calls of the host: of the store, of variables, upstream, and waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Price {
    instructions: u64,
    host_calls: u64,
}

const PRODUCE: Price = Price { instructions: 123_500, host_calls: 3 };
const CONSUME: Price = Price { instructions: 264_000, host_calls: 8 };
const ACK: Price = Price { instructions: 323_500, host_calls: 6 };

/// A page of 500 claimed records, and the acknowledgement of all of them.
const CLAIMED_PAGE: Price = Price { instructions: 14_974_000, host_calls: 9 };
const ACK_OF_PAGE: Price = Price { instructions: 6_154_000, host_calls: 6 };

/// A round that delivers a page of 20 records to one webhook: looks, one fetch, 20 calls and
/// one timer for all of them. With 100 records it took longer than the 200 ms after which the
/// turn looks for a knock, and cost two calls more on a busy machine.
const DELIVERIES: Price = Price { instructions: 3_600_000, host_calls: 37 };

/// A record or an event of 1 KiB: a plain produce, and what each stage of a source adds.
/// A source that has been in use for some time remembers 16 ids in each slot.
const EVENTS: [(&str, &str, Price); 5] = [
    ("a plain produce", "/producer/t", Price { instructions: 157_200, host_calls: 3 }),
    ("unverified", "/in/unverified", Price { instructions: 191_900, host_calls: 3 }),
    ("verified", "/in/verified", Price { instructions: 290_600, host_calls: 3 }),
    ("remembered", "/in/remembered", Price { instructions: 330_200, host_calls: 6 }),
    (AMONG_OTHERS, "/in/remembered", Price { instructions: 350_700, host_calls: 6 }),
];

const AMONG_OTHERS: &str = "remembered among others";

/// How far instructions may be from their figure. How the host splits an answer into
/// pieces, and how many digits its numbers have, varies.
const TOLERANCE: f64 = 0.02;

/// Until nothing is under way any more: a partition is kept for 100 ms.
const QUIET: Duration = Duration::from_millis(400);

/// When each instance begins, in milliseconds since 1970, and what its randomness comes from. Times
/// and names have the same digits in each run, as far as a run takes the same time.
const BEGINNING: i64 = 1_790_000_000_000;
const SEED: u64 = 12;

struct Meter {
    host: Host,
    host_calls: Arc<AtomicU64>,
}

impl Meter {
    fn new(world: &World) -> Self {
        Self::over(world, Memory::new())
    }

    fn over(world: &World, store: Memory) -> Self {
        let host_calls = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&host_calls);
        let program = metered();
        let gateway = world.gateway_of(&program).store("default", store).spread_over(1);
        let gateway = gateway.wall_clock(|_| WallClock::beginning_at(BEGINNING)).random_seed(SEED);
        let host = gateway.faults(move |call: &HostCall<'_>| {
            if call.moment == Moment::Before {
                count.fetch_add(1, Ordering::SeqCst);
            }
            Fault::Continue
        });
        Self { host: host.build().unwrap(), host_calls }
    }

    /// What a call costs, once the instance is warm and quiet: the lower quartile of nine,
    /// because on a busy machine several of the nine meet a copy that is due to be read
    /// again, and none costs less than its work.
    async fn price(&self, mut call: impl AsyncFnMut()) -> Price {
        let mut prices = Vec::new();
        for _ in 0..9 {
            prices.push(self.once(&mut call).await);
        }
        Self::quartile(prices)
    }

    async fn once(&self, mut call: impl AsyncFnMut()) -> (u64, u64) {
        let calls = self.host_calls.load(Ordering::SeqCst);
        let requests = self.host.fuel_left().len();
        call().await;
        tokio::time::sleep(QUIET).await;
        let calls = self.host_calls.load(Ordering::SeqCst) - calls;
        // The next request tells what was left after this one.
        get(&self.host, "/healthz").await;
        let fuel = self.host.fuel_left();
        (fuel[requests] - fuel[requests + 1], calls)
    }

    fn quartile(mut prices: Vec<(u64, u64)>) -> Price {
        prices.sort_unstable();
        let (instructions, _) = prices[prices.len() / 4];
        let mut calls: Vec<_> = prices.iter().map(|(_, calls)| *calls).collect();
        calls.sort_unstable();
        Price { instructions, host_calls: calls[calls.len() / 4] }
    }
}

/// The least of up to three measurements, of which all are made only where the call is
/// dearer than its figure: a busy machine adds, and takes nothing away.
async fn least(figure: Price, mut measure: impl AsyncFnMut() -> Price) -> Price {
    let mut price = measure().await;
    for _ in 0..2 {
        let most = figure.instructions as f64 * (1.0 + TOLERANCE);
        if price.instructions as f64 <= most && price.host_calls <= figure.host_calls {
            break;
        }
        let again = measure().await;
        price.instructions = price.instructions.min(again.instructions);
        price.host_calls = price.host_calls.min(again.host_calls);
    }
    price
}

fn check(what: &str, price: Price, figure: Price) {
    println!("{what}: {price:?}");
    let off = price.instructions as f64 / figure.instructions as f64 - 1.0;
    assert!(off.abs() <= TOLERANCE, "{what}: {price:?} and not {figure:?}, {:+.1} %", off * 100.0);
    assert_eq!(price.host_calls, figure.host_calls, "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_produce_a_consume_and_an_acknowledgement() {
    let world = World::with(ConsumeApi::Cloud, Options::quick());
    for number in 0..1_000 {
        world.kafka.append("t", 0, NewRecord::value(format!("record {number}"))).unwrap();
    }
    let meter = Meter::new(&world);
    let host = &meter.host;
    // It knows the topic, the group, and that there is no webhook.
    for _ in 0..3 {
        get(host, "/producer/t/hello").await.ok();
        get(host, "/consumer/t?group=g").await.ok();
        get(host, "/consumer/t?group=m&ack=manual&lease=600").await.ok();
    }
    tokio::time::sleep(QUIET * 8).await;

    let one = async |target: &str| meter.price(async || drop(get(host, target).await.ok())).await;
    let produce = least(PRODUCE, async || one("/producer/t/hello").await).await;
    let consume = least(CONSUME, async || one("/consumer/t?group=g").await).await;
    let ack = least(ACK, async || {
        let mut receipts = VecDeque::new();
        for _ in 0..9 {
            let claimed = get(host, "/consumer/t?group=m&ack=manual&lease=600").await.ok();
            receipts.push_back(claimed["receipt"].as_str().unwrap().to_owned());
            tokio::time::sleep(QUIET).await;
        }
        let ack = meter.price(async || {
            let body = format!(r#"{{"receipts":["{}"]}}"#, receipts.pop_front().unwrap());
            post(host, "/consumer/t/ack?group=m", body).await.ok();
        });
        ack.await
    });
    let ack = ack.await;
    check("a produce", produce, PRODUCE);
    check("a consume", consume, CONSUME);
    check("an acknowledgement", ack, ACK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_claimed_records_and_its_acknowledgement() {
    let world = World::with(ConsumeApi::Cloud, Options::quick());
    for number in 0..30_000 {
        world.kafka.append("t", 0, NewRecord::value(format!("record number {number}"))).unwrap();
    }
    let meter = Meter::new(&world);
    let host = &meter.host;
    let claim = async || {
        let page = get(host, "/consumer/t?group=m&ack=manual&lease=600&max=500").await.ok();
        let records = page["records"].as_array().unwrap();
        assert_eq!(records.len(), 500);
        let receipts: Vec<_> = records.iter().map(|record| &record["receipt"]).collect();
        json!({"receipts": receipts}).to_string()
    };
    let acknowledge = async |body: String| {
        let answer = post(host, "/consumer/t/ack?group=m", body).await.ok();
        let told = answer["receipts"].as_array().unwrap();
        assert!(told.len() == 500 && told.iter().all(|told| told["status"] == "acked"));
    };
    acknowledge(claim().await).await;
    tokio::time::sleep(QUIET * 8).await;

    let body = RefCell::new(None);
    let one = async || {
        let claimed = claim().await;
        *body.borrow_mut() = Some(claimed);
    };
    let ack = async || acknowledge(body.take().unwrap()).await;
    let mut prices = [Vec::new(), Vec::new()];
    for _ in 0..9 {
        prices[0].push(meter.once(one).await);
        prices[1].push(meter.once(ack).await);
    }
    let [claimed, acked] = prices.map(Meter::quartile);
    check("a page of claimed records", claimed, CLAIMED_PAGE);
    check("the acknowledgement of a page", acked, ACK_OF_PAGE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_deliveries() {
    let world = World::with(ConsumeApi::Cloud, Options::quick());
    let meter = Meter::new(&world);
    let host = &meter.host;
    let registered = get(host, "/webhook/t/https://callback.test/hook").await;
    assert_eq!(registered.status, 201, "{registered:?}");
    let deliver = async || {
        world.append("t", 0, 20);
        let answer = post(host, "/webhooks/deliver?budget=5", "").await.ok();
        assert_eq!(answer["webhooks"][0]["delivered"], 20, "{answer}");
    };
    deliver().await;
    tokio::time::sleep(QUIET * 8).await;
    let price = least(DELIVERIES, async || meter.price(deliver).await).await;
    check("a page of deliveries", price, DELIVERIES);
}

/// What each stage of a source adds to a plain produce of the same 1 KiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_source() {
    const SECRET: &str = "a secret of the test";
    let world = World::with(ConsumeApi::Cloud, Options::quick());
    let store = Memory::new();
    let meter = Meter::over(&world, store.clone());
    let host = &meter.host;
    let event = format!(r#"{{"id":7,"text":"{}"}}"#, "x".repeat(1_006));
    assert_eq!(event.len(), 1_024);
    let github = format!(r#"{{"provider":"github","secrets":["{SECRET}"]}}"#);
    for (name, verify, dedupe) in [
        ("unverified", r#"{"none":{}}"#, ""),
        ("verified", &*github, ""),
        ("remembered", &*github, r#","dedupe":{}"#),
    ] {
        let source = format!(r#"{{"name":"{name}","topic":"t","verify":{verify}{dedupe}}}"#);
        assert_eq!(post(host, "/sources", source).await.status, 201);
    }
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(event.as_bytes());
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("sha256={hex}");
    let mut deliveries = 0;
    let mut to = async |path: &str| {
        deliveries += 1;
        let mut request = request(Method::POST, path, body::full(event.clone()));
        let headers = request.headers_mut();
        headers.insert("x-hub-signature-256", signature.parse().unwrap());
        headers.insert("x-github-delivery", format!("{deliveries:036}").parse().unwrap());
        send(host, request).await.ok();
    };
    for (_, path, _) in EVENTS {
        to(path).await;
    }
    tokio::time::sleep(QUIET * 8).await;
    let mut prices = Vec::new();
    for (what, path, figure) in EVENTS {
        if what == AMONG_OTHERS {
            fill_slots(&store).await;
        }
        prices.push(least(figure, async || meter.price(async || to(path).await).await).await);
    }
    for ((what, _, figure), price) in EVENTS.into_iter().zip(prices) {
        check(what, price, figure);
    }
}

/// Writes 16 other ids into each slot of the one source that remembers.
async fn fill_slots(store: &Memory) {
    const SEEN: &str = "kafka-edge/2/seen/";
    let ids = (0..16).map(|id| format!("{id:024x} {BEGINNING} d - t:0:{}", 1_000_000 + id));
    let slot = format!(r#"{{"v":2,"d":"{}"}}"#, ids.collect::<Vec<_>>().join(";"));
    let (key, _) = store.entries().into_iter().find(|(key, _)| key.starts_with(SEEN)).unwrap();
    let (scope, _) = key.rsplit_once('/').unwrap();
    for number in 0..2_048 {
        store.set(&format!("{scope}/{number}"), slot.clone().into_bytes()).await.unwrap();
    }
}

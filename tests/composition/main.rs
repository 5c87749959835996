//! The component of `examples/orders`, by another author, composed with ours:
//! it reaches Kafka through the WIT interface and nothing else.

mod compose;
mod shop;

use http::StatusCode;
use kafka_edge_host::upstream::script::{fail, respond};
use kafka_edge_host::upstream::{ErrorCode, Upstream};
use shop::{Attempt, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_works_through_the_interface() {
    let shop = Shop::open(shop::kafka());
    let story = shop.run("orders", "https://shop.example/hook").await;
    println!("{}", story.join("\n"));
    assert_eq!(story[0].split(", ").next(), Some("order-1 is in orders"));
    assert_eq!(story[1].split(", ").next(), Some("order-2 is in orders"));
    let mut worked_on = [story[2].as_str(), story[3].as_str()];
    worked_on.sort_unstable();
    assert_eq!(worked_on, ["working on order-1: a book", "working on order-2: two books"]);
    assert_eq!(
        story[4..],
        [
            "then there is nothing",
            "https://shop.example/hook is registered, secret shown: true",
            "again it is the same: true, secret shown: false",
            "its position is kept for 3 partitions",
            "no-such-topic is unknown",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_gets_wrong_comes_as_a_case() {
    let shop = Shop::open(shop::kafka());
    for (attempt, topic, case) in [
        (Attempt::Send, "orders", None),
        (Attempt::Send, "no-such-topic", Some("unknown-topic")),
        (Attempt::Send, "no/topic", Some("invalid")),
        (Attempt::SendTooLarge, "orders", Some("too-large")),
        (Attempt::Next, "..", Some("invalid")),
        (Attempt::Next, "no-such-topic", Some("unknown-topic")),
        (Attempt::Next, "orders", None),
        (Attempt::Describe, "orders", None),
        (Attempt::Describe, "no-such-topic", Some("unknown-topic")),
        (Attempt::Register, "no-such-topic", Some("unknown-topic")),
        (Attempt::Register, "orders", None),
        (Attempt::RegisterInside, "orders", Some("invalid-callback")),
        (Attempt::Delete, "orders", Some("unknown-webhook")),
        (Attempt::Deliver, "orders", Some("invalid")),
        (Attempt::Ready, "orders", None),
    ] {
        assert_eq!(shop.attempt(attempt, topic).await.as_deref(), case, "{attempt:?} {topic}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_behind_the_interface_comes_as_a_case() {
    async fn ready(upstream: impl Upstream) -> Option<String> {
        Shop::open(upstream).attempt(Attempt::Ready, "orders").await
    }
    let status = |status: StatusCode| respond(status, r#"{"error_code":1,"message":"no"}"#);
    assert_eq!(ready(fail(ErrorCode::ConnectionRefused)).await.as_deref(), Some("connection"));
    assert_eq!(ready(fail(ErrorCode::ConnectionReadTimeout)).await.as_deref(), Some("timeout"));
    let refused = ready(status(StatusCode::UNAUTHORIZED)).await;
    assert_eq!(refused.as_deref(), Some("permission-denied"));
    assert_eq!(ready(respond(StatusCode::OK, "nonsense")).await.as_deref(), Some("upstream"));

    let unconfigured = Shop::unconfigured();
    assert_eq!(unconfigured.attempt(Attempt::Ready, "t").await.as_deref(), Some("unconfigured"));
    let storeless = Shop::without_store();
    assert_eq!(storeless.attempt(Attempt::Ready, "orders").await.as_deref(), Some("store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_report_is_lost_is_neither_written_nor_not() {
    let case = Shop::open(shop::losing_reports()).attempt(Attempt::Send, "orders").await;
    assert_eq!(case.as_deref(), Some("outcome-unknown"));
}

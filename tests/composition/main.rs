//! Components of other authors, composed with ours: they reach Kafka through
//! the WIT interface and nothing else.

mod caller;
mod compose;
mod errors;
mod functions;
mod interface;
mod kafka;
mod parity;
mod shop;

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_works_through_the_interface() {
    let story = shop::run("orders", "https://shop.example/hook").await;
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

/// Spin takes a dependency by its package, and then wants all of that from it.
#[test]
fn nothing_of_the_package_is_left_to_the_host() {
    for example in ["kafka-edge-example-orders", "kafka-edge-example-every-call"] {
        let imports = compose::left_to_the_host(example);
        assert!(imports.iter().any(|name| name.starts_with("wasi:http/")), "{imports:?}");
        let ours: Vec<_> = imports.iter().filter(|name| name.starts_with("kafka-edge:")).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
}

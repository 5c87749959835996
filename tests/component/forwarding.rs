//! What others send to be kept as a record.

use http::{HeaderValue, Method};
use kafka_edge_host::body;

use crate::calling::{request, send};
use crate::world::World;

/// Spin tells a component the whole URL in a header, as if the sender had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_has_the_headers_of_the_sender_and_none_of_the_hosts() {
    let world = World::new();
    let host = world.gateway().variable("open_access", "false").variable(
        "credentials",
        r#"[{"name":"hook","secret":"a-secret-of-theirs","allow":["produce"],"topics":["t"]}]"#,
    );
    let host = host.build().unwrap();
    let target = "/upstash/webhook?topic=t&user=hook&pass=a-secret-of-theirs";
    let mut request = request(Method::POST, target, body::full("some event"));
    request.headers_mut().insert("x-event", HeaderValue::from_static("push"));
    let answer = send(&host, request).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let records = world.kafka.records("t", 0);
    let names: Vec<_> = records[0].headers.iter().map(|header| header.name.as_str()).collect();
    assert_eq!(names, ["x-event"]);
}

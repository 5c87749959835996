//! `examples/orders`, composed with the gateway.

use kafka_edge_host::Host;
use kafka_edge_host::wasmtime::component::Val;

use crate::caller;
use crate::compose::composed;
use crate::kafka::{Kafka, Trouble};

/// Has it do its work, and gives what it tells of it.
pub(crate) async fn run(topic: &str, callback_url: &str) -> Vec<String> {
    let program = composed("kafka-edge-example-orders");
    let host = Host::builder(&program).upstream(Kafka::new().upstream(Trouble::None));
    let host = host.variables(caller::variables()).output(|_| {}).build().expect("it links");
    let shop = host.export(None, "run").expect("the world has it");
    let arguments = vec![Val::String(topic.into()), Val::String(callback_url.into())];
    let told = shop.call(arguments).await.expect("the instance lives until it has answered");
    let Val::List(lines) = told else { panic!("not a list") };
    let line = |line| match line {
        Val::String(line) => line,
        other => panic!("{other:?}"),
    };
    lines.into_iter().map(line).collect()
}

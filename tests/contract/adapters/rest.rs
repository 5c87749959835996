//! What every log promises, kept by the core's log over Confluent's REST APIs where a
//! platform's adapter is between it and the emulator, which is then behind a port.
//!
//! Time is real here, so the emulator is without those waits of a real proxy that are no
//! timeouts; `log.rs` has them. All promises are played. Spin 3 has the adapter of WASI 0.2,
//! but for its store and its variables, which a log does not use.

use kafka_edge_contract::with_promises;
use kafka_edge_emulator::{Emulator, NewRecord, Offer, Options, Server};

use super::imitated::Imitated;
use super::viceroy::Viceroy;
use super::{Plays, answering};

/// The tests of one adapter.
macro_rules! adapter {
    ($name:ident, $start:expr) => {
        mod $name {
            use super::*;
            mod over_v2 {
                use super::*;
                with_promises!(log, each, Offer::Proxy, $start);
            }
            mod over_cloud {
                use super::*;
                with_promises!(log, each, Offer::Cloud, $start);
            }
        }
    };
}

macro_rules! each {
    ($offer:expr, $start:expr => $($promise:ident)*) => {
        $(#[tokio::test]
        async fn $promise() {
            let Some(host) = $start else { return };
            play(stringify!($promise), $offer, host).await;
        })*
    };
}

adapter!(wasi02, Some(Imitated::wasi02()));
adapter!(wasmcloud, Some(Imitated::wasmcloud()));
adapter!(fastly, Viceroy::start().await);

async fn play(promise: &str, offer: Offer, host: impl Plays) {
    let options = Options { offer, ..Options::quick() };
    let cluster = match offer {
        Offer::Cloud => format!("/{}", options.cluster_id),
        _ => String::new(),
    };
    let emulator = Emulator::new(options).unwrap();
    emulator.create_topic("orders", 3).unwrap();
    let kafka = Server::bind("127.0.0.1:0", emulator.clone()).await.unwrap();
    let behind = answering(move |path| change(&emulator, path)).await;
    let path = format!("/log/{promise}/{}/{behind}{cluster}", kafka.local_addr());
    assert_eq!(host.expect(&path).await, "kept");
    kafka.shutdown().await;
}

/// What happens behind a log's back.
fn change(emulator: &Emulator, path: &str) {
    let parts: Vec<_> = path.split('/').skip(1).collect();
    let [what, partition, number] = parts[..] else { panic!("{path}") };
    let partition = partition.parse().unwrap();
    match what {
        "append" => {
            for n in 0..number.parse::<usize>().unwrap() {
                emulator.append("orders", partition, NewRecord::value(n.to_string())).unwrap();
            }
        }
        "delete-before" => {
            emulator.delete_records_before("orders", partition, number.parse().unwrap()).unwrap();
        }
        _ => panic!("{path}"),
    }
}

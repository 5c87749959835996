//! The worst programs within the caps, in the built component: each ends as it is said
//! to, and none of them takes the instance with it.

use std::path::Path;

use http::Method;
use kafka_edge_emulator::Options;
use kafka_edge_host::body;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::calling::{request, send};
use crate::world::{ConsumeApi, World};

#[derive(Deserialize)]
struct Worst {
    about: String,
    program: String,
    /// JSON text.
    input: String,
    /// `results`, or what runs out.
    gives: String,
}

fn worst() -> Vec<Worst> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/expressions/tests/worst");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    files.into_iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worst_programs_end_and_the_instance_lives() {
    let world = World::with(ConsumeApi::Cloud, Options::quick());
    let host = world.gateway().build().unwrap();
    let worst = worst();
    assert!(worst.len() > 40, "{}", worst.len());
    for Worst { about, program, input, gives } in worst {
        let source = json!({
            "topic": "t", "verify": {"none": {}}, "allow": {"max_bytes": 4_194_304},
            "shape": {"filter": program},
        });
        let source = source.to_string();
        let put = request(Method::PUT, "/sources/worst", body::full(source));
        let answer = send(&host, put).await;
        assert!(matches!(answer.status, 200 | 201), "{about}: {answer:?}");
        let post = request(Method::POST, "/in/worst", body::full(input));
        let answer = send(&host, post).await;
        match gives.as_str() {
            "results" => assert_eq!(answer.status, 200, "{about}: {answer:?}"),
            _ => assert_eq!(answer.status, 422, "{about}, {gives}: {answer:?}"),
        }
    }
    let healthy = send(&host, request(Method::GET, "/healthz", body::empty())).await;
    assert_eq!((healthy.status, Value::is_null(&healthy.json)), (200, false));
    assert_eq!(host.stats().traps, 0);
}

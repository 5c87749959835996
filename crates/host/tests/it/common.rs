//! The component that these tests run, and short ways to talk to it.

use http_body_util::BodyExt;
use kafka_edge_host::{Body, Host, HostBuilder, Program, body, build};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The component of `tests/guest`, built and compiled once for each test
/// program.
pub(crate) fn program() -> &'static Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    PROGRAM.get_or_init(another_program)
}

/// The same with room for instances of its own.
pub(crate) fn another_program() -> Program {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let wasm = build::component(here, "kafka-edge-host-guest", &mut |_| {});
    let wasm = wasm.unwrap_or_else(|error| panic!("{error}"));
    let cache = wasm.with_file_name("machine-code");
    Program::load(&wasm, Some(&cache)).unwrap()
}

/// A host that keeps what its guests print to itself.
pub(crate) fn host() -> HostBuilder {
    Host::builder(program()).output(|_| {})
}

/// A GET, and the text of the answer.
pub(crate) async fn get(host: &Host, path: &str) -> String {
    let (status, text) = get_with_status(host, path).await;
    assert_eq!(status, 200, "{path}: {text}");
    text
}

/// A GET, with the status of the answer.
pub(crate) async fn get_with_status(host: &Host, path: &str) -> (u16, String) {
    let request = http::Request::get(format!("http://test{path}")).body(body::empty());
    let response = host.respond(request.unwrap()).await;
    let status = response.status().as_u16();
    (status, text(response).await)
}

/// The whole body of an answer.
pub(crate) async fn text(response: http::Response<Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
}

/// Asks again and again until the answer is there; for what happens after an
/// answer and cannot be waited for in another way.
pub(crate) async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it never came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

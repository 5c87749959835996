//! Adapters under `crates/host`, which has the interfaces of the platforms.

use std::path::Path;
use std::sync::{Mutex, OnceLock};

use http_body_util::BodyExt;
use kafka_edge_host::kv::{Memory, Store, quirks};
use kafka_edge_host::{Host, Program, body, build};

use super::{Plays, VARIABLE};

pub(super) struct Imitated(Host);

/// Two builds of one package have the same file.
static BUILDING: Mutex<()> = Mutex::new(());

fn program(package: &str, features: &[&str]) -> Program {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let _alone = BUILDING.lock().unwrap();
    let wasm = build::component_with(here, package, features, &mut |_| {});
    let wasm = wasm.unwrap_or_else(|error| panic!("{error}"));
    let cache = wasm.with_file_name("machine-code");
    Program::load(&wasm, Some(&cache)).unwrap_or_else(|error| panic!("{error}"))
}

macro_rules! built {
    ($package:literal, $features:expr) => {{
        static PROGRAM: OnceLock<Program> = OnceLock::new();
        PROGRAM.get_or_init(|| program($package, $features))
    }};
}

impl Imitated {
    pub(super) fn wasi02() -> Self {
        Self::with(built!("kafka-edge-wasi02", &["probe"]), Memory::new())
    }

    pub(super) fn spin3_with_sqlite() -> Self {
        Self::spin3(quirks::SpinSqlite::new())
    }

    pub(super) fn spin3_with_redis() -> Self {
        Self::spin3(quirks::SpinRedis::new())
    }

    fn spin3(store: impl Store) -> Self {
        Self::with(built!("kafka-edge-wasi02", &["probe", "spin"]), store)
    }

    pub(super) fn wasmcloud() -> Self {
        Self::with(built!("kafka-edge-wasmcloud", &["probe"]), Memory::new())
    }

    fn with(program: &Program, store: impl Store) -> Self {
        let host = Host::builder(program);
        Self(host.store("default", store).variable("kafka_rest_url", VARIABLE).build().unwrap())
    }
}

impl Plays for Imitated {
    async fn get(&self, path: &str) -> (u16, String) {
        let uri = format!("http://gateway.test{path}");
        let answer = self.0.respond(http::Request::get(uri).body(body::empty()).unwrap()).await;
        let status = answer.status().as_u16();
        match answer.into_body().collect().await {
            Ok(body) => (status, String::from_utf8_lossy(&body.to_bytes()).into_owned()),
            Err(error) => (0, format!("{error:?}")),
        }
    }
}

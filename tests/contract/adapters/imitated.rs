//! Adapters under `crates/host`, which has the interfaces of the platforms.

use std::path::Path;
use std::sync::{Mutex, OnceLock};

use http_body_util::BodyExt;
use kafka_edge_host::kv::{Memory, Store, quirks};
use kafka_edge_host::{Host, HostBuilder, Program, body, build};

use super::{Plays, VARIABLE};
use crate::redis::Redis;

pub(super) struct Imitated {
    host: Host,
    /// Ends with this.
    _redis: Option<Redis>,
}

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

fn spin() -> &'static Program {
    built!("kafka-edge-spin", &["probe"])
}

impl Imitated {
    pub(super) fn spin_with_sqlite() -> Self {
        Self::with(spin(), quirks::SpinSqlite::new())
    }

    pub(super) fn spin_with_redis() -> Self {
        Self::with(spin(), quirks::SpinRedis::new())
    }

    /// With a real Redis of the operator's own, if one is on this machine.
    pub(super) fn spin_with_its_own_redis() -> Option<Self> {
        let redis = Redis::start()?;
        let url = redis.url();
        let host = host(spin()).variable("state_store", url.as_str()).allow_redis(&url);
        Some(Self { host: host.build().unwrap(), _redis: Some(redis) })
    }

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
        Self { host: host(program).store("default", store).build().unwrap(), _redis: None }
    }
}

fn host(program: &Program) -> HostBuilder {
    Host::builder(program).variable("kafka_rest_url", VARIABLE)
}

impl Plays for Imitated {
    async fn get(&self, path: &str) -> (u16, String) {
        let uri = format!("http://gateway.test{path}");
        let answer = self.host.respond(http::Request::get(uri).body(body::empty()).unwrap()).await;
        let status = answer.status().as_u16();
        match answer.into_body().collect().await {
            Ok(body) => (status, String::from_utf8_lossy(&body.to_bytes()).into_owned()),
            Err(error) => (0, format!("{error:?}")),
        }
    }
}

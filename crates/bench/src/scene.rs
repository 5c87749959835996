//! The three that are measured, set up once.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kafka_edge_emulator::{Emulator, Options, Server};
use kafka_edge_host::kv::{Database, Durability};
use kafka_edge_host::{Host, Program, build};
use tokio::net::TcpListener;

pub(crate) type HttpClient = Client<HttpConnector, Full<Bytes>>;

pub(crate) const TOPIC: &str = "bench";
pub(crate) const SECRETS_KEY: &str = "a2Fma2EtZWRnZSB0ZXN0czoga2V5IG9mIDMyIGJ5dGU=";
const PARTITIONS: i32 = 3;

/// Something that takes a produce.
#[derive(Debug)]
pub(crate) struct Producer {
    pub(crate) name: &'static str,
    pub(crate) method: http::Method,
    pub(crate) url: String,
    pub(crate) body: Bytes,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// A header that has another value in each call.
    pub(crate) id_header: Option<&'static str>,
}

pub(crate) struct Scene {
    pub(crate) client: HttpClient,
    pub(crate) emulator: Emulator,
    pub(crate) rest_url: String,
    pub(crate) gateway: Host,
    pub(crate) gateway_url: String,
    /// The component.
    pub(crate) program: Program,
    pub(crate) producers: [Producer; 4],
    /// Dropped last: the store of the component lies in it.
    _folder: tempfile::TempDir,
    _server: Server,
}

/// What is run: compiled once, for however many scenes.
pub(crate) struct Programs {
    gateway: Program,
    pub(crate) component_bytes: u64,
    smallest: Program,
    at_once: Program,
}

impl Programs {
    pub(crate) fn load() -> Result<Self> {
        let (gateway, component_bytes) = load("kafka-edge-spin")?;
        let (smallest, _) = load("kafka-edge-bench-smallest")?;
        let (at_once, _) = load("kafka-edge-bench-at-once")?;
        Ok(Self { gateway, component_bytes, smallest, at_once })
    }
}

impl Scene {
    pub(crate) async fn start(programs: &Programs) -> Result<Self> {
        let emulator = Emulator::new(Options::default())?;
        emulator.create_topic(TOPIC, PARTITIONS)?;
        let server = Server::bind("127.0.0.1:0", emulator.clone()).await?;
        let rest_url = format!("http://{}", server.local_addr());
        let cluster = Options::default().cluster_id;
        let records_url = format!("{rest_url}/v3/clusters/{cluster}/topics/{TOPIC}/records");

        let folder = tempfile::tempdir()?;
        let smallest = Host::builder(&programs.smallest)
            .variable("records_url", records_url.as_str())
            .build()?;
        let program = programs.gateway.clone();
        let gateway = Host::builder(&program)
            .store(
                "default",
                Database::open(folder.path().join("store.redb"), Durability::default())?,
            )
            .variable("kafka_rest_url", rest_url.as_str())
            .variable("kafka_consume_api", "cloud")
            .variable("open_access", "true")
            .build()?;
        let at_once = Host::builder(&programs.at_once).build()?;
        let at_once_url = format!("http://{}", serve(at_once).await?);
        let smallest_url = format!("http://{}", serve(smallest).await?);
        let gateway_url = format!("http://{}", serve(gateway.clone()).await?);

        let record = Bytes::from_static(br#"{"value":{"type":"STRING","data":"hello"}}"#);
        let producers = [
            Producer {
                name: "(a) the REST server itself",
                method: http::Method::POST,
                url: records_url,
                body: record,
                headers: Vec::new(),
                id_header: None,
            },
            Producer {
                name: "(b) smallest component",
                method: http::Method::GET,
                url: smallest_url,
                body: Bytes::new(),
                headers: Vec::new(),
                id_header: None,
            },
            Producer {
                name: "(c) kafka-edge",
                method: http::Method::GET,
                url: format!("{gateway_url}/producer/{TOPIC}/hello"),
                body: Bytes::new(),
                headers: Vec::new(),
                id_header: None,
            },
            Producer {
                name: "(d) one without any call",
                method: http::Method::GET,
                url: at_once_url,
                body: Bytes::new(),
                headers: Vec::new(),
                id_header: None,
            },
        ];
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self {
            client,
            emulator,
            rest_url,
            gateway,
            gateway_url,
            program,
            producers,
            _folder: folder,
            _server: server,
        })
    }

    /// Produce calls that have reached the REST server.
    pub(crate) fn produce_calls(&self) -> u64 {
        let calls = self.emulator.calls();
        calls.iter().filter(|(name, _)| name.ends_with("/records")).map(|(_, count)| count).sum()
    }
}

/// Builds a component and compiles it; and how large it is.
pub(crate) fn load(package: &str) -> Result<(Program, u64)> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = build::component(workspace, package, &mut |line| eprintln!("{line}"))
        .with_context(|| format!("{package} cannot be built"))?;
    let bytes = std::fs::metadata(&path)?.len();
    Ok((Program::load(&path, None)?, bytes))
}

pub(crate) async fn serve(host: Host) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let for_ever = std::future::pending();
    tokio::spawn(async move { host.serve(listener, for_ever, Duration::ZERO).await });
    Ok(address)
}

//! The adapter for Fastly Compute under Fastly's local server.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

use kafka_edge_host::build;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Plays, VARIABLE};

/// As `crates/dev/src/viceroy.rs` builds it.
const SERVER: &str = "target/tools/viceroy-0.22.0/bin/viceroy";

/// How long the server may compile the program.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with stores of its own. It ends with this value.
pub(super) struct Viceroy {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

/// `None`: it is not built.
fn server() -> Option<PathBuf> {
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join(SERVER);
    static TOLD: Once = Once::new();
    if !server.is_file() {
        // The test harness would swallow what a macro prints.
        TOLD.call_once(|| {
            _ = writeln!(
                std::io::stderr(),
                "skipped: the promises of components/fastly (Viceroy is not built; \
                 `cargo dev --host fastly` builds it)"
            );
        });
        return None;
    }
    Some(server)
}

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let module = build::module_with(here, "kafka-edge-fastly", &["probe"], &mut |_| {});
        module.unwrap_or_else(|error| panic!("{error}"))
    })
}

impl Viceroy {
    pub(super) async fn start() -> Option<Self> {
        let server = server()?;
        let folder = tempfile::tempdir().unwrap();
        // Another build of the package takes the program's place.
        let wasm = folder.path().join("probe.wasm");
        std::fs::copy(program(), &wasm).unwrap();
        let manifest = folder.path().join("fastly.toml");
        let text = format!(
            "manifest_version = 3\nname = \"probe\"\n\n[local_server.kv_stores]\n\
             kafka-edge-state = []\n\n[local_server.config_stores.kafka-edge-config]\n\
             format = \"inline-toml\"\n\n[local_server.config_stores.kafka-edge-config.contents]\n\
             kafka_rest_url = \"{VARIABLE}\"\n\n[local_server.secret_stores]\n\
             kafka-edge-secrets = []\n"
        );
        std::fs::write(&manifest, text).unwrap();
        // Somebody else may take the port before the server does.
        for _ in 0..5 {
            let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let address = free.local_addr().unwrap();
            drop(free);
            let mut command = Command::new(&server);
            command.args(["serve", "--addr", &address.to_string(), "-C"]).arg(&manifest);
            let mut child = command.arg(&wasm).stdin(Stdio::null()).spawn().unwrap();
            if is_there(&mut child, address).await {
                return Some(Self { child, address, _folder: folder });
            }
        }
        panic!("it does not start");
    }
}

async fn is_there(child: &mut Child, address: SocketAddr) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).await.is_err() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(Instant::now() < deadline, "it does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

impl Plays for Viceroy {
    async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!("GET {path} HTTP/1.0\r\nhost: {}\r\n\r\n", self.address);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or(0), body.to_owned())
    }
}

impl Drop for Viceroy {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

//! The scenarios against a gateway under `crates/host`, over TCP, in front of
//! the emulator.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use http_body_util::Empty;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kafka_edge_e2e::{Ability, Options, Report, run};
use kafka_edge_emulator::{self as emulator, Emulator, Offer, Server};
use kafka_edge_host::{Host, Program, build};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[path = "../../../tests/support/redis.rs"]
mod redis;

const SECRET: &str = "a-secret-for-the-end-to-end-suite";

/// A component as it ships.
struct Built {
    package: &'static str,
    program: OnceLock<Program>,
}

static SPIN: Built = Built { package: "kafka-edge-spin", program: OnceLock::new() };
static WASI02: Built = Built { package: "kafka-edge-wasi02", program: OnceLock::new() };

impl Built {
    fn program(&self) -> &Program {
        self.program.get_or_init(|| {
            let here = Path::new(env!("CARGO_MANIFEST_DIR"));
            let wasm = build::component(here, self.package, &mut |_| {});
            let wasm = wasm.unwrap_or_else(|error| panic!("{error}"));
            let cache = wasm.with_file_name("machine-code");
            Program::load(&wasm, Some(&cache)).unwrap_or_else(|error| panic!("{error}"))
        })
    }
}

/// Plays all scenarios against a gateway with these variables.
async fn play(
    built: &Built,
    offer: Offer,
    variables: &[(&str, &str)],
    set: impl FnOnce(&mut Options),
) -> Report {
    let kafka = emulator::Options { offer, ..emulator::Options::quick() };
    let cluster = kafka.cluster_id.clone();
    let kafka = Emulator::new(kafka).unwrap();
    kafka.create_topic("e2e-1", 1).unwrap();
    kafka.create_topic("e2e-3", 3).unwrap();
    let kafka = Server::bind("127.0.0.1:0", kafka).await.unwrap();
    let (api, path) = match offer {
        Offer::Cloud => ("cloud", "/kafka"),
        _ => ("v2", ""),
    };
    let state_store = variables.iter().find(|(name, _)| *name == "state_store");
    let host = Host::builder(built.program())
        .allow_redis(state_store.map_or("", |(_, url)| url))
        .variable("kafka_rest_url", format!("http://{}{path}", kafka.local_addr()))
        .variable("kafka_cluster_id", cluster)
        .variable("kafka_consume_api", api)
        .variable("webhook_allow_private", "true")
        .variable("secrets_key", "a2Fma2EtZWRnZSB0ZXN0czoga2V5IG9mIDMyIGJ5dGU=")
        .variables(variables.iter().copied())
        .build()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = Options::new(format!("http://{}", listener.local_addr().unwrap()));
    set(&mut options);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        let shutdown = async { _ = stopped.await };
        host.serve(listener, shutdown, Duration::from_secs(5)).await;
    });
    let report = run(&options, |name, outcome| println!("{name}: {outcome:?}")).await.unwrap();
    drop(stop);
    serving.await.unwrap();
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_open_and_reads_from_the_cloud_passes_all_but_refusals() {
    let report = play(&SPIN, Offer::Cloud, &[("open_access", "true")], |_| {}).await;
    assert_eq!(report.failed(), []);
    let without: Vec<_> = report.skipped().into_iter().map(|(_, ability)| ability).collect();
    assert_eq!(without, [Ability::Credentials; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_asks_for_credentials_and_reads_from_a_proxy_passes_what_that_can() {
    let admin = format!(
        r#"[{{"name":"e2e","secret":"{SECRET}","allow":["produce","consume","webhooks","admin","metrics"],"topics":["*"]}}]"#
    );
    let without = [Ability::Headers, Ability::Timestamps, Ability::OffsetByTime];
    let report = play(&SPIN, Offer::Proxy, &[("credentials", &admin)], |options| {
        options.token = Some(SECRET.into());
        options.without = without.into();
    })
    .await;
    assert_eq!(report.failed(), []);
    let skipped = report.skipped();
    assert_eq!(skipped.len(), 4, "{skipped:?}");
    assert!(skipped.iter().all(|(_, ability)| without.contains(ability)), "{skipped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_with_its_state_in_a_redis_passes_the_same() {
    let Some(server) = redis::Redis::start() else { return };
    let variables = [("open_access", "true"), ("state_store", &server.url())];
    let report = play(&SPIN, Offer::Cloud, &variables, |_| {}).await;
    assert_eq!(report.failed(), []);
    let without: Vec<_> = report.skipped().into_iter().map(|(_, ability)| ability).collect();
    assert_eq!(without, [Ability::Credentials; 3]);
    assert_ne!(server.command("DBSIZE"), ":0");
}

/// Without WASI 0.3, where each request has an instance of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_for_other_hosts_passes_all_but_work_after_the_answer() {
    let without = [Ability::UnaskedDeliveries, Ability::WorkAfterAnswers, Ability::Credentials];
    let report = play(&WASI02, Offer::Cloud, &[("open_access", "true")], |options| {
        options.without = without.into();
    })
    .await;
    assert_eq!(report.failed(), []);
    let skipped: Vec<_> = report.skipped().into_iter().map(|(_, ability)| ability).collect();
    let [deliveries, work, credentials] = without;
    assert_eq!(skipped, [deliveries, work, credentials, credentials, credentials]);
}

/// A server that answers everything with 200 and nothing more is no gateway,
/// and no scenario takes it for one.
#[tokio::test]
async fn a_server_that_is_no_gateway_passes_no_scenario() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = service_fn(async |_| {
                Ok::<_, std::convert::Infallible>(http::Response::new(Empty::<bytes::Bytes>::new()))
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            tokio::spawn(async move { _ = connection.await });
        }
    });
    let options = Options { token: Some(SECRET.into()), ..Options::new(url) };
    let report = run(&options, |_, _| {}).await.unwrap();
    serving.abort();
    assert_eq!(report.passed(), 0, "{:?}", report.outcomes);
    assert!(report.failed().len() > 40 && report.skipped().is_empty());
}

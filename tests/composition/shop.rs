//! The composed component, instantiated and ready to be called.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use http_body_util::BodyExt;
use kafka_edge_emulator::{Emulator, Options};
use kafka_edge_host::upstream::script::{fail, from_fn};
use kafka_edge_host::upstream::{ErrorCode, Upstream};
use kafka_edge_host::wasmtime::component::Val;
use kafka_edge_host::{Body, Host, HostBuilder, Program, body, build};

use crate::compose::compose;

/// What the example can be told to try, by its name in the example's WIT.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attempt {
    Send,
    SendTooLarge,
    Next,
    Describe,
    Ready,
    Register,
    RegisterInside,
    Delete,
    Deliver,
}

impl Attempt {
    fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::SendTooLarge => "send-too-large",
            Self::Next => "next",
            Self::Describe => "describe",
            Self::Ready => "ready",
            Self::Register => "register",
            Self::RegisterInside => "register-inside",
            Self::Delete => "delete",
            Self::Deliver => "deliver",
        }
    }
}

pub(crate) struct Shop(Host);

impl Shop {
    /// A shop whose gateway reaches this in the place of Kafka.
    pub(crate) fn open(upstream: impl Upstream) -> Self {
        let host = Self::host(upstream).variable("kafka_rest_url", "http://kafka.test:8082");
        Self(host.build().expect("it links"))
    }

    pub(crate) fn unconfigured() -> Self {
        Self(Self::host(fail(ErrorCode::ConnectionRefused)).build().expect("it links"))
    }

    /// A shop whose gateway has no store.
    pub(crate) fn without_store() -> Self {
        let host = Self::host(kafka()).variable("kafka_rest_url", "http://kafka.test:8082");
        Self(host.without_store("default").build().expect("it links"))
    }

    fn host(upstream: impl Upstream) -> HostBuilder {
        Host::builder(program()).output(|_| {}).upstream(upstream)
    }

    pub(crate) async fn run(&self, topic: &str, callback_url: &str) -> Vec<String> {
        let arguments = [Val::String(topic.into()), Val::String(callback_url.into())];
        match self.call("run", &arguments).await {
            Val::List(lines) => lines.into_iter().map(text).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// The name of the error's case that an attempt ends with, if it fails.
    pub(crate) async fn attempt(&self, attempt: Attempt, topic: &str) -> Option<String> {
        let arguments = [Val::Enum(attempt.name().into()), Val::String(topic.into())];
        match self.call("try-it", &arguments).await {
            Val::Option(case) => case.map(|case| text(*case)),
            other => panic!("{other:?}"),
        }
    }

    async fn call(&self, function: &str, arguments: &[Val]) -> Val {
        let mut store = self.0.new_store();
        let linker = self.0.linker();
        let component = self.0.program().component();
        let instance = linker.instantiate_async(&mut store, component).await.expect("it starts");
        let function = instance.get_func(&mut store, function).expect("the world has it");
        let mut results = [Val::Bool(false)];
        let called = store.run_concurrent(async |accessor| {
            function.call_concurrent(accessor, arguments, &mut results).await
        });
        called.await.expect("the instance lives").expect("the call returns");
        let [result] = results;
        result
    }
}

fn text(value: Val) -> String {
    match value {
        Val::String(text) => text,
        other => panic!("{other:?}"),
    }
}

fn emulator() -> Arc<Emulator> {
    let emulator = Emulator::new(Options::quick()).expect("it starts");
    emulator.create_topic("orders", 3).expect("it is new");
    Arc::new(emulator)
}

/// An emulated REST server with a topic `orders` of three partitions.
pub(crate) fn kafka() -> impl Upstream {
    let emulator = emulator();
    from_fn(move |request: http::Request<Body>| {
        let emulator = emulator.clone();
        async move { Ok(emulator.handle(request).await.map(body::boxed)) }
    })
}

/// The same, but whoever produces never hears of it.
pub(crate) fn losing_reports() -> impl Upstream {
    let emulator = emulator();
    from_fn(move |request: http::Request<Body>| {
        let emulator = emulator.clone();
        async move {
            let produce = request.uri().path().ends_with("/records");
            let answer = emulator.handle(request).await.map(body::boxed);
            if produce {
                let _reports = answer.into_body().collect().await;
                return Err(ErrorCode::ConnectionTerminated);
            }
            Ok(answer)
        }
    })
}

/// Composed and compiled once for each test program.
fn program() -> &'static Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let orders = built("kafka-edge-example-orders");
        let composed = compose(&orders, &built("kafka-edge"));
        let cache = orders.with_file_name("machine-code");
        Program::from_bytes(&composed, Some(&cache)).expect("what was composed is valid")
    })
}

fn built(package: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    build::component(here, package, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

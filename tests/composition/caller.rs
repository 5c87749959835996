//! `examples/every-call`, composed with the gateway.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use kafka_edge_host::wasmtime::component::Val;
use kafka_edge_host::{Export, Host, HostBuilder, Program};

use crate::compose::composed;

/// A credential of the configuration.
pub(crate) const CONFIGURED: &str = "configured";

/// What a call is given, by the names that the example has for it.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) topic: String,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) tag: String,
    pub(crate) method: String,
    pub(crate) client: String,
    pub(crate) receipts: Vec<String>,
    pub(crate) partition: i32,
    pub(crate) at: i64,
    pub(crate) time: u32,
    pub(crate) max: u32,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            topic: "orders".into(),
            name: "shop".into(),
            text: String::new(),
            tag: String::new(),
            method: "POST".into(),
            client: String::new(),
            receipts: Vec::new(),
            partition: 1,
            at: 0,
            time: 1000,
            max: 1,
        }
    }
}

/// What came of a call: what it answered, or the case of its error and what
/// that carries.
pub(crate) type Outcome = Result<String, (String, String)>;

/// A component that makes calls, one instance of it.
#[derive(Clone)]
pub(crate) struct Caller(Export);

impl Caller {
    pub(crate) fn start(host: HostBuilder) -> Self {
        let host = host.build().expect("it links");
        Self(host.export(None, "call").expect("the world has it"))
    }

    pub(crate) async fn call(&self, function: &str, arguments: Arguments) -> Outcome {
        let called = self.0.call(vec![Val::String(function.into()), arguments.into()]);
        match called.await.expect("the instance lives until it has answered") {
            Val::Result(Ok(Some(answer))) => Ok(text(*answer)),
            Val::Result(Err(Some(failure))) => {
                let Val::Record(fields) = *failure else { panic!("not a record") };
                let mut fields: BTreeMap<_, _> = fields.into_iter().collect();
                let mut field = |name| text(fields.remove(name).expect("the record has it"));
                Err((field("case"), field("what")))
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A host without an upstream, and without variables.
pub(crate) fn host() -> HostBuilder {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| composed("kafka-edge-example-every-call"));
    Host::builder(program).output(|_| {})
}

/// The configuration of a gateway in front of [`Kafka`](crate::kafka::Kafka).
pub(crate) fn variables() -> [(&'static str, &'static str); 6] {
    let configured = r#"[{"name":"configured","secret":"0123456789abcdef","allow":["admin"]}]"#;
    [
        ("kafka_rest_url", "http://kafka.test/kafka"),
        ("kafka_cluster_id", "lkc-emulator"),
        ("kafka_consume_api", "cloud"),
        ("request_timeout", "5s"),
        ("secrets_key", kafka_edge_sim::SECRETS_KEY),
        ("credentials", configured),
    ]
}

impl From<Arguments> for Val {
    fn from(arguments: Arguments) -> Self {
        let receipts = arguments.receipts.into_iter().map(Self::String).collect();
        let fields = [
            ("topic", Self::String(arguments.topic)),
            ("name", Self::String(arguments.name)),
            ("text", Self::String(arguments.text)),
            ("tag", Self::String(arguments.tag)),
            ("method", Self::String(arguments.method)),
            ("client", Self::String(arguments.client)),
            ("receipts", Self::List(receipts)),
            ("partition", Self::S32(arguments.partition)),
            ("at", Self::S64(arguments.at)),
            ("time", Self::U32(arguments.time)),
            ("max", Self::U32(arguments.max)),
        ];
        Self::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

fn text(value: Val) -> String {
    match value {
        Val::String(text) => text,
        other => panic!("{other:?}"),
    }
}

//! Whose key the Kafka server sees.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{AUTHORIZATION, HeaderValue};
use kafka_edge_emulator::Options;
use kafka_edge_host::upstream::script::from_fn;
use kafka_edge_host::{Body, Host, HostBuilder, body};

use crate::calling::{Answer, request, send};
use crate::world::{ConsumeApi, World};

/// The authorizations of all requests that the Kafka server got.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<Option<String>>>>);

impl Seen {
    fn note(&self, request: &http::Request<Body>) {
        let value = request.headers().get(AUTHORIZATION);
        let value = value.map(|value| value.to_str().unwrap().to_owned());
        self.0.lock().unwrap().push(value);
    }

    /// What came since the last time.
    fn take(&self) -> Vec<Option<String>> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A gateway that nobody is let in to yet, and what Kafka sees of it.
fn gateway() -> (HostBuilder, Seen) {
    let world = World::with(ConsumeApi::Cloud, Options::quick());
    world.append("t", 0, 3);
    let seen = Seen::default();
    let noting = seen.clone();
    let upstream = from_fn({
        let world = world.clone();
        move |request| {
            noting.note(&request);
            let world = world.clone();
            async move { world.answer(request).await }
        }
    });
    (world.gateway_over(upstream).variable("open_access", "false"), seen)
}

fn basic(key: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")))
}

async fn call(host: &Host, authorization: Option<&str>, target: &str) -> Answer {
    let mut request = request(Method::GET, target, body::empty());
    if let Some(value) = authorization {
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    }
    send(host, request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_pass_through_mode_kafka_sees_the_callers_pair_and_no_other() {
    let (host, seen) = gateway();
    let host = host.variable("kafka_credentials", "passthrough").spread_over(1).build().unwrap();
    let (one, two) = (basic("ONE", "first secret"), basic("TWO", "second secret"));
    for by in [&one, &two, &one] {
        for target in ["/producer/t/hello", "/consumer/t", "/topics/t"] {
            let answer = call(&host, Some(by), target).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let pairs = seen.take();
            assert!(pairs.iter().all(|pair| pair.as_ref() == Some(by)), "{target}: {pairs:?}");
            // What is known of a topic need not be asked for again.
            assert!(!pairs.is_empty() || target == "/topics/t", "{target}");
        }
    }
    for nobody in [None, Some("Bearer first secret"), Some("Basic ?")] {
        let answer = call(&host, nobody, "/producer/t/hello").await;
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"), "{answer:?}");
        answer.error(401);
    }
    assert_eq!(seen.take(), []);
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_key_beside_pass_through_mode_is_refused_and_not_sent() {
    let (host, seen) = gateway();
    let host = host
        .variable("kafka_credentials", "passthrough")
        .variables([("kafka_api_key", "OURS"), ("kafka_api_secret", "our secret")])
        .build()
        .unwrap();
    let answer = call(&host, Some(&basic("ONE", "first secret")), "/producer/t/hello").await;
    let (sentence, _) = answer.error(503);
    assert!(sentence.contains("kafka_api_key") && !answer.text.contains("secret"), "{answer:?}");
    assert_eq!(seen.take(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_is_the_gateways_own_and_kafka_sees_the_configured_key() {
    const CREDENTIALS: &str = r#"[
        {"name": "writer", "secret": "writers-secret-1234", "allow": ["produce"], "topics": ["t"]},
        {"name": "reader", "secret": "readers-secret-1234", "allow": ["consume"], "topics": ["t*"]}
    ]"#;
    let (host, seen) = gateway();
    let host = host
        .variables([("kafka_api_key", "OURS"), ("kafka_api_secret", "our secret")])
        .variable("credentials", CREDENTIALS)
        .build()
        .unwrap();
    let (writer, reader) = (basic("writer", "writers-secret-1234"), "Bearer readers-secret-1234");
    for (by, target) in [(writer.as_str(), "/producer/t/hello"), (reader, "/consumer/t3?wait=0")] {
        let answer = call(&host, Some(by), target).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let ours = Some(basic("OURS", "our secret"));
        let keys = seen.take();
        assert!(!keys.is_empty() && keys.iter().all(|key| *key == ours), "{target}: {keys:?}");
    }
    let guess = basic("writer", "readers-secret-1234");
    for (by, target, status) in [
        (None, "/producer/t/hello", 401),
        (Some(guess.as_str()), "/producer/t/hello", 401),
        (Some(reader), "/producer/t/hello", 403),
        (Some(&writer), "/consumer/t", 403),
        (Some(&writer), "/producer/t3/hello", 403),
        (Some(&writer), "/credentials", 403),
    ] {
        let answer = call(&host, by, target).await;
        answer.error(status);
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{target}");
    }
    assert_eq!(seen.take(), [], "a refused call costs the upstream nothing");
    assert_eq!(host.stats().traps, 0);
}

//! What is in the place of Kafka.

use std::sync::Arc;

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use kafka_edge_emulator::{Emulator, Offer, Options};
use kafka_edge_host::upstream::script::from_fn;
use kafka_edge_host::upstream::{ErrorCode, Upstream};
use kafka_edge_host::{Body, body};

/// An emulated Confluent Cloud with a topic `orders` of three partitions and one for what
/// cannot be delivered.
/// Clones are the same.
#[derive(Clone)]
pub(crate) struct Kafka(Arc<Emulator>);

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// What reads records is not for these credentials.
    ReadingRefused,
    /// What reads records never answers.
    ReadingStuck,
    /// Records are written, and whoever wrote them never hears of it.
    ReportsLost,
}

impl Kafka {
    pub(crate) fn new() -> Self {
        let options = Options { offer: Offer::Cloud, ..Options::quick() };
        let kafka = Self(Arc::new(Emulator::new(options).expect("it starts")));
        kafka.create_topic("orders", 3);
        kafka.create_topic("undelivered", 1);
        kafka
    }

    pub(crate) fn create_topic(&self, name: &str, partitions: i32) {
        self.0.create_topic(name, partitions).expect("it is new");
    }

    pub(crate) fn upstream(&self, trouble: Trouble) -> impl Upstream + use<> {
        let kafka = self.0.clone();
        from_fn(move |request: http::Request<Body>| {
            let kafka = kafka.clone();
            async move {
                let path = request.uri().path();
                let (reading, produce) = (path.contains("/internal/"), path.ends_with("/records"));
                match trouble {
                    Trouble::ReadingRefused if reading => Ok(refusal(StatusCode::FORBIDDEN)),
                    Trouble::ReadingStuck if path.contains("/records:consume") => {
                        std::future::pending().await
                    }
                    Trouble::ReportsLost if produce => {
                        let answer = kafka.handle(request).await;
                        let _reports = answer.into_body().collect().await;
                        Err(ErrorCode::HttpProtocolError)
                    }
                    _ => Ok(kafka.handle(request).await.map(body::boxed)),
                }
            }
        })
    }
}

/// A server that refuses everything.
pub(crate) fn refusing(status: StatusCode) -> impl Upstream {
    from_fn(move |_| async move { Ok(refusal(status)) })
}

fn refusal(status: StatusCode) -> http::Response<Body> {
    let mut refusal = http::Response::new(body::full(r#"{"error_code":1,"message":"no"}"#));
    *refusal.status_mut() = status;
    refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("7"));
    refusal
}

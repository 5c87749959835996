//! A Confluent-compatible Kafka REST server in a library: Confluent REST Proxy
//! (v3 and v2) and the internal calls of Confluent Cloud, over a log in memory
//! with optional files behind it.
//!
//! It is for tests, experiments and measurements. It behaves like the REST
//! Proxy 7.9.9 (Kafka 3.9.1) and 8.3.1 (Kafka 4.3.0), down to status codes,
//! message texts, the order and the framing of streamed reports, and the
//! pitfalls of the v2 consumer. `tests/replay` compares it with exchanges
//! recorded from both, in `recordings/` and `recordings/8.3.1/`; comments
//! without another source state what these show. The calls of Confluent Cloud
//! follow `reference/confluent-rest.md`, 6: Cloud was never recorded. It is not
//! a broker: it does not speak Kafka's own protocol, it does not replicate,
//! compact or expire anything, and its data is as safe as a file on one disk.
//!
//! An [`Emulator`] answers [`http::Request`]s without a socket; a [`Server`]
//! puts one behind a port.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! use kafka_edge_emulator::{Emulator, NewRecord, Options};
//!
//! let emulator = Emulator::new(Options::quick()).unwrap();
//! emulator.create_topic("orders", 3).unwrap();
//! emulator.append("orders", 0, NewRecord::value("hello")).unwrap();
//!
//! let request = http::Request::get("http://rest/topics/orders/partitions/0/offsets")
//!     .body(http_body_util::Empty::<bytes::Bytes>::new())
//!     .unwrap();
//! let response = emulator.handle(request).await;
//! assert_eq!(response.status(), 200);
//! # });
//! ```

mod cloud;
mod core;
mod costs;
mod counters;
mod emulator;
mod gate;
mod http;
mod java_order;
mod json;
mod limits;
mod log;
mod options;
mod partitioner;
mod produce;
mod router;
mod server;
mod time;
mod v2;
mod v3;
mod waiters;

pub use costs::Costs;
pub use emulator::{Emulator, StartError};
pub use http::ResponseBody;
pub use log::{ConfigError, Header, NewRecord, Record, TopicError};
pub use options::{BasicAuth, Clock, FirstFetch, Offer, Options, ProduceRateLimit, Version};
pub use server::{Server, serve_connection};

//! The options of an emulator.

use crate::costs::Costs;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The REST proxy (and broker) to imitate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(non_camel_case_types, reason = "a product version reads best with its dots as underscores")]
pub enum Version {
    /// Confluent REST Proxy 7.9.9 over Apache Kafka 3.9.1.
    V7_9_9,
    /// Confluent REST Proxy 8.3.1 over Apache Kafka 4.3.0.
    #[default]
    V8_3_1,
}

/// Which calls exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offer {
    /// Everything: the proxy's v3 and v2 and Cloud's internal calls, so that
    /// one emulator serves a client in each of its modes.
    #[default]
    Everything,
    /// Only what Confluent Cloud has; the rest answers 404.
    Cloud,
    /// Only what the self-hosted proxy has.
    Proxy,
}

/// The time to the first record of a consumer instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstFetch {
    /// After the first assignment of an instance.
    pub new_instance: Duration,
    /// After a seek or another assignment on an instance that has read: the
    /// fetch under way at the old place has to come back first.
    pub after_seek: Duration,
}

impl FirstFetch {
    /// Records are there at once.
    pub const NONE: FirstFetch =
        FirstFetch { new_instance: Duration::ZERO, after_seek: Duration::ZERO };
    /// The times measured with the real proxy
    /// (`recordings/v2-stateless-reading.jsonl`).
    pub const MEASURED: FirstFetch = FirstFetch {
        new_instance: Duration::from_millis(400),
        after_seek: Duration::from_millis(250),
    };
}

/// Limits on v3 produce, in records and bytes a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProduceRateLimit {
    /// Records a second.
    pub records_per_second: u32,
    /// Bytes a second.
    pub bytes_per_second: u32,
    /// Whether the general limit, without which this one makes every produce
    /// fail, is on too.
    pub with_general_limit: bool,
}

/// An API key and its secret, as HTTP Basic credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct BasicAuth {
    /// The key, used as the user name.
    pub key: String,
    /// The secret, used as the password.
    pub secret: String,
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuth").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Returns the wall-clock time in milliseconds since 1970.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that asks `now` every time.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::new(|| {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
        })
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Everything that can be set, with the real proxy's defaults.
#[derive(Debug, Clone)]
pub struct Options {
    /// The product to behave like.
    pub version: Version,
    /// Which calls exist.
    pub offer: Offer,
    /// The cluster's id.
    pub cluster_id: String,
    /// A folder that keeps topics and records; without one they are in memory
    /// only. What v2 groups have committed is always in memory only.
    pub data_dir: Option<PathBuf>,
    /// Where wall-clock timestamps come from. Waits use tokio's clock.
    pub clock: Clock,
    /// Credentials that every call must bring.
    pub basic_auth: Option<BasicAuth>,
    /// Whether producing to (or reading from) an unknown topic makes it.
    pub auto_create_topics: bool,
    /// The host and port to put into links in place of the request's own.
    pub host_name: Option<String>,
    /// Calls that are switched off, as in `api.endpoints.blocklist`, by method
    /// and path: `GET /clusters/{cluster}/topics/{topic}`.
    pub endpoint_blocklist: Vec<String>,

    /// How long a produce waits for an unknown topic or partition
    /// (`max.block.ms`), and a commit for an unknown topic.
    pub max_block: Duration,
    /// How long a produce stream or a connection may be silent.
    pub idle_timeout: Duration,
    /// How old a produce stream may become.
    pub stream_max_age: Duration,
    /// How long a stream that is too old goes on answering 408.
    pub stream_age_grace: Duration,
    /// The largest record that v3 produce takes, in bytes of its JSON.
    pub produce_size_limit: Option<u64>,
    /// Limits on v3 produce.
    pub produce_rate_limit: Option<ProduceRateLimit>,
    /// Calls a second, over all calls.
    pub rate_limit: Option<u32>,
    /// How many entries `records:batch` takes.
    pub batch_max_entries: usize,
    /// How long a single record waits for more records. Off by default. With
    /// the Kafka 4 client of 8.3.1, a single record takes about 8.6 ms
    /// (`recordings/measurements.jsonl`).
    pub lone_record_delay: Duration,
    /// Whether a Schema Registry is configured, as it is by default; it is
    /// never reachable.
    pub schema_registry: bool,
    /// Whether a request whose records may make a batch over their topic's
    /// `max.message.bytes` stops the producer, as was seen in
    /// reality (`reference/confluent-rest.md`, 3.3).
    pub producer_can_die: bool,

    /// The longest wait of a v2 read (`consumer.request.timeout.ms`).
    pub consumer_request_timeout: Duration,
    /// How long an unused consumer instance lives.
    pub consumer_instance_timeout: Duration,
    /// How many records one poll returns at most (`max.poll.records`).
    pub max_poll_records: usize,
    /// How long the first member of a group waits for others.
    pub rebalance_delay: Duration,
    /// How long a group takes to notice that a member is gone.
    pub heartbeat_interval: Duration,
    /// How long the first record takes.
    pub first_fetch: FirstFetch,
    /// What calls cost, for benchmarks.
    pub costs: Costs,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            version: Version::default(),
            offer: Offer::default(),
            cluster_id: "lkc-emulator".into(),
            data_dir: None,
            clock: Clock::default(),
            basic_auth: None,
            auto_create_topics: false,
            host_name: None,
            endpoint_blocklist: Vec::new(),
            max_block: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(30),
            stream_max_age: Duration::from_secs(24 * 60 * 60),
            stream_age_grace: Duration::from_millis(500),
            produce_size_limit: None,
            produce_rate_limit: None,
            rate_limit: None,
            batch_max_entries: 10,
            lone_record_delay: Duration::ZERO,
            schema_registry: true,
            producer_can_die: true,
            consumer_request_timeout: Duration::from_secs(1),
            consumer_instance_timeout: Duration::from_secs(300),
            max_poll_records: 30,
            rebalance_delay: Duration::from_secs(3),
            heartbeat_interval: Duration::from_secs(3),
            first_fetch: FirstFetch::MEASURED,
            costs: Costs::NONE,
        }
    }
}

impl Options {
    /// The defaults without the waits of the real proxy that are not timeouts,
    /// for tests that do not concern them.
    pub fn quick() -> Options {
        Options {
            first_fetch: FirstFetch::NONE,
            rebalance_delay: Duration::ZERO,
            heartbeat_interval: Duration::ZERO,
            ..Options::default()
        }
    }
}

impl Version {
    /// The newest timestamp that the broker accepts, if it has a limit: Kafka
    /// 4.3.0 refuses times more than an hour ahead
    /// (`recordings/8.3.1/v3-produce.jsonl`, "timestamp number of ms").
    pub(crate) fn newest_timestamp(self, now: i64) -> Option<i64> {
        match self {
            Version::V7_9_9 => None,
            Version::V8_3_1 => Some(now + 3_600_000),
        }
    }

    /// The size below which the producer splits no batch: Kafka's client 3.9.1 splits to
    /// its `batch.size`, and that of 4.3.0 as far as its largest record.
    pub(crate) fn smallest_split(self) -> usize {
        match self {
            Version::V7_9_9 => 16_384,
            Version::V8_3_1 => 0,
        }
    }
}

//! A number of callers that repeat the same call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use nix::sys::resource::UsageWho;
use nix::sys::time::{TimeVal, TimeValLike};
use tokio::task::JoinSet;

use crate::scene::{HttpClient, Producer};

/// The result of a load. Samples of several rounds are combined.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    latencies: Vec<Duration>,
    elapsed: Duration,
    /// Of this whole process: the callers, the host and the REST server.
    cpu: Duration,
    pub(crate) upstream_calls: u64,
}

impl Sample {
    pub(crate) fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.elapsed += other.elapsed;
        self.cpu += other.cpu;
        self.upstream_calls += other.upstream_calls;
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The time within which this percentage of the calls was answered.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or_default()
    }

    /// The CPU time of a call.
    pub(crate) fn cpu_per_call(&self) -> Duration {
        self.cpu / u32::try_from(self.latencies.len().max(1)).unwrap_or(u32::MAX)
    }

    pub(crate) fn records_per_call(&self) -> f64 {
        self.latencies.len() as f64 / self.upstream_calls.max(1) as f64
    }
}

pub(crate) async fn run(
    client: &HttpClient,
    producer: &Producer,
    callers: usize,
    time: Duration,
) -> Result<Sample> {
    let (start, cpu) = (Instant::now(), cpu_time()?);
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let client = client.clone();
        let (method, url) = (producer.method.clone(), producer.url.clone());
        let body = producer.body.clone();
        let (headers, id_header) = (producer.headers.clone(), producer.id_header);
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while start.elapsed() < time {
                let mut headers = headers.clone();
                headers.extend(id_header.map(|name| (name, next_id().to_string())));
                let called = Instant::now();
                let request = request(method.clone(), &url, "application/json", &body);
                let request = headers
                    .into_iter()
                    .fold(request, |request, (name, value)| request.header(name, value));
                let answer = answered(&client, request, &url, body.clone()).await?;
                latencies.push(called.elapsed());
                // Both APIs answer with the offset where the record is.
                let has_offset = answer.windows(9).any(|window| window == b"\"offset\":");
                ensure!(has_offset, "{url} answered {}", String::from_utf8_lossy(&answer));
            }
            Ok(latencies)
        });
    }
    let mut sample = Sample::default();
    while let Some(latencies) = tasks.join_next().await {
        sample.latencies.extend(latencies??);
    }
    sample.elapsed = start.elapsed();
    sample.cpu = cpu_time()? - cpu;
    Ok(sample)
}

/// A number that no other call has had.
fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The CPU time that this process has used, on all threads.
pub(crate) fn cpu_time() -> Result<Duration> {
    let usage = nix::sys::resource::getrusage(UsageWho::RUSAGE_SELF)?;
    let duration =
        |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or(0));
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

/// Sends a request and reads the whole answer, which has to be a success.
pub(crate) async fn call(
    client: &HttpClient,
    method: http::Method,
    url: &str,
    body: Bytes,
) -> Result<Bytes> {
    send(client, method, url, "application/json", body).await
}

pub(crate) async fn send(
    client: &HttpClient,
    method: http::Method,
    url: &str,
    content_type: &str,
    body: Bytes,
) -> Result<Bytes> {
    answered(client, request(method, url, content_type, &body), url, body).await
}

fn request(
    method: http::Method,
    url: &str,
    content_type: &str,
    body: &Bytes,
) -> http::request::Builder {
    let request = http::Request::builder().method(method).uri(url);
    if body.is_empty() { request } else { request.header("content-type", content_type) }
}

async fn answered(
    client: &HttpClient,
    request: http::request::Builder,
    url: &str,
    body: Bytes,
) -> Result<Bytes> {
    let response = client.request(request.body(Full::new(body))?).await?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes();
    ensure!(status.is_success(), "{url}: {status} {}", String::from_utf8_lossy(&bytes));
    Ok(bytes)
}

//! Many consumers of one group at once, who get each record once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;
use serde_json::Value;
use tokio::sync::watch;

use crate::Options;
use crate::client::{Client, PAUSE};
use crate::context::{Context, list};

/// How long a consumer waits for records. Where each call has an instance of its own,
/// short waits would be most of what the host does.
const WAIT: Duration = Duration::from_secs(20);

/// A call that takes this much longer than its wait was held up for longer than the grace
/// that instances give each other (`GRACE` in `src/state/lane/params.rs`). Whoever lost its
/// turn so may get its last page again.
const STALL: Duration = Duration::from_secs(3);

/// No run takes longer.
const LONGEST: Duration = Duration::from_secs(300);

/// The records of one call, and of one page.
const BATCH: usize = 500;
const PAGE: usize = 20;

/// What the consumers got.
#[derive(Debug, Clone)]
pub struct Consumed {
    pub consumers: usize,
    pub records: usize,
    /// Records that nobody got.
    pub lost: usize,
    /// Records that came more than once.
    pub repeated: usize,
    /// Calls that were held up.
    pub stalls: usize,
    /// Calls that were answered with 503, and made again.
    pub refused: usize,
    /// Until the last record had come.
    pub took: Duration,
}

impl Consumed {
    /// Nothing is lost, and nothing comes twice but after a stall, or where `repeats` are
    /// allowed.
    pub fn is_right(&self, repeats: bool) -> bool {
        self.lost == 0 && (repeats || self.repeated <= self.stalls * PAGE)
    }
}

impl fmt::Display for Consumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { consumers, records, lost, repeated, stalls, refused, took } = self;
        let took = took.as_secs_f64();
        write!(
            f,
            "{consumers} consumers of one group, {records} records: {lost} lost, {repeated} \
             repeated, {stalls} calls held up, {refused} refused for the time being, {took:.1} s"
        )
    }
}

/// Writes records, and has them consumed by so many callers of one group at once.
pub async fn consume_together(
    options: &Options,
    consumers: usize,
    records: usize,
) -> Result<Consumed> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let context = Context::new(options, format!("e2e-{:x}-together", since.as_micros()))?;
    let topic = context.three.clone();
    let group = context.group_at_end("group", &topic).await?;
    let name = context.name("record");
    for batch in (0..records).collect::<Vec<_>>().chunks(BATCH) {
        let line = |number: &usize| {
            let partition = number % 3;
            format!("{{\"value\":\"{name}-{number}\",\"partition\":{partition}}}\n")
        };
        let lines: String = batch.iter().map(line).collect();
        let call = context.client.post(format!("/producer/{topic}"));
        let answer = call.body("application/x-ndjson", lines).send().await?.expect(200)?;
        for report in answer.lines()? {
            report["offset"].as_i64().with_context(|| format!("it was not written: {report}"))?;
        }
    }
    let start = Instant::now();
    let target = format!("/consumer/{topic}?group={group}&max={PAGE}&wait={}", WAIT.as_secs());
    let left = Arc::new(watch::Sender::new(records));
    let calls = (0..consumers).map(|_| {
        let (client, target, left) = (context.client.clone(), target.clone(), left.clone());
        let name = name.clone();
        tokio::spawn(async move { consume(&client, &target, &name, &left, start).await })
    });
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut stalls, mut refused, mut took) = (0, 0, Duration::ZERO);
    for consumer in try_join_all(calls).await? {
        let got = consumer?;
        stalls += got.stalls;
        refused += got.refused;
        took = took.max(got.last);
        got.numbers.into_iter().for_each(|number| *seen.entry(number).or_default() += 1);
    }
    context.forget(&group).await?;
    Ok(Consumed {
        consumers,
        records,
        lost: records - seen.len(),
        repeated: seen.values().map(|count| count - 1).sum(),
        stalls,
        refused,
        took,
    })
}

/// What one consumer got: the numbers of its records, and what became of its calls.
#[derive(Default)]
struct Got {
    numbers: Vec<usize>,
    stalls: usize,
    refused: usize,
    /// When the last of them came.
    last: Duration,
}

/// Takes pages until everything has come.
async fn consume(
    client: &Client,
    target: &str,
    name: &str,
    left: &watch::Sender<usize>,
    start: Instant,
) -> Result<Got> {
    let mut got = Got::default();
    while *left.borrow() > 0 && start.elapsed() < LONGEST {
        let called = Instant::now();
        let answer = tokio::select! {
            answer = client.get(target).send() => answer?,
            () = nothing_comes(left) => break,
        };
        got.stalls += usize::from(called.elapsed() > WAIT + STALL);
        if answer.status() == 503 {
            got.refused += 1;
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let page = answer.expect(200)?.json()?;
        let before = got.numbers.len();
        for record in list(&page, "records")? {
            got.numbers.push(number_of(record, name)?);
        }
        let taken = got.numbers.len() - before;
        if taken > 0 {
            got.last = start.elapsed();
        }
        left.send_modify(|left| *left = left.saturating_sub(taken));
    }
    Ok(got)
}

/// Waits until everything has come, and then for as long as a record may come again. A host
/// that takes some of the calls at a time has the others wait for the waits of those.
async fn nothing_comes(left: &watch::Sender<usize>) {
    // The sender is there as long as this is.
    _ = left.subscribe().wait_for(|left| *left == 0).await;
    tokio::time::sleep(WAIT).await;
}

fn number_of(record: &Value, name: &str) -> Result<usize> {
    let message = record["message"].as_str().and_then(|text| text.strip_prefix(name));
    let number = message.and_then(|text| text.strip_prefix('-'));
    let number = number.with_context(|| format!("nobody has written {record}"))?;
    Ok(number.parse()?)
}

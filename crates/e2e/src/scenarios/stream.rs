//! `/consumer` as a stream.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::client::Answering;
use crate::context::{Context, same, text};

const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

/// Longer than the time between two signs of life.
const PATIENCE: Duration = Duration::from_secs(30);

/// The lines of an answer as they come.
struct Lines {
    answer: Answering,
    read: Vec<u8>,
}

impl Lines {
    async fn open(
        c: &Context,
        topic: &str,
        query: &str,
        accept: &str,
        after: &str,
    ) -> Result<Self> {
        let call = c.client.get(format!("/consumer/{topic}?{query}")).header("accept", accept);
        let call = if after.is_empty() { call } else { call.header("last-event-id", after) };
        let answer = call.open().await?;
        same("the status", answer.status.as_u16(), 200)?;
        let content_type = answer.headers.get("content-type").context("a stream has a type")?;
        same("the type", content_type.to_str()?, accept)?;
        Ok(Self { answer, read: Vec::new() })
    }

    /// The next line, without its end.
    async fn next(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = self.read.drain(..=end).collect();
                return Ok(String::from_utf8(line[..end].to_vec())?);
            }
            let frame = tokio::time::timeout(PATIENCE, self.answer.body.frame()).await;
            let what = &self.answer.what;
            match frame.with_context(|| format!("the stream of {what} is silent"))? {
                Some(frame) => self.read.extend(frame?.into_data().unwrap_or_default()),
                None => bail!("the stream of {what} has ended"),
            }
        }
    }

    /// The next record of a stream of lines, past signs of life.
    async fn record(&mut self) -> Result<Value> {
        loop {
            let line = self.next().await?;
            if !line.is_empty() {
                return Ok(serde_json::from_str(&line)?);
            }
        }
    }

    /// The next event: its id and its record. There is none without data.
    async fn event(&mut self) -> Result<(String, Value)> {
        let mut id = String::new();
        loop {
            let line = self.next().await?;
            if let Some(new) = line.strip_prefix("id: ") {
                id = new.to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                same("the end of the event", self.next().await?.as_str(), "")?;
                return Ok((id, serde_json::from_str(data)?));
            }
            ensure!(!line.is_empty(), "there was an event without data");
        }
    }
}

pub(super) async fn events_come_as_records_are_written(c: &Context) -> Result<()> {
    let mut stream = Lines::open(c, &c.three, "", EVENTS, "").await?;
    same("the first line", stream.next().await?.as_str(), "retry: 2000")?;
    ensure!(stream.next().await?.starts_with("id: "), "a stream says where it begins");
    for (partition, message) in [(0, "a"), (2, "b")] {
        let offset = c.produce(&c.three, partition, message).await?;
        let (id, record) = stream.event().await?;
        same("the message", text(&record, "message")?, message)?;
        same("the offset", &record["offset"], &json!(offset))?;
        ensure!(!id.is_empty(), "an event has an id");
    }
    Ok(())
}

pub(super) async fn lines_come_as_records_are_written(c: &Context) -> Result<()> {
    // The head of the answer comes once the stream stands at the end.
    let mut stream = Lines::open(c, &c.one, "from=latest", LINES, "").await?;
    for message in ["a", "b"] {
        let offset = c.produce(&c.one, 0, message).await?;
        let record = stream.record().await?;
        same("the message", text(&record, "message")?, message)?;
        same("the offset", &record["offset"], &json!(offset))?;
        text(&record, "cursor")?;
    }
    Ok(())
}

pub(super) async fn a_stream_goes_on_behind_its_cursor(c: &Context) -> Result<()> {
    let mut stream = Lines::open(c, &c.one, "", EVENTS, "").await?;
    same("the first line", stream.next().await?.as_str(), "retry: 2000")?;
    c.produce(&c.one, 0, "a").await?;
    let (cursor, _) = stream.event().await?;
    drop(stream);
    c.produce(&c.one, 0, "b").await?;
    let mut stream = Lines::open(c, &c.one, "", EVENTS, &cursor).await?;
    same("the next record", text(&stream.event().await?.1, "message")?, "b")?;
    let mut stream = Lines::open(c, &c.one, "", LINES, &cursor).await?;
    same("the next line", text(&stream.record().await?, "message")?, "b")
}

pub(super) async fn a_groups_stream_moves_the_group(c: &Context) -> Result<()> {
    let group = c.group_at_end("group", &c.one).await?;
    let mut stream = Lines::open(c, &c.one, &format!("group={group}"), LINES, "").await?;
    c.produce(&c.one, 0, "a").await?;
    same("the first record", text(&stream.record().await?, "message")?, "a")?;
    // The second one shows that the first one was taken.
    c.produce(&c.one, 0, "b").await?;
    same("the second record", text(&stream.record().await?, "message")?, "b")?;
    drop(stream);
    c.produce(&c.one, 0, "c").await?;
    let record = c.consume(&c.one, &format!("group={group}&wait=25")).await?;
    let message = text(&record, "message")?;
    ensure!(matches!(message, "b" | "c"), "the group goes on with {message}");
    c.forget(&group).await
}

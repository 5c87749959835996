//! `GET records`.

use super::format::{fits, push_record};
use super::instance::{Instance, State};
use crate::core::Core;
use crate::http::{Call, Media, Reply, ResponseBody, RestError};
use crate::options::Version;
use http::{HeaderValue, Response, header};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The proxy's own cap on an answer (`consumer.request.max.bytes`).
const MAX_BYTES: usize = 64 * 1024 * 1024;

pub(super) async fn records(core: &Core, call: &Call, media: Media) -> Result<Reply, RestError> {
    let timeout = call.query_int("timeout")?;
    let max_bytes = call.query_int("max_bytes")?;
    let instance = core.consumers.find(core, call)?;
    if !fits(instance.settings.format, media) {
        let text = "The requested embedded data format does not match the deserializer for this consumer instance";
        return Err(RestError::new(406, 40601, text));
    }
    let mut page = Page::new(core.options.version, max_bytes);
    let wait = wait_of(core, &instance, timeout);
    fill(core, &instance, &mut page, Instant::now() + wait).await?;
    instance.state.lock().last_used = Instant::now();
    let mut reply = Response::new(ResponseBody::whole(page.finish()));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    Ok(reply)
}

/// The server's wait is the longest; the instance and the call can only ask
/// for less.
fn wait_of(core: &Core, instance: &Instance, timeout: Option<i64>) -> Duration {
    let server = core.options.consumer_request_timeout;
    let call = timeout.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
    let call = call.map_or(server, Duration::from_millis);
    server.min(call).min(instance.settings.wait.unwrap_or(server))
}

/// An answer under construction.
struct Page {
    version: Version,
    json: String,
    bytes: usize,
    max_bytes: usize,
    /// A record did not fit any more.
    full: bool,
    /// More than `fetch.min.bytes` are in.
    enough: bool,
}

impl Page {
    fn new(version: Version, max_bytes: Option<i64>) -> Page {
        let asked = max_bytes.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        let max_bytes = asked.unwrap_or(MAX_BYTES).min(MAX_BYTES);
        Page { version, json: "[".into(), bytes: 0, max_bytes, full: false, enough: false }
    }

    /// Takes the queue's first record, if it fits. One that cannot be shown
    /// stays at the queue's head, where it fails every later read.
    fn take(&mut self, instance: &Instance, state: &mut State) -> Result<(), RestError> {
        let Some(head) = state.queue.front() else { return Ok(()) };
        let size = head.record.size();
        let before = self.json.len();
        if before > 1 {
            self.json.push(',');
        }
        push_record(&mut self.json, head, instance.settings.format, self.version)?;
        if self.bytes + size >= self.max_bytes {
            self.json.truncate(before);
            self.full = true;
            return Ok(());
        }
        state.queue.pop_front();
        self.bytes += size;
        let min = instance.settings.fetch_min_bytes;
        self.enough |= min >= 0 && self.bytes as i64 > min;
        Ok(())
    }

    fn finish(mut self) -> String {
        self.json.push(']');
        self.json
    }
}

async fn fill(
    core: &Core,
    instance: &Instance,
    page: &mut Page,
    deadline: Instant,
) -> Result<(), RestError> {
    let news = Arc::new(Notify::new());
    instance.readers.add(&news);
    loop {
        let again_at = step(core, instance, page, &news)?;
        if page.full || page.enough || Instant::now() >= deadline {
            return Ok(());
        }
        let until = again_at.map_or(deadline, |at| at.min(deadline));
        tokio::select! {
            () = news.notified() => {}
            () = sleep_until(until) => {}
        }
    }
}

/// Takes the available records. Returns when to look again if there is no news.
fn step(
    core: &Core,
    instance: &Instance,
    page: &mut Page,
    news: &Arc<Notify>,
) -> Result<Option<Instant>, RestError> {
    let mut state = instance.state.lock();
    if state.closed {
        return Err(RestError::internal());
    }
    let mut again_at = None;
    while !page.enough && !page.full {
        if state.queue.is_empty() {
            again_at = instance.poll(core, &mut state, news)?.again_at;
            if state.queue.is_empty() {
                break;
            }
        }
        page.take(instance, &mut state)?;
    }
    while !page.full && !state.queue.is_empty() {
        page.take(instance, &mut state)?;
    }
    Ok(again_at)
}

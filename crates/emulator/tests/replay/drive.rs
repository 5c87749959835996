//! Performing the exchanges.

use crate::compare::{Given, differences};
use crate::recording::{Exchange, Recording};
use crate::requests::{Step, sending, whole_body};
use crate::stage::{self, Action};
use crate::world::World;
use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use kafka_edge_emulator::{Emulator, NewRecord, Version};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// Nothing that was recorded took longer.
const PATIENCE: Duration = Duration::from_secs(600);

/// Found differences by line.
type Found = Vec<(usize, Vec<String>)>;

/// Performs an exchange, and those that were under way with it.
pub(crate) async fn perform(
    world: &mut World,
    recording: &Recording,
    exchange: &Exchange,
) -> Found {
    for action in stage::before(recording, exchange) {
        act(world, recording, action).await;
    }
    if let Some(group) = stage::together(recording, &exchange.name) {
        return perform_group(world, recording, group).await;
    }
    world.catch_up(exchange);
    let line = exchange.line;
    if exchange.answer.json["error"].is_string() {
        return vec![(line, expect_silence(world, exchange).await)];
    }
    let timed = stage::during(recording, exchange);
    let beside = async {
        let start = Instant::now();
        for (at, action) in timed {
            tokio::time::sleep_until(start + Duration::from_millis(at)).await;
            act_now(&world.emulator, action);
        }
    };
    let (found, ()) = tokio::join!(perform_one(&world.emulator, exchange), beside);
    vec![(line, found)]
}

async fn perform_one(emulator: &Emulator, exchange: &Exchange) -> Vec<String> {
    if exchange.answer.status.is_none() || on_the_wire(exchange) {
        crate::wire::perform(emulator, exchange).await
    } else {
        hold(emulator, exchange).await
    }
}

/// What only a connection shows.
fn on_the_wire(exchange: &Exchange) -> bool {
    exchange.sent_as == "HTTP/1.0"
        || exchange.name == "Connection: close"
        || exchange.name == "idle keep-alive connection"
}

async fn perform_group(
    world: &World,
    recording: &Recording,
    group: &'static [(&'static str, u64)],
) -> Found {
    let start = Instant::now();
    let exchanges: Vec<(&Exchange, u64)> = group
        .iter()
        .filter_map(|(name, at)| Some((recording.exchanges.iter().find(|e| e.name == *name)?, *at)))
        .collect();
    let runs = exchanges.iter().map(|(exchange, at)| async move {
        tokio::time::sleep_until(start + Duration::from_millis(*at)).await;
        world.catch_up(exchange);
        (exchange.line, perform_one(&world.emulator, exchange).await)
    });
    let beside = async {
        for (at, action) in stage::during_group(group[0].0) {
            tokio::time::sleep_until(start + Duration::from_millis(*at)).await;
            act_now(&world.emulator, action.clone());
        }
    };
    tokio::join!(join_all(runs), beside).0
}

/// Sends a request and holds the answer against the recorded one.
async fn hold(emulator: &Emulator, exchange: &Exchange) -> Vec<String> {
    let Ok(given) = timeout(PATIENCE, send(emulator, exchange)).await else {
        return vec![format!("no answer within {PATIENCE:?}")];
    };
    let streamed = exchange.path.contains("/records") && exchange.method == "POST";
    let mut found = differences(&exchange.answer, &given, streamed);
    // A wait of a second or more is part of what was recorded.
    let recorded = exchange.answer.ms;
    let waits = exchange.method == "GET" && exchange.path.contains("/records");
    if waits && recorded >= 900.0 && !(recorded * 0.9..=recorded * 1.3).contains(&given.ms) {
        found.push(format!("took {} ms, recorded {recorded}", given.ms));
    }
    found
}

/// The real one never answered.
async fn expect_silence(world: &World, exchange: &Exchange) -> Vec<String> {
    let patience = Duration::from_millis(exchange.answer.ms as u64);
    match timeout(patience, send(&world.emulator, exchange)).await {
        Err(_) => vec![],
        Ok(given) => {
            let body = String::from_utf8_lossy(&given.body()).into_owned();
            vec![format!("answered {} {body}, recorded no answer", given.status)]
        }
    }
}

async fn act(world: &mut World, recording: &Recording, action: Action) {
    match action {
        Action::Wait(ms) => sleep(Duration::from_millis(ms)).await,
        Action::BothLimits => world.again_with_both_limits(recording),
        Action::Post { path, body } => {
            let request = Request::post(format!("http://127.0.0.1:8082{path}"))
                .header("content-type", "application/vnd.kafka.v2+json")
                .body(Full::new(Bytes::from_static(body.as_bytes())))
                .expect("a request");
            world.emulator.handle(request).await;
        }
        Action::Get { path } => {
            world.emulator.handle(get(&path)).await;
        }
        Action::HangUp { path, after } => {
            let read = world.emulator.handle(get(&path));
            let hung_up = timeout(Duration::from_millis(after), read).await;
            assert!(hung_up.is_err(), "{path} answered before its caller hung up");
        }
        other => act_now(&world.emulator, other),
    }
}

fn act_now(emulator: &Emulator, action: Action) {
    match action {
        Action::Append { topic, value } => {
            emulator.append(topic, 0, NewRecord::value(value)).expect("a topic");
        }
        Action::CreateTopic(name) => emulator.create_topic(name, 1).expect("a new topic"),
        Action::SkipTo { topic, partition, offset } => {
            emulator.skip_offsets_to(topic, partition, offset).expect("a partition");
        }
        other => unreachable!("{other:?} takes time"),
    }
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("http://127.0.0.1:8082{path}")).body(Full::default()).expect("a request")
}

async fn send(emulator: &Emulator, exchange: &Exchange) -> Given {
    // Each version listened at a port of its own.
    let port = match emulator.options().version {
        Version::V7_9_9 => 8082,
        Version::V8_3_1 => 8083,
    };
    let mut request = Request::builder()
        .method(exchange.method.as_str())
        .uri(format!("http://127.0.0.1:{port}{}", exchange.path));
    for (name, value) in &exchange.headers {
        if !name.eq_ignore_ascii_case("transfer-encoding") {
            request = request.header(name, value);
        }
    }
    let body_length = whole_body(exchange).len();
    if exchange.sent_as.starts_with("content-length") && body_length > 0 {
        let more = if exchange.sent_as.starts_with("content-length + 50") { 50 } else { 0 };
        request = request.header("content-length", body_length + more);
    }
    // The recordings of these leave the content type out; it was sent.
    if exchange.headers.is_empty() && exchange.sent_as != "no body" && is_stream(exchange) {
        request = request.header("content-type", "application/json");
    }
    let sending = sending(exchange);
    let start = Instant::now();
    let (sender, body) = SentBody::new();
    let feeding = async move {
        for (at, step) in sending.steps {
            tokio::time::sleep_until(start + Duration::from_millis(at)).await;
            match step {
                Step::Piece(bytes) if bytes.is_empty() => {}
                Step::Piece(bytes) => sender.piece(bytes),
                Step::Cut => sender.cut(),
                Step::End => return,
            }
        }
        sender.stay_open().await;
    };
    let sized_and_empty = sending.sized && whole_body(exchange).is_empty();
    let answering = async {
        let response = if sized_and_empty {
            emulator.handle(request.body(Full::<Bytes>::default()).expect("a request")).await
        } else {
            emulator.handle(request.body(body).expect("a request")).await
        };
        take(response, start).await
    };
    tokio::select! {
        biased;
        given = answering => given,
        () = async { feeding.await; std::future::pending::<()>().await } => unreachable!("it waits forever"),
    }
}

/// A produce call that the recorder wrote by hand.
fn is_stream(exchange: &Exchange) -> bool {
    exchange.path.ends_with("/records")
        && exchange.method == "POST"
        && !exchange.name.contains("no content type")
}

async fn take(
    response: http::Response<kafka_edge_emulator::ResponseBody>,
    start: Instant,
) -> Given {
    let (parts, mut body) = response.into_parts();
    let mut given = Given {
        status: parts.status.as_u16(),
        headers: parts
            .headers
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_str().unwrap_or_default().to_owned()))
            .collect(),
        length: body.size_hint().exact(),
        ..Given::default()
    };
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame;
        if let Ok(data) = frame.into_data() {
            given.pieces.push(data.to_vec());
        }
    }
    given.ms = start.elapsed().as_secs_f64() * 1000.0;
    given
}

/// A body that comes when it is told to.
struct SentBody(mpsc::UnboundedReceiver<Result<Bytes, Cut>>);

#[derive(Debug)]
struct Cut;

struct BodySender(mpsc::UnboundedSender<Result<Bytes, Cut>>);

impl BodySender {
    fn piece(&self, bytes: Bytes) {
        // The stream may have ended before its body.
        let _ = self.0.send(Ok(bytes));
    }

    fn cut(&self) {
        let _ = self.0.send(Err(Cut));
    }

    async fn stay_open(self) {
        self.0.closed().await;
    }
}

impl SentBody {
    fn new() -> (BodySender, SentBody) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (BodySender(sender), SentBody(receiver))
    }
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.0.poll_recv(cx).map(|next| next.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

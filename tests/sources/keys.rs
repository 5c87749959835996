//! Tokens whose keys are published: as vendors' libraries take them, and when the server
//! with the keys fails.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use kafka_edge::host::{SendError, SendErrorKind, Sent};
use kafka_edge::http::Request;
use kafka_edge_sim::{Answer as Upstream, Script, SimLog, local};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::scene::{Answer, Instance, Scene, request, topics};

const KEYS: &str = "https://issuer.example.com/keys";
const ROUTE: &str = "GET /keys";

/// As `tests/providers/README.md` describes them.
#[derive(Debug, Clone, Deserialize)]
struct Vector {
    provider: String,
    case: String,
    secrets: Vec<String>,
    now: i64,
    request: Sends,
    jwks: Option<Value>,
    claims: Value,
}

#[derive(Debug, Clone, Deserialize)]
struct Sends {
    headers: Vec<(String, String)>,
    body: String,
}

fn vectors() -> Vec<Vector> {
    let files = [
        include_str!("../providers/vectors/jwt.json"),
        include_str!("../providers/vectors/google-pubsub.json"),
    ];
    let read = |text| serde_json::from_str::<Vec<Vector>>(text).expect("they are vectors");
    files.into_iter().flat_map(read).collect()
}

fn rs256() -> Vector {
    vectors().into_iter().find(|vector| vector.case == "rs256").expect("it is there")
}

impl Vector {
    fn source(&self) -> Value {
        let mut verify = match &*self.provider {
            "jwt" => {
                let mut jwt = json!({"prefix": "Bearer ", "algorithms": [self.algorithm()],
                    "issuer": self.claims["iss"], "audience": self.claims["aud"]});
                if self.jwks.is_some() {
                    jwt["jwks"] = KEYS.into();
                }
                json!({ "jwt": jwt })
            }
            provider => json!({"provider": provider, "audience": self.claims["aud"]}),
        };
        if !self.secrets.is_empty() {
            verify["secrets"] = json!(self.secrets);
        }
        json!({"name": "s", "topic": "t", "verify": verify})
    }

    fn algorithm(&self) -> &'static str {
        match &*self.case {
            "hs256" => "HS256",
            "rs256" => "RS256",
            "es256" => "ES256",
            _ => "EdDSA",
        }
    }

    fn request(&self) -> Request<Bytes> {
        let mut event = request(Method::POST, "/in/s", &Value::Null);
        event.headers.truncate(1);
        for (name, value) in &self.request.headers {
            event.headers.push((name.clone(), Bytes::from(value.clone())));
        }
        event.body = Bytes::from(self.request.body.clone());
        event
    }

    /// The same token as if another key had signed it.
    fn with_unknown_key(&self) -> Request<Bytes> {
        let mut event = self.request();
        for (name, value) in &mut event.headers {
            if name == "authorization" {
                let token = std::str::from_utf8(value).unwrap();
                let (_, rest) = token.split_once('.').unwrap();
                // {"alg":"RS256","kid":"other"}
                let head = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im90aGVyIn0";
                *value = Bytes::from(format!("Bearer {head}.{rest}"));
            }
        }
        event
    }
}

struct Issuer {
    scene: Scene<SimLog>,
    script: Script,
    vector: Vector,
    start: Instant,
}

impl Issuer {
    /// With a source for a vector, and a server of keys that answers so.
    async fn new(vector: Vector, answers: impl IntoIterator<Item = Upstream>) -> Self {
        let script = Script::new();
        script.on(ROUTE, answers);
        let scene = Scene::new(1, topics()).await;
        scene.world.set_upstream(script.upstream());
        let made = scene.instance().post("/sources", &vector.source()).await.unwrap();
        assert_eq!(made.status, 201, "{vector:?}: {}", made.json);
        let issuer = Self { scene, script, vector, start: Instant::now() };
        issuer.keep_time();
        issuer
    }

    /// The token does not become too old.
    fn keep_time(&self) {
        let elapsed = self.start.elapsed().as_millis() as i64 + 1_000;
        self.scene.world.set_wall_clock(self.vector.now * 1_000 - elapsed + 1_000);
    }

    async fn later(&self, seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
        self.keep_time();
    }

    async fn send(&self, instance: &Instance<SimLog>) -> Answer {
        instance.send(self.vector.request(), Duration::MAX).await.unwrap()
    }

    fn answer_now(&self, answer: Upstream) {
        self.script.on(ROUTE, [answer]);
    }

    fn keys(&self) -> Upstream {
        Upstream::body(200, self.vector.jwks.as_ref().unwrap().to_string())
    }
}

fn refused() -> Upstream {
    Upstream::fails(SendError { sent: Sent::Not, kind: SendErrorKind::Refused })
}

/// Whatever is no set of keys.
fn failures() -> Vec<Upstream> {
    vec![
        refused(),
        Upstream::body(500, "{}"),
        Upstream::body(200, "<html><body>Sign in</body></html>"),
        Upstream::body(200, "[]"),
        Upstream::body(200, format!("{{\"keys\":[{}]}}", " ".repeat(300 * 1024))),
        Upstream::body(200, "{\"keys\":[]}").after(Duration::from_secs(6)),
    ]
}

#[tokio::test(start_paused = true)]
async fn vendors_tokens_are_believed() {
    local(async {
        for vector in vectors() {
            let name = format!("{} {}", vector.provider, vector.case);
            let answers = vector.jwks.iter().map(|keys| Upstream::body(200, keys.to_string()));
            let answers: Vec<_> = answers.collect();
            let issuer = Issuer::new(vector.clone(), answers.clone()).await;
            issuer.script.on("GET /oauth2/v3/certs", answers);
            let instance = issuer.scene.instance();
            for _ in 0..2 {
                let answer = issuer.send(&instance).await;
                assert_eq!(answer.status, 200, "{name}: {}", answer.json);
            }
            assert_eq!(issuer.script.seen().len(), usize::from(vector.jwks.is_some()), "{name}");
            // Another body is believed, because these tokens say nothing of it; another
            // token is not.
            let mut changed = vector.request();
            for (name, value) in &mut changed.headers {
                if name == "authorization" {
                    let mut bytes = value.to_vec();
                    let place = bytes.len() - 20;
                    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
                    *value = bytes.into();
                }
            }
            let answer = instance.send(changed, Duration::MAX).await.unwrap();
            assert_eq!(answer.status, 401, "{name}: {}", answer.json);
            issuer.scene.world.set_wall_clock((vector.now + 86_400) * 1_000);
            let late = issuer.send(&instance).await;
            assert_eq!(late.status, 401, "{name}: {}", late.json);
            assert_eq!(issuer.scene.log.records("t", 0).len(), 2, "{name}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_keys_nobody_is_believed_and_the_sender_comes_again() {
    local(async {
        for failure in failures() {
            let issuer = Issuer::new(rs256(), [failure.clone()]).await;
            let instance = issuer.scene.instance();
            let answer = issuer.send(&instance).await;
            assert_eq!(answer.status, 503, "{failure:?}");
            let wait = answer.retry_after.expect("it says when to come again");
            assert!((1..=10).contains(&wait), "{wait}");
            let sentence = "The keys of the sender cannot be fetched; try again";
            assert_eq!(answer.json["error"], sentence, "{failure:?}");
            // Strangers cannot make the gateway call without end.
            for _ in 0..20 {
                assert_eq!(issuer.send(&instance).await.status, 503);
            }
            assert_eq!(issuer.script.count(ROUTE), 1, "{failure:?}");
            issuer.answer_now(issuer.keys());
            issuer.later(wait).await;
            assert_eq!(issuer.send(&instance).await.status, 200, "{failure:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn older_keys_are_better_than_none() {
    local(async {
        for failure in failures() {
            let vector = rs256();
            let keys = Upstream::body(200, vector.jwks.as_ref().unwrap().to_string());
            let issuer = Issuer::new(vector, [keys]).await;
            let instance = issuer.scene.instance();
            assert_eq!(issuer.send(&instance).await.status, 200);
            issuer.answer_now(failure.clone());
            issuer.later(601).await;
            for _ in 0..20 {
                assert_eq!(issuer.send(&instance).await.status, 200, "{failure:?}");
            }
            assert_eq!(issuer.script.count(ROUTE), 2, "{failure:?}");
            issuer.later(31).await;
            assert_eq!(issuer.send(&instance).await.status, 200, "{failure:?}");
            assert_eq!(issuer.script.count(ROUTE), 3, "{failure:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_asked_for_once_in_half_a_minute() {
    local(async {
        for fails in [false, true] {
            let vector = rs256();
            let keys = Upstream::body(200, vector.jwks.as_ref().unwrap().to_string());
            let issuer = Issuer::new(vector, [keys.clone()]).await;
            let instance = issuer.scene.instance();
            assert_eq!(issuer.send(&instance).await.status, 200);
            issuer.answer_now(if fails { refused() } else { keys });
            for calls in 1..4 {
                for _ in 0..20 {
                    let unknown = issuer.vector.with_unknown_key();
                    let answer = instance.send(unknown, Duration::MAX).await.unwrap();
                    assert_eq!(answer.status, 401, "{}", answer.json);
                    assert_eq!(issuer.send(&instance).await.status, 200);
                }
                assert_eq!(issuer.script.count(ROUTE), calls, "fails: {fails}");
                issuer.later(31).await;
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn keys_come_from_no_private_network() {
    local(async {
        let scene = Scene::new(1, topics()).await;
        for url in ["http://10.0.0.1/keys", "http://[::1]/keys", "http://169.254.169.254/", "x"] {
            let mut source = rs256().source();
            source["verify"]["jwt"]["jwks"] = url.into();
            let answer = scene.instance().post("/sources", &source).await.unwrap();
            assert_eq!(answer.json["detail"], "verify.jwt.jwks", "{url}: {answer:?}");
        }
        // A setting may forbid later on what it allowed when the source was made.
        let script = Script::new();
        script.on("GET /keys", [Upstream::body(200, "{}")]);
        scene.world.set_upstream(script.upstream());
        scene.world.set_variable("webhook_allow_private", "true");
        let mut source = rs256().source();
        source["verify"]["jwt"]["jwks"] = "http://10.0.0.1/keys".into();
        assert_eq!(scene.instance().post("/sources", &source).await.unwrap().status, 201);
        scene.world.set_variable("webhook_allow_private", "");
        let answer = scene.instance().send(rs256().request(), Duration::MAX).await.unwrap();
        assert!(answer.status >= 400, "{answer:?}");
        assert_eq!(script.seen().len(), 0);
    })
    .await;
}

//! Requests over TCP, each with a connection of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long instances may go by what they know, and how often they are asked meanwhile.
pub(crate) const KNOWN: Duration = Duration::from_secs(60);
pub(crate) const PAUSE: Duration = Duration::from_millis(500);

/// No call of a scenario takes longer.
const LONGEST: Duration = Duration::from_secs(60);

/// A gateway at an address. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    tls: bool,
    host: String,
    port: u16,
    /// Host and port as they stand in the URL.
    authority: String,
    /// What every path is below, without a slash at its end.
    base: String,
    authorization: Option<HeaderValue>,
}

impl Client {
    /// `token`: the secret that goes with each call.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self> {
        let uri: http::Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => bail!("{url} begins with neither http:// nor https://"),
        };
        let authority = uri.authority().context("a URL names a host")?;
        Ok(Self {
            tls,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            base: uri.path().trim_end_matches('/').to_owned(),
            authorization: token.map(bearer).transpose()?,
        })
    }

    /// Scheme, host and base path.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.base)
    }

    /// The same gateway as a caller without a credential sees it.
    pub(crate) fn as_nobody(&self) -> Self {
        Self { authorization: None, ..self.clone() }
    }

    pub(crate) fn with_token(&self, secret: &str) -> Result<Self> {
        Ok(Self { authorization: Some(bearer(secret)?), ..self.clone() })
    }

    pub(crate) fn with_pair(&self, name: &str, secret: &str) -> Result<Self> {
        let value = format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")));
        Ok(Self { authorization: Some(value.try_into()?), ..self.clone() })
    }

    /// A call of a path below the base, with a query if there is one.
    pub(crate) fn call(&self, method: Method, target: impl Into<String>) -> Call<'_> {
        let mut headers = HeaderMap::new();
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        Call { client: self, method, target: target.into(), headers, body: Bytes::new() }
    }

    pub(crate) fn get(&self, target: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, target)
    }

    pub(crate) fn post(&self, target: impl Into<String>) -> Call<'_> {
        self.call(Method::POST, target)
    }

    pub(crate) fn delete(&self, target: impl Into<String>) -> Call<'_> {
        self.call(Method::DELETE, target)
    }

    async fn send(&self, request: http::Request<Full<Bytes>>) -> Result<http::Response<Incoming>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        if !self.tls {
            return exchange(stream, request).await;
        }
        let name = self.host.clone().try_into().context("the host has no name for TLS")?;
        exchange(tls()?.connect(name, stream).await?, request).await
    }
}

fn bearer(secret: &str) -> Result<HeaderValue> {
    format!("Bearer {secret}").try_into().context("the token cannot stand in a header")
}

fn tls() -> Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn exchange<S>(
    stream: S,
    request: http::Request<Full<Bytes>>,
) -> Result<http::Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // How it ends is seen by whoever reads the answer.
    tokio::spawn(async move { _ = connection.await });
    Ok(sender.send_request(request).await?)
}

/// A request that is still to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Call<'c> {
    client: &'c Client,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().expect("a scenario's header is one"));
        self
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends it again and again while it is answered with a status: one that an instance may
    /// give that does not know yet what another one has just made.
    pub(crate) async fn past(self, status: u16) -> Result<Answer> {
        let start = Instant::now();
        loop {
            let answer = self.clone().send().await?;
            if answer.status() != status || start.elapsed() >= KNOWN {
                return Ok(answer);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Sends it and reads the head of the answer.
    pub(crate) async fn open(self) -> Result<Answering> {
        let what = format!("{} {}", self.method, self.target);
        let path = format!("{}{}", self.client.base, self.target);
        let mut request = http::Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = path.parse().with_context(|| format!("{path} is no path"))?;
        *request.headers_mut() = self.headers;
        request.headers_mut().insert(HOST, self.client.authority.parse()?);
        let answer = tokio::time::timeout(LONGEST, self.client.send(request)).await;
        let answer = answer.map_err(|_| anyhow!("{what} was not answered in {LONGEST:?}"))?;
        let (head, body) = answer.with_context(|| what.clone())?.into_parts();
        Ok(Answering { what, status: head.status, headers: head.headers, body })
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn send(self) -> Result<Answer> {
        let Answering { what, status, headers, body } = self.open().await?;
        let body = tokio::time::timeout(LONGEST, body.collect()).await;
        let body = body.map_err(|_| anyhow!("the answer to {what} did not end in {LONGEST:?}"))?;
        let body = body.with_context(|| format!("the answer to {what} broke off"))?.to_bytes();
        Ok(Answer { what, status, headers, body })
    }

    /// Sends it, and expects a status. Gives the JSON of the answer, null where
    /// there is no body.
    pub(crate) async fn expect(self, status: u16) -> Result<Value> {
        self.send().await?.expect(status)?.json()
    }

    /// Sends it, and expects an error of this status. Gives its detail, empty
    /// where there is none.
    pub(crate) async fn refused(self, status: u16) -> Result<String> {
        self.send().await?.refused(status)
    }
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(crate) struct Answering {
    pub(crate) what: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Incoming,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    what: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// The detail of an error of this status, empty where there is none.
    pub(crate) fn refused(self, status: u16) -> Result<String> {
        let answer = self.expect(status)?;
        let json = answer.json()?;
        let sentence = json["error"].as_str().unwrap_or_default();
        if sentence.is_empty() || json["status"] != status {
            bail!("{} was refused without a sentence and a status: {json}", answer.what);
        }
        Ok(json["detail"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn expect(self, status: u16) -> Result<Self> {
        if self.status != status {
            let body = String::from_utf8_lossy(&self.body);
            bail!("{} was answered with {}, not {status}: {body}", self.what, self.status.as_u16());
        }
        Ok(self)
    }

    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body).with_context(|| format!("the answer to {}", self.what))
    }

    pub(crate) fn json(&self) -> Result<Value> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        let json = serde_json::from_slice(&self.body);
        json.with_context(|| format!("the answer to {} is no JSON: {:?}", self.what, self.body))
    }

    /// The JSON of each line.
    pub(crate) fn lines(&self) -> Result<Vec<Value>> {
        let line = |line| serde_json::from_str(line).with_context(|| format!("the line {line}"));
        self.text()?.lines().map(line).collect()
    }
}

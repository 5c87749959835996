//! New connections.

use super::pool::{Sender, Target};
use super::{ErrorCode, Policy, errors};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::io::TokioIo;

pub(super) struct Connector {
    tls: TlsConnector,
    pub(super) policy: Policy,
}

impl Connector {
    pub(super) fn new(policy: Policy) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has cipher suites for the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { tls: TlsConnector::from(Arc::new(config)), policy }
    }

    /// Opens a connection and leaves it to drive itself.
    pub(super) async fn connect(&self, target: &Target) -> Result<Sender, ErrorCode> {
        let stream = self.tcp(target).await?;
        if !target.tls {
            return handshake(stream).await;
        }
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
        let stream = self.tls.connect(name, stream).await;
        handshake(stream.map_err(|_| errors::TLS)?).await
    }

    async fn tcp(&self, target: &Target) -> Result<TcpStream, ErrorCode> {
        let found: Vec<SocketAddr> = lookup_host((target.host.as_str(), target.port))
            .await
            .map_err(|error| errors::dns(&error))?
            .collect();
        if found.is_empty() {
            return Err(ErrorCode::DestinationNotFound);
        }
        let authority = target.authority();
        let mut outcome = ErrorCode::DestinationIpProhibited;
        for address in found {
            if !self.policy.allows_address(&authority, address.ip()) {
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Small writes shall leave at once; a socket that will
                    // not have the option is still a socket.
                    _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => outcome = errors::connect(&error),
            }
        }
        Err(outcome)
    }
}

async fn handshake<S>(stream: S) -> Result<Sender, ErrorCode>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| errors::EXCHANGE)?;
    // The sender sees its end, so nothing else has to be informed.
    tokio::spawn(async move { _ = connection.await });
    Ok(sender)
}

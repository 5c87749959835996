//! A Redis of the operator's own, over `spin:redis@3.0.0`.

use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};

use super::SpinHost;
use kafka_edge::host::{Host, StoreError};
use kafka_edge_redis_store::{Address, NotOpened, RedisStore, Reply, Server, VARIABLE};

pub(super) type SpinRedis = RedisStore<Spin>;

/// Spin's outgoing connections to a Redis.
pub(super) struct Spin;

/// The Redis in the configuration, if there is one.
pub(super) async fn chosen(host: &SpinHost) -> Result<Option<SpinRedis>, StoreError> {
    let value = host.variable(VARIABLE).await;
    let value = value
        .map_err(|_| StoreError::refused(format!("The variable {VARIABLE} could not be read")))?;
    let address = Address::parse(value.as_deref().unwrap_or_default())
        .map_err(|malformed| StoreError::refused(malformed.to_string()))?;
    Ok(address.map(|address| RedisStore::new(Spin, address)))
}

impl Server for Spin {
    type Connection = Connection;

    const UNREACHABLE: &'static str = super::OUTBOUND;

    async fn open(&self, address: &str) -> Result<Connection, NotOpened> {
        Connection::open(address).await.map_err(|error| match error {
            // An address that is not in the manifest's list is one of these, too.
            Error::InvalidAddress => NotOpened::Forbidden,
            Error::TooManyConnections => NotOpened::TooMany,
            Error::TypeError => NotOpened::Said(String::new()),
            Error::Other(text) => NotOpened::Said(text),
        })
    }

    async fn execute(
        connection: &Connection,
        command: &str,
        arguments: Vec<Vec<u8>>,
    ) -> Result<Vec<Reply>, String> {
        let arguments = arguments.into_iter().map(RedisParameter::Binary);
        let answer = connection.execute(command, arguments).await.map_err(|error| match error {
            Error::Other(text) => text,
            _ => String::new(),
        })?;
        let reply = |result| match result {
            RedisResult::Nil => Reply::Nil,
            RedisResult::Status(_) => Reply::Status,
            RedisResult::Int64(number) => Reply::Number(number),
            RedisResult::Binary(bytes) => Reply::Bytes(bytes),
        };
        Ok(answer.into_iter().map(reply).collect())
    }
}

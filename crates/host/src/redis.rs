//! Connections to a Redis, as Spin makes them for its components.
//!
//! Spin 4.1 uses redis-rs 0.32 (source), and what goes wrong reaches a component as the
//! text that this library makes of it. So it is used here as well. As on Spin, a
//! connection is not opened again when it breaks, and nothing has a time limit.

use redis::aio::MultiplexedConnection;
use redis::{Client, ConnectionAddr, IntoConnectionInfo, Value};
use std::fmt;

/// An open connection. Commands on it may overlap.
pub struct Connection(MultiplexedConnection);

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Why a connection was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// The address is no URL of a Redis, or not allowed.
    #[error("the address is not allowed, or no URL of a Redis")]
    InvalidAddress,
    /// What redis-rs says.
    #[error("{0}")]
    Other(String),
}

/// A part of an answer; the elements of arrays follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// There is none.
    Nil,
    /// A word of the server, such as `OK`.
    Status(String),
    /// A number.
    Number(i64),
    /// A value.
    Bytes(Vec<u8>),
}

impl Connection {
    /// Connects, and shows the password if the URL has one.
    pub async fn open(url: &str) -> Result<Self, NotOpened> {
        let client = Client::open(url).map_err(|_| NotOpened::InvalidAddress)?;
        let connection = client.get_multiplexed_async_connection().await;
        connection.map(Self).map_err(|error| NotOpened::Other(error.to_string()))
    }

    /// Executes a command. An error is the text of redis-rs.
    pub async fn execute<A: redis::ToRedisArgs>(
        &self,
        command: &str,
        arguments: Vec<A>,
    ) -> Result<Vec<Reply>, String> {
        let mut command = redis::cmd(command);
        for argument in arguments {
            command.arg(argument);
        }
        let answer = command.query_async::<Value>(&mut self.0.clone()).await;
        let mut replies = Vec::new();
        answer
            .map_err(|error| error.to_string())
            .and_then(|answer| flatten(answer, &mut replies))?;
        Ok(replies)
    }
}

fn flatten(value: Value, replies: &mut Vec<Reply>) -> Result<(), String> {
    let reply = match value {
        Value::Array(elements) | Value::Set(elements) => {
            return elements.into_iter().try_for_each(|element| flatten(element, replies));
        }
        Value::Nil => Reply::Nil,
        Value::Int(number) => Reply::Number(number),
        Value::BulkString(bytes) => Reply::Bytes(bytes),
        Value::SimpleString(word) => Reply::Status(word),
        Value::Okay => Reply::Status("OK".to_owned()),
        Value::Boolean(is) => Reply::Number(is.into()),
        _ => return Err("the answer has a type that is not supported".to_owned()),
    };
    replies.push(reply);
    Ok(())
}

/// The servers that a component may connect to, as hosts and ports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed(Vec<(String, u16)>);

impl Allowed {
    pub(crate) fn add(&mut self, url: &str) {
        self.0.extend(server(url));
    }

    pub(crate) fn has(&self, url: &str) -> bool {
        server(url).is_some_and(|server| self.0.contains(&server))
    }
}

fn server(url: &str) -> Option<(String, u16)> {
    match url.into_connection_info().ok()?.addr {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Some((host, port))
        }
        ConnectionAddr::Unix(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_host_and_port() {
        let mut allowed = Allowed::default();
        allowed.add("redis://:hush@localhost:7000/1");
        allowed.add("rediss://cache.test:6380");
        allowed.add("unix:///tmp/redis");
        for (url, is_allowed) in [
            ("redis://localhost:7000", true),
            ("redis://me:other@localhost:7000/3", true),
            ("redis://localhost", false),
            ("redis://localhost:7001", false),
            ("rediss://cache.test:6380", true),
            ("unix:///tmp/redis", false),
            ("nonsense", false),
        ] {
            assert_eq!(allowed.has(url), is_allowed, "{url}");
        }
        assert!(!format!("{allowed:?}").contains("hush"));
    }
}

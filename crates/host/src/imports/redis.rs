//! `spin:redis@3.0.0`.

use super::bindings::spin::spin::redis::redis;
use crate::faults::{CallKind, Failure};
use crate::outbound::Refusal;
use crate::redis::{Connection, NotOpened, Reply};
use crate::state::{Caller, Services, State};
use ::redis::{RedisWrite, ToRedisArgs};
use redis::{RedisParameter, RedisResult};
use std::sync::Arc;
use wasmtime::component::{Accessor, HasData, Linker, Resource};

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    redis::add_to_linker::<_, Redis>(linker, |state| state)
}

struct Redis;

impl HasData for Redis {
    type Data<'a> = &'a mut State;
}

impl redis::Host for &mut State {}
impl redis::HostConnection for &mut State {}

impl From<Failure> for redis::Error {
    fn from(failure: Failure) -> Self {
        Self::Other(failure.to_string())
    }
}

impl From<NotOpened> for redis::Error {
    fn from(error: NotOpened) -> Self {
        match error {
            NotOpened::InvalidAddress => Self::InvalidAddress,
            NotOpened::Other(text) => Self::Other(text),
        }
    }
}

impl From<Reply> for RedisResult {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Nil => Self::Nil,
            Reply::Status(word) => Self::Status(word),
            Reply::Number(number) => Self::Int64(number),
            Reply::Bytes(bytes) => Self::Binary(bytes),
        }
    }
}

impl ToRedisArgs for RedisParameter {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        match self {
            Self::Int64(number) => number.write_redis_args(out),
            Self::Binary(bytes) => out.write_arg(bytes),
        }
    }
}

/// What a command is to those who inject faults.
fn kind(command: &str) -> CallKind {
    match command.to_ascii_uppercase().as_str() {
        "GET" | "SMEMBERS" => CallKind::KvGet,
        "DEL" => CallKind::KvDelete,
        "SCAN" => CallKind::KvList,
        "INCRBY" => CallKind::KvIncrement,
        "EVAL" => CallKind::KvSwap,
        _ => CallKind::KvSet,
    }
}

type Access = Accessor<State, Redis>;
type Outcome<T> = wasmtime::Result<Result<T, redis::Error>>;

fn open_connection(
    accessor: &Access,
    connection: &Resource<Arc<Connection>>,
) -> wasmtime::Result<(Caller, Arc<Connection>)> {
    accessor.with(|mut access| {
        let state = access.get();
        Ok((state.caller(), Arc::clone(state.table.get(connection)?)))
    })
}

/// Whether a connection may be opened. Spin's errors differ by the reason.
fn allowed(services: &Services, address: &str) -> Result<(), redis::Error> {
    let listed = match (&services.outbound, address.parse::<http::Uri>()) {
        (None, _) | (_, Err(_)) => Err(Refusal::NotListed),
        (Some(outbound), Ok(uri)) => outbound.check_uri(&uri),
    };
    match listed {
        Err(Refusal::Malformed) => Err(redis::Error::Other("an entry is malformed".to_owned())),
        Err(Refusal::NotListed) if !services.redis.has(address) => {
            Err(redis::Error::InvalidAddress)
        }
        _ => Ok(()),
    }
}

async fn execute<A: ToRedisArgs>(
    accessor: &Access,
    connection: Resource<Arc<Connection>>,
    command: &str,
    target: &str,
    arguments: Vec<A>,
) -> Outcome<Vec<Reply>> {
    let (caller, connection) = open_connection(accessor, &connection)?;
    let execute =
        async { connection.execute(command, arguments).await.map_err(redis::Error::Other) };
    caller.call(kind(command), target, execute).await
}

/// The number in an answer.
fn number<N: TryFrom<i64>>(answer: Result<Vec<Reply>, redis::Error>) -> Result<N, redis::Error> {
    match answer?.first() {
        Some(Reply::Number(number)) => N::try_from(*number).map_err(|_| redis::Error::TypeError),
        _ => Err(redis::Error::TypeError),
    }
}

fn with_key(key: &str, values: Vec<String>) -> Vec<String> {
    [vec![key.to_owned()], values].concat()
}

impl redis::HostConnectionWithStore<State> for Redis {
    async fn open(accessor: &Access, address: String) -> Outcome<Resource<Arc<Connection>>> {
        let caller = accessor.with(|mut access| access.get().caller());
        if let Err(refused) = allowed(&caller.services, &address) {
            return Ok(Err(refused));
        }
        match Connection::open(&address).await {
            Err(error) => Ok(Err(error.into())),
            Ok(connection) => {
                accessor.with(|mut access| Ok(Ok(access.get().table.push(Arc::new(connection))?)))
            }
        }
    }

    async fn publish(
        accessor: &Access,
        connection: Resource<Arc<Connection>>,
        channel: String,
        payload: Vec<u8>,
    ) -> Outcome<()> {
        let arguments = vec![channel.clone().into_bytes(), payload];
        Ok(execute(accessor, connection, "PUBLISH", &channel, arguments).await?.map(drop))
    }

    async fn get(
        accessor: &Access,
        connection: Resource<Arc<Connection>>,
        key: String,
    ) -> Outcome<Option<Vec<u8>>> {
        let answer = execute(accessor, connection, "GET", &key, vec![&*key]).await?;
        Ok(answer.and_then(|answer| match answer.into_iter().next() {
            Some(Reply::Nil) => Ok(None),
            Some(Reply::Bytes(value)) => Ok(Some(value)),
            _ => Err(redis::Error::TypeError),
        }))
    }

    async fn set(
        accessor: &Access,
        connection: Resource<Arc<Connection>>,
        key: String,
        value: Vec<u8>,
    ) -> Outcome<()> {
        let arguments = vec![key.clone().into_bytes(), value];
        Ok(execute(accessor, connection, "SET", &key, arguments).await?.map(drop))
    }

    async fn incr(
        accessor: &Access,
        connection: Resource<Arc<Connection>>,
        key: String,
    ) -> Outcome<i64> {
        let arguments = vec![&*key, "1"];
        Ok(number(execute(accessor, connection, "INCRBY", &key, arguments).await?))
    }

    async fn del(
        accessor: &Access,
        connection: Resource<Arc<Connection>>,
        keys: Vec<String>,
    ) -> Outcome<u32> {
        let target = keys.join(" ");
        Ok(number(execute(accessor, connection, "DEL", &target, keys).await?))
    }

    async fn sadd(
        accessor: &Access,
        connection: Resource<Arc<Connection>>,
        key: String,
        values: Vec<String>,
    ) -> Outcome<u32> {
        let arguments = with_key(&key, values);
        Ok(number(execute(accessor, connection, "SADD", &key, arguments).await?))
    }

    async fn smembers(
        accessor: &Access,
        connection: Resource<Arc<Connection>>,
        key: String,
    ) -> Outcome<Vec<String>> {
        let answer = execute(accessor, connection, "SMEMBERS", &key, vec![&*key]).await?;
        let text = |reply| match reply {
            Reply::Bytes(bytes) => String::from_utf8(bytes).map_err(|_| redis::Error::TypeError),
            _ => Err(redis::Error::TypeError),
        };
        Ok(answer.and_then(|answer| answer.into_iter().map(text).collect()))
    }

    async fn srem(
        accessor: &Access,
        connection: Resource<Arc<Connection>>,
        key: String,
        values: Vec<String>,
    ) -> Outcome<u32> {
        let arguments = with_key(&key, values);
        Ok(number(execute(accessor, connection, "SREM", &key, arguments).await?))
    }

    async fn execute(
        accessor: &Access,
        connection: Resource<Arc<Connection>>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Outcome<Vec<RedisResult>> {
        // The key of a script stands behind its text and the number of keys.
        let place = if command.eq_ignore_ascii_case("EVAL") { 2 } else { 0 };
        let target = match arguments.get(place) {
            Some(RedisParameter::Binary(key)) => String::from_utf8_lossy(key).into_owned(),
            _ => String::new(),
        };
        let answer = execute(accessor, connection, &command, &target, arguments).await?;
        Ok(answer.map(|answer| answer.into_iter().map(RedisResult::from).collect()))
    }

    async fn drop(
        accessor: &Access,
        connection: Resource<Arc<Connection>>,
    ) -> wasmtime::Result<()> {
        accessor.with(|mut access| access.get().table.delete(connection).map(drop))?;
        Ok(())
    }
}

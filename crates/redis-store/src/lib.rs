//! The core's [`Store`] in a Redis or a Valkey of the operator's own.
//!
//! A platform gives a way to open a connection and to execute a command on it, as
//! [`Server`]; this crate says which commands, and what becomes of an answer. Each call is
//! one command, so it costs one round trip.
//!
//! | call | command |
//! |---|---|
//! | `get`, `counter` | `GET` |
//! | `set`, `set_for` | `SET`, with `PX` |
//! | `delete` | `DEL` |
//! | `increment` | `INCRBY` |
//! | `create` | `EVAL` of `SET` with `NX` and `PX`, and of `GET` if there was a value |
//! | `keys` | `SCAN`, several times |

mod address;
mod failure;

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use kafka_edge::host::{Store, StoreCapabilities, StoreError, decode_counter};

pub use address::{Address, Malformed};
use failure::Failure;

/// The name of the variable that says where state is kept.
pub const VARIABLE: &str = "state_store";

/// Sets a value that ends after some milliseconds, unless there is one, and answers with
/// that. `SET` can do both since Redis 7.0; a script can since 2.6.
const CREATE: &str = "return redis.call('SET',KEYS[1],ARGV[1],'NX','PX',ARGV[2]) or \
                      redis.call('GET',KEYS[1])";

/// How many keys one `SCAN` looks at: some milliseconds of work for the server.
const SCAN_KEYS: &str = "10000";

/// A way to a server.
pub trait Server {
    type Connection: 'static;

    /// What an operator may have forgotten where a server cannot be reached.
    const UNREACHABLE: &'static str;

    fn open(&self, address: &str) -> impl Future<Output = Result<Self::Connection, NotOpened>>;

    /// Executes a command. Answers that are arrays come as their elements. An error is the
    /// text of redis-rs, through which every known platform talks to Redis.
    fn execute(
        connection: &Self::Connection,
        command: &str,
        arguments: Vec<Vec<u8>>,
    ) -> impl Future<Output = Result<Vec<Reply>, String>>;
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOpened {
    /// The platform does not allow it, or takes the address for none.
    Forbidden,
    /// The platform has too many connections.
    TooMany,
    /// What was said by redis-rs, or by the platform.
    Said(String),
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Nil,
    /// A word of the server, such as `OK`.
    Status,
    Number(i64),
    Bytes(Vec<u8>),
}

/// A store in one Redis, with one connection, which requests use side by side.
///
/// A connection is given up when it breaks, when a call on it was given up, and when the
/// server answers that it is not the one that is wanted; the next call opens another one.
pub struct RedisStore<S: Server> {
    server: S,
    address: Address,
    connection: RefCell<Option<Rc<S::Connection>>>,
}

impl<S: Server> fmt::Debug for RedisStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A call that is under way. If it is given up, so is its connection: the server may be
/// gone without a word, and then no call on it would ever be answered.
struct UnderWay<'s, S: Server> {
    store: &'s RedisStore<S>,
    connection: Rc<S::Connection>,
    answered: bool,
}

impl<S: Server> Drop for UnderWay<'_, S> {
    fn drop(&mut self) {
        if !self.answered {
            self.store.give_up(&self.connection);
        }
    }
}

impl<S: Server> RedisStore<S> {
    pub fn new(server: S, address: Address) -> Self {
        Self { server, address, connection: RefCell::new(None) }
    }

    async fn connection(&self) -> Result<Rc<S::Connection>, Failure> {
        if let Some(connection) = &*self.connection.borrow() {
            return Ok(connection.clone());
        }
        // Two requests may both open one; the later one is kept for those that follow.
        let opened = self.server.open(self.address.as_str()).await;
        let opened = Rc::new(opened.map_err(|error| Failure::not_opened(error, S::UNREACHABLE))?);
        *self.connection.borrow_mut() = Some(opened.clone());
        Ok(opened)
    }

    fn give_up(&self, connection: &Rc<S::Connection>) {
        let mut kept = self.connection.borrow_mut();
        if kept.as_ref().is_some_and(|kept| Rc::ptr_eq(kept, connection)) {
            *kept = None;
        }
    }

    async fn execute(&self, command: &str, arguments: Vec<Vec<u8>>) -> Result<Vec<Reply>, Failure> {
        let connection = self.connection().await?;
        let mut call = UnderWay { store: self, connection, answered: false };
        let answer = S::execute(&call.connection, command, arguments).await;
        let answer = answer.map_err(|text| Failure::said(&text));
        call.answered = !answer.as_ref().is_err_and(|failure| failure.ends_connection);
        answer
    }

    /// Makes a call of the store.
    pub async fn run(&self, call: Call<'_>) -> Result<Outcome, StoreError> {
        // Of the keys, what was found, and where the server goes on.
        let (mut found, mut cursor) = (Vec::new(), bytes("0"));
        loop {
            let (command, arguments) = call.command(&cursor);
            let answer = self.execute(command, arguments).await;
            let answer = answer.map_err(|failure| match call {
                // What changes nothing is certainly not done if it fails.
                Call::Get(_) | Call::Keys(_) => StoreError::refused(failure.sentence),
                _ => failure.into(),
            })?;
            let mut answer = answer.into_iter();
            let Call::Keys(_) = call else {
                return call.outcome(answer.next()).ok_or_else(strange);
            };
            let Some(Reply::Bytes(next)) = answer.next() else { return Err(strange()) };
            found.extend(answer.filter_map(|key| match key {
                Reply::Bytes(key) => String::from_utf8(key).ok(),
                _ => None,
            }));
            if next == b"0" {
                return Ok(Outcome::Keys(found));
            }
            cursor = next;
        }
    }
}

/// A call of the store. All of them are one type, so that what makes them exists once.
#[derive(Debug, Clone, Copy)]
pub enum Call<'c> {
    Get(&'c str),
    Set(&'c str, &'c [u8]),
    Delete(&'c str),
    Increment(&'c str, u64),
    Keys(&'c str),
    Create(&'c str, &'c [u8], Duration),
    SetFor(&'c str, &'c [u8], Duration),
}

/// What came of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Value(Option<Vec<u8>>),
    Count(u64),
    Keys(Vec<String>),
}

impl Outcome {
    pub fn value(self) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::Value(value) => Ok(value),
            _ => Err(strange()),
        }
    }

    pub fn count(self) -> Result<u64, StoreError> {
        match self {
            Self::Count(count) => Ok(count),
            _ => Err(strange()),
        }
    }

    pub fn keys(self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Keys(keys) => Ok(keys),
            _ => Err(strange()),
        }
    }
}

impl Call<'_> {
    fn command(&self, cursor: &[u8]) -> (&'static str, Vec<Vec<u8>>) {
        match *self {
            Self::Get(key) => ("GET", vec![bytes(key)]),
            Self::Set(key, value) => ("SET", vec![bytes(key), value.to_vec()]),
            Self::Delete(key) => ("DEL", vec![bytes(key)]),
            Self::Increment(key, n) => ("INCRBY", vec![bytes(key), n.to_string().into_bytes()]),
            Self::Keys(prefix) => {
                // What a pattern gives a meaning is in no name: names are percent-encoded.
                let pattern = bytes(&format!("{prefix}*"));
                let at_once = bytes(SCAN_KEYS);
                let words = [cursor.to_vec(), bytes("MATCH"), pattern, bytes("COUNT"), at_once];
                ("SCAN", words.into())
            }
            Self::Create(key, value, lasts) => {
                let script = bytes(CREATE);
                ("EVAL", vec![script, bytes("1"), bytes(key), value.to_vec(), millis(lasts)])
            }
            Self::SetFor(key, value, lasts) => {
                ("SET", vec![bytes(key), value.to_vec(), bytes("PX"), millis(lasts)])
            }
        }
    }

    /// What an answer of one part means; `None` if it means nothing.
    fn outcome(&self, reply: Option<Reply>) -> Option<Outcome> {
        Some(match (self, reply?) {
            (Self::Get(_), Reply::Nil) => Outcome::Value(None),
            (Self::Get(_) | Self::Create(..), Reply::Bytes(value)) => Outcome::Value(Some(value)),
            (Self::Create(..), Reply::Status) => Outcome::Value(None),
            (Self::Increment(..), Reply::Number(count)) => {
                Outcome::Count(u64::try_from(count).ok()?)
            }
            (Self::Set(..) | Self::SetFor(..), Reply::Status) => Outcome::Done,
            (Self::Delete(_), Reply::Number(_)) => Outcome::Done,
            _ => return None,
        })
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn strange() -> StoreError {
    StoreError::unknown("the answer of Redis was not understood")
}

fn millis(time: Duration) -> Vec<u8> {
    time.as_millis().max(1).to_string().into_bytes()
}

impl<S: Server> Store for RedisStore<S> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.run(Call::Get(key)).await?.value()
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.run(Call::Set(key, value)).await.map(drop)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.run(Call::Delete(key)).await.map(drop)
    }

    async fn increment(&self, key: &str, n: u64) -> Result<u64, StoreError> {
        self.run(Call::Increment(key, n)).await?.count()
    }

    async fn counter(&self, key: &str) -> Result<u64, StoreError> {
        decode_counter(self.get(key).await?.as_deref())
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.run(Call::Keys(prefix)).await?.keys()
    }

    async fn store_capabilities(&self) -> Result<StoreCapabilities, StoreError> {
        Ok(StoreCapabilities { creates: true })
    }

    async fn create(
        &self,
        key: &str,
        value: &[u8],
        lasts: Duration,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.run(Call::Create(key, value, lasts)).await?.value()
    }

    async fn set_for(&self, key: &str, value: &[u8], lasts: Duration) -> Result<(), StoreError> {
        self.run(Call::SetFor(key, value, lasts)).await.map(drop)
    }
}

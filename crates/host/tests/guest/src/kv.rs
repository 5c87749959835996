//! Calls of both key-value interfaces; `kv/STORE/INTERFACE/CALL/…`.

use crate::answer::{Answer, text};
use spin_sdk::experimental::wasi::keyvalue::{atomics, batch, store as sync};
use spin_sdk::key_value::Store;
use std::fmt::Debug;

pub(crate) async fn call(parts: &[&str]) -> Answer {
    match parts {
        [label, "spin", rest @ ..] => spin(label, rest).await,
        [label, "wasi", rest @ ..] => wasi(label, rest),
        _ => text("no such call"),
    }
}

fn shown<E: Debug>(value: Result<Option<Vec<u8>>, E>) -> Answer {
    text(match value {
        Ok(Some(value)) => match str::from_utf8(&value) {
            Ok(value) => value.to_owned(),
            Err(_) => format!("{value:?}"),
        },
        Ok(None) => "nothing".to_owned(),
        Err(error) => format!("{error:?}"),
    })
}

fn done<T: Debug, E: Debug>(outcome: Result<T, E>) -> Answer {
    text(match outcome {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{error:?}"),
    })
}

async fn spin(label: &str, parts: &[&str]) -> Answer {
    let store = match Store::open(label).await {
        Ok(store) => store,
        Err(error) => return text(format!("{error:?}")),
    };
    match parts {
        ["get", key] => shown(store.get(key).await),
        ["set", key, value] => done(store.set(key, value).await),
        ["delete", key] => done(store.delete(key).await),
        ["exists", key] => done(store.exists(key).await),
        ["keys"] => done(store.get_keys().await.collect().await),
        // The store is asked for something else before the first key is read.
        ["keys-then-get", key] => {
            let keys = store.get_keys().await;
            let value = store.get(key).await;
            keys.collect().await.expect("the keys");
            shown(value)
        }
        _ => text("no such call"),
    }
}

fn wasi(label: &str, parts: &[&str]) -> Answer {
    let bucket = match sync::open(label) {
        Ok(bucket) => bucket,
        Err(error) => return text(format!("{error:?}")),
    };
    match parts {
        ["get", key] => shown(bucket.get(key)),
        ["set", key, value] => done(bucket.set(key, value.as_bytes())),
        ["delete", key] => done(bucket.delete(key)),
        ["exists", key] => done(bucket.exists(key)),
        ["keys"] => done(bucket.list_keys(None)),
        ["keys", cursor] => done(bucket.list_keys(Some(cursor))),
        ["increment", key, delta] => {
            done(atomics::increment(&bucket, key, delta.parse().expect("a delta")))
        }
        ["swap", key, value] => swap(&bucket, key, value),
        ["get-many", keys @ ..] => done(batch::get_many(&bucket, &owned(keys))),
        ["set-many", keys @ ..] => {
            let entries: Vec<_> =
                owned(keys).into_iter().map(|key| (key, b"many".to_vec())).collect();
            done(batch::set_many(&bucket, &entries))
        }
        ["delete-many", keys @ ..] => done(batch::delete_many(&bucket, &owned(keys))),
        _ => text("no such call"),
    }
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}

/// Two compare-and-swaps that both saw the key as it is now.
fn swap(bucket: &sync::Bucket, key: &str, value: &str) -> Answer {
    let first = atomics::Cas::new(bucket, key).expect("a first look");
    let second = atomics::Cas::new(bucket, key).expect("a second look");
    let outcome = |cas, value: String| match atomics::swap(cas, value.as_bytes()) {
        Ok(()) => "won",
        Err(atomics::CasError::CasFailed(_)) => "lost",
        Err(atomics::CasError::StoreError(_)) => "error",
    };
    let first = outcome(first, format!("{value}-1"));
    let second = outcome(second, format!("{value}-2"));
    text(format!("{first} {second}"))
}

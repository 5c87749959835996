//! Callers of one group, and what they get.

use std::collections::{BTreeMap, BTreeSet};

use kafka_edge_host::{Host, HostError};
use serde_json::Value;

use crate::calling::{get, request, try_send};

/// A record's partition and offset.
pub(crate) type Id = (i64, i64);

/// The record of an answer; `None` when it says that there is none.
pub(crate) fn id(answer: &Value) -> Option<Id> {
    Some((answer["partition"].as_i64()?, answer["offset"].as_i64()?))
}

/// The group's next record. `Ok(None)`: there is none. The error is a death.
pub(crate) async fn try_next(host: &Host, target: &str) -> Result<Option<Id>, HostError> {
    let request = request(http::Method::GET, target, kafka_edge_host::body::empty());
    let answer = try_send(host, request).await?;
    Ok(id(&answer.ok()))
}

/// Every record that a group still gets, in order.
pub(crate) async fn rest(host: &Host, target: &str) -> Vec<Id> {
    let mut records = Vec::new();
    while let Some(record) = id(&get(host, target).await.ok()) {
        records.push(record);
    }
    records
}

/// The same by pages.
pub(crate) async fn pages(host: &Host, target: &str) -> Vec<Id> {
    let mut all = Vec::new();
    loop {
        let page = get(host, target).await.ok();
        let records = page["records"].as_array().unwrap();
        if records.is_empty() {
            return all;
        }
        all.extend(records.iter().filter_map(id));
    }
}

/// All records of a topic whose partitions have so many.
pub(crate) fn all(partitions: i64, each: i64) -> BTreeSet<Id> {
    (0..partitions).flat_map(|p| (0..each).map(move |offset| (p, offset))).collect()
}

/// How often each record was handed out.
pub(crate) fn counted(records: impl IntoIterator<Item = Id>) -> BTreeMap<Id, usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        *counts.entry(record).or_default() += 1;
    }
    counts
}

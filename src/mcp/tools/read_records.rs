//! `read_records`: records at an offset, or the last ones, for no group.

use std::time::Duration;

use super::{Call, Called, Tool, Topics, done};
use crate::access::{AccessError, AllowedTopic, Permission};
use crate::concurrent::try_join_bounded;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::{Log, Offsets};
use crate::limits;
use crate::mcp::arguments::{Arguments, missing};
use crate::mcp::record::{self, Cut, DEFAULT_BYTES, LEAST_BYTES, MOST_BYTES};
use crate::record::Record;
use crate::services::Services;
use crate::services::read::At;

pub(super) const TOOL: Tool =
    Tool { name: "read_records", permission: Some(Permission::Consume), topics: Topics::One };

const KNOWN: [&str; 8] =
    ["topic", "partition", "offset", "max", "wait", "last", "max_value_bytes", "value_from"];

/// The most partitions whose last records are read together.
const MAX_PARTITIONS: usize = 20;

/// The bytes of all records that are read, but for the first one of each partition, which
/// comes however large it is.
const PAGE_BYTES: usize = 1024 * 1024;

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    which: Which,
    cut: Cut,
}

#[derive(Debug, PartialEq, Eq)]
enum Which {
    From { partition: i32, offset: i64, max: usize, wait: Duration },
    Last { partition: Option<i32>, count: usize },
}

#[inline(never)]
fn read(arguments: &Arguments<'_>) -> Result<Asked> {
    arguments.only(&KNOWN)?;
    let partition = arguments.partition()?;
    let which = match arguments.number("offset", 0..=i64::MAX)? {
        Some(offset) => Which::From {
            partition: partition.ok_or_else(|| missing("partition"))?,
            offset,
            max: arguments.count("max", 1..=100, 10)?,
            wait: arguments.seconds("wait", Duration::ZERO..=limits::WAIT, Duration::ZERO)?,
        },
        None => Which::Last { partition, count: arguments.count("last", 1..=100, 10)? },
    };
    let without_meaning = match which {
        Which::From { .. } => &["last"][..],
        Which::Last { .. } => &["max", "wait", "value_from"],
    };
    if let Some(name) = without_meaning.iter().find(|name| arguments.has(name)) {
        let sentence = match which {
            Which::From { .. } => "There is either offset or last",
            Which::Last { .. } => "It means something beside offset only",
        };
        return Err(Error::invalid(name, sentence));
    }
    let cut = Cut {
        from: arguments.count("value_from", 0..=usize::MAX, 0)?,
        most: arguments.count("max_value_bytes", LEAST_BYTES..=MOST_BYTES, DEFAULT_BYTES)?,
    };
    Ok(Asked { which, cut })
}

pub(super) async fn call<H: Host, L: Log>(call: Call<'_, H, L>) -> Result<Called, AccessError> {
    let Asked { which, cut } = read(call.arguments)?;
    let (services, topic) = (call.services, call.topic()?);
    let (records, next) = match which {
        Which::From { partition, offset, max, wait } => {
            let max_bytes = PAGE_BYTES;
            let at = At { topic, partition, offset, max, max_bytes, wait };
            let page = services.read.at(at).await?;
            (page.records, vec![(partition, page.next)])
        }
        Which::Last { partition, count } => {
            let tails = tails(services, topic, partition, count).await?;
            let next = tails.iter().map(|tail| (tail.partition, tail.next)).collect();
            (newest(tails.into_iter().map(|tail| tail.records).collect(), count), next)
        }
    };
    Ok(write(topic, &records, next, cut))
}

#[inline(never)]
fn write(topic: &str, records: &[Record], next: Vec<(i32, i64)>, cut: Cut) -> Called {
    done(|json| {
        json.objects("records", records, |json, read| {
            record::write(json, topic, read, cut, None);
        });
        json.objects("next", next, |json, (partition, offset)| {
            json.number("partition", partition.into());
            json.number("offset", offset);
        });
    })
}

/// The last records of a partition.
struct Tail {
    partition: i32,
    records: Vec<Record>,
    next: i64,
}

async fn tails<H: Host, L: Log>(
    services: &Services<H, L>,
    topic: &AllowedTopic,
    partition: Option<i32>,
    count: usize,
) -> Result<Vec<Tail>> {
    let mut places: Vec<_> = services.topics.offsets(topic).await?.into_iter().collect();
    if let Some(partition) = partition {
        places.retain(|(known, _)| *known == partition);
        if places.is_empty() {
            return Err(Error::invalid("partition", "The topic has no such partition"));
        }
    }
    if places.len() > MAX_PARTITIONS {
        let sentence = format!("The topic has {} partitions: name one", places.len());
        return Err(Error::invalid("partition", sentence));
    }
    let max_bytes = PAGE_BYTES / places.len().max(1);
    let tails = places
        .into_iter()
        .map(|(partition, offsets)| tail(services, topic, partition, offsets, count, max_bytes));
    try_join_bounded(tails).await
}

/// Reads the last records of a partition; if they are too large together, fewer of them.
async fn tail<H: Host, L: Log>(
    services: &Services<H, L>,
    topic: &AllowedTopic,
    partition: i32,
    Offsets { first, end }: Offsets,
    mut count: usize,
    max_bytes: usize,
) -> Result<Tail> {
    loop {
        let back = i64::try_from(count).unwrap_or(i64::MAX);
        let offset = end.saturating_sub(back).max(first);
        if offset >= end {
            return Ok(Tail { partition, records: Vec::new(), next: end });
        }
        let at = At { topic, partition, offset, max: count, max_bytes, wait: Duration::ZERO };
        let page = services.read.at(at).await?;
        if page.next >= end || count == 1 {
            return Ok(Tail { partition, records: page.records, next: page.next });
        }
        count /= 2;
    }
}

/// The newest of these records, the oldest first. Those of one partition are in its order.
fn newest(mut partitions: Vec<Vec<Record>>, count: usize) -> Vec<Record> {
    let mut newest = Vec::new();
    while newest.len() < count {
        let last = |records: &&mut Vec<Record>| records.last().map(|record| record.timestamp);
        let Some(record) = partitions.iter_mut().max_by_key(last).and_then(Vec::pop) else { break };
        newest.push(record);
    }
    newest.reverse();
    newest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn records_are_read_from_an_offset_or_from_the_end() {
        let which = |rest: &str| {
            let arguments = format!(r#"{{"topic":"t"{rest}}}"#);
            read(&Arguments::parse(Some(&arguments))?).map(|asked| asked.which)
        };
        let last = |partition, count| Ok(Which::Last { partition, count });
        assert_eq!(which(""), last(None, 10));
        assert_eq!(which(r#","partition":1,"last":3"#), last(Some(1), 3));
        let (wait, max) = (Duration::ZERO, 10);
        let from = Which::From { partition: 0, offset: 7, max, wait };
        assert_eq!(which(r#","partition":0,"offset":7"#), Ok(from));
        for (wrong, named) in [
            (r#","offset":7"#, "partition"),
            (r#","offset":-1,"partition":0"#, "offset"),
            (r#","offset":7,"partition":0,"last":1"#, "last"),
            (r#","max":1"#, "max"),
            (r#","wait":1"#, "wait"),
            (r#","value_from":1"#, "value_from"),
            (r#","last":101"#, "last"),
            (r#","last":0"#, "last"),
        ] {
            let refused = which(wrong);
            let named = matches!(&refused, Err(error) if matches!(**error, ErrorKind::Invalid { field, .. } if field == named));
            assert!(named, "{wrong}: {refused:?}");
        }
    }

    #[test]
    fn the_newest_of_all_partitions_come_in_the_order_of_their_times() {
        let record = |partition, offset, timestamp| Record {
            partition,
            offset,
            key: None,
            value: None,
            headers: None,
            timestamp: Some(timestamp),
        };
        let partitions =
            || vec![vec![record(0, 0, 5), record(0, 1, 2)], vec![], vec![record(2, 9, 3)]];
        let places = |count| {
            let newest = newest(partitions(), count);
            newest.iter().map(|record| (record.partition, record.offset)).collect::<Vec<_>>()
        };
        // A later time before an earlier one in a partition does not change its order.
        assert_eq!(places(9), [(0, 0), (0, 1), (2, 9)]);
        assert_eq!(places(2), [(0, 1), (2, 9)]);
        assert_eq!(places(1), [(2, 9)]);
        assert!(newest(Vec::new(), 3).is_empty());
    }
}

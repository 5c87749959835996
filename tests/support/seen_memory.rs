//! What the memory of repeats holds of events, read from the store.

use std::collections::BTreeMap;

use serde_json::Value;

/// By the cluster, which is an id or empty, and the place of the record in the event: the
/// offset.
pub(crate) type Stored = BTreeMap<(String, usize), i64>;

/// All places that are stored, of all events together: in these tests each has a store, or an
/// offset, of its own. Given are the keys and the values of a store.
pub(crate) fn stored_in(documents: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<Stored> {
    let slots = documents.into_iter().filter(|(key, _)| key.starts_with("kafka-edge/2/seen/"));
    let entries = slots.flat_map(|(_, document)| {
        let json: Value = serde_json::from_slice(&document).expect("it is JSON");
        let text = json["d"].as_str().expect("its entries are a text").to_owned();
        text.split(';').filter(|entry| !entry.is_empty()).map(entry).collect::<Vec<_>>()
    });
    entries.collect()
}

fn entry(text: &str) -> Stored {
    let mut stored = Stored::new();
    let (mut cluster, mut place) = (String::new(), 0);
    for part in text.split(' ').skip(4) {
        if part == "-" {
            place += 1;
            continue;
        }
        let mut fields = part.split(':');
        let (topic, partition, offset) =
            (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
        if partition == "-1" {
            (cluster, place) = (topic.trim_end_matches('/').to_owned(), 0);
            continue;
        }
        let of = topic.split_once('/').map_or("", |(id, _)| id);
        assert_eq!(of, cluster, "{text}");
        stored.insert((cluster.clone(), place), offset.parse().expect("an offset"));
        place += 1;
    }
    stored
}

//! The order of Java's hash maps, in which v2's answers list partitions.

/// `String.hashCode`.
pub(crate) fn string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()))
}

/// `TopicPartition.hashCode`.
pub(crate) fn partition_hash(topic: &str, partition: i32) -> i32 {
    31i32.wrapping_add(partition).wrapping_mul(31).wrapping_add(string_hash(topic))
}

/// Sorts as a hash map that `items` were put into one by one would list them.
pub(crate) fn sort_as_hash_map<T>(items: &mut [T], hash: impl Fn(&T) -> i32) {
    let mut capacity = 16;
    while items.len() * 4 > capacity * 3 {
        capacity *= 2;
    }
    // Stable: within a bucket the order of arrival holds.
    items.sort_by_key(|item| {
        let hash = hash(item).cast_unsigned();
        (hash ^ (hash >> 16)) as usize & (capacity - 1)
    });
}

#[cfg(test)]
mod tests {
    use super::{partition_hash, sort_as_hash_map, string_hash};

    #[test]
    fn topics_come_in_the_order_that_was_recorded() {
        let mut topics = ["blue", "green", "made-1", "parts-7", "red", "test-topic"];
        sort_as_hash_map(&mut topics, |topic| string_hash(topic));
        assert_eq!(topics, ["red", "green", "blue", "test-topic", "parts-7", "made-1"]);
    }

    #[test]
    fn partitions_come_in_the_order_that_was_recorded() {
        let mut partitions = [0, 1];
        sort_as_hash_map(&mut partitions, |partition| partition_hash("c1", *partition));
        assert_eq!(partitions, [1, 0]);
    }
}

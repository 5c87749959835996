//! Which partition a record goes to.

use parking_lot::Mutex;
use std::collections::HashMap;

/// Bytes after which the sticky partitioner moves on (`batch.size`).
const BATCH_SIZE: usize = 16 * 1024;

/// Kafka's 32-bit murmur2 with the client's seed.
pub(crate) fn murmur2(bytes: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ bytes.len() as u32;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * i);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    (hash ^ (hash >> 15)).cast_signed()
}

/// The partition of a record with a key.
pub(crate) fn partition_of_key(key: &[u8], partitions: i32) -> i32 {
    (murmur2(key) & i32::MAX) % partitions
}

/// Records without a key go to one partition of the topic until a batch is
/// full, then to another. The real choice is random; here it is the next one,
/// so that a test sees the same thing twice.
#[derive(Debug, Default)]
pub(crate) struct Sticky {
    topics: Mutex<HashMap<String, (i32, usize)>>,
}

impl Sticky {
    /// Makes `partition` the next one of `topic`.
    pub(crate) fn stick_to(&self, topic: &str, partition: i32) {
        self.topics.lock().insert(topic.to_owned(), (partition, 0));
    }

    pub(crate) fn partition(&self, topic: &str, size: usize, partitions: i32) -> i32 {
        let mut topics = self.topics.lock();
        if let Some((partition, used)) = topics.get_mut(topic) {
            if *used >= BATCH_SIZE {
                *partition += 1;
                *used = 0;
            }
            *partition %= partitions;
            *used += size;
            return *partition;
        }
        topics.insert(topic.to_owned(), (0, size));
        0
    }
}

#[cfg(test)]
mod tests {
    use super::{Sticky, murmur2, partition_of_key};

    #[test]
    fn murmur2_agrees_with_kafkas_own_vectors() {
        let vectors: [(&[u8], i32); 6] = [
            (b"21", -973932308),
            (b"foobar", -790332482),
            (b"a-little-bit-long-string", -985981536),
            (b"a-little-bit-longer-string", -1486304829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
            (b"abc", 479470107),
        ];
        for (bytes, hash) in vectors {
            assert_eq!(murmur2(bytes), hash, "{bytes:?}");
        }
    }

    #[test]
    fn keys_go_where_the_proxy_sent_them() {
        let seen: [(&str, i32); 8] = [
            ("a", 5),
            ("\"a\"", 6),
            ("", 2),
            ("k-1", 2),
            ("é", 4),
            ("1.5", 1),
            ("{\"b\":1,\"a\":[1,2]}", 5),
            ("日本語", 6),
        ];
        for (key, partition) in seen {
            assert_eq!(partition_of_key(key.as_bytes(), 7), partition, "{key}");
        }
    }

    #[test]
    fn records_without_a_key_stick_until_a_batch_is_full() {
        let sticky = Sticky::default();
        let partitions: Vec<i32> = (0..40).map(|_| sticky.partition("t", 1024, 3)).collect();
        assert_eq!(partitions[..16], [0; 16]);
        assert_eq!(partitions[16..32], [1; 16]);
        assert_eq!(partitions[32..], [2; 8]);
    }
}

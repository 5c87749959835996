//! What differs from the recordings on purpose.

/// One exchange that is allowed, and required, to differ.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The file, without ending.
    pub(crate) file: &'static str,
    /// The line in it, counted from 1.
    pub(crate) line: usize,
    /// The exchange's name, so that lines need not be counted.
    pub(crate) name: &'static str,
    /// Why.
    pub(crate) reason: &'static str,
}

const fn row(
    file: &'static str,
    line: usize,
    name: &'static str,
    reason: &'static str,
) -> Difference {
    Difference { file, line, name, reason }
}

const SPLIT: &str = "which of several readers at once gets which records is chance in reality; here the first one gets them all";
const BUCKET: &str = "settings that fall into one bucket of a Java map come in the order in which Kafka sent them, which nothing else shows";
const FETCH_ORDER: &str = "which partition's fetch comes back first, and how full, is chance in reality; here partitions come in turn";
const RESET: &str = "8.3.1 took one empty answer, which came late, to notice that an offset is out of range; 7.9.9 did not, nor does the emulator";
const CLOSING: &str = "the real server sends a body that ends with the connection without chunks; HTTP/1.1 allows chunks as well, and hyper uses them";

/// The table.
pub(crate) const DIFFERENCES: &[Difference] = &[
    row(
        "v2-consumer-concurrency",
        3,
        "two reads at once, read A (records available, default fetch.min.bytes)",
        SPLIT,
    ),
    row("v2-consumer-concurrency", 4, "two reads at once, read B", SPLIT),
    row("v2-metadata", 2, "topic", BUCKET),
    row("v3-produce-stream", 20, "Connection: close", CLOSING),
    row(
        "8.3.1/configured-stream-age-2s",
        1,
        "a record every 250 ms, stream age limit 2 s",
        "the third late record came in the same instant as the end of the grace period; in two other runs of the same recording it was too late, as here",
    ),
    row(
        "8.3.1/v2-consumer-concurrency",
        3,
        "two reads at once, read A (records available, default fetch.min.bytes)",
        SPLIT,
    ),
    row("8.3.1/v2-consumer-concurrency", 4, "two reads at once, read B", SPLIT),
    row(
        "8.3.1/v2-consumer-concurrency",
        10,
        "four reads at once, fetch.min.bytes 1, read 2",
        SPLIT,
    ),
    row(
        "8.3.1/v2-consumer-concurrency",
        11,
        "four reads at once, fetch.min.bytes 1, read 3",
        SPLIT,
    ),
    row(
        "8.3.1/v2-consumer-concurrency",
        12,
        "four reads at once, fetch.min.bytes 1, read 0",
        SPLIT,
    ),
    row(
        "8.3.1/v2-consumer-concurrency",
        13,
        "four reads at once, fetch.min.bytes 1, read 1",
        SPLIT,
    ),
    row("8.3.1/v2-consumer-group", 6, "A alone, read", FETCH_ORDER),
    row("8.3.1/v2-consumer-group", 9, "A second read", FETCH_ORDER),
    row(
        "8.3.1/v2-consumer-group",
        20,
        "B joins, read (A is not reading)",
        "this one answer came 1.8 s late; the others beside it did not",
    ),
    row("8.3.1/v2-consumer-reset", 5, "read after seek out of range, reset earliest", RESET),
    row("8.3.1/v2-consumer-reset", 6, "second read after seek out of range, reset earliest", RESET),
    row("8.3.1/v2-consumer", 90, "records after subscribe, call 4", FETCH_ORDER),
    row("8.3.1/v2-consumer", 101, "records by pattern", FETCH_ORDER),
    row("8.3.1/v2-metadata", 2, "topic", BUCKET),
    row("8.3.1/v3-produce-stream", 20, "Connection: close", CLOSING),
];

//! Why Kafka's producer did not write a record.

/// Kafka's reasons, with Kafka's texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProduceError {
    #[error("{0}")]
    InvalidTopic(String),
    #[error("Topic {topic} not present in metadata after {ms} ms.")]
    UnknownTopic { topic: String, ms: u128 },
    #[error(
        "Partition {partition} of topic {topic} with partition count {count} is not present in metadata after {ms} ms."
    )]
    UnknownPartition { topic: String, partition: i32, count: i32, ms: u128 },
    #[error(
        "The message is {0} bytes when serialized which is larger than 1048576, which is the value of the max.request.size configuration."
    )]
    LargerThanRequest(usize),
    #[error(
        "The request included a message larger than the max message size the server will accept."
    )]
    LargerThanTopic,
    #[error("Compacted topic cannot accept message without key in topic partition {0}")]
    KeyNeeded(String),
    #[error("{0}")]
    TimestampOutOfRange(String),
    /// The producer's sender thread is dead, so there is no answer.
    #[error("the producer is dead")]
    Dead,
    /// An error that the proxy reports as `Internal Server Error`.
    #[error("Internal Server Error")]
    Internal,
}

impl ProduceError {
    /// The error code inside v3 answers.
    pub(crate) fn v3_code(&self) -> u32 {
        match self {
            ProduceError::InvalidTopic(_) => 40002,
            ProduceError::UnknownTopic { .. } | ProduceError::UnknownPartition { .. } => 40401,
            ProduceError::LargerThanRequest(_) | ProduceError::LargerThanTopic => 413,
            ProduceError::KeyNeeded(_) | ProduceError::TimestampOutOfRange(_) => 50002,
            ProduceError::Dead | ProduceError::Internal => 500,
        }
    }

    /// The error code inside v2 answers.
    pub(crate) fn v2_code(&self) -> u32 {
        match self {
            ProduceError::UnknownTopic { .. } | ProduceError::UnknownPartition { .. } => 50003,
            _ => 50002,
        }
    }
}
